"""How far a sweep is and which of its trials is the best, whatever its trials are; its parent run has it as metrics."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from expctl.metrics import higher_is_better
from expctl.records import Tag
from expctl.tracking.runs.items import Item, MetricValue
from expctl.tracking.runs.metadata import numbered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from expctl.records import RunRecord
    from expctl.tracking.runs.writer import RunWriter
    from expctl.tracking.store import Store
    from expctl.training.search.samplers import PrunedAt, Trial
    from expctl.training.search.space import SearchPoint
    from expctl.workflows.sweep_plan import Plan


@dataclass
class Progress:
    """How far a sweep is, for whoever shows it.

    `best` is the trial with the best value so far, `last` the one that ended last, `error` why that failed, if it did.
    """

    total: int | None
    ended: int = 0
    failed: int = 0
    pruned: int = 0
    best: tuple[Trial[Any], float] | None = None
    last: tuple[Trial[Any], float | PrunedAt | None] | None = None
    error: str | None = None


@dataclass
class Board:
    """The trials of a sweep under its parent run, whose `writer` it has.

    `tags` are those of all trials, `finished` the runs of an earlier process by what was made at their point, `scratch`
    a folder for temporary files. `runs` has the id of each finished trial by its number.
    """

    store: Store
    parent: RunRecord
    writer: RunWriter
    plan: Plan
    tags: Mapping[str, str]
    finished: Mapping[str, RunRecord]
    progress: Progress
    report: Callable[[Progress], None]
    scratch: Path | None
    runs: dict[int, str] = field(default_factory=dict)
    points: dict[int, SearchPoint] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)
    missing: dict[int, Sequence[str]] = field(default_factory=dict)

    @property
    def higher(self) -> bool:
        """Whether more of the metric is better."""
        return higher_is_better(self.plan.metric)

    def name_of(self, trial: Trial[Any]) -> str | None:
        """The name of a trial's run; None where the sweep has none."""
        return numbered(self.parent.name, trial.number) if self.parent.name else None

    def tags_of(self, trial: Trial[Any]) -> dict[str, str]:
        """The tags by which a trial's run belongs to the sweep, with those of all."""
        return {**self.tags, Tag.PARENT: self.parent.run_id, Tag.TRIAL: str(trial.number)}

    def note(self, trial: Trial[Any], run_id: str, value: float | None) -> None:
        """Count a trial that has been finished, now or before."""
        progress = self.progress
        progress.ended += 1
        self.runs[trial.number] = run_id
        self.points[trial.number] = trial.point
        if value is None or not math.isfinite(value):
            return
        self.values[run_id] = value
        best = progress.best
        ahead = best is None or (value > best[1] if self.higher else value < best[1])
        if ahead or (best is not None and value == best[1] and trial.number < best[0].number):
            progress.best = trial, value

    def finished_now(self, trial: Trial[Any], run_id: str, value: float | None) -> None:
        """A trial has been finished and recorded."""
        self.note(trial, run_id, value)
        self._told(trial, value)
        self.writer.write(self.standing())

    def pruned_now(self, trial: Trial[Any], pruned: PrunedAt) -> None:
        """A trial has been stopped before its end, as it did worse than others."""
        self.progress.pruned += 1
        self.progress.ended += 1
        self._told(trial, pruned)

    def failed_now(self, trial: Trial[Any], error: str) -> None:
        """A trial has failed."""
        self.progress.failed += 1
        self.progress.ended += 1
        self._told(trial, None, error)

    def _told(self, trial: Trial[Any], value: float | PrunedAt | None, error: str | None = None) -> None:
        self.progress.last, self.progress.error = (trial, value), error
        self.report(self.progress)

    def standing(self) -> list[Item]:
        """How far the sweep is, for its parent run, where each step makes a point of a chart."""
        best, step = self.progress.best, len(self.runs)
        log: list[Item] = [MetricValue("trials_finished", float(step), step)]
        if best is not None:
            log.append(MetricValue(f"best_{self.plan.objective}", best[1], step))
        return log
