"""`train`: one model trained and recorded. Whatever trains one model in a run of its own does it by this file."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from expctl.errors import DataError
from expctl.tracking import uris
from expctl.tracking.runs import provenance
from expctl.tracking.runs.autolog import autologging
from expctl.tracking.runs.items import File, data_rows, given, outcome
from expctl.tracking.runs.metadata import RunMetadata, recipe_tags, run_tags, with_data_version
from expctl.tracking.runs.stages import FIRST, Stages
from expctl.tracking.runs.writer import recording
from expctl.tracking.store import Store, open_store, silent
from expctl.workflows.recipe_source import told_data

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from sklearn.pipeline import Pipeline

    from expctl.recipe import Recipe
    from expctl.records import RunRecord
    from expctl.training.data.dataset import Split
    from expctl.training.fit.trainer import TrainResult
    from expctl.workflows.requests import TrainingRequest


@dataclass(frozen=True)
class Trained:
    """A finished training: where it is recorded, its run and what came of it."""

    store: Store
    run: RunRecord
    result: TrainResult


def train(
    request: TrainingRequest, progress: Callable[[str], None] = silent, note: Callable[[str], None] = silent
) -> Trained:
    """Read the data, train what is asked for, and record it. `note` is told what else is done to the store.

    Raises UsageError, DataError or StoreError before there is a run, and what `record_training` raises.
    """
    uris.check(request.settings.tracking_uri, create=True)

    from expctl.training.data.checks import raise_if_strict
    from expctl.training.data.dataset import load_split
    from expctl.training.fit.trainer import check_fit
    from expctl.training.models.pipeline import build_pipeline

    recipe = request.recipe
    files = [File(path.name, _content(path)) for path in request.artifacts]
    progress("reading " + recipe.data)
    split = load_split(recipe, all_columns=bool(recipe.own_code))
    if recipe.columns is not None:
        note(f"{recipe.task} of {recipe.target} from {recipe.told_columns()} (--dry-run shows them)")
    pipeline = build_pipeline(recipe)
    metadata = with_data_version(request.metadata, recipe.data)
    for line in told_data(request.base, recipe, (split.data_hash, split.test_data_hash)):
        note(line)
    if request.strict:
        raise_if_strict(split.data_issues)
    check_fit(recipe, pipeline, split)
    progress("opening the store")
    store = open_store(request.settings, create=True, verbose=request.verbose, note=note)
    run, result = record_training(
        store, recipe, split, pipeline, metadata, files=files, autolog=request.autolog, strict=request.strict,
        progress=progress,
    )  # fmt: skip
    store.refresh_planner_stats()
    return Trained(store, run, result)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}", hint="--artifact FILE") from error


def record_training(
    store: Store,
    recipe: Recipe,
    split: Split,
    pipeline: Pipeline,
    labels: RunMetadata,
    *,
    command: str = "expctl train",
    tags: Mapping[str, str] = MappingProxyType({}),
    files: Sequence[File] = (),
    autolog: bool = False,
    strict: bool = False,
    progress: Callable[[str], None] = lambda stage: None,
) -> tuple[RunRecord, TrainResult]:
    """Train and record a run that stands by itself, with the code and the packages that made it.

    `tags` are set from the beginning, besides those that every run has; `files` of the user's own are recorded too.
    Raises TrainingFailed, and if `strict` DataError (the run is then FAILED), StoreError.
    """
    code = provenance.read_code()
    packages = provenance.packages()
    common = run_tags(labels, command, code, developer=store.settings.developer)
    return train_in_run(
        store,
        labels.name,
        {**common, **tags},
        recipe,
        split,
        pipeline,
        requirements=provenance.requirements(packages),
        patch=code.patch if code else None,
        data_version=labels.data_version,
        files=files,
        autolog=autolog,
        strict=strict,
        progress=progress,
    )


def train_in_run(
    store: Store,
    name: str | None,
    tags: Mapping[str, str],
    recipe: Recipe,
    split: Split,
    pipeline: Pipeline,
    *,
    requirements: str,
    patch: bytes | None,
    data_version: str | None = None,
    files: Sequence[File] = (),
    alone: bool = True,
    begun: Callable[[str], None] = lambda run_id: None,
    autolog: bool = False,
    strict: bool = False,
    progress: Callable[[str], None] = lambda stage: None,
) -> tuple[RunRecord, TrainResult]:
    """Train and record: first the run and what it is given, so that a training that fails or is stopped leaves both.

    `tags` are all that it has from the beginning, but its recipe. A run that stands `alone`, not below an explanation,
    keeps its model and the rows of its data. `begun` is told its id.
    """
    from expctl.training.fit.trainer import train as fit

    with recording(store, name, {**tags, **recipe_tags(recipe), **FIRST}) as writer:
        begun(writer.run_id)
        stages = Stages(writer, progress)
        writer.write(given(recipe, split, requirements=requirements, patch=patch, data_version=data_version))
        writer.write(files)
        with autologging(writer) if autolog else nullcontext():
            result = fit(recipe, split, pipeline, strict=strict, progress=stages)
        stages("recording")
        writer.write([*outcome(result, kept=alone), *([data_rows(split.data)] if alone else [])], last=True)
    return store.get(writer.run_id), result
