"""`sweep`: what is asked for is prepared, trained and ranked; its parent run is written from beginning to end.

The store is the only state of a sweep.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from expctl.analysis.ranking import Ranking, may_tie
from expctl.encoding import csv_text
from expctl.errors import TrainingFailed, UsageError, closest
from expctl.metrics import METRICS, higher_is_better, known_metrics
from expctl.recipe import logged_as
from expctl.records import Tag
from expctl.tracking import uris
from expctl.tracking.runs import lifecycle, provenance
from expctl.tracking.runs.items import File, Item, MetricValue, Param, TagValue, data_rows
from expctl.tracking.runs.metadata import RunMetadata, check_recipe, run_tags, with_data_version
from expctl.tracking.runs.writer import RunWriter, recording
from expctl.tracking.store import open_store
from expctl.training.search.samplers import SAMPLERS, Proposals, importance
from expctl.training.search.scheduler import Outcome, run_trials
from expctl.workflows.rank import with_ties
from expctl.workflows.recipe_source import told_data
from expctl.workflows.sweep_resume import reopen, resume, trials_of
from expctl.workflows.sweep_trials import WARM, Progress, Recorder, TrialContext, work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from expctl.records import RunRecord, Value
    from expctl.tracking.store import Store
    from expctl.training.search.shared_data import Prepared
    from expctl.training.search.space import SearchPoint, SearchSpace
    from expctl.training.search.workers import Workers
    from expctl.workflows.requests import SweepRequest
    from expctl.workflows.sweep_plan import Plan

_TESTED: Final = 10  # runs that are tested against the best one


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


@dataclass(frozen=True)
class Ranked:
    """A sweep that ended, and its trials by its metric, with those that cannot be told from the best."""

    swept: Swept
    ranking: Ranking


class Watcher(Protocol):
    """Whoever looks on: is told the present stage, how far the trials are, and what there is to note."""

    def note(self, text: str) -> None: ...

    def stages(self) -> AbstractContextManager[Callable[[str], None]]: ...

    def trials(self, metric: str) -> AbstractContextManager[Callable[[Progress], None]]: ...


def sweep(
    request: SweepRequest, watcher: Watcher, *, begun: Callable[[RunRecord], None] = lambda parent: None
) -> Ranked:
    """Train and record what a request asks for, a new sweep or the rest of one, and rank its trials.

    `begun` is told the parent run: from then on what is finished is kept, whatever ends the sweep.

    Raises UsageError, RunNotFound, DataError or StoreError before there is a run, and what `record_sweep` raises.
    """
    from expctl.training.search.workers import workers

    resumed = None if request.resume is None else resume(request, watcher.note)
    now = request if resumed is None else resumed.request
    if resumed is None:
        uris.check(now.settings.tracking_uri, create=True)
    space = now.search_space()
    with workers(now.jobs, now.scheduler, most=now.proposals(space).total) as pool:
        pool.warm(WARM)

        from expctl.data_issues import messages
        from expctl.training.search.shared_data import representatives

        with watcher.stages() as stage:
            prepared = _prepared(space, request, stage, metric=now.metric)
            code = provenance.read_code()
            packages = provenance.requirements(provenance.packages())
            labels, store = now.metadata, None if resumed is None else resumed.store
            if store is None:
                labels = with_data_version(labels, now.common["data"])
                stage("opening the store")
                store = open_store(now.settings, create=True, verbose=now.verbose, note=watcher.note)
        for line in told_data(request.base, representatives(space)[0][0], prepared.hashes):
            watcher.note(line)
        for line in messages(prepared.data_issues):
            watcher.note(f"warning: {line}")
        if resumed is not None:
            resumed.check_data(prepared.hashes)
        plan = now.plan(prepared.hashes, window=pool.jobs if resumed is None else resumed.plan.window)
        patch = code.patch if code else None
        shared = TrialContext(prepared, packages, patch, labels.data_version, plan.objective, now.strict)
        with watcher.trials(plan.objective) as report:
            swept = record_sweep(
                store, plan, space, shared, pool, labels, code,
                resumed=None if resumed is None else resumed.parent, timeout=now.timeout_seconds,
                fail_fast=now.fail_fast, report=report, begun=begun,
            )  # fmt: skip
            store.refresh_planner_stats()
    ranking = Ranking(plan.objective, swept.ranked)
    return Ranked(swept, with_ties(store, ranking, may_tie(ranking, _TESTED, store.settings.equal_within)))


def _prepared(
    space: SearchSpace, request: SweepRequest, stage: Callable[[str], None], *, metric: str | None
) -> Prepared:
    """The data of all trials, from where it lies now. Raises DataError if it is refused.

    UsageError for a metric that turns out to be none of the recipe's, now that the user's own functions are read.
    """
    from expctl.training.data.checks import raise_if_strict
    from expctl.training.fit.extra_metrics import load_extra_metrics
    from expctl.training.search.shared_data import prepare, representatives

    recipe = representatives(space)[0][0]
    check_recipe(recipe)
    own = [one.key for one in load_extra_metrics(recipe)]
    if metric is not None and metric not in (*METRICS, *own):
        told = f"a sweep cannot rank by {metric!r}{closest(metric, own)}"
        raise UsageError(told, hint=f"--metric {', '.join(own)}")
    prepared = prepare(space, stage, data=request.given.get("data"))
    if request.strict:
        raise_if_strict(prepared.data_issues)
    return prepared


def record_sweep(
    store: Store,
    plan: Plan,
    space: SearchSpace,
    shared: TrialContext,
    pool: Workers,
    labels: RunMetadata,
    code: provenance.Code | None,
    *,
    resumed: RunRecord | None = None,
    timeout: float | None = None,
    fail_fast: bool = False,
    report: Callable[[Progress], None] = lambda progress: None,
    begun: Callable[[RunRecord], None] = lambda parent: None,
) -> Swept:
    """Run the trials of a plan that are not finished yet, each as a child run of the sweep's, and sum them up.

    `begun` is told the parent run, `report` how far the sweep is after each trial.

    Raises TrainingFailed if no trial finished or, with `fail_fast`, when the first fails; the parent is then FAILED.
    """
    finished = {} if resumed is None else reopen(store, resumed)
    higher = higher_is_better(plan.metric)
    proposals = Proposals(space, plan.sampler, trials=plan.trials, seed=space.seed, higher_is_better=higher)
    pool.share(shared)
    common = run_tags(labels, "expctl sweep", code, developer=store.settings.developer)
    tags = common | {Tag.SWEEP: plan.to_json()}
    with recording_sweep(store, plan, labels, tags, resumed=resumed, scratch=pool.scratch) as writer:
        parent = store.get(writer.run_id)
        if resumed is None:
            writer.write([data_rows(shared.prepared.data)])
        begun(parent)
        tags_of_trials = {key: value for key, value in common.items() if key != Tag.NOTE}
        recorder = Recorder(
            store, parent, writer, plan, tags_of_trials, finished, Progress(proposals.total), report, pool.scratch
        )
        try:
            outcome = run_trials(
                proposals,
                pool,
                work,
                recorder,
                window=plan.window if SAMPLERS[plan.sampler].learns else None,
                timeout=timeout,
                fail_fast=fail_fast,
            )
        except BaseException as error:
            recorder.stop(error)
            raise
        if not recorder.values:
            raise _fruitless(plan, outcome)
        recorder.prune()  # a sweep that is resumed at its very end may have one too many
        runs = trials_of(store, parent)
        by_id = {run.run_id: run for run in runs}
        found = {number: by_id[run_id] for number, run_id in sorted(recorder.runs.items())}
        swept = _summed_up(space, recorder, found, outcome, proposals)
        scored = [
            (recorder.points[number], recorder.values[run.run_id])
            for number, run in found.items()
            if run.run_id in recorder.values
        ]
        # A worker draws: it has the library for it loaded.
        drawing = pool.submit(drawn, Drawing(plan.objective, scored, higher, _logarithmic(space)))
        pool.done({drawing})
        table = File("trials.csv", csv_text(_table(space, runs), formulas="escape").encode("utf-8", "surrogatepass"))
        closing = [table, *drawing.result(), *_closing(recorder, swept)]
        writer.write(closing, last=True)
    return swept


def _fruitless(plan: Plan, outcome: Outcome) -> TrainingFailed:
    if outcome.first_failure is not None:
        trial, error = outcome.first_failure
        what = f"all {outcome.failed:,} trials failed; the first: {error.message}"
        return TrainingFailed(what, hint=error.hint or trial.recipe.command({}))
    if outcome.timed_out:
        return TrainingFailed("time was up before the first trial", hint="a longer --timeout")
    return TrainingFailed(f"no trial has {plan.metric}", hint="--metric f1_score")


def _summed_up(
    space: SearchSpace, recorder: Recorder, found: dict[int, RunRecord], outcome: Outcome, proposals: Proposals
) -> Swept:
    values = recorder.values
    sign = -1 if recorder.higher else 1
    order = sorted(
        (number for number, run in found.items() if run.run_id in values),
        key=lambda number: (sign * values[found[number].run_id], number),
    )
    best = recorder.points[order[0]]
    edges = {
        axis.key: (best[axis.key], side)
        for axis in space.axes
        if axis.key in best and (side := axis.edge(best[axis.key])) is not None
    }
    results = [(recorder.points[number], values[found[number].run_id]) for number in order]
    return Swept(
        recorder.parent,
        [found[number] for number in order],
        outcome,
        proposals.left_out,
        edges,
        importance(space, results, higher_is_better=recorder.higher),
        proposals.repeats,
        recorder.missing,
    )


def _table(space: SearchSpace, runs: Sequence[RunRecord]) -> list[list[object]]:
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


def _logarithmic(space: SearchSpace) -> frozenset[str]:
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


def drawn(_shared: TrialContext, drawing: Drawing) -> list[File]:
    """The pictures of a sweep; done by a worker."""
    from expctl.figures.plots import parallel_coordinates, scatter

    data: Any = (drawing.metric, drawing.scored, drawing.logarithmic)
    return [
        File("parallel_coordinates.png", parallel_coordinates(*data, higher_is_better=drawing.higher)),
        File("scatter.png", scatter(*data)),
    ]


def _closing(recorder: Recorder, swept: Swept) -> Iterator[Item]:
    """What is known at the end only."""
    yield from recorder.standing()
    yield MetricValue("trials_failed", float(recorder.progress.failed))
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
    if len(tags[Tag.SWEEP]) > lifecycle.TAG_LIMIT:
        raise UsageError(
            f"the sweep takes {len(tags[Tag.SWEEP]):,} characters to write down", hint="shorter lists of values"
        )
    run_id = None if resumed is None else resumed.run_id
    with recording(store, labels.name, tags, run_id=run_id, scratch=scratch) as writer:
        if resumed is None:
            writer.write(_described(plan, labels))
        yield writer


def _described(plan: Plan, labels: RunMetadata) -> Iterator[Item]:
    """The parameters of a parent run."""
    yield from (Param(logged_as(key), value) for key, value in plan.given.items())
    yield from (Param(f"space.{key}", text) for key, text in plan.space.items())
    yield Param("sampler", plan.sampler)
    yield Param("metric", plan.metric)
    yield Param("data_hash", plan.data_hash)
    if plan.trials is not None:
        yield Param("trials", plan.trials)
    if labels.data_version:
        yield Param("data_version", labels.data_version)
