"""The recipe that a recorded run holds, for whatever is made from it: the same run again, or one with changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from expctl.errors import DataError, RunNotFound, UsageError, mask_secrets
from expctl.recipe import OPTIONS
from expctl.records import Tag
from expctl.tracking.runs.references import resolve
from expctl.training.data.column_kinds import DECIDING, decided
from expctl.training.models.configure import (
    RECIPE_KEYS,
    configure,
    defaults,
    defaults_for,
    recorded,
    without_rival_tests,
)
from expctl.training.models.families import is_factory
from expctl.training.search.recipe_diff import changed_values

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from expctl.recipe import Recipe
    from expctl.records import RunRecord, Value
    from expctl.tracking.store import Store


def recipe_of(run: RunRecord, *, instead: str = "expctl show {}") -> Recipe:
    """The recipe of a recorded run. Raises RunNotFound for a run that has none, DataError for one that is no recipe.

    A sweep has none: `instead` is the command to type, {} being its best trial.
    """
    where = f"run {run.described}"
    if Tag.SWEEP in run.tags:
        hint = instead.format(run.tags.get(Tag.BEST_RUN, "RUN")[:8])
        raise RunNotFound(f"{where} is a sweep: its trials are what was trained", hint=hint)
    if run.recipe_json is None:
        raise RunNotFound(f"{where} has no recipe: expctl did not train it", hint="expctl list")
    try:
        return recorded(run.recipe_json)
    except UsageError as error:
        raise DataError(f"the recipe of {where} cannot be used: {error.message}", hint=error.hint) from error


@dataclass(frozen=True, slots=True)
class Base:
    """A recorded run from which another recipe is made, by changes."""

    run: RunRecord
    recipe: Recipe

    def changed(self, changes: Mapping[str, Any]) -> Recipe:
        """Its recipe with changes: options and parameters by key, as `configure` takes them.

        A change of how the test set is made replaces the way of the recipe. With another model, those parameters stay
        that somebody chose and that the other model has too.

        Raises UsageError for changes that are wrong, or do not go with the rest; DataError where the model is the
        user's own code, of which only the record says which: a store is not to choose what is run here. Metrics of the
        user's own are left out for the same reason, unless they are among the changes.
        """
        had = self.recipe
        if is_factory(had.model) and "model" not in changes:
            raise DataError(
                f"run {self.run.described} is made by code that its recipe names, {had.model}",
                hint=f"--model {had.model} runs what has that name here",
            )
        named = replace(had, extra_metric=None)
        options = {key: value for key in RECIPE_KEYS if (value := getattr(named, key)) is not None}
        kept = self._parameters(str(changes.get("model", had.model)))
        options = without_rival_tests(options, changes)
        if not DECIDING & changes.keys():
            return configure({**options, "columns": had.columns, **kept, **changes})
        if had.columns is not None:
            options.pop("text_column")  # which would say that this is a text
        if "target" in changes:
            options.pop("task", None)  # it is that of the other target
        made = decided({**options, **changes})
        if had.columns is not None and made.get("task") != had.task:  # another family learns it, from rows divided anew
            made, kept = {key: made[key] for key in made if key in changes or key not in ("model", "stratify")}, {}
        model = str(made.get("model") or ("ridge" if made.get("task") == "regression" else "logreg"))
        if not is_factory(model):  # without a column of texts there are none of TF-IDF
            known = defaults(model, made.get("task"), made.get("columns"))
            kept = {key: value for key, value in kept.items() if key in known}
        return configure({**kept, **made})

    def varied(self, changes: Mapping[str, Any], space: Mapping[str, str]) -> tuple[Recipe, dict[str, Any]]:
        """Its recipe with changes, and what all trials have in common of a sweep that begins there.

        `space` is that of a `SweepRequest`. What they have in common is what is not as it is by default, and the
        changes as they are given. Raises what `changed` raises.
        """
        made = self.changed({**changes, "model": self.recipe.model} if "model" in space else changes)
        usual = {key: one.default for key, one in OPTIONS.items()} | defaults_for(made)
        values = without_rival_tests(made.values(), space)
        chosen = {key: value for key, value in values.items() if key == "data" or _differs(value, key, usual)}
        for key in (*space, *(axis.partition(".")[2] for axis in space)):
            chosen.pop(key, None)
        models = [word.strip() for word in space.get("model", made.model).split(",")]
        common: dict[str, Any] = {} if made.columns is None else {"columns": made.columns}
        for key, value in chosen.items():
            if key in OPTIONS:
                common |= {} if value is None else {key: value}
                continue
            everywhere = all(model == made.model or _fits(made, model, key, value) for model in models)
            if everywhere or made.model in models:
                common[key if everywhere else f"{made.model}.{key}"] = "none" if value is None else value
        return made, {**common, **changes}

    def told(self, recipe: Recipe, axes: Collection[str] = ()) -> str:
        """What another recipe has otherwise, in a line: `from NAME (ID): c=3.0 (was 1.0)`."""
        changes = {key: both for key, both in changed_values(self.recipe, recipe).items() if key not in axes}
        parts = [self._told(key, old, new, recipe) for key, (old, new) in changes.items()]
        parts += [f"varies {', '.join(axes)}"] if axes else []
        return f"from {self.run.described}: {', '.join(parts) or 'the same recipe'}"

    def _parameters(self, model: str) -> dict[str, Value]:
        """The parameters that stay with a model."""
        had = self.recipe
        if model == had.model:
            return dict(had.parameters)
        if is_factory(had.model):
            return {}
        usual = defaults_for(had)
        chosen = {key: value for key, value in had.parameters.items() if _differs(value, key, usual)}
        return {key: value for key, value in chosen.items() if _fits(had, model, key, value)}

    def _told(self, key: str, old: Value, new: Value, recipe: Recipe) -> str:
        if key not in recipe.values():
            return f"without {key} (was {_written(old)})"
        was = f" (was {_written(old)})" if key in self.recipe.values() else ""
        return f"{key}={_written(new)}{was}"


def base_of(store: Store, reference: str) -> Base:
    """The run that a reference means, to make another from. Raises RunNotFound, and what `recipe_of` raises."""
    run = resolve(store, reference)
    return Base(run, recipe_of(run, instead="--from {} takes its best trial"))


def told_data(base: Base | None, recipe: Recipe, hashes: tuple[str, str | None]) -> list[str]:
    """Which files of a recipe have another content than they had for its base; `hashes`: of data and test data now."""
    found = []
    for key, digest in zip(("data", "test_data"), hashes, strict=True):
        had = None if base is None else base.run.params.get(f"{key}_hash")
        path = getattr(recipe, key)
        if base is not None and had and digest and had != digest and path == getattr(base.recipe, key):
            now = f"its sha256 was {had[:12]}, is {digest[:12]}"
            found.append(f"{mask_secrets(path)} has changed since {base.run.label}: {now}")
    return found


def _differs(value: Value, key: str, usual: Mapping[str, Value]) -> bool:
    """In value or in type: `max_df` 1 is one row, 1.0 all of them."""
    return key not in usual or (type(usual[key]), usual[key]) != (type(value), value)


def _fits(recipe: Recipe, model: str, key: str, value: Value) -> bool:
    """Whether a family has, for what a recipe learns, a parameter that takes the value."""
    if is_factory(model):
        return False
    try:
        configure({"data": "-", "model": model, key: value, "target": recipe.target, **_learned(recipe)})
    except UsageError:
        return False
    return True


def _learned(recipe: Recipe) -> dict[str, Any]:
    return {} if recipe.columns is None else {"task": recipe.task, "columns": recipe.columns}


def _written(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value is None else mask_secrets(str(value))
