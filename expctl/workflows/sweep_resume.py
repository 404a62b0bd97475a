"""Going on with a sweep: what it was asked for, taking it over from another process, and what is finished of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from expctl.errors import DataError, RunNotFound, UsageError
from expctl.filters.expression import Condition, Field
from expctl.programs.arguments import HIDDEN
from expctl.records import Tag
from expctl.tracking import uris
from expctl.tracking.runs import lifecycle
from expctl.tracking.runs.items import TagValue
from expctl.tracking.runs.metadata import labels_of
from expctl.tracking.runs.program_runs import close_runs
from expctl.tracking.runs.references import resolve
from expctl.tracking.runs.writer import RunWriter, close_orphan
from expctl.tracking.store import Store, open_store
from expctl.workflows.sweep_plan import Plan, check_same

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from expctl.records import RunRecord
    from expctl.training.search.recipe_diff import Hashes
    from expctl.workflows.program_request import ProgramRequest
    from expctl.workflows.requests import SweepRequest


@dataclass(frozen=True)
class Resumed:
    """A sweep that is gone on with, claimed for this process. `request` has what it was asked for at its beginning."""

    store: Store
    parent: RunRecord
    plan: Plan
    request: SweepRequest

    def check_data(self, hashes: Hashes) -> None:
        """Raise DataError unless the data are those that the sweep was begun with."""
        plan = self.plan
        if hashes != (plan.data_hash, plan.test_data_hash):
            was, now = (str(one)[:12] for one in (plan.data_hash, hashes[0]))
            raise DataError(
                f"{plan.data} has changed: its sha256 was {was} and is {now}",
                hint="restore the file, or start a new sweep",
            )


def resume(request: SweepRequest, note: Callable[[str], None], secrets: Sequence[str] = ()) -> Resumed:
    """Find and claim the sweep that a request goes on with. `note` is told what else is done to the store.

    `secrets` are not in what was written down of a program, which is then to be given again.

    Raises UsageError where the request has something otherwise than the sweep, RunNotFound if another process has it.
    """
    store = open_store(request.settings, verbose=request.verbose, note=note)
    parent = resolve(store, request.resume or "")
    plan = Plan.of(parent)
    check_same(plan, request.space, request.given, request.chosen)
    _check_resumable(plan, request)
    program = _program(plan, request.program, secrets)
    claim(store, parent)
    planned = replace(
        request,
        space=dict(plan.space),
        given=dict(plan.given),
        metadata=labels_of(parent),
        sampler=plan.sampler,
        metric=plan.metric,
        keep_models="all" if plan.keep_models is None else plan.keep_models,
        trials=request.trials or plan.trials,
        program=program,
        prune=plan.prune,
    )
    return Resumed(store, parent, plan, planned)


def _program(plan: Plan, given: ProgramRequest | None, secrets: Sequence[str]) -> ProgramRequest | None:
    """The program of a sweep; as it is given, where it is that."""
    planned = plan.request()
    if given is not None:
        if planned is None or given.to_json(secrets) != planned.to_json():
            raise UsageError("the sweep has another command", hint="--resume RUN alone goes on with it")
        return given
    if planned is not None and HIDDEN in "".join([*planned.command, *planned.params.values()]):
        raise UsageError("the command has a secret, which is not recorded", hint="--resume RUN -- the command again")
    return planned


def _check_resumable(plan: Plan, request: SweepRequest) -> None:
    """Raise UsageError for what can be said of a new sweep only."""
    metadata = request.metadata
    said = {"run_name": metadata.name, "note": metadata.note, "data_version": metadata.data_version}
    only_new = [key for key, value in said.items() if value is not None] + (["tag"] if metadata.tags else [])
    if only_new:
        raise UsageError(
            f"--{only_new[0].replace('_', '-')} is for a new sweep", hint="--resume RUN goes on with an old one"
        )
    if request.trials is not None and (plan.trials is None or request.trials < plan.trials):
        had = "its whole grid as" if plan.trials is None else f"{plan.trials:,}"
        raise UsageError(f"the sweep has {had} trials: --trials can only add to them", hint="--resume RUN alone")


def trials_of(store: Store, parent: RunRecord) -> list[RunRecord]:
    """The runs of a sweep's trials, those that failed or were killed too, in the order of their numbers."""
    theirs = Condition(Field("tags", Tag.PARENT), "=", parent.run_id)
    runs = store.find(also=theirs, everywhere=True)
    return sorted(runs, key=lambda run: (run.trial, run.started or run.run_id))


def claim(store: Store, parent: RunRecord) -> None:
    """Make this process the one that goes on with a sweep.

    One at a time in an SQLite store. A server has no lock for it: `reopen` looks, seconds later, whether it still is.

    Raises RunNotFound if another process runs the sweep, or may, on another machine.
    """
    with uris.first_opening(store.settings.tracking_uri, create=True):
        parent = store.get(parent.run_id)  # another process may have claimed it since it was found
        alive = lifecycle.is_alive(parent)
        where = f"process {parent.tags.get(Tag.PID)} on {parent.tags.get(Tag.HOST)}"
        mine = lifecycle.process_tags()
        if alive and (parent.status == "running" or any(parent.tags.get(key) != mine[key] for key in mine)):
            raise RunNotFound(f"sweep {parent.label} is being run by {where}", hint="wait for it, or end it first")
        if alive is None and parent.status == "running":
            raise RunNotFound(f"sweep {parent.label} may still be run by {where}", hint="resume it there")
        RunWriter(store, parent).write(TagValue(key, value) for key, value in mine.items())


def reopen(store: Store, parent: RunRecord) -> dict[str, RunRecord]:
    """Close what an earlier process left RUNNING in a claimed sweep; gives the runs that are finished, or
    pruned, by their recipe or program.

    Raises RunNotFound if another process claimed the sweep in the meantime.
    """
    now = store.get(parent.run_id).tags
    if any(now.get(key) != value for key, value in lifecycle.process_tags().items()):
        where = f"process {now.get(Tag.PID)} on {now.get(Tag.HOST)}"
        raise RunNotFound(f"sweep {parent.label} is being run by {where}", hint="wait for it, or end it first")
    finished: dict[str, RunRecord] = {}
    for run in trials_of(store, parent):
        if run.status == "running":
            close_runs(store, run.run_id, None, killed=True)  # which a program began
            close_orphan(store, run)
        if Tag.COMPLETE in run.tags or Tag.PRUNED in run.tags:
            finished.setdefault(run.recipe_json or run.tags.get(Tag.PROGRAM, ""), run)
    return finished
