"""Runs chosen to have something done to them, and the runs below those: trials of sweeps, trainings of explanations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from expctl.filters.expression import Condition, Field
from expctl.records import Tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from expctl.records import RunRecord
    from expctl.tracking.store import Store


@dataclass(frozen=True)
class Chosen:
    """Runs that somebody named, and the trials that go with those that are sweeps."""

    named: Sequence[RunRecord]
    trials: Sequence[RunRecord]

    @property
    def runs(self) -> list[RunRecord]:
        """All of them; a sweep after its trials, so that it is named again if not all got through."""
        return [*self.trials, *self.named]


def with_trials(
    store: Store, found: Iterable[RunRecord], *, deleted: Sequence[bool] = (False,), nested: bool = False
) -> Chosen:
    """Runs, each once, with the trials of those that are sweeps or explanations; if `nested` with all runs below any.

    The trials are those that are `deleted`, or not, or both.
    """
    named = {run.run_id: run for run in found}
    trials: dict[str, RunRecord] = {}
    above = list(named.values())
    while parents := tuple(run.run_id for run in above if nested or _has_trials(run)):
        above = [run for run in _below(store, parents, deleted) if run.run_id not in trials]
        trials.update((run.run_id, run) for run in above)
    return Chosen([run for run in named.values() if run.run_id not in trials], list(trials.values()))


def _below(store: Store, parents: Sequence[str], deleted: Sequence[bool]) -> list[RunRecord]:
    theirs = Condition(Field("tags", Tag.PARENT), "in", tuple(parents))
    children = [run for which in deleted for run in store.find(also=theirs, deleted=which, everywhere=True)]
    return sorted(children, key=lambda run: (parents.index(run.tags[Tag.PARENT]), run.trial))


def _has_trials(run: RunRecord) -> bool:
    return Tag.SWEEP in run.tags or (Tag.EXPLANATION in run.tags and Tag.RECIPE not in run.tags)
