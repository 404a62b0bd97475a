"""In what two recipes differ, as the factors that can be changed one at a time, and the recipes between the two."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

from expctl.errors import UsageError
from expctl.recipe import OPTIONS, is_same
from expctl.training.models.configure import RECIPE_KEYS, configure, defaults_for
from expctl.training.models.families import families_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from expctl.recipe import Recipe
    from expctl.records import Value

Hashes = tuple[str | None, str | None]  # sha256 of the data file, and of the test file

_ALONE: Final = tuple(key for key, one in OPTIONS.items() if one.factor == "alone")
_DATA: Final = tuple(key for key in RECIPE_KEYS if OPTIONS[key].factor == "data")
_FILES: Final = tuple(key for key, one in OPTIONS.items() if one.is_file)


@dataclass(frozen=True, slots=True)
class Factor:
    """Something in which two recipes differ: its `keys` change together. `old` and `new` are for people."""

    name: str
    keys: frozenset[str]
    old: Value
    new: Value


def factors_between(one: Recipe, other: Recipe, hashes: tuple[Hashes, Hashes]) -> list[Factor]:
    """The factors in which `other` differs from `one`: data, model, parameters, then how rows are divided.

    Files are told apart by their content, of which `hashes` tells, not by their place. Everything that says which rows
    there are is one factor. Another family is one with the parameters that only one of the two has, that the other
    would refuse, or that nobody chose: each as its family has it by default. `cv` decides nothing about a model.
    """
    before, after = _flat(one), _flat(other)
    changed = [key for key in {**before, **after} if not _same(before, after, key)]
    data = [key for key in changed if key in _DATA and key not in _FILES]
    data += [key for key, old, new in zip(_FILES, *hashes, strict=True) if old != new]
    if (one.test_size is None) != (other.test_size is None):
        data.append("test_size")
    model = [key for key in changed if one.model != other.model and _is_of_model(key, one, other)]
    rest = [key for key in changed if key not in {*_DATA, *data, *model}]
    rest.sort(key=lambda key: _ALONE.index(key) if key in _ALONE else -1)
    factors = [Factor(key, frozenset((key,)), before.get(key), after.get(key)) for key in rest]
    if model:
        factors.insert(0, Factor("model", frozenset(model), _told_model(one, model), _told_model(other, model)))
    if data:
        old, new = (_told_data(recipe, own, data) for recipe, own in zip((one, other), hashes, strict=True))
        factors.insert(0, Factor("data", frozenset((*_DATA, *data)), old, new))
    return factors


def changed_values(one: Recipe, other: Recipe) -> dict[str, tuple[Value, Value]]:
    """The options and parameters that `other` has otherwise than `one`, each with both values; None: it has none.

    A parameter that only one of two models has is left out where it has its default.
    """
    before, after = one.values(), other.values()
    usual, usual_after = defaults_for(one), defaults_for(other)
    return {
        key: (before.get(key), after.get(key))
        for key in {**before, **after}
        if not _same(before, after, key)
        and (key in after or not _same(before, usual, key))
        and (key in before or not _same(after, usual_after, key))
    }


def recipe_between(one: Recipe, other: Recipe, changed: Iterable[Factor]) -> Recipe:
    """The recipe of `one` with these factors as `other` has them, without `cv`.

    Raises UsageError if the two do not go together.
    """
    keys = {key for factor in changed for key in factor.keys}
    before, after = _flat(one), _flat(other)
    given = {key: value for key, value in before.items() if key not in keys}
    given.update({key: value for key, value in after.items() if key in keys})
    chosen = {key: value for key, value in given.items() if value is not None or key not in RECIPE_KEYS}
    return configure({**chosen, "columns": (other if "target" in keys else one).columns})


def _flat(recipe: Recipe) -> dict[str, Any]:
    return {key: value for key, value in recipe.values().items() if key not in OPTIONS or OPTIONS[key].factor != "none"}


def _same(one: Mapping[str, Any], other: Mapping[str, Any], key: str) -> bool:
    return key in one and key in other and is_same(one[key], other[key])


def _is_of_model(key: str, one: Recipe, other: Recipe) -> bool:
    if key in RECIPE_KEYS:
        return OPTIONS[key].factor == "model"
    if not (key in one.parameters and key in other.parameters):
        return True
    tables = [(recipe, families_of(recipe.task, recipe.columns)) for recipe in (one, other)]
    known = [families[recipe.model].by_key for recipe, families in tables if recipe.model in families]
    if len(known) < 2 or not any(key in parameters for parameters in known):
        return False
    if not all(key in parameters for parameters in known):  # one name for two things: `norm` of complement_nb
        return True
    values = one.parameters[key], other.parameters[key]
    if all(value == parameters[key].default for value, parameters in zip(values, known, strict=True)):
        return True
    try:
        for value, parameters in zip(values, reversed(known), strict=True):
            parameters[key].read(value)
    except UsageError:
        return True
    return False


def _told_model(recipe: Recipe, keys: Collection[str]) -> str:
    """A model with those of its parameters, under the keys, that somebody chose: `logreg c=10.0`."""
    usual = defaults_for(recipe)
    chosen = {key: value for key, value in recipe.parameters.items() if key in keys}
    told = (
        f"{key}={'none' if value is None else value}" for key, value in chosen.items() if usual.get(key, "") != value
    )
    return " ".join([recipe.model, *told])


def _told_data(recipe: Recipe, hashes: Hashes, keys: Collection[str]) -> str:
    """What a recipe has under the keys of the data: a file by its name and the beginning of its hash."""
    told = [
        f"{PurePath(getattr(recipe, key)).name} ({digest[:8]})"
        for key, digest in zip(_FILES, hashes, strict=True)
        if key in keys and digest
    ]
    others = [key for key in keys if key not in _FILES and getattr(recipe, key) is not None]
    return " ".join([*told, *(f"{key}={getattr(recipe, key)}" for key in others)])
