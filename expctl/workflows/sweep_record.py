"""The parent run of a sweep, from its beginning to its end, with its trials: the store is the only state of a sweep.

What the trials are, models or programs, is in what it is given.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from expctl.columns import told_columns
from expctl.encoding import csv_text
from expctl.errors import TrainingFailed, UsageError
from expctl.metrics import METRICS, higher_is_better, known_metrics
from expctl.recipe import logged_as
from expctl.records import Tag, tag_parts
from expctl.tracking.runs.items import File, Item, MetricValue, Param, TagValue
from expctl.tracking.runs.metadata import PARAM_LIMIT, RunMetadata, run_tags
from expctl.tracking.runs.writer import RunWriter, recording
from expctl.training.search.samplers import SAMPLERS, Proposals, importance
from expctl.training.search.scheduler import Outcome, Recorder, run_trials
from expctl.workflows.sweep_board import Board, Progress
from expctl.workflows.sweep_resume import reopen, trials_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from expctl.records import RunRecord, Value
    from expctl.tracking.runs import provenance
    from expctl.tracking.store import Store
    from expctl.training.search.space import SearchPoint, SearchSpace
    from expctl.training.search.workers import Workers
    from expctl.workflows.sweep_plan import Plan

_TOLD: Final = 15  # metrics that an error names


class Trials(Protocol):
    """What the trials of a sweep are: models that are trained (`TrialContext`), or programs that are run
    (`ProgramTrials`).

    `work` is done by a worker, which is given this, shared by all, and what the recorder's `begin` returns. `computes`
    says that it is our own Python that does the work, with our libraries.
    """

    @property
    def computes(self) -> bool: ...

    @property
    def work(self) -> Callable[[Any, Any], Any]: ...

    def items(self) -> list[Item]: ...

    def recorder(self, board: Board) -> TrialRecorder: ...

    def command(self, made: Any) -> str: ...


class TrialRecorder(Recorder, Protocol):
    """Who keeps the trials: what the scheduler tells, and the end, by itself or by an error."""

    def close(self) -> None: ...

    def stop(self, error: BaseException) -> None: ...


@dataclass(frozen=True)
class Swept:
    """A sweep that ended. `ranked` are its finished trials, the best first; `left_out` counts invalid points by reason.

    `edges` are the varied parameters whose best value is the `lowest` or `highest` that was tried; `importance` is
    each one's share in what decides the metric, empty if that cannot be told. `repeats`: the sampler had nothing new to
    propose before the last trial. `missing` has of each trial, by its number, that lacks metrics of the user's own a
    line for each.
    """

    parent: RunRecord
    ranked: Sequence[RunRecord]
    outcome: Outcome
    left_out: dict[str, int]
    edges: dict[str, tuple[Value, str]]
    importance: dict[str, float]
    repeats: bool = False
    missing: Mapping[int, Sequence[str]] = field(default_factory=dict)


def record_sweep(
    store: Store,
    plan: Plan,
    space: SearchSpace[Any],
    trials: Trials,
    pool: Workers,
    labels: RunMetadata,
    code: provenance.Code | None,
    *,
    resumed: RunRecord | None = None,
    timeout: float | None = None,
    fail_fast: bool = False,
    report: Callable[[Progress], None] = lambda progress: None,
    begun: Callable[[RunRecord], None] = lambda parent: None,
    command: str = "expctl sweep",
) -> Swept:
    """Run the trials of a plan that are not finished yet, each as a child run of the sweep's, and sum them up.

    `begun` is told the parent run, `report` how far the sweep is after each trial; the runs name `command` as their
    source.

    Raises TrainingFailed if no trial finished or, with `fail_fast`, when the first fails; the parent is then FAILED.
    """
    finished = {} if resumed is None else reopen(store, resumed)
    higher = higher_is_better(plan.metric)
    proposals = Proposals(space, plan.sampler, trials=plan.trials, seed=space.seed, higher_is_better=higher)
    pool.share(trials)
    common = run_tags(labels, command, code, developer=store.settings.developer, computes=trials.computes)
    tags = common | _plan_tags(plan)
    with recording_sweep(store, plan, labels, tags, resumed=resumed, scratch=pool.scratch) as writer:
        parent = store.get(writer.run_id)
        if resumed is None:
            writer.write(trials.items())
        begun(parent)
        tags_of_trials = {key: value for key, value in common.items() if key != Tag.NOTE}
        board = Board(
            store, parent, writer, plan, tags_of_trials, finished, Progress(proposals.total), report, pool.scratch
        )
        recorder = trials.recorder(board)
        try:
            outcome = run_trials(
                proposals,
                pool,
                trials.work,
                recorder,
                window=plan.window if SAMPLERS[plan.sampler].learns else None,
                timeout=timeout,
                fail_fast=fail_fast,
            )
        except BaseException as error:
            recorder.stop(error)
            raise
        if not board.values:
            raise _fruitless(store, parent, plan, outcome, trials)
        recorder.close()
        runs = trials_of(store, parent)
        by_id = {run.run_id: run for run in runs}
        found = {number: by_id[run_id] for number, run_id in sorted(board.runs.items())}
        swept = _summed_up(space, board, found, outcome, proposals)
        scored = [
            (board.points[number], board.values[run.run_id])
            for number, run in found.items()
            if run.run_id in board.values
        ]
        # A worker draws: it has the library for it loaded.
        drawing = pool.submit(drawn, Drawing(plan.objective, scored, higher, _logarithmic(space)))
        pool.done({drawing})
        table = File("trials.csv", csv_text(_table(space, runs), formulas="escape").encode("utf-8", "surrogatepass"))
        closing = [table, *drawing.result(), *_closing(board, swept)]
        writer.write(closing, last=True)
    return swept


def _fruitless(store: Store, parent: RunRecord, plan: Plan, outcome: Outcome, trials: Trials) -> TrainingFailed:
    if outcome.first_failure is not None:
        trial, error = outcome.first_failure
        what = f"all {outcome.failed:,} trials failed; the first: {error.message}"
        return TrainingFailed(what, hint=error.hint or trials.command(trial.made))
    if outcome.timed_out:
        return TrainingFailed("time was up before the first trial", hint="a longer --timeout")
    if plan.program is None:
        return TrainingFailed(f"no trial has {plan.metric}", hint="--metric f1_score")
    known = known_metrics(key for run in trials_of(store, parent) for key in run.metrics)
    hint = f"--metric {', '.join(known[:_TOLD])}" if known else f"--metric '{plan.metric}={plan.metric}: ([0-9.e+-]+)'"
    return TrainingFailed(f"no trial has {plan.metric}", hint=hint)


def _summed_up(
    space: SearchSpace[Any], board: Board, found: dict[int, RunRecord], outcome: Outcome, proposals: Proposals[Any]
) -> Swept:
    values = board.values
    sign = -1 if board.higher else 1
    order = sorted(
        (number for number, run in found.items() if run.run_id in values),
        key=lambda number: (sign * values[found[number].run_id], number),
    )
    best = board.points[order[0]]
    edges = {
        axis.key: (best[axis.key], side)
        for axis in space.axes
        if axis.key in best and (side := axis.edge(best[axis.key])) is not None
    }
    results = [(board.points[number], values[found[number].run_id]) for number in order]
    return Swept(
        board.parent,
        [found[number] for number in order],
        outcome,
        proposals.left_out,
        edges,
        importance(space, results, higher_is_better=board.higher),
        proposals.repeats,
        board.missing,
    )


def _table(space: SearchSpace[Any], runs: Sequence[RunRecord]) -> list[list[object]]:
    """trials.csv: every trial's run, failed and killed ones too, with what was varied and how it came out."""
    varied = list(dict.fromkeys(axis.parameter.key if axis.parameter else axis.key for axis in space.axes))
    present = {key for run in runs for key in run.metrics}
    own = [key for key in known_metrics(present) if key not in METRICS and not key.startswith("cv_")]
    measured = [key for key in (*METRICS, *own) if key in present]
    measured += [mean for key in (*METRICS, *own) if (mean := f"cv_{key}_mean") in present]
    rows: list[list[object]] = [["trial", "run_id", "name", "status", *varied, *measured]]
    for run in runs:
        params = [run.params.get(key) for key in varied]
        head = [run.tags.get(Tag.TRIAL), run.run_id, run.name, run.status]
        rows.append([*head, *params, *(run.metrics.get(key) for key in measured)])
    return rows


