"""Sets of runs over random states: made in one go by the machinery of a sweep, and known again by their parent run."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from expctl.analysis.spread import spreads
from expctl.errors import RunNotFound
from expctl.records import Tag
from expctl.wording import plural
from expctl.workflows.sweep_plan import Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from expctl.analysis.spread import Spread
    from expctl.records import RunRecord
    from expctl.tracking.store import Store
    from expctl.workflows.requests import SweepRequest
    from expctl.workflows.sweep import Watcher


@dataclass(frozen=True, slots=True)
class Repeated:
    """A set that was trained: its parent run, its finished runs in the order of their states, and how many failed."""

    parent: RunRecord
    runs: Sequence[RunRecord]
    failed: int

    @property
    def spreads(self) -> list[Spread]:
        """Every metric over the runs."""
        return spreads(self.runs)


@dataclass(frozen=True, slots=True)
class Noise:
    """How far a metric of the recipe of a run is apart over the random states of its `set`, the name of the parent."""

    set: str
    spread: Spread


def repeat(request: SweepRequest, watcher: Watcher, *, begun: Callable[[RunRecord], None]) -> Repeated:
    """Train one recipe with each random state that a request lists. Raises what `sweep` raises."""
    from expctl.workflows.sweep import sweep

    swept = sweep(request, watcher, begun=begun).swept
    return Repeated(swept.parent, sorted(swept.ranked, key=lambda run: run.trial), swept.outcome.failed)


def is_repeated(run: RunRecord) -> bool:
    """Whether a run is the parent of runs that differ by their random state alone."""
    if Tag.SWEEP not in run.tags:
        return False
    try:
        return list(Plan.of(run).space) == ["random_state"]
    except RunNotFound:  # whoever can write to a store can write such a tag
        return False


def members(store: Store, parent: RunRecord) -> list[RunRecord]:
    """The finished runs of a set, in the order of their states."""
    from expctl.workflows.sweep_resume import trials_of

    return [run for run in trials_of(store, parent) if run.status == "finished"]


def refuse_set(store: Store, *runs: RunRecord) -> None:
    """Raise RunNotFound where one of the runs, which a command takes by themselves, is the parent of a set."""
    sets = [run for run in runs if is_repeated(run)]
    if not sets:
        return
    repeats = members(store, sets[0])
    hint = f"name one of its runs: {repeats[0].label}" if repeats else "expctl list"
    if len(sets) == len(runs) == 2:
        hint = shlex.join(["expctl", "compare", *(run.label for run in runs)])
    raise RunNotFound(f"{sets[0].label} is a set of {plural(len(repeats), 'run')}", hint=hint)


def noise_of(store: Store, run: RunRecord, metric: str) -> Noise | None:
    """How a metric of a run's recipe varies, if the run is one of a set, of two runs or more that have the metric."""
    parent_id = run.tags.get(Tag.PARENT)
    if not parent_id or Tag.TRIAL not in run.tags:
        return None
    found = store.reader.get(parent_id)
    if found is None or not is_repeated(found):
        return None
    spread = next((one for one in spreads(members(store, found)) if one.metric == metric), None)
    return None if spread is None or spread.deviation is None else Noise(found.label, spread)
