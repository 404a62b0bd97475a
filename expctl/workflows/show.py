"""`show`: all that is known of one run, and the command that makes it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from expctl.errors import UsageError
from expctl.records import Tag
from expctl.tracking.runs.references import resolve
from expctl.training.models.configure import defaults, recorded
from expctl.training.models.families import FAMILIES
from expctl.workflows.sweep_plan import Plan, explanation_command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.records import RunRecord
    from expctl.tracking.runs.artifacts import Artifact
    from expctl.tracking.store import Store


@dataclass(frozen=True, slots=True)
class ShownRun:
    """A run, the name of its experiment, its files, and the command that makes it again, if it is of our making."""

    run: RunRecord
    experiment: str
    artifacts: Sequence[Artifact]
    command: str | None


def show(store: Store, reference: str) -> ShownRun:
    """All of the run that a reference means. Raises RunNotFound."""
    run = resolve(store, reference)
    return ShownRun(run, store.experiment_name(run.experiment_id), store.artifacts(run), _command(run))


def _command(run: RunRecord) -> str | None:
    if Tag.SWEEP in run.tags:
        return Plan.of(run).command()
    if Tag.EXPLANATION in run.tags and Tag.RECIPE not in run.tags:
        return explanation_command(run)
    try:
        recipe = recorded(run.tags[Tag.RECIPE])
    except (KeyError, UsageError):
        return None
    return recipe.command(defaults(recipe.model) if recipe.model in FAMILIES else {})