def _logarithmic(space: SearchSpace[Any]) -> frozenset[str]:
    """The varied parameters whose values are told apart by their ratio."""
    return frozenset(axis.key for axis in space.axes if axis.log or _spans_magnitudes(axis.values))


def _spans_magnitudes(values: Sequence[Value] | None) -> bool:
    numbers = [one for one in values or () if isinstance(one, (int, float)) and not isinstance(one, bool)]
    return len(numbers) == len(values or ()) > 2 and min(numbers) > 0 and max(numbers) / min(numbers) >= 50


@dataclass(frozen=True)
class Drawing:
    """What the pictures of a sweep are made from."""

    metric: str
    scored: list[tuple[SearchPoint, float]]
    higher: bool
    logarithmic: frozenset[str]


def drawn(_shared: Any, drawing: Drawing) -> list[File]:
    """The pictures of a sweep; done by a worker."""
    from expctl.figures.plots import parallel_coordinates, scatter

    data: Any = (drawing.metric, drawing.scored, drawing.logarithmic)
    return [
        File("parallel_coordinates.png", parallel_coordinates(*data, higher_is_better=drawing.higher)),
        File("scatter.png", scatter(*data)),
    ]


def _closing(board: Board, swept: Swept) -> Iterator[Item]:
    """What is known at the end only."""
    yield from board.standing()
    yield MetricValue("trials_failed", float(board.progress.failed))
    if board.plan.prune is not None:
        yield MetricValue("trials_pruned", float(board.progress.pruned))
    yield TagValue(Tag.BEST_RUN, swept.ranked[0].run_id)


