"""Sweeps in a real store, run in this process, made once a session and copied."""

from __future__ import annotations

import contextlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from expctl.errors import TrainingFailed
from expctl.tracking.runs import provenance
from expctl.tracking.runs.metadata import RunMetadata, labels_of
from expctl.training.search.shared_data import prepare
from expctl.training.search.space import read_space
from expctl.training.search.workers import InProcess
from expctl.workflows.sweep_plan import Plan
from expctl.workflows.sweep_record import record_sweep as run_sweep
from expctl.workflows.sweep_resume import claim, trials_of
from expctl.workflows.sweep_trials import TrialContext
from tests.conftest import write_reviews
from tests.tracking.kinds import local_folder
from tests.tracking.recorded import OWN_MODELS, store_of, train

if TYPE_CHECKING:
    from collections.abc import Mapping

    from expctl.records import RunRecord
    from expctl.training.search.workers import Workers
    from expctl.workflows.sweep_record import Swept

GRID = {"c": "0.01,1,100", "max_features": "20,none"}


@lru_cache
def requirements() -> str:
    return provenance.requirements(provenance.packages())


def sweep(
    folder: Path,
    texts: Mapping[str, str],
    name: str | None = None,
    *,
    sampler: str = "grid",
    trials: int | None = None,
    metric: str = "f1_score",
    keep_models: int | None = None,
    resumed: RunRecord | None = None,
    labels: RunMetadata | None = None,
    fail_fast: bool = False,
    report: Any = lambda progress: None,
    data: str = "small.csv",
    pool: Workers | None = None,
    **fixed: Any,
) -> Swept:
    """Sweep over a file of `folder`, which must be the current one, and record it there."""
    given = {"data": data, **fixed}
    space = read_space(texts, given)
    prepared = prepare(space)
    plan = Plan(texts, given, sampler, trials, metric, 1, keep_models, *prepared.hashes)
    labels = labels or RunMetadata(name)
    shared = TrialContext(prepared, requirements(), None, labels.data_version, plan.objective)
    return run_sweep(
        store_of(folder), plan, space, shared, pool or InProcess(), labels, None, resumed=resumed, fail_fast=fail_fast,
        report=report,
    )  # fmt: skip


def resume(folder: Path, parent: RunRecord, **more: Any) -> Swept:
    """Claim a sweep and go on with it, as it was planned."""
    claim(store_of(folder), parent)
    plan = Plan.of(parent)
    asked = {"sampler": plan.sampler, "trials": plan.trials, "metric": plan.metric, "keep_models": plan.keep_models}
    return sweep(folder, plan.space, resumed=parent, labels=labels_of(parent), **{**asked, **plan.given, **more})


def parent_of(folder: Path, name: str) -> RunRecord:
    (run,) = store_of(folder).find(f"attributes.run_name = '{name}'")
    return run


def children(folder: Path, name: str) -> list[RunRecord]:
    """The runs of a sweep's trials, by number."""
    return trials_of(store_of(folder), parent_of(folder, name))


def files_of(folder: Path, run: RunRecord) -> dict[str, bytes]:
    """The artifacts of a run."""
    return {path.name: path.read_bytes() for path in sorted(local_folder(run.artifact_uri).iterdir())}


def make_sweeps(folder: Path) -> None:
    """`small.csv`; sweeps `grid` (6 trials, 2 models kept), `mixed` (one of 2 fails), `fruitless`; a run `alone`."""
    write_reviews(folder / "small.csv", 200)
    (folder / "own_models.py").write_text(OWN_MODELS)
    labels = RunMetadata("grid", {"team": "nlp"}, "a note", "v3")
    sweep(folder, GRID, keep_models=2, labels=labels, min_df=2)
    sweep(folder, {"solver": "lbfgs,liblinear"}, "mixed", dual=True)
    with contextlib.suppress(TrainingFailed):
        sweep(folder, {"reason": "this,that"}, "fruitless", model="own_models:broken")
    train(folder, "alone", tags={"team": "nlp"}, c=100.0, max_features=20, min_df=2)
