"""The trials of a sweep: what a worker makes of one, and the recorder that writes each as a child run.

One process writes, the one that began the sweep: workers send back log items.
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from expctl.errors import StoreError
from expctl.metrics import higher_is_better
from expctl.records import Tag
from expctl.tracking.models.writing import drop_model
from expctl.tracking.runs.items import Item, MetricValue, Param, items, metrics
from expctl.tracking.runs.lifecycle import defer_signals
from expctl.tracking.runs.metadata import numbered, recipe_tag
from expctl.tracking.runs.stages import FIRST
from expctl.tracking.runs.writer import Abandoned, RunWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from expctl.errors import TrainingFailed
    from expctl.recipe import Recipe
    from expctl.records import RunRecord
    from expctl.tracking.store import Store
    from expctl.training.search.samplers import Trial
    from expctl.training.search.shared_data import Prepared
    from expctl.training.search.space import SearchPoint
    from expctl.workflows.sweep_plan import Plan

# What a worker will import for its first trial; it may begin before there is one.
WARM: Final = (
    "expctl.tracking.runs.items",
    "expctl.figures.plots",
    "expctl.training.search.shared_data",
    "sklearn.linear_model",
    "sklearn.compose",
    "pandas",
    "pyarrow.parquet",
    "skops.io",
    "matplotlib.figure",
)


@dataclass(frozen=True)
class TrialContext:
    """What every trial of a sweep reads, in its worker."""

    prepared: Prepared
    requirements: str
    patch: bytes | None
    data_version: str | None
    objective: str
    strict: bool = False


@dataclass(frozen=True)
class Task:
    """One trial for a worker. Its model is kept if `all_kept`, or its value is not worse than `least` (None: any)."""

    recipe: Recipe
    all_kept: bool
    least: float | None
    higher: bool


@dataclass(frozen=True)
class Done:
    """What a worker sends back: what to record, and the value of the metric that the sweep looks at.

    `missing` has a line for each metric of the user's own that has no value.
    """

    log: list[Item]
    value: float | None
    has_model: bool
    missing: Sequence[str] = ()


def work(shared: TrialContext, task: Task) -> Done:
    """Train one recipe, in a worker: a trial is what `expctl train` makes of it."""
    result = shared.prepared.train(task.recipe, strict=shared.strict)
    value = next((one.value for one in metrics(result) if one.key == shared.objective), None)
    kept = task.all_kept or (value is not None and _not_worse(value, task.least, higher=task.higher))
    log = items(
        result, requirements=shared.requirements, patch=shared.patch, data_version=shared.data_version, kept=kept
    )
    return Done(list(log), value, kept, result.extra.missing)


def _not_worse(value: float, than: float | None, *, higher: bool) -> bool:
    return than is None or (value >= than if higher else value <= than)


@dataclass
class Progress:
    """How far a sweep is, for whoever shows it.

    `best` is the trial with the best value so far, `last` the one that ended last, `error` why that failed, if it did.
    """

    total: int | None
    ended: int = 0
    failed: int = 0
    best: tuple[Trial, float] | None = None
    last: tuple[Trial, float | None] | None = None
    error: str | None = None


@dataclass
class Recorder:
    """Writes the trials of one sweep under its parent run, whose `writer` it has. `tags` are those of all trials."""

    store: Store
    parent: RunRecord
    writer: RunWriter
    plan: Plan
    tags: Mapping[str, str]
    finished: Mapping[str, RunRecord]
    progress: Progress
    report: Callable[[Progress], None]
    scratch: Path | None
    running: dict[int, RunWriter] = field(default_factory=dict)
    runs: dict[int, str] = field(default_factory=dict)
    points: dict[int, SearchPoint] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)
    with_model: dict[str, float] = field(default_factory=dict)
    missing: dict[int, Sequence[str]] = field(default_factory=dict)

    @property
    def higher(self) -> bool:
        """Whether more of the metric is better."""
        return higher_is_better(self.plan.metric)

    def known(self, trial: Trial) -> tuple[bool, float | None]:
        """Whether a run of this recipe has been finished in this sweep before, and its value."""
        run = self.finished.get(recipe_tag(trial.recipe)[Tag.RECIPE])
        if run is None:
            return False, None
        value = run.metrics.get(self.plan.objective)
        if value is not None and Tag.MODEL_DIGEST in run.tags:
            self.with_model[run.run_id] = value
        self._note(trial, run.run_id, value)
        return True, value

    def begin(self, trial: Trial) -> Task:
        """Create the trial's run."""
        name = numbered(self.parent.name, trial.number) if self.parent.name else None
        tags = {
            **self.tags,
            **recipe_tag(trial.recipe),
            Tag.PARENT: self.parent.run_id,
            Tag.TRIAL: str(trial.number),
            **FIRST,
        }
        experiment = self.parent.experiment_id
        with defer_signals():
            self.running[trial.number] = RunWriter.begin(self.store, experiment, name, tags, scratch=self.scratch)
        return Task(trial.recipe, self.plan.keep_models is None, self._least(), self.higher)

    def _least(self) -> float | None:
        """The value that a model needs to be kept; None as long as every one is."""
        keep = self.plan.keep_models
        if keep is None or len(self.with_model) < keep:
            return None
        return min(self.with_model.values()) if self.higher else max(self.with_model.values())

    def finish(self, trial: Trial, result: Done) -> None:
        """Write a trial's items, end its run, and let go of the model that is no longer among the best."""
        writer = self.running[trial.number]
        writer.write([*_varied(trial), *result.log], last=True)
        with defer_signals():
            writer.finish()
            del self.running[trial.number]
        if result.has_model and result.value is not None:
            self.with_model[writer.run_id] = result.value
        if result.missing:
            self.missing[trial.number] = result.missing
        self.prune()
        self._ended(trial, writer.run_id, result.value)
        self.writer.write(self.standing())

    def standing(self) -> list[Item]:
        """How far the sweep is, for its parent run, where each step makes a point of a chart."""
        best, step = self.progress.best, len(self.runs)
        log: list[Item] = [MetricValue("trials_finished", float(step), step)]
        if best is not None:
            log.append(MetricValue(f"best_{self.plan.objective}", best[1], step))
        return log

    def prune(self) -> None:
        """Delete the models that are not among the best, if not all are kept."""
        keep = self.plan.keep_models
        while keep is not None and len(self.with_model) > keep:
            # Of equal ones the later goes: `dict` has them in the order in which they came.
            sign = 1 if self.higher else -1
            worst = min(reversed(self.with_model), key=lambda run_id: sign * self.with_model[run_id])
            drop_model(self.store, worst)
            del self.with_model[worst]

    def fail(self, trial: Trial, error: TrainingFailed) -> None:
        """End a trial's run FAILED, with the reason and what it was to be made from."""
        self.running[trial.number].write([*_varied(trial), *(Param(*pair) for pair in trial.recipe.logged().items())])
        with defer_signals():
            self.running.pop(trial.number).abort(error)
        self.progress.failed += 1
        self._ended(trial, None, None, error.message)

    def stop(self, error: BaseException) -> None:
        """End the runs of the trials that were not done when `error` ended the sweep."""
        cause = Abandoned("the sweep ended before it") if isinstance(error, Exception) else error
        with suppress(StoreError):  # the store fails, which `error` tells already: resuming closes what stays open
            for writer in self.running.values():
                writer.abort(cause)
        self.running.clear()

    def _ended(self, trial: Trial, run_id: str | None, value: float | None, error: str | None = None) -> None:
        progress = self.progress
        progress.last, progress.error = (trial, value), error
        if run_id is not None:
            self._note(trial, run_id, value)
        else:
            progress.ended += 1
        self.report(progress)

    def _note(self, trial: Trial, run_id: str, value: float | None) -> None:
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


def _varied(trial: Trial) -> list[Param]:
    """The later parameters that the space varies and that a recipe does not log, being as they were before.

    Trials are told apart by them.
    """
    recipe = trial.recipe
    keys = (key.rpartition(".")[2] for key in trial.point)
    return [
        Param(key, recipe.parameters[key]) for key in keys if key in recipe.parameters.keys() - recipe.logged().keys()
    ]
