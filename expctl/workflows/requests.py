"""What a person asks of `train` and of `sweep`: checked once, frozen, handed on. Imports nothing heavy.

Built by whoever knows the person (`cli/inputs.py`); a request that exists has nothing wrong that could be told without
the data and the store.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from expctl.errors import UsageError, closest
from expctl.extra_metrics import possible_names
from expctl.metrics import quality_metrics, usual_metrics_of
from expctl.tracking.runs.metadata import RunMetadata, check_artifacts, check_key, check_labels, check_recipe
from expctl.training.search.pruners import check_pruner
from expctl.training.search.samplers import DEFAULT_TRIALS, Proposals, check_sampler
from expctl.training.search.space import read_space
from expctl.workflows.program_space import program_space
from expctl.workflows.sweep_plan import Plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from expctl.recipe import Recipe
    from expctl.settings import Settings
    from expctl.training.search.recipe_diff import Hashes
    from expctl.training.search.space import Made, SearchSpace
    from expctl.workflows.program_request import ProgramRequest
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
    whose recipe the trials have in common, but for what was changed. With a `program` the trials are runs of it, its
    command having the keys of the space in braces; those that do worse than others are stopped by the pruner `prune`.
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
    program: ProgramRequest | None = None
    prune: str | None = None

    def __post_init__(self) -> None:
        if self.resume is None:
            check_labels(self.metadata)
            self.search_space()

    @property
    def chosen(self) -> dict[str, Any]:
        """What was said of sampler, metric, models to keep and pruner, as a plan has it."""
        said = {
            "sampler": self.sampler, "metric": self.metric, "keep_models": self.keep_models, "prune": self.prune
        }  # fmt: skip
        return {key: None if value == "all" else value for key, value in said.items() if value is not None}

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

    @property
    def data(self) -> str | None:
        """The data file; None of a program that has none."""
        return self.common["data"] if self.program is None else self.program.data

    def source(self, secrets: Sequence[str]) -> str:
        """What the runs of the sweep have as their source."""
        return "expctl sweep" if self.program is None else self.program.command_words(secrets)

    @property
    def objective(self) -> str:
        """The metric's key on a run (see `Plan.objective`)."""
        return self.plan((None, None), window=0).objective

    @property
    def ranked_by(self) -> str:
        """The metric by which trials are ranked. Raises UsageError for a program of which nobody says it."""
        program = self.program
        if self.metric is not None or program is None or program.predictions is not None:
            return self.metric or usual_metrics_of(self._task)[0]
        if len(program.patterns) == 1:
            return next(iter(program.patterns))
        raise UsageError("by which metric are the trials ranked?", hint="--metric val_loss")

    def search_space(self) -> SearchSpace[Any]:
        """The space. Raises UsageError if it is wrong, or the sampler cannot search it, or not by this metric."""
        name = self.sampler or SAMPLER
        if self.program is not None:
            space: SearchSpace[Any] = program_space(self.space, self.program, self.given)
        else:
            space = read_space(self.space, self.common)
        check_sampler(name)
        self._check_metric()
        if name == SAMPLER:
            space.grid()
        return space

    def _check_metric(self) -> None:
        metric, program = self.ranked_by, self.program
        self.settings.check_margin(metric)
        if program is not None:
            check_key("--metric", metric)
            if self.prune is not None:
                check_pruner(self.prune)
                if metric not in program.patterns:
                    hint = f"--metric '{metric}={metric}: ([0-9.e+-]+)'"
                    raise UsageError(f"--prune looks at {metric} in the program's output, which is not read", hint=hint)
            return
        if self.prune is not None:
            raise UsageError("--prune is for programs: a model has no steps", hint="expctl help program-sweeps")
        known = quality_metrics(self._task)
        if "task" not in self.common and metric in quality_metrics("regression"):
            known = quality_metrics("regression")  # the data decides
        known += possible_names(self.common.get("extra_metric"))
        if metric not in known:
            raise UsageError(
                f"a sweep cannot rank by {metric!r}{closest(metric, known)}", hint=f"--metric {', '.join(known)}"
            )

    def proposals(self, space: SearchSpace[Made]) -> Proposals[Made]:
        """The trials that the sampler proposes in the space."""
        return Proposals(
            space, self.sampler or SAMPLER, trials=self.most_trials, seed=space.seed, higher_is_better=True
        )

    def plan(self, hashes: Hashes, *, window: int, secrets: Sequence[str] = ()) -> Plan:
        """What the parent run keeps of the request, with the hashes of the data; `window`: the number of jobs."""
        program = None if self.program is None else json.loads(self.program.to_json(secrets))
        return Plan(
            self.space, self.common if program is None else self.given, self.sampler or SAMPLER, self.most_trials,
            self.ranked_by, window, self.chosen.get("keep_models"), *hashes, program, self.prune,
        )  # fmt: skip
