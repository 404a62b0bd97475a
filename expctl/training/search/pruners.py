"""The pruners of a sweep, a table, and which trials are to be stopped by the values that they report on their way.

Knows Optuna; takes reports from any thread.
"""

from __future__ import annotations

import math
import threading
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Final

from expctl.errors import UsageError, closest
from expctl.training.search.samplers import calm, make_study

if TYPE_CHECKING:
    from collections.abc import Iterable

# With Optuna's own defaults.
PRUNERS: Final = {"median": "optuna.pruners:MedianPruner", "hyperband": "optuna.pruners:HyperbandPruner"}
_MOST: Final = 10_000  # values of a trial that are looked at: Optuna copies all of them for each


def check_pruner(name: str) -> None:
    """Raise UsageError, naming the closest, for a pruner that is none."""
    if name not in PRUNERS:
        raise UsageError(f"unknown pruner {name!r}{closest(name, PRUNERS)}", hint=f"--prune {' | '.join(PRUNERS)}")


class Pruner:
    """Decides about trials, known by their numbers. They have a study of their own, apart from the sampler's: this one
    is told at once how a trial came out, that one in the order of the trials.
    """

    def __init__(self, name: str, *, higher_is_better: bool) -> None:
        self._lock = threading.Lock()
        self._trials: dict[int, Any] = {}
        self._counts: dict[int, int] = {}
        with calm():
            self._study = make_study(higher_is_better, pruner=resolve_name(PRUNERS[name])())

    def report(self, number: int, step: int, value: float) -> bool:
        """A trial's value at a step; whether the trial is to be stopped."""
        with self._lock, calm():
            trial = self._trials.get(number)
            if trial is None:
                trial = self._trials[number] = self._study.ask()
            self._counts[number] = self._counts.get(number, 0) + 1
            if step < 0 or self._counts[number] > _MOST:
                return False
            trial.report(value, step)
            return bool(trial.should_prune())

    def end(self, number: int, value: float | None, *, pruned: bool = False) -> None:
        """A trial has ended, with a value of the metric if it has one."""
        from optuna.trial import TrialState

        with self._lock, calm():
            trial = self._trials.pop(number, None)
            if trial is None:
                return
            if pruned:
                self._study.tell(trial, state=TrialState.PRUNED)
            elif value is None or not math.isfinite(value):
                self._study.tell(trial, state=TrialState.FAIL)
            else:
                self._study.tell(trial, value)

    def replay(self, number: int, history: Iterable[tuple[int, float]], value: float | None, *, pruned: bool) -> None:
        """A trial that ended before, in a sweep that is gone on with: its values by their steps."""
        for step, one in history:
            self.report(number, step, one)
        self.end(number, value, pruned=pruned)
