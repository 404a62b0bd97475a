"""The trials of a sweep of models: what a worker makes of one, and the recorder that writes each as a child run.

One process writes, the one that began the sweep: workers send back log items.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final

from expctl.errors import StoreError, mask_secrets
from expctl.records import Tag
from expctl.tracking.models.writing import drop_model
from expctl.tracking.runs.items import Item, Param, data_rows, items, metrics
from expctl.tracking.runs.lifecycle import defer_signals
from expctl.tracking.runs.metadata import recipe_tags
from expctl.tracking.runs.stages import FIRST
from expctl.tracking.runs.writer import Abandoned, RunWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from expctl.errors import TrainingFailed
    from expctl.recipe import Recipe
    from expctl.training.search.samplers import Trial
    from expctl.training.search.shared_data import Prepared
    from expctl.workflows.sweep_board import Board

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
    """What every trial of a sweep of models reads, in its worker."""

    prepared: Prepared
    requirements: str
    patch: bytes | None
    data_version: str | None
    objective: str
    strict: bool = False
    computes: ClassVar[bool] = True

    @property
    def work(self) -> Callable[[TrialContext, Task], Done]:
        """What a worker does."""
        return work

    def items(self) -> list[Item]:
        """What the parent run has of the data."""
        return [data_rows(self.prepared.data)]

    def recorder(self, board: Board) -> Recorder:
        """Who writes the trials."""
        return Recorder(board)

    def command(self, recipe: Recipe) -> str:
        """The command that does by itself what a trial does."""
        return recipe.command({})


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
class Recorder:
    """Writes the trials of one sweep, which are noted on its board."""

    board: Board
    running: dict[int, RunWriter] = field(default_factory=dict)
    with_model: dict[str, float] = field(default_factory=dict)

    def known(self, trial: Trial[Recipe]) -> tuple[bool, float | None]:
        """Whether a run of this recipe has been finished in this sweep before, and its value."""
        run = self.board.finished.get(mask_secrets(trial.made.to_json()))
        if run is None:
            return False, None
        value = run.metrics.get(self.board.plan.objective)
        if value is not None and Tag.MODEL_DIGEST in run.tags:
            self.with_model[run.run_id] = value
        self.board.note(trial, run.run_id, value)
        return True, value

    def begin(self, trial: Trial[Recipe]) -> Task:
        """Create the trial's run."""
        board = self.board
        tags = {**board.tags_of(trial), **recipe_tags(trial.made), **FIRST}
        experiment, name = board.parent.experiment_id, board.name_of(trial)
        with defer_signals():
            self.running[trial.number] = RunWriter.begin(board.store, experiment, name, tags, scratch=board.scratch)
        return Task(trial.made, board.plan.keep_models is None, self._least(), board.higher)

    def _least(self) -> float | None:
        """The value that a model needs to be kept; None as long as every one is."""
        keep = self.board.plan.keep_models
        if keep is None or len(self.with_model) < keep:
            return None
        return min(self.with_model.values()) if self.board.higher else max(self.with_model.values())

    def finish(self, trial: Trial[Recipe], result: Done) -> None:
        """Write a trial's items, end its run, and let go of the model that is no longer among the best."""
        writer = self.running[trial.number]
        writer.write([*_varied(trial), *result.log], last=True)
        with defer_signals():
            writer.finish()
            del self.running[trial.number]
        if result.has_model and result.value is not None:
            self.with_model[writer.run_id] = result.value
        if result.missing:
            self.board.missing[trial.number] = result.missing
        self._drop_models()
        self.board.finished_now(trial, writer.run_id, result.value)

    def close(self) -> None:
        """All trials have ended: of a sweep that is resumed at its very end there may be a model too many."""
        self._drop_models()

    def _drop_models(self) -> None:
        """Delete the models that are not among the best, if not all are kept."""
        keep = self.board.plan.keep_models
        while keep is not None and len(self.with_model) > keep:
            # Of equal ones the later goes: `dict` has them in the order in which they came.
            sign = 1 if self.board.higher else -1
            worst = min(reversed(self.with_model), key=lambda run_id: sign * self.with_model[run_id])
            drop_model(self.board.store, worst)
            del self.with_model[worst]

    def fail(self, trial: Trial[Recipe], error: TrainingFailed) -> None:
        """End a trial's run FAILED, with the reason and what it was to be made from."""
        self.running[trial.number].write([*_varied(trial), *(Param(*pair) for pair in trial.made.logged().items())])
        with defer_signals():
            self.running.pop(trial.number).abort(error)
        self.board.failed_now(trial, error.message)

    def stop(self, error: BaseException) -> None:
        """End the runs of the trials that were not done when `error` ended the sweep."""
        cause = Abandoned("the sweep ended before it") if isinstance(error, Exception) else error
        with suppress(StoreError):  # the store fails, which `error` tells already: resuming closes what stays open
            for writer in self.running.values():
                writer.abort(cause)
        self.running.clear()


def _varied(trial: Trial[Recipe]) -> list[Param]:
    """The later parameters that the space varies and that a recipe does not log, being as they were before.

    Trials are told apart by them.
    """
    recipe = trial.made
    keys = (key.rpartition(".")[2] for key in trial.point)
    return [
        Param(key, recipe.parameters[key]) for key in keys if key in recipe.parameters.keys() - recipe.logged().keys()
    ]
