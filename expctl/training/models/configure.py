"""From what a user gave to a recipe: every value read, checked and completed. Imports nothing heavy.

A wrong value is a UsageError here, before any data is read and any run is made.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any, Final

from expctl.columns import COLUMN_KINDS, by_kind
from expctl.errors import UsageError, closest
from expctl.extra_metrics import ExtraMetric, read_extra_metrics, spelled
from expctl.recipe import OPTIONS, Recipe, renamed
from expctl.training.data.class_folders import is_divided
from expctl.training.models.factory import source_hash, sources_hash
from expctl.training.models.families import families_of, is_factory, parameters_of
from expctl.training.models.features import FEATURES, PREFIX, check_features
from expctl.training.models.word_file import word_file_hash

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from expctl.parameters import Parameter
    from expctl.records import Value

# The options of a recipe that are read and checked as parameters are, and those that are just a text.
NUMBERS: Final = {key: one.number() for key, one in OPTIONS.items() if one.domains}
TEXTS: Final = tuple(key for key, one in OPTIONS.items() if not one.domains)
RECIPE_KEYS: Final = (*TEXTS, *NUMBERS)
TEST_SETS: Final = tuple(key for key, one in OPTIONS.items() if one.makes_test_set)


def configure(given: Mapping[str, object]) -> Recipe:
    """The recipe for what was given: keys of `RECIPE_KEYS` and parameters of the model, typed or as text.

    The test set of a folder that holds one is that, if no other is given.

    `columns` are those of a table, as `training/data/column_kinds.py` decides them: without them the task is text.

    Raises UsageError for an unknown key (naming the closest), a value out of its range, or choices that exclude each
    other. The parameters of a factory (`package.module:factory`) are checked against its signature when it is called.
    """
    fields: dict[str, Any] = {}
    rest: dict[str, object] = {}
    for key, value in renamed(given).items():
        if key == "columns":
            fields[key] = _columns(value)
        elif key in NUMBERS:
            fields[key] = NUMBERS[key].read(value)
        elif key in TEXTS:
            fields[key] = _text(key, value)
        else:
            rest[key] = value
    _check_test_set(fields)
    chosen = any(fields.get(key) is not None for key in (*TEST_SETS, "time_column"))
    if not chosen and is_divided(str(fields.get("data", ""))):
        fields |= {**dict.fromkeys(TEST_SETS), "split_column": "split"}
    task, columns = fields.get("task"), fields.get("columns")
    if columns is not None:
        _check_table(fields)
    model = fields.get("model", "logreg")
    if is_factory(model):
        fields["model_hash"] = source_hash(model)
        if fields.get("calibrate") is not None:
            raise UsageError(
                f"--calibrate is for the models that expctl builds, not {model}",
                hint="let the factory return a CalibratedClassifierCV",
            )
    if fields.get("extra_metric") is not None:
        fields["extra_metric_hash"] = sources_hash(one.path for one in read_extra_metrics(fields["extra_metric"]))
    fields["parameters"] = _factory_parameters(rest) if is_factory(model) else _parameters(model, rest, task, columns)
    if not is_factory(model):
        fields["stop_words_hash"] = word_file_hash(fields["parameters"].get("stop_words"))
    return Recipe(**fields)


def with_extra_metric(recipe: Recipe, metric: ExtraMetric) -> Recipe:
    """The recipe with one metric of the user's own, as its file is now."""
    return dataclasses.replace(recipe, extra_metric=spelled(metric), extra_metric_hash=sources_hash([metric.path]))


def without_rival_tests(given: Mapping[str, Any], wins: Collection[str]) -> dict[str, Any]:
    """What was given, without its way of making a test set where one of the keys that win gives another one."""
    rivals = TEST_SETS if any(way in wins for way in TEST_SETS) else ()
    return {key: value for key, value in given.items() if key not in rivals}


def recorded(text: str) -> Recipe:
    """The recipe whose JSON a run holds, by the same rules: whoever can write to a store can write there anything.

    A parameter that came after the recipe has its default. Raises UsageError.
    """
    try:
        recipe = Recipe.from_json(text)
        given = {field.name: getattr(recipe, field.name) for field in dataclasses.fields(Recipe)}
        given.update(given.pop("parameters"))
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError("it is not the JSON of a recipe", hint="expctl list") from error
    hashes = {key: given.pop(key) for key in ("model_hash", "extra_metric_hash", "stop_words_hash")}
    chosen = {key: value for key, value in given.items() if value is not None or key not in RECIPE_KEYS}
    made = configure(chosen)
    taken = {**dataclasses.asdict(made), **made.parameters}
    for key, value in chosen.items():  # what a person types is text; what we record is not, where it is no text
        if isinstance(value, str) and not isinstance(taken.get(key, value), str):
            raise UsageError(f"{key} is the text {value!r} there, not a value", hint="expctl list")
    parameters = {key: made.parameters[key] for key in {**recipe.parameters, **made.parameters}}  # in their order there
    return dataclasses.replace(made, parameters=parameters, **hashes)


