"""The samplers of a sweep, a table, and the trials they propose: each recipe once, in an order that can be repeated.

Knows Optuna; knows nothing of how a trial is run or recorded.
"""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Generic

from expctl.errors import UsageError, closest
from expctl.training.search.space import Made

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from optuna import Study
    from optuna.distributions import BaseDistribution

    from expctl.records import Value
    from expctl.training.search.space import Axis, SearchPoint, SearchSpace

DEFAULT_TRIALS: Final = 20
STARTUP: Final = 10  # trials that a sampler which learns draws at random first
_MISSES: Final = 500  # proposals without anything new after which a sampler has no more to say


@dataclass(frozen=True, slots=True)
class Sampler:
    """A sampler of Optuna. One that `learns` proposes by the values of the trials before; `needs` is a package."""

    path: str | None
    help: str
    learns: bool = False
    arguments: Mapping[str, Any] = field(default_factory=dict)
    needs: str | None = None


# The grid is no sampler of Optuna: its own tries all combinations of parameters that no one model has together.
SAMPLERS: Final = {
    "grid": Sampler(None, "every combination"),
    "random": Sampler("optuna.samplers:RandomSampler", "values drawn at random"),
    "tpe": Sampler(
        "optuna.samplers:TPESampler",
        "tree-structured Parzen estimator",
        learns=True,
        arguments={"n_startup_trials": STARTUP},
    ),
    "qmc": Sampler(
        "optuna.samplers:QMCSampler",
        "values spread evenly (scrambled Sobol sequence)",
        arguments={"scramble": True, "warn_asynchronous_seeding": False, "warn_independent_sampling": False},
    ),
    "gp": Sampler(
        "optuna.samplers:GPSampler",
        "a Gaussian process, for few and costly trials",
        learns=True,
        arguments={"n_startup_trials": STARTUP, "warn_independent_sampling": False},
        needs="torch",
    ),
}


def check_sampler(name: str) -> Sampler:
    """The sampler of a name. Raises UsageError, naming the closest, for none, and for one whose package is missing."""
    if name not in SAMPLERS:
        raise UsageError(f"unknown sampler {name!r}{closest(name, SAMPLERS)}", hint=f"--sampler {' | '.join(SAMPLERS)}")
    sampler = SAMPLERS[name]
    if sampler.needs is not None and importlib.util.find_spec(sampler.needs) is None:
        raise UsageError(f"--sampler {name} needs the package {sampler.needs}", hint=f"pip install {sampler.needs}")
    return sampler


@dataclass(frozen=True, slots=True)
class Trial(Generic[Made]):
    """A trial, by its number (from 1), its point in the space, and what is made there, such as a recipe."""

    number: int
    point: SearchPoint
    made: Made


@dataclass(frozen=True, slots=True)
class PrunedAt:
    """How a trial came out that was stopped before its end: its value of the metric at a step, None without one."""

    step: int
    value: float | None


class Proposals(Generic[Made]):
    """The trials of a sweep, asked for one after the other and told how they came out.

    The same space, sampler, seed and answers give the same trials in the same order. `left_out` counts the points
    that contradict themselves, by reason; `repeats`: the sampler had nothing new to propose before the last trial.
    """

    def __init__(
        self, space: SearchSpace[Made], sampler: str, *, trials: int | None, seed: int, higher_is_better: bool
    ) -> None:
        self._space = space
        self._most = trials if trials is not None else None if sampler == "grid" else DEFAULT_TRIALS
        self._source: _Grid | _Drawn = (
            _Grid(space) if sampler == "grid" else _Drawn(space, sampler, seed, higher_is_better)
        )
        self._seen: dict[str, int] = {}
        self._proposed = 0
        self.left_out: dict[str, int] = {}
        self.repeats = False

    @property
    def total(self) -> int | None:
        """How many trials there will be at most; None if only the end will tell."""
        size = self._space.size
        known = [int(number) for number in (self._most, size) if number is not None and number != float("inf")]
        return min(known) if known else None

    def ask(self) -> Trial[Made] | None:
        """The next trial; None when there are no more."""
        if self._most is not None and self._proposed >= self._most:
            return None
        for _ in range(_MISSES):
            if len(self._seen) >= self._space.size:
                return None
            number = self._proposed + 1
            point = self._source.ask(number)
            if point is None:
                return None
            try:
                made = self._space.at(point)
            except UsageError as error:
                self.left_out[error.message] = self.left_out.get(error.message, 0) + 1
                self._source.tell(number, None)
                continue
            if made.to_json() in self._seen:
                self._source.tell(number, None)
                continue
            self._seen[made.to_json()] = number
            self._proposed = number
            return Trial(number, point, made)
        self.repeats = True
        return None

    def tell(self, trial: Trial[Made], value: float | PrunedAt | None) -> None:
        """How a trial came out: its value of the metric, None if it failed."""
        self._source.tell(trial.number, value)


class _Grid:
    def __init__(self, space: SearchSpace[Any]) -> None:
        self._points: Iterator[SearchPoint] = space.grid()

    def ask(self, _number: int) -> SearchPoint | None:
        return next(self._points, None)

    def tell(self, _number: int, _value: float | PrunedAt | None) -> None:
        """A grid learns nothing."""


