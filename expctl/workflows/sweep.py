"""`sweep`: what is asked for is prepared, trained or run, and ranked; its parent run is written from beginning to end.

The store is the only state of a sweep.
"""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from expctl.analysis.ranking import Ranking, may_tie
from expctl.errors import UsageError, closest
from expctl.metrics import METRICS
from expctl.programs.placeholders import RUN_DIR, placeholders
from expctl.tracking import uris
from expctl.tracking.runs import provenance
from expctl.tracking.runs.metadata import check_recipe, with_data_version
from expctl.tracking.store import open_store
from expctl.workflows.program_sources import sources_of
from expctl.workflows.program_trials import ProgramPool, ProgramTrials
from expctl.workflows.rank import with_ties
from expctl.workflows.recipe_source import told_data
from expctl.workflows.run import Context, check_program
from expctl.workflows.sweep_record import record_sweep
from expctl.workflows.sweep_resume import resume
from expctl.workflows.sweep_trials import WARM, TrialContext

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from expctl.recipe import Recipe
    from expctl.records import RunRecord
    from expctl.training.search.recipe_diff import Hashes
    from expctl.training.search.shared_data import Prepared
    from expctl.training.search.space import SearchSpace
    from expctl.training.search.workers import Workers
    from expctl.workflows.requests import SweepRequest
    from expctl.workflows.sweep_board import Progress
    from expctl.workflows.sweep_record import Swept, Trials

_TESTED: Final = 10  # runs that are tested against the best one


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
    request: SweepRequest,
    watcher: Watcher,
    context: Context | None = None,
    *,
    begun: Callable[[RunRecord], None] = lambda parent: None,
) -> Ranked:
    """Train or run, and record, what a request asks for, a new sweep or the rest of one, and rank its trials.

    `context` is that of programs. `begun` is told the parent run: from then on what is finished is kept, whatever ends
    the sweep.

    Raises UsageError, RunNotFound, DataError or StoreError before there is a run, and what `record_sweep` raises.
    """
    context = context or Context(request.settings, dict(os.environ), note=watcher.note)
    secrets = context.secrets
    resumed = None if request.resume is None else resume(request, watcher.note, secrets)
    now = request if resumed is None else resumed.request
    if resumed is None:
        uris.check(now.settings.tracking_uri, create=True)
    space = now.search_space()
    with _workers(now, space) as pool:
        pool.warm(WARM)
        with watcher.stages() as stage:
            code = provenance.read_code()
            patch = code.patch if code else None
            labels, store = now.metadata, None if resumed is None else resumed.store
            if store is None and now.data is not None:
                labels = with_data_version(labels, now.data)
            if isinstance(pool, ProgramPool):
                trials, hashes = _programs(now, context, patch, labels.data_version, pool)
            else:
                trials, hashes = _models(now, request, space, patch, labels.data_version, stage, watcher.note)
            if store is None:
                stage("opening the store")
                store = open_store(now.settings, create=True, verbose=now.verbose, note=watcher.note)
        if resumed is not None:
            resumed.check_data(hashes)
        plan = now.plan(hashes, window=pool.jobs if resumed is None else resumed.plan.window, secrets=secrets)
        with watcher.trials(plan.objective) as report:
            swept = record_sweep(
                store, plan, space, trials, pool, labels, code,
                resumed=None if resumed is None else resumed.parent, timeout=now.timeout_seconds,
                fail_fast=now.fail_fast, report=report, begun=begun, command=now.source(secrets),
            )  # fmt: skip
            store.refresh_planner_stats()
    ranking = Ranking(plan.objective, swept.ranked)
    return Ranked(swept, with_ties(store, ranking, may_tie(ranking, _TESTED, store.settings.equal_within)))


def _workers(request: SweepRequest, space: SearchSpace[Any]) -> AbstractContextManager[Workers]:
    """Who does the trials: processes or a cluster for models; threads, one if nothing is said, for programs."""
    if request.program is not None:
        return nullcontext(ProgramPool(request.jobs or 1))
    from expctl.training.search.workers import workers

    return workers(request.jobs, request.scheduler, most=request.proposals(space).total)


def _programs(
    request: SweepRequest, context: Context, patch: bytes | None, data_version: str | None, pool: ProgramPool
) -> tuple[Trials, Hashes]:
    assert request.program is not None
    if pool.jobs > 1 and request.program.predictions and RUN_DIR not in placeholders(request.program.command):
        raise UsageError(
            f"trials at once would write over each other's {request.program.predictions} (--predictions)",
            hint=f"write it to {{{RUN_DIR}}}/{request.program.predictions} in the command, or --jobs 1",
        )
    if not placeholders(request.program.command[:1]):  # else each trial has its own
        check_program(request.program.command[0], context)
    sources = sources_of(request.program, context, patch, data_version)
    trials = ProgramTrials(context, sources, request.ranked_by, pool, request.prune)
    return trials, (sources.data_hash, None)


def _models(
    now: SweepRequest, request: SweepRequest, space: SearchSpace[Recipe], patch: bytes | None,
    data_version: str | None, stage: Callable[[str], None], note: Callable[[str], None],
) -> tuple[Trials, Hashes]:  # fmt: skip
    """The data, read and looked at, for every trial; `request` is what was said, `now` that with what was planned."""
    from expctl.data_issues import messages
    from expctl.training.search.shared_data import representatives

    prepared = _prepared(space, request, stage, metric=now.metric)
    packages = provenance.requirements(provenance.packages())
    for line in told_data(request.base, representatives(space)[0][0], prepared.hashes):
        note(line)
    for line in messages(prepared.data_issues):
        note(f"warning: {line}")
    return TrialContext(prepared, packages, patch, data_version, now.objective, now.strict), prepared.hashes


def _prepared(
    space: SearchSpace[Recipe], request: SweepRequest, stage: Callable[[str], None], *, metric: str | None
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
