"""What a person asks of `train` and of `sweep`: checked once, frozen, handed on. Imports nothing heavy.

Built by whoever knows the person (`cli/inputs.py`); a request that exists has nothing wrong that could be told without
the data and the store.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from expctl.errors import UsageError, closest
from expctl.extra_metrics import possible_names
from expctl.metrics import quality_metrics, usual_metrics_of
from expctl.tracking.runs.metadata import RunMetadata, check_artifacts, check_labels, check_recipe
from expctl.training.search.samplers import DEFAULT_TRIALS, Proposals, check_sampler
from expctl.training.search.space import read_space
from expctl.workflows.sweep_plan import Plan

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from expctl.recipe import Recipe
    from expctl.settings import Settings
    from expctl.training.search.space import SearchSpace
    from expctl.workflows.recipe_source import Base

SAMPLER: Final = "grid"


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """One model to train and record. With `strict`, data that would be warned of is refused.

    `base` is the run whose recipe it is, but for what was changed. `artifacts` are files that the run gets besides.
    """

    recipe: Recipe
    settings: Settings
    metadata: RunMetadata = field(default_factory=RunMetadata)
    strict: bool = False
    autolog: bool = False
    verbose: bool = False
    base: Base | None = None
    artifacts: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        check_labels(self.metadata)
        check_recipe(self.recipe)
        check_artifacts(self.artifacts)


@dataclass(frozen=True, slots=True)
class SweepRequest:
    """Many models to train and record: a new sweep, or the rest of one (`resume`, a run reference).

    `space` has the SPACE of each axis and `given` what all trials have in common, both as they were written. None of
    sampler, metric, models to keep and trials: nothing was said of it, and a sweep that is resumed has its own.
    `scheduler` is that of a Dask cluster; without one the trials run on this machine, `jobs` at once. `base` is the run
    whose recipe the trials have in common, but for what was changed.
    """

    settings: Settings
    space: Mapping[str, str]
    given: Mapping[str, Any]
    metadata: RunMetadata = field(default_factory=RunMetadata)
    sampler: str | None = None
    metric: str | None = None
    keep_models: int | Literal["all"] | None = None
    trials: int | None = None
    timeout_seconds: float | None = None
    jobs: int | None = None
    scheduler: str | None = None
    resume: str | None = None
    fail_fast: bool = False
    strict: bool = False
    verbose: bool = False
    base: Base | None = None

    def __post_init__(self) -> None:
        if self.resume is None:
            check_labels(self.metadata)
            self.search_space()

    @property
    def chosen(self) -> dict[str, Any]:
        """What was said of sampler, metric and models to keep, as a plan has it."""
        said = {"sampler": self.sampler, "metric": self.metric, "keep_models": self.keep_models}
        return {key: None if value == "all" else value for key, value in said.items() if value is not None}

    @property
    def ranked_by(self) -> str:
        """The metric that the trials are ranked by: what was said, else that of their task."""
        return self.metric or usual_metrics_of(self._task)[0]

    @property
    def _task(self) -> str:
        return str(self.common.get("task") or "classification")

    @property
    def common(self) -> dict[str, Any]:
        """What all trials have in common, the data included."""
        return {"data": self.settings.data, **self.given}

    @property
    def most_trials(self) -> int | None:
        """How many trials there are to be at most; None: all of a grid."""
        samples = self.resume is None and self.sampler not in (None, SAMPLER)
        return DEFAULT_TRIALS if self.trials is None and samples else self.trials

    def search_space(self) -> SearchSpace:
        """The space. Raises UsageError if it is wrong, or the sampler cannot search it, or not by this metric."""
        space, name, metric = read_space(self.space, self.common), self.sampler or SAMPLER, self.ranked_by
        check_sampler(name)
        known = quality_metrics(self._task)
        if "task" not in self.common and metric in quality_metrics("regression"):
            known = quality_metrics("regression")  # the data decides
        known += possible_names(self.common.get("extra_metric"))
        if metric not in known:
            raise UsageError(
                f"a sweep cannot rank by {metric!r}{closest(metric, known)}", hint=f"--metric {', '.join(known)}"
            )
        self.settings.check_margin(metric)
        if name == SAMPLER:
            space.grid()
        return space

    def proposals(self, space: SearchSpace) -> Proposals:
        """The trials that the sampler proposes in the space."""
        return Proposals(
            space, self.sampler or SAMPLER, trials=self.most_trials, seed=space.seed, higher_is_better=True
        )

    def plan(self, hashes: tuple[str, str | None], *, window: int) -> Plan:
        """What the parent run keeps of the request, with the hashes of the data; `window`: the number of jobs."""
        return Plan(
            self.space, self.common, self.sampler or SAMPLER, self.most_trials, self.ranked_by, window,
            self.chosen.get("keep_models"), *hashes,
        )  # fmt: skip