class _Drawn:
    """Points drawn by a sampler of Optuna, whose study lives in memory only: the store knows the values."""

    def __init__(self, space: SearchSpace[Any], sampler: str, seed: int, higher_is_better: bool) -> None:
        self._space = space
        self._asked: dict[int, Any] = {}
        chosen = SAMPLERS[sampler]
        assert chosen.path is not None
        module, _, name = chosen.path.partition(":")
        kind = getattr(importlib.import_module(module), name)
        arguments = dict(chosen.arguments)
        if sampler in ("qmc", "gp"):  # what they cannot draw themselves (parameters of some models only) is seeded too
            from optuna.samplers import RandomSampler

            arguments["independent_sampler"] = RandomSampler(seed=seed)
        with calm():
            self._study = make_study(higher_is_better, kind(seed=seed, **arguments))
        if sampler == "qmc":
            self._show_space()

    def ask(self, number: int) -> SearchPoint:
        with calm():
            trial = self._study.ask()
            self._asked[number] = trial
            space = self._space
            point: SearchPoint = {}
            if space.chooses_model:
                (axis,) = (one for one in space.axes if one.key == "model")
                point["model"] = _suggested(trial, axis)
            for axis in space.axes_of(str(point.get("model", next(iter(space.models), None)))):
                if axis.key not in point:
                    point[axis.key] = _suggested(trial, axis)
        return point

    def tell(self, number: int, value: float | PrunedAt | None) -> None:
        from optuna.trial import TrialState

        trial = self._asked.pop(number)
        with calm():
            if isinstance(value, PrunedAt):  # by their last value and its step samplers know them from whole ones
                if value.value is not None and value.step >= 0:
                    trial.report(value.value, value.step)
                self._study.tell(trial, state=TrialState.PRUNED)
            elif value is None:
                self._study.tell(trial, state=TrialState.FAIL)
            else:
                self._study.tell(trial, value)

    def _show_space(self) -> None:
        """Optuna's QMC draws at random until a finished trial shows it the space; one that stands for nothing does."""
        from optuna.trial import create_trial

        axes = [axis for axis in self._space.axes if axis.family is None]
        if axes:
            params = {axis.key: _encoded(axis, axis.low if axis.values is None else axis.values[0]) for axis in axes}
            kinds = {axis.key: distribution(axis) for axis in axes}
            self._study.add_trial(create_trial(params=params, distributions=kinds, value=0.0))


def make_study(higher_is_better: bool, sampler: Any = None, pruner: Any = None) -> Study:
    """A study of Optuna, in memory. Its name is always the same: Hyperband chooses brackets by it."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    direction = optuna.study.StudyDirection.MAXIMIZE if higher_is_better else optuna.study.StudyDirection.MINIMIZE
    return optuna.create_study(direction=direction, sampler=sampler, pruner=pruner, study_name="expctl")


def calm() -> warnings.catch_warnings[None]:
    """Optuna marks arguments and whole samplers experimental, with a warning that our users cannot act on."""
    return warnings.catch_warnings(action="ignore")


def distribution(axis: Axis) -> BaseDistribution:
    """An axis as Optuna sees it. Listed numbers are places in their order, so that a sampler knows what is near."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if axis.values is None:
        return FloatDistribution(axis.low, axis.high, log=axis.log)
    if axis.log:
        low, high = axis.values[0], axis.values[-1]
        assert isinstance(low, int)
        assert isinstance(high, int)
        return IntDistribution(low, high, log=True)
    if axis.ordered:
        return IntDistribution(0, len(axis.values) - 1)
    return CategoricalDistribution(axis.values)


def _encoded(axis: Axis, value: Value) -> Any:
    """A value of an axis as its distribution has it."""
    return axis.values.index(value) if axis.values is not None and axis.ordered and not axis.log else value


def _suggested(trial: Any, axis: Axis) -> Value:
    from optuna.distributions import IntDistribution

    kind = distribution(axis)
    if axis.values is None:
        return float(trial.suggest_float(axis.key, axis.low, axis.high, log=axis.log))
    if isinstance(kind, IntDistribution):
        drawn = int(trial.suggest_int(axis.key, kind.low, kind.high, log=kind.log))
        return drawn if axis.log else axis.values[drawn]
    return trial.suggest_categorical(axis.key, axis.values)  # type: ignore[no-any-return]


def importance(
    space: SearchSpace[Any], results: Iterable[tuple[SearchPoint, float]], *, higher_is_better: bool
) -> dict[str, float]:
    """How much each varied parameter mattered for the metric, as shares of 1, the most important first.

    By PED-ANOVA, Watanabe, Bansal and Hutter 2023, which asks what the best tenth has in common. It is Optuna's default
    since 5 only. Empty for fewer than 20 results or 2 parameters.
    """
    results = list(results)
    axes = {axis.key: axis for axis in space.axes}
    if len(results) < 20 or len(axes) < 2:
        return {}
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
    from optuna.trial import create_trial

    with calm():
        study = make_study(higher_is_better)
        for point, value in results:
            params = {key: _encoded(axes[key], one) for key, one in point.items()}
            kinds = {key: distribution(axes[key]) for key in point}
            study.add_trial(create_trial(params=params, distributions=kinds, value=value))
        return dict(get_param_importances(study, evaluator=PedAnovaImportanceEvaluator()))