def defaults(model: str, task: str | None = None, columns: Mapping[str, str] | None = None) -> dict[str, Value]:
    """Every parameter of a family with its default, feature parameters first. Of a factory: none are known."""
    return {} if is_factory(model) else {key: p.default for key, p in _known(model, task, columns).items()}


def defaults_for(recipe: Recipe) -> dict[str, Value]:
    """The `defaults` of a recipe's model, for what it learns from what."""
    return defaults(recipe.model, recipe.task, recipe.columns)


def _known(model: str, task: str | None, columns: Mapping[str, str] | None) -> dict[str, Parameter]:
    families = families_of(task, columns)
    if model not in families:
        what = "of texts" if columns is None else f"for {task} of tables"
        raise UsageError(
            f"unknown model {model!r} {what}{closest(model, families)}",
            hint=f"use {', '.join(families)}, or package.module:factory",
        )
    return parameters_of(model, task, columns)


def _columns(value: object) -> dict[str, str] | None:
    """Columns with their kinds, in the order of a recipe."""
    if value is None:
        return None
    if not isinstance(value, dict) or not value or any(kind not in COLUMN_KINDS for kind in value.values()):
        raise UsageError("columns are not columns with their kinds", hint="expctl list")
    return by_kind(value)


def _check_table(fields: dict[str, Any]) -> None:
    """Complete, and refuse, what only texts or only classes have."""
    if fields.get("task") is None:
        raise UsageError("a table has a task", hint="--task classification, or regression")
    if fields["target"] in fields["columns"]:
        raise UsageError(f"{fields['target']!r} is the target and a feature", hint=f"--drop {fields['target']}")
    if fields["task"] != "regression":
        return
    if fields.get("stratify"):
        raise UsageError("numbers have no classes to stratify by", hint="leave out --stratify")
    fields["stratify"] = False
    fields.setdefault("model", "ridge")
    if fields.get("calibrate") is not None:
        raise UsageError("--calibrate is of probabilities, and a regression has none", hint="leave it out")


def _parameters(
    model: str, given: Mapping[str, object], task: str | None, columns: Mapping[str, str] | None
) -> dict[str, Value]:
    known = _known(model, task, columns)
    for key in given:
        if key not in known:
            raise UsageError(
                f"{model} has no parameter {key!r}{closest(key, known)}", hint=f"it has {', '.join(known)}"
            )
    for key in given.keys() & FEATURES.keys():
        if PREFIX + key in known:
            try:
                known[key].read(given[key])
            except UsageError as error:
                raise UsageError(error.message, hint=f"the one of the features is {PREFIX}{key} there") from error
    values = {key: p.read(given[key]) if key in given else p.default for key, p in known.items()}
    if columns is None or "text" in columns.values():
        check_features(values)
    if values.get("encoder") == "native" and model != "hist_gradient_boosting":
        raise UsageError(f"encoder=native is of hist_gradient_boosting, not {model}", hint="-p encoder=onehot")
    return values


def _factory_parameters(given: Mapping[str, object]) -> dict[str, Value]:
    return {key: literal(value) for key, value in given.items()}


def literal(value: object) -> Value:
    """A value of a factory's parameter: none, true, false, a number, or text as it is."""
    if not isinstance(value, str):
        return value if value is None or isinstance(value, (int, float, bool)) else str(value)
    words: dict[str, Value] = {"none": None, "true": True, "false": False}
    if value.lower() in words:
        return words[value.lower()]
    for kind in (int, float):
        try:
            number = kind(value)
        except ValueError:
            continue
        return number if math.isfinite(number) else value
    return value


def _text(key: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise UsageError(f"{key} must be text, not {value!r}")
    return value


def _check_test_set(fields: dict[str, Any]) -> None:
    ways = [key for key in TEST_SETS if fields.get(key) is not None]
    if len(ways) > 1:
        raise UsageError(f"{' and '.join(ways)} both make a test set", hint="give one of them")
    if ways:  # what makes one by default gives way
        fields.update((key, None) for key in TEST_SETS if key not in ways)
    if fields.get("time_column") is not None and any(key != "test_size" for key in ways):
        raise UsageError(
            f"time_column and {ways[0]} both make a test set", hint="give one of them, or time_column and test_size"
        )
    kept = next((key for key in ("group_column", "time_column") if fields.get(key) is not None), None)
    if kept is not None and fields.get("calibrate") is not None:
        raise UsageError(
            f"calibrate divides the training rows at random, whatever the {kept}", hint="leave out one of the two"
        )
    if fields.get("gap") and fields.get("time_column") is None:
        raise UsageError("gap needs a time_column", hint="--time-column NAME")
    text, target = fields.get("text_column", "text"), fields.get("target", "label")
    if text == target and fields.get("columns") is None:
        raise UsageError(f"text_column and target are both {text!r}", hint="name two different columns")