@contextmanager
def recording_sweep(
    store: Store,
    plan: Plan,
    labels: RunMetadata,
    tags: dict[str, str],
    *,
    resumed: RunRecord | None = None,
    scratch: Path | None = None,
) -> Iterator[RunWriter]:
    """The writer of the parent run of a sweep, from RUNNING to its end; an earlier one is taken up again."""
    run_id = None if resumed is None else resumed.run_id
    with recording(store, labels.name, tags, run_id=run_id, scratch=scratch) as writer:
        if resumed is None:
            writer.write(_described(plan, labels))
        yield writer


def _plan_tags(plan: Plan) -> dict[str, str]:
    """The tags that hold a plan. Raises UsageError for one that the store could not hold whole."""
    hint = "shorter lists of values"
    long = next((key for key, text in plan.space.items() if len(text) > PARAM_LIMIT), None)
    if long is not None:
        raise UsageError(f"{long} has {len(plan.space[long]):,} characters, the limit is {PARAM_LIMIT:,}", hint=hint)
    try:
        return tag_parts(Tag.SWEEP, plan.to_json())
    except ValueError as error:
        raise UsageError(f"the sweep takes {error}", hint=hint) from error


def _described(plan: Plan, labels: RunMetadata) -> Iterator[Item]:
    """The parameters of a parent run."""
    yield from (
        Param(logged_as(key), told_columns(value) if key == "columns" else value) for key, value in plan.given.items()
    )
    yield from (Param(f"space.{key}", text) for key, text in plan.space.items())
    yield Param("sampler", plan.sampler)
    yield Param("metric", plan.metric)
    if plan.program is None:
        yield Param("data_hash", plan.data_hash)
    if plan.prune is not None:
        yield Param("prune", plan.prune)
    if plan.trials is not None:
        yield Param("trials", plan.trials)
    if labels.data_version and plan.program is None:
        yield Param("data_version", labels.data_version)
