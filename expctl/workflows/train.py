"""`train`: one model trained and recorded."""

from __future__ import annotations

from contextlib import nullcontext
from types import MappingProxyType
from typing import TYPE_CHECKING

from expctl.tracking.runs import provenance
from expctl.tracking.runs.autolog import autologging
from expctl.tracking.runs.items import (
    data_rows,
    items,
)
from expctl.tracking.runs.metadata import RunMetadata, recipe_tag, run_tags
from expctl.tracking.runs.writer import recording
from expctl.tracking.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
    labels: RunMetadata,
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
    with recording(store, labels.name, {**common, **tags}) as writer:
        with autologging(writer) if autolog else nullcontext():
            result = train(recipe, split, pipeline, strict=strict, progress=progress)
        progress("recording")
        log = items(
            result,
            requirements=provenance.requirements(packages),
            patch=code.patch if code else None,
            data_version=labels.data_version,
        )
        writer.write([*log, data_rows(split.data)])
    return store.get(writer.run_id), result
