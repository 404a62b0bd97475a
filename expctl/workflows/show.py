"""`show`: all that is known of one run, and the command that makes it again."""

from __future__ import annotations

import shlex
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from expctl.analysis.spread import spreads
from expctl.errors import ExpctlError, RunNotFound, UsageError
from expctl.records import Tag
from expctl.settings import load_settings
from expctl.tracking.runs.metadata import label_words, labels_of
from expctl.tracking.runs.references import resolve
from expctl.training.models.configure import defaults_for, recorded
from expctl.workflows.program_request import ProgramRequest
from expctl.workflows.repeats import is_repeated, members
from expctl.workflows.sweep_plan import Plan, explanation_command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.analysis.spread import Spread
    from expctl.records import RunRecord
    from expctl.tracking.runs.artifacts import Artifact
    from expctl.tracking.store import Store


@dataclass(frozen=True, slots=True)
class ShownRun:
    """A run, its files, and the command that makes it again, if it is of our making.

    `unlisted` says why the files could not be listed, None where they are. `spreads`: of a set over random states how
    its metrics vary.
    """

    run: RunRecord
    artifacts: Sequence[Artifact]
    command: str | None
    unlisted: str | None = None
    spreads: Sequence[Spread] = ()


def show(store: Store, reference: str) -> ShownRun:
    """All of the run that a reference means. Raises RunNotFound."""
    run = resolve(store, reference)
    command = _command(run)
    varied = spreads(members(store, run)) if is_repeated(run) else []
    try:
        return ShownRun(run, store.artifacts(run), command, spreads=varied)
    except ExpctlError as error:  # a bucket that is gone keeps nobody from what the store itself knows
        return ShownRun(run, (), command, error.message, varied)


def _before_program(line: str, more: str) -> str:
    """The line of `expctl run`, or of a sweep of a program, with further options, which stand before the program."""
    return line.replace(" -- ", f" {more} -- " if more else " -- ", 1)


def _command(run: RunRecord) -> str | None:
    """The command line that makes the same run again: with its name, tags, note and version of the data, and where."""
    elsewhere = ["-e", run.experiment] if run.experiment != load_settings().experiment else []
    labelled = shlex.join([*label_words(labels_of(run)), *elsewhere])
    if Tag.SWEEP in run.tags:
        with suppress(RunNotFound):  # whoever can write to a store can write such a tag
            plan = Plan.of(run)
            if plan.program is not None:
                return _before_program(plan.command(), labelled)
            return f"{plan.command()} {labelled}".rstrip()
    if Tag.EXPLANATION in run.tags and Tag.RECIPE not in run.tags:
        return explanation_command(run)
    if Tag.PROGRAM in run.tags:
        with suppress(UsageError):
            return _before_program(ProgramRequest.of(run).line(), labelled)
    try:
        recipe = recorded(run.recipe_json or "")
    except UsageError:
        return None
    command = recipe.command(defaults_for(recipe))
    return f"{command} {labelled}".rstrip()
