"""`train`: one model trained and recorded."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from types import MappingProxyType
from typing import TYPE_CHECKING

from expctl.tracking.errors import translated
from expctl.tracking.runs import provenance
from expctl.tracking.runs.items import (
    data_rows,
    items,
)
from expctl.tracking.runs.lifecycle import recording
from expctl.tracking.runs.metadata import Labels, recipe_tag, run_tags
from expctl.tracking.runs.writer import write
from expctl.tracking.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sklearn.pipeline import Pipeline

    from expctl.recipe import Recipe
    from expctl.records import RunRecord
    from expctl.training.data.dataset import Split
    from expctl.training.fit.trainer import TrainResult


def record_training(
    store: Store,
    recipe: Recipe,
    split: Split,
    pipeline: Pipeline,
    labels: Labels,
    *,
    command: str = "expctl train",
    tags: Mapping[str, str] = MappingProxyType({}),
    autolog: bool = False,
    strict: bool = False,
    progress: Callable[[str], None] = lambda stage: None,
) -> tuple[RunRecord, TrainResult]:
    """Train and record: the run is created first, so that a training that fails or is stopped leaves its trace.

    `tags` are set from the beginning, besides those that every run has.
    Raises TrainingFailed, and if `strict` DataError (the run is then FAILED), StoreError.
    """
    from expctl.training.fit.trainer import train

    code = provenance.read_code()
    packages = provenance.packages()
    common = run_tags(labels, command, code, developer=store.settings.developer) | recipe_tag(recipe)
    with recording(store, labels.name, {**common, **tags}) as run_id:
        with _autologging(store, run_id) if autolog else nullcontext():
            result = train(recipe, split, pipeline, strict=strict, progress=progress)
        progress("recording")
        log = items(
            result,
            requirements=provenance.requirements(packages),
            patch=code.patch if code else None,
            data_version=labels.data_version,
        )
        write(store, run_id, [*log, data_rows(split.data)])
    return store.get(run_id), result


@contextmanager
def _autologging(store: Store, run_id: str) -> Iterator[None]:
    """MLflow's scikit-learn autologging for the training in the block, without a second model.

    The run is made MLflow's active run for the time; ending it there marks it finished, which `recording` overrides.
    """
    import mlflow
    import mlflow.sklearn

    mlflow.sklearn.autolog(log_models=False, log_datasets=False, log_post_training_metrics=False, silent=True)
    try:
        with mlflow.start_run(run_id=run_id):
            yield
    finally:
        mlflow.sklearn.autolog(disable=True, silent=True)
    with translated(store.settings):
        store.client.update_run(run_id, status="RUNNING")
