"""A run trained again, and what comes out held against the record, beside everything that is not as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from expctl.analysis.reproduction import Deviation, judge
from expctl.errors import mask_secrets
from expctl.extra_metrics import read_extra_metrics
from expctl.records import Tag
from expctl.tracking.models.storage import load_model
from expctl.tracking.runs import provenance
from expctl.tracking.runs.items import TagValue, metrics, parquet
from expctl.tracking.runs.metadata import RunMetadata
from expctl.tracking.runs.predictions import predictions_in
from expctl.tracking.runs.writer import RunWriter
from expctl.training.fit.compare_estimators import differing as differing_parts
from expctl.training.fit.skops_file import reloaded
from expctl.training.fit.trainer import train
from expctl.training.models.factory import source_hash, sources_hash
from expctl.training.models.families import is_factory
from expctl.training.models.pipeline import build_pipeline
from expctl.workflows import reproduce_checks
from expctl.workflows.reproduce_checks import differing
from expctl.workflows.train import record_training

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from expctl.analysis.reproduction import Reproduction
    from expctl.recipe import Recipe
    from expctl.records import RunRecord
    from expctl.tracking.store import Store
    from expctl.training.data.dataset import Split
    from expctl.training.fit.trainer import TrainResult
    from expctl.workflows.reproduce_source import Original

# The packages that a result is made by; of a factory, it may be any.
_DECIDING: Final = ("scikit-learn", "numpy", "scipy", "pandas", "joblib", "threadpoolctl")


def reproduce(
    store: Store,
    original: Original,
    recipe: Recipe,
    split: Split,
    suspects: Sequence[Deviation],
    *,
    trust: bool,
    record: bool,
    tolerance: float | None = None,
    progress: Callable[[str], None] = lambda stage: None,
) -> tuple[Reproduction, RunRecord | None]:
    """Train a run again, as `find_data` found it, and compare; the new run is recorded unless that is not wanted.

    `tolerance`: see `judge`. Raises TrainingFailed, StoreError, DataError if the recorded model is damaged.
    """
    run = original.run
    kept = Tag.MODEL_DIGEST in run.tags  # a sweep, and `explain`, keep only some, or none
    estimator = load_model(store, run, trust=trust).estimator if kept else None
    pipeline = build_pipeline(recipe)
    if not record:
        result = train(recipe, split, pipeline, progress=progress)
        return _judged(store, original, estimator, result, suspects, tolerance), None
    labels = RunMetadata(note=f"reproduces {run.label} ({run.run_id})", data_version=run.tags.get(Tag.DATA_VERSION))
    again, result = record_training(
        store, recipe, split, pipeline, labels, command="expctl reproduce", tags={Tag.REPRODUCES: run.run_id},
        progress=progress,
    )  # fmt: skip
    judged = _judged(store, original, estimator, result, suspects, tolerance)
    RunWriter(store, again).write([TagValue(Tag.VERDICT, judged.verdict)])
    return judged, again


def _judged(
    store: Store, original: Original, estimator: Any, result: TrainResult, suspects: Sequence[Deviation],
    tolerance: float | None,
) -> Reproduction:  # fmt: skip
    return judge(
        original.predictions,
        predictions_in(parquet(result)),
        original.run.metrics,
        {one.key: one.value for one in metrics(result)},
        None if estimator is None else differing_parts(estimator, reloaded(result.pipeline)),
        [*_parameters(original), *suspects, *_environment(store, original), *_code(store, original, result.recipe)],
        tolerance=tolerance,
    )


def _parameters(original: Original) -> Iterator[Deviation]:
    """Parameters that the run shows otherwise than its recipe, from which it is trained: one of them was changed."""
    shown = original.run.params
    for key, value in original.recipe.logged().items():
        if key in shown and shown[key] != mask_secrets(str(value)):
            yield Deviation("parameters", key, shown[key], value)


def _environment(store: Store, original: Original) -> list[Deviation]:
    chosen = None if is_factory(original.recipe.model) else _DECIDING
    return reproduce_checks.environment(store, original.run, provenance.packages(), chosen)


def _code(store: Store, original: Original, recipe: Recipe) -> Iterator[Deviation]:
    yield from reproduce_checks.code(store, original.run)
    if is_factory(recipe.model):
        present = source_hash(recipe.model)
        yield from differing("code", {"model_hash": original.recipe.model_hash}, {"model_hash": present})
    if recipe.extra_metric is not None:
        present = sources_hash(one.path for one in read_extra_metrics(recipe.extra_metric))
        then = {"extra_metric_hash": original.recipe.extra_metric_hash}
        yield from differing("code", then, {"extra_metric_hash": present})
