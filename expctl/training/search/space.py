"""The search space of a sweep: `-g KEY=SPACE` read and checked, and what is made at each point in it, such as a recipe.

Knows which values a parameter takes; which of them are tried, and in what order, is the samplers' business.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

from expctl.errors import UsageError, closest
from expctl.parameters import Interval
from expctl.recipe import OPTIONS, renamed
from expctl.training.models.configure import NUMBERS, RECIPE_KEYS, configure, defaults, literal
from expctl.training.models.families import families_of, is_factory, parameters_of
from expctl.training.models.features import FEATURES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from expctl.parameters import Parameter
    from expctl.recipe import Recipe
    from expctl.records import Value

# What a sweep may vary besides the parameters of features and model.
_RECIPE_AXES: Final = tuple(key for key, one in OPTIONS.items() if one.may_vary)
GRID_LIMIT: Final = 10_000
SearchPoint = dict[str, "Value"]


class HasJson(Protocol):
    """What may be made at a point: its text tells it apart from others."""

    def to_json(self) -> str:
        """One line of JSON."""


Made = TypeVar("Made", bound=HasJson)


@dataclass(frozen=True, slots=True)
class Axis:
    """One direction of the space: `values` where they can be listed, else all reals from `low` to `high`.

    `key` is what the user wrote, `family` the family that alone has it (`logreg.c`), `text` the SPACE, `parameter`
    what is varied (None for a factory's). Values of an `ordered` axis are numbers, ascending; on a `log` axis they are
    told apart by their ratio.
    """

    key: str
    family: str | None
    text: str
    parameter: Parameter | None = None
    values: Sequence[Value] | None = None
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    ordered: bool = True

    def edge(self, value: Value) -> str | None:
        """`lowest` or `highest` if a value lies on an end of this axis that something lies beyond; else None.

        The ends of a real range are its outer 2 %. Where fewer than three values are tried, every one is an end and
        nothing can be learned from it.
        """
        if not self.ordered or not isinstance(value, (int, float)) or isinstance(value, bool):
            return None
        if self.values is not None:
            if len(self.values) < 3 or value not in (self.values[0], self.values[-1]):
                return None
            side = "lowest" if value == self.values[0] else "highest"
        else:
            scale = math.log if self.log else float
            place = (scale(value) - scale(self.low)) / (scale(self.high) - scale(self.low))
            if 0.02 < place < 0.98:
                return None
            side = "lowest" if place <= 0.02 else "highest"
        return side if self._goes_on(value, side) else None

    def _goes_on(self, value: float, side: str) -> bool:
        """Whether the parameter takes values beyond this one at all: ngram_min 1 is lowest because 0 is nothing."""
        if self.parameter is None:
            return True
        step = 1 if isinstance(value, int) else abs(value) * 1e-6 or 1e-9
        try:
            self.parameter.read(value - step if side == "lowest" else value + step)
        except UsageError:
            return False
        return True


@dataclass(frozen=True)
class SearchSpace(Generic[Made]):
    """The axes of a sweep, and what is made `at` a point: a recipe, or the request of a program.

    `at` raises UsageError where values contradict each other (ngram_min above ngram_max). `models` are those that
    trials may have, which have different axes; `seed` is what a sampler draws by. `features` is the kind of features
    that all recipes have.
    """

    axes: tuple[Axis, ...]
    models: tuple[str, ...]
    seed: int
    at: Callable[[SearchPoint], Made]
    features: str = "text"

    @property
    def chooses_model(self) -> bool:
        """Whether one of the axes is the model, on which the others depend."""
        return len(self.models) > 0 and any(axis.key == "model" for axis in self.axes)

    def axes_of(self, model: str) -> list[Axis]:
        """The axes that a trial of a model has, `model` itself included."""
        return [axis for axis in self.axes if axis.family in (None, model)]

    def grid(self) -> Iterator[SearchPoint]:
        """Every combination, model by model, the last axis changing fastest.

        Raises UsageError, before the first one, for an axis of reals without a step and for more than `GRID_LIMIT`.
        """
        for axis in self.axes:
            if axis.values is None:
                raise UsageError(
                    f"-g {axis.key}={axis.text} is infinite, and a grid tries every value",
                    hint=f"list some, give a step ({axis.text.removeprefix('log:')}..STEP), or --sampler tpe",
                )
        if self.size > GRID_LIMIT:
            raise UsageError(
                f"the grid has {self.size:,} combinations, more than {GRID_LIMIT:,}",
                hint="--sampler random --trials 100",
            )
        return self._points()

    @property
    def size(self) -> float:
        """The number of combinations; infinite where an axis takes any real."""
        return sum(
            math.prod(math.inf if axis.values is None else len(axis.values) for axis in axes)
            for axes in self._divided().values()
        )

    def _points(self) -> Iterator[SearchPoint]:
        for model, axes in self._divided().items():
            for values in itertools.product(*(axis.values or () for axis in axes)):
                point: SearchPoint = {"model": model} if self.chooses_model else {}
                yield {**point, **{axis.key: value for axis, value in zip(axes, values, strict=True)}}

    def _divided(self) -> dict[str, list[Axis]]:
        """The axes of each model but that of the model itself; all of them where there is no model."""
        if not self.models:
            return {"": list(self.axes)}
        return {model: [axis for axis in self.axes_of(model) if axis.key != "model"] for model in self.models}


def read_space(texts: Mapping[str, str], given: Mapping[str, object]) -> SearchSpace[Recipe]:
    """The space of recipes that `KEY: SPACE` texts make around what is `given` to every trial.

    Raises UsageError for a key that some model of the sweep does not have, a value out of its range (naming the
    range), an empty or reversed range, and a key that is given twice.
    """
    if not texts:
        raise UsageError("a sweep needs something to vary", hint="for example -g c=0.1,1,10")
    given = renamed(given)
    for key in texts:
        if key in RECIPE_KEYS and key not in _RECIPE_AXES:
            raise UsageError(f"-g {key}: all trials of a sweep have the same {key}", hint=f"--{key.replace('_', '-')}")
        if key in given:
            raise UsageError(f"{key} is both fixed and varied with -g", hint="give it once")
    models = _models(texts, given)
    for key in given:
        if key not in (*RECIPE_KEYS, "columns") and _divided(key, models)[0] is None:
            _found(key, key, models, given, option="-p")
    axes = []
    for key, text in texts.items():
        if key == "model":
            axes.append(Axis("model", None, text, values=tuple(models), ordered=False))
            continue
        family, parameters = _meant(key, models, given)
        axes.append(_axis(key, family, text, parameters))
    seed = NUMBERS["random_state"].read(given.get("random_state", 42))  # 42 where it is varied
    assert isinstance(seed, int)
    features = "text" if given.get("columns") is None else "table"
    return SearchSpace(tuple(axes), tuple(models), seed, partial(_recipe, given, tuple(models)), features)


def _recipe(common: Mapping[str, object], models: Sequence[str], point: SearchPoint) -> Recipe:
    """The recipe at a point; `common` is what all trials have (for `configure`; keys may be `family.key`)."""
    model = str(point.get("model", _model(common)))
    given: dict[str, object] = {}
    for key, value in {**common, **point}.items():
        family, own = _divided(key, models)
        if family in (None, model):
            given[own] = value
    return configure(given)


def read_axis(key: str, text: str) -> Axis:
    """An axis of values that nothing is known of: numbers, truth values and texts as they look."""
    return _axis(key, None, text, [])


def _models(texts: Mapping[str, str], given: Mapping[str, object]) -> list[str]:
    if "model" not in texts:
        models = [_model(given)]
    else:
        models = list(dict.fromkeys(word.strip() for word in texts["model"].split(",")))
    for model in models:
        defaults(model, *_learned(given))  # refuses an unknown one, naming the closest
    return models


def _model(given: Mapping[str, object]) -> str:
    return str(given.get("model") or ("ridge" if given.get("task") == "regression" else "logreg"))


def _learned(given: Mapping[str, Any]) -> tuple[str | None, Mapping[str, str] | None]:
    """The task, and the columns, of all trials."""
    return given.get("task"), given.get("columns")


def _parameters_of(model: str, given: Mapping[str, object]) -> Mapping[str, Parameter]:
    """What can be varied of a family besides `model`: its own parameters, those of the features, some of the recipe."""
    learned = _learned(given)
    own = parameters_of(model, *learned) if model in families_of(*learned) else FEATURES
    return {**own, **{key: NUMBERS[key] for key in _RECIPE_AXES if key in NUMBERS}}


def _meant(key: str, models: Sequence[str], given: Mapping[str, object]) -> tuple[str | None, list[Parameter]]:
    """The family that `family.key` names, if any, and the parameter in each model that has it; a factory has none."""
    family, own = _divided(key, models)
    if family is not None:
        return family, _found(own, key, [family], given)
    other, dot, _ = key.rpartition(".")
    if dot:
        raise UsageError(f"-g {key}: no trial has the model {other!r}", hint=f"-g model={','.join([*models, other])}")
    return None, _found(key, key, models, given)


def _divided(key: str, models: Sequence[str]) -> tuple[str | None, str]:
    """`family.key` as (family, key), if it is one of the models; else (None, key)."""
    family = next((model for model in models if key.startswith(f"{model}.")), None)
    return family, key if family is None else key.removeprefix(f"{family}.")


def _found(
    key: str, written: str, models: Sequence[str], given: Mapping[str, object], *, option: str = "-g"
) -> list[Parameter]:
    """The parameter of a name in each of the models. Raises UsageError, with a way out, if one of them has none."""
    parameters = []
    for model in models:
        if is_factory(model) and key not in NUMBERS:
            continue  # its signature is asked when the first trial is built
        known = _parameters_of(model, given)
        if key not in known:
            families = families_of(*_learned(given))
            owner = next((one for one in models if one in families and key in _parameters_of(one, given)), None)
            raise UsageError(
                f"{option} {written}: {model} has no parameter {key!r}"
                + (closest(key, known) if owner is None else ""),
                hint=f"{option} {owner}.{key}=... is for {owner} alone" if owner else f"it has {', '.join(known)}",
            )
        parameters.append(known[key])
    return parameters


def _axis(key: str, family: str | None, text: str, parameters: Sequence[Parameter]) -> Axis:
    """Read one SPACE: `0.1,1,10`, `1..5`, `1..9..2` or `log:1e-4..1e2`."""
    log = text.startswith("log:")
    body = text.removeprefix("log:").strip()
    if parameters:
        numbers = any(isinstance(domain, Interval) for domain in parameters[0].domains)
    else:
        numbers = log or _is_number(literal(body.partition("..")[0].strip()))
    if ".." not in body or not numbers:  # two dots are also of a path, or of a pattern
        if log:
            raise _wrong(key, text, "log: needs a range")
        return _listed(key, family, text, [word.strip() for word in body.split(",")], parameters)
    ends = [word.strip() for word in body.split("..")]
    if len(ends) not in (2, 3) or not all(ends):
        raise _wrong(key, text, "a range is LOW..HIGH or LOW..HIGH..STEP")
    low, high = (_read(key, word, parameters) for word in ends[:2])
    if not (_is_number(low) and _is_number(high)):
        raise _wrong(key, text, "a range goes from number to number")
    assert isinstance(low, (int, float))
    assert isinstance(high, (int, float))
    if type(low) is not type(high):
        raise _wrong(key, text, f"{low!r} and {high!r} differ in type: write both as integers or both as reals")
    if low >= high:
        raise _wrong(key, text, "it is empty" if low == high else "its bounds are reversed")
    if log and low <= 0:
        raise _wrong(key, text, "a logarithm needs numbers above 0")
    if len(ends) == 3:
        if log:
            raise _wrong(key, text, "log: takes no step")
        words = _steps(key, text, *ends)
        return _listed(key, family, text, words, parameters)
    parameter = parameters[0] if parameters else None
    if isinstance(low, int):
        return Axis(key, family, text, parameter, range(low, int(high) + 1), log=log)
    return Axis(key, family, text, parameter, None, low, high, log)


def _listed(key: str, family: str | None, text: str, words: list[str], parameters: Sequence[Parameter]) -> Axis:
    if not all(words):
        raise _wrong(key, text, "a value is missing")
    values = [_read(key, word, parameters) for word in words]
    distinct = list({(type(value), value): value for value in values}.values())
    ordered = all(_is_number(value) for value in distinct)
    if ordered:
        distinct.sort(key=lambda value: value)  # type: ignore[arg-type,return-value]
    return Axis(key, family, text, parameters[0] if parameters else None, tuple(distinct), ordered=ordered)


def _steps(key: str, text: str, low: str, high: str, step: str) -> list[str]:
    """The numbers from low to high, as texts; decimals, for 0.1..0.5..0.1 holds 0.3 and not 0.30000000000000004."""
    try:
        start, end, width = Decimal(low), Decimal(high), Decimal(step)
    except InvalidOperation:
        raise _wrong(key, text, f"its step {step!r} is not a number") from None
    if not width.is_finite() or width <= 0:
        raise _wrong(key, text, "its step must be above 0")
    if width * GRID_LIMIT < end - start:
        raise _wrong(key, text, f"it holds more than {GRID_LIMIT:,} values")
    number = int((end - start) / width) + 1
    return [str(start + i * width) for i in range(number)]


def _read(key: str, word: str, parameters: Sequence[Parameter]) -> Value:
    """A value as every one of the parameters reads it; a factory's as the number, truth value or text it looks like."""
    try:
        values = [parameter.read(word) for parameter in parameters] or [literal(word)]
    except UsageError as error:
        if all(parameter.domains == parameters[0].domains for parameter in parameters):
            raise
        raise UsageError(f"-g {key}: {error.message}", hint=f"write it as FAMILY.{key}, for each model") from error
    if any((type(value), value) != (type(values[0]), values[0]) for value in values):
        raise UsageError(f"-g {key}: the models read {word!r} differently", hint=f"write it as FAMILY.{key}, for each")
    return values[0]


def _is_number(value: Value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _wrong(key: str, text: str, what: str) -> UsageError:
    return UsageError(
        f"-g {key}={text}: {what}", hint="VALUES as 0.1,1,10, or LOW..HIGH, LOW..HIGH..STEP, log:1e-4..1e2"
    )
