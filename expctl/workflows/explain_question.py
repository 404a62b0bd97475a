"""The question why two recorded runs differ: what was changed between them, and whether that can be trained again.

Knows the runs, their recipes and where their data is; `explaining.py` trains what answers it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from expctl import __version__
from expctl.analysis.ablation import most_trainings
from expctl.errors import DataError, RunNotFound, UsageError, mask_secrets
from expctl.extra_metrics import ExtraMetric, possible_names, read_extra_metrics
from expctl.metrics import METRICS, default_metric, without_metric
from expctl.records import Tag
from expctl.tracking.runs import provenance
from expctl.training.data.stored import digest_of
from expctl.training.models.factory import sources_hash
from expctl.training.models.families import is_factory
from expctl.training.search.recipe_diff import Factor, Hashes, factors_between
from expctl.workflows.recipe_source import recipe_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.recipe import Recipe
    from expctl.records import RunRecord
    from expctl.tracking.store import Store

_DECIDING: Final = ("scikit-learn", "numpy", "scipy", "pandas")  # packages that decide what a training comes to
_MACHINE: Final = ("python", "cpu", "blas")


@dataclass(frozen=True)
class Question:
    """Two runs, what they differ in, and by what it is judged. `again`: which of them were made in another environment.

    Those are trained once more, for what is trained between them is made in the present one. `measured` is the metric
    where it is one of the user's own, which is measured each time.
    """

    runs: tuple[RunRecord, RunRecord]
    recipes: tuple[Recipe, Recipe]
    hashes: tuple[Hashes, Hashes]
    metric: str
    factors: Sequence[Factor]
    again: tuple[bool, bool]
    budget: int | None
    measured: ExtraMetric | None = None

    @property
    def trainings(self) -> int:
        """How many trainings the answer takes at most."""
        return sum(self.again) + most_trainings(len(self.factors), self.left)

    @property
    def left(self) -> int | None:
        """What the budget leaves for the way between the two runs."""
        return None if self.budget is None else self.budget - sum(self.again)


def ask(store: Store, runs: tuple[RunRecord, RunRecord], metric: str | None, *, budget: int | None) -> Question:
    """The question why two runs differ, by a metric, else that of their task.

    Raises UsageError or RunNotFound for runs of which it cannot be asked.
    """
    if runs[0].task != runs[1].task:
        told = " and ".join(f"{run.label} of {run.task}" for run in runs)
        raise UsageError(f"explain takes two runs of one task: {told}", hint="expctl compare A B")
    metric = metric or default_metric([runs[0].task]) or "f1_score"
    recipes = _recipe_of(runs[0]), _recipe_of(runs[1])
    for run in runs:
        if metric not in METRICS and metric not in run.metrics:
            raise without_metric(f"run {run.described} has no", metric, run.metrics)
        if not math.isfinite(run.metrics.get(metric, math.nan)):
            state = "" if run.status == "finished" else f": it is {run.status}"
            raise RunNotFound(f"run {run.described} has no {metric}{state}", hint="expctl list")
    measured = None if metric in METRICS else _own_metric(runs, recipes, metric)
    hashes = _hashes_of(runs[0]), _hashes_of(runs[1])
    factors = factors_between(*recipes, hashes)
    now = _present()
    made = [_environment(store, run, recipe) for run, recipe in zip(runs, recipes, strict=True)]
    again = made[0] is None or made[0] != now, made[1] is None or made[1] != now
    needed = len(factors) > 1 or (len(factors) == 1 and (None in made or made[0] != made[1]))
    if not needed or (budget is not None and budget < sum(again)):
        again = False, False
    return Question(runs, recipes, hashes, metric, factors, again, budget, measured)


def _own_metric(runs: tuple[RunRecord, RunRecord], recipes: tuple[Recipe, Recipe], metric: str) -> ExtraMetric:
    """The metric of the user's own that both recipes name. Raises UsageError for any other that the runs have."""
    found = [possible_names(recipe.extra_metric).get(metric) for recipe in recipes]
    one, other = found
    if one is None or other is None or one.path != other.path:
        raise UsageError(
            f"explain cannot measure {metric}: the recipes of {runs[0].label} and {runs[1].label} name no function",
            hint="a metric of --extra-metric of both, or f1_score",
        )
    return one


def _recipe_of(run: RunRecord) -> Recipe:
    what = f"run {run.described}"
    if Tag.SWEEP in run.tags:
        raise RunNotFound(f"{what} is a sweep: explain takes two of its trials", hint="expctl list --flat")
    return recipe_of(run)


def _hashes_of(run: RunRecord) -> Hashes:
    return run.params.get("data_hash"), run.params.get("test_data_hash")


def _present() -> dict[str, str | None]:
    packages, machine = provenance.packages(), provenance.machine_tags()
    own = {key: machine.get(key) for key in _MACHINE}
    return {name: packages.get(name) for name in _DECIDING} | own | {Tag.VERSION: __version__}


def _environment(store: Store, run: RunRecord, recipe: Recipe) -> dict[str, str | None] | None:
    """What a run was made with; None if nobody knows all of it: a factory may use any package, and other files."""
    content = store.read_artifact(run, "requirements.txt")
    if content is None or is_factory(recipe.model):
        return None
    packages = provenance.read_requirements(content)
    return {name: packages.get(name) for name in _DECIDING} | {
        key: run.tags.get(key) for key in (*_MACHINE, Tag.VERSION)
    }


def check(question: Question, *, trust: bool) -> None:
    """See that what will be trained may be, and that its data is there. Raises DataError naming the run."""
    if not question.trainings:
        return
    for run, recipe in zip(question.runs, question.recipes, strict=True):
        if is_factory(recipe.model) and not trust:
            raise DataError(
                f"run {run.described} was made by {recipe.model}: to train it again runs that code",
                hint="--trust runs it",
            )
        if question.measured is None:
            continue
        if not trust:
            raise DataError(
                f"{question.metric} is measured by {question.measured.path}: to train again runs that code",
                hint="--trust runs it",
            )
        if sources_hash(one.path for one in read_extra_metrics(recipe.extra_metric or "")) != recipe.extra_metric_hash:
            raise DataError(
                f"{question.metric} is measured otherwise now: a file of {recipe.extra_metric} has changed since run"
                f" {run.described}",
                hint="its files have the source that measured it: expctl get",
            )
    for run, recipe, hashes in zip(question.runs, question.recipes, question.hashes, strict=True):
        for path, recorded in zip((recipe.data, recipe.test_data), hashes, strict=True):
            if path is not None:
                _check_file(run, path, recorded)
        if not any(factor.name == "data" for factor in question.factors):
            return  # all is trained on the data of the first, wherever the other's lies


def _check_file(run: RunRecord, path: str, recorded: str | None) -> None:
    what = f"the data of run {run.described}"
    try:
        found = digest_of(path)
    except DataError as error:
        raise DataError(f"{what} is gone: {error.message}", hint="restore the file to train on it again") from error
    if found != recorded:
        raise DataError(
            f"{what} has changed: the sha256 of {mask_secrets(path)} was {str(recorded)[:12]} and is {found[:12]}",
            hint="restore the file",
        )
