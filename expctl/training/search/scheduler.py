"""The scheduler of a sweep: which trial runs when, and what becomes of it. Knows nothing of stores, screens and models.

Repeatable: a sampler that learns is asked for trial n when it has been told of the first n - `window` and of no other,
whichever came back first, and whether they were run now or are known from before.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from expctl.errors import TrainingFailed
from expctl.training.search.samplers import PrunedAt
from expctl.training.search.workers import failure

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from expctl.training.search.samplers import Proposals, Trial
    from expctl.training.search.workers import Workers


class Recorder(Protocol):
    """Who keeps the trials. A result is a worker's; its `value` is that of the metric, None for a trial without one."""

    def known(self, trial: Trial[Any]) -> tuple[bool, float | PrunedAt | None]:
        """Whether a trial has been recorded as finished, or pruned, before, and its value."""

    def begin(self, trial: Trial[Any]) -> Any:
        """A trial begins; returns the task for a worker."""

    def finish(self, trial: Trial[Any], result: Any) -> None:
        """A trial is done: record it."""

    def fail(self, trial: Trial[Any], error: TrainingFailed) -> None:
        """A trial failed."""


@dataclass
class Outcome:
    """How a sweep ended: trials done now, known before, failed, pruned, and whether time ran out before the last."""

    done: int = 0
    known: int = 0
    failed: int = 0
    pruned: int = 0
    timed_out: bool = False
    first_failure: tuple[Trial[Any], TrainingFailed] | None = field(default=None)

    def count(self, value: object) -> None:
        """One more trial that gave a value, or that was pruned."""
        if isinstance(value, PrunedAt):
            self.pruned += 1
        else:
            self.done += 1


def run_trials(
    proposals: Proposals[Any],
    workers: Workers,
    work: Callable[[Any, Any], Any],
    recorder: Recorder,
    *,
    window: int | None,
    timeout: float | None = None,
    fail_fast: bool = False,
) -> Outcome:
    """Run trials until there are no more, or for `timeout` seconds; those that have begun are finished.

    `window`: how many trials may wait to be told, for a sampler that learns; None for one that does not. With
    `fail_fast` the first failing trial is raised once it is recorded.
    """
    outcome = Outcome()
    running: dict[Future[Any], Trial[Any]] = {}
    untold: deque[Trial[Any]] = deque()
    values: dict[int, float | PrunedAt | None] = {}
    started = time.monotonic()

    def room() -> bool:
        """Whether the next trial may be asked for; tells what has to be told before it, and not more."""
        if len(running) >= workers.jobs:
            return False
        if window is not None and len(untold) >= window:
            if untold[0].number not in values:
                return False
            trial = untold.popleft()
            proposals.tell(trial, values.pop(trial.number))
        return True

    def record(trial: Trial[Any], future: Future[Any]) -> None:
        error = future.exception()
        if error is None:
            result = future.result()
            recorder.finish(trial, result)
            outcome.count(result.value)
            return
        failed = failure(error)
        outcome.failed += 1
        outcome.first_failure = outcome.first_failure or (trial, failed)
        recorder.fail(trial, failed)

    exhausted = False
    ended: list[tuple[Trial[Any], Future[Any]]] = []
    while True:
        # Workers are given their next trials before those that ended are written: writing would keep them waiting.
        exhausted = exhausted or (fail_fast and any(future.exception() is not None for _, future in ended))
        while not exhausted and room():
            trial = proposals.ask()
            if trial is None:
                exhausted = True
                break
            if window is not None:
                untold.append(trial)
            is_known, value = recorder.known(trial)
            if is_known:
                outcome.known += 1
                values[trial.number] = value
                continue
            if timeout is not None and time.monotonic() - started >= timeout:
                outcome.timed_out = exhausted = True
                break
            running[workers.submit(work, recorder.begin(trial))] = trial
        for trial, future in ended:
            record(trial, future)
        if fail_fast and outcome.first_failure is not None:
            raise outcome.first_failure[1]
        if not running:
            return outcome
        ended = [(running.pop(future), future) for future in workers.done(set(running))]
        for trial, future in ended:
            values[trial.number] = None if future.exception() is not None else future.result().value
