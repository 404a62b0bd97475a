"""What all trials of a sweep read, made once: the splits of the data, and counted terms or prepared columns.

Owns the choice of what is shared; a recipe that nothing is shared for is trained from its rows like any other.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from expctl.errors import DataError, UsageError
from expctl.recipe import OPTIONS
from expctl.training.data.checks import raise_if_strict
from expctl.training.data.dataset import RowDigests, Split, load_split
from expctl.training.data.kinds import features_of, load_kind
from expctl.training.data.rows import Rows
from expctl.training.fit.trainer import Reading, check_fit, fold_positions, from_rows, shown_only, train
from expctl.training.models.families import families_of, is_factory
from expctl.training.models.pipeline import build_pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from expctl.data_issues import DataIssue
    from expctl.recipe import Recipe
    from expctl.records import Value
    from expctl.training.fit.trainer import TrainResult
    from expctl.training.search.space import Axis, SearchPoint, SearchSpace

# Whatever of the data a sweep may vary may decide the split; the model and how it is fitted do not.
_SPLIT_KEYS: Final = tuple(key for key, option in OPTIONS.items() if option.may_vary and option.panel == "Data")
_MOST: Final = 32  # splits times analyzer settings, beyond which sharing would cost more memory than it saves time
Key = tuple["Value", ...]


@dataclass(frozen=True)
class Prepared:
    """Splits, and what the kind of features counted or prepared, by split and by what decides it."""

    splits: dict[Key, Split] = field(default_factory=dict)
    counts: dict[tuple[Key, Key], Any] = field(default_factory=dict)

    @property
    def hashes(self) -> tuple[str, str | None]:
        """The sha256 of the data file and of the test file, if there is one."""
        split = next(iter(self.splits.values()))
        return split.data_hash, split.test_data_hash

    @property
    def data(self) -> RowDigests:
        """The marks of the rows of the data file."""
        return next(iter(self.splits.values())).data

    @property
    def data_issues(self) -> list[DataIssue]:
        """What the data guard found in the splits, of each kind where there is most of it."""
        most: dict[str, DataIssue] = {}
        for finding in (one for split in self.splits.values() for one in split.data_issues):
            most[finding.key] = max(most.get(finding.key, finding), finding, key=lambda one: one.count)
        return list(most.values())

    def train(self, recipe: Recipe, *, strict: bool = False) -> TrainResult:
        """What `core.train` gives for a recipe, bit for bit; `fit_seconds` is without what is shared.

        Raises TrainingFailed, and what building the pipeline, reading the data or being `strict` about it raises.
        """
        split = self.splits.get(_split_key(recipe))
        if split is None:
            split = load_split(recipe, all_columns=bool(recipe.own_code))
            for known in self.splits.values():
                _check_same(known, split, recipe)
            if strict:
                raise_if_strict(split.data_issues)
        else:
            split = replace(split, train=_mapped(split.train), test=_mapped(split.test))
        return train(recipe, split, build_pipeline(recipe), reading=self._reading(recipe), strict=strict)

    def _reading(self, recipe: Recipe) -> Reading:
        if is_factory(recipe.model):
            return from_rows
        counts = self.counts.get((_split_key(recipe), _count_key(recipe)))
        if counts is None:
            return from_rows

        def from_counts(pipeline: Any, part: int) -> Any:
            return features_of(recipe).counted(pipeline, counts, part, recipe.parameters)

        return from_counts


def _mapped(rows: Rows) -> Rows:
    """The rows with labels that are a plain array, whatever memory they lie in: results must not hold a memory map."""
    import numpy as np

    groups, times = (None if one is None else np.asarray(one) for one in (rows.groups, rows.times))
    slices = {name: np.asarray(cells) for name, cells in rows.slices.items()}
    return Rows(rows.frame, np.asarray(rows.labels), np.asarray(rows.hashes), groups, times, slices)


def prepare(
    space: SearchSpace[Recipe], progress: Callable[[str], None] = lambda stage: None, *, data: str | None = None
) -> Prepared:
    """Read the data and count what its features count, for every trial that the space may hold.

    `data` is where the data file lies now, if not where the recipes say.
    Raises DataError for data that no trial could be trained on, or that changed while it was read, and UsageError for
    a factory that cannot be built.
    """
    recipes, complete = representatives(space)
    own_code = any(recipe.own_code for recipe in recipes)
    prepared = Prepared()
    whole: dict[Key, Split] = {}
    built: set[str] = set()
    widest: dict[tuple[Key, Key], Recipe] = {}
    for recipe in recipes:
        key = _split_key(recipe)
        if key not in whole:
            progress("reading " + recipe.data)
            there = recipe if data is None else replace(recipe, data=data)
            whole[key] = load_split(there, all_columns=own_code)
            _check_same(next(iter(whole.values())), whole[key], recipe)
        if recipe.model not in built:
            built.add(recipe.model)
            check_fit(recipe, build_pipeline(recipe), whole[key])
        if not is_factory(recipe.model):
            keys = key, _count_key(recipe)
            widest[keys] = max(widest.get(keys, recipe), recipe, key=_width)
    for keys, recipe in widest.items():
        progress("counting terms" if recipe.columns is None else "preparing columns")
        counts = _count(recipe, whole[keys[0]])
        if counts is not None:
            prepared.counts[keys] = counts
    data_rows = next(iter(whole.values())).data  # the same in all: held, and sent to each worker, once
    rows_needed = own_code or not complete or len(prepared.counts) < len(widest)
    for recipe in recipes:
        key = _split_key(recipe)
        split = replace(whole[key], data=data_rows)
        prepared.splits[key] = split if rows_needed else shown_only(split, recipe)
    return prepared


def _width(recipe: Recipe) -> float:
    key = features_of(recipe).WIDEST_KEY
    return 0 if key is None else float(str(recipe.parameters[key]))


def _check_same(one: Split, other: Split, recipe: Recipe) -> None:
    if (one.data_hash, one.test_data_hash) != (other.data_hash, other.test_data_hash):
        raise DataError(f"{recipe.data} changed during the sweep", hint="start again when nothing writes to it")


def _count(recipe: Recipe, split: Split) -> Any:
    """What the kind of features counts of all rows; of part 0, training and test rows, and of each fold."""
    import numpy as np

    train_rows = len(split.train)
    whole = np.arange(train_rows), np.arange(train_rows, train_rows + len(split.test))
    folds = fold_positions(recipe, split.train) if recipe.cv else []
    return features_of(recipe).count(recipe, [split.train.frame, split.test.frame], split.train.labels, [whole, *folds])


def representatives(space: SearchSpace[Recipe]) -> tuple[list[Recipe], bool]:
    """A recipe for each combination of what decides the split and the counts, these as wide as any trial needs them.

    One a model, and False, where they are too many to be shared. Raises UsageError if no combination is valid.
    """
    found: dict[tuple[str, Key, Key], Recipe] = {}
    refused: list[UsageError] = []
    complete = True
    kind = load_kind(space.features)  # no axis varies it
    for model in space.models:
        axes = [axis for axis in space.axes_of(model) if axis.key != "model"]
        deciding = [axis for axis in axes if axis.parameter and axis.parameter.key in (*_SPLIT_KEYS, *kind.COUNT_KEYS)]
        fixed: SearchPoint = {
            axis.key: axis.values[-1]
            for axis in axes
            if axis.values and axis.parameter and axis.parameter.key == kind.WIDEST_KEY
        }
        if is_factory(model):  # what it takes is known to itself alone: it is called with everything
            fixed |= {axis.key: _some(axis)[0] for axis in axes if axis.parameter is None}
        if space.chooses_model:
            fixed["model"] = model
        choices = [[(axis.key, value) for value in _some(axis)] for axis in deciding]
        complete = complete and all(axis.values is not None for axis in deciding)
        complete = complete and math.prod(map(len, choices)) <= _MOST
        for combination in itertools.product(*choices):
            try:
                recipe = space.at({**dict(combination), **fixed})
            except UsageError as error:  # contradictory: no trial is made of it either
                refused.append(error)
                continue
            found.setdefault((recipe.model, _split_key(recipe), _count_key(recipe)), recipe)
            if not complete:
                break
    if not found:
        raise refused[0]
    recipes = list(found.values())
    if complete and len(recipes) <= _MOST:
        return recipes, True
    return list({recipe.model: recipe for recipe in reversed(recipes)}.values()), False


def _some(axis: Axis) -> list[Value]:
    """The values of an axis, as many as could be shared and one more; of reals the lowest."""
    return [axis.low] if axis.values is None else list(itertools.islice(axis.values, _MOST + 1))


def _split_key(recipe: Recipe) -> Key:
    return tuple(getattr(recipe, key) for key in _SPLIT_KEYS)


def _count_key(recipe: Recipe) -> Key:
    """With whether the model reads no sparse matrix, which a table is not prepared as then."""
    dense = not is_factory(recipe.model) and families_of(recipe.task, recipe.columns)[recipe.model].dense
    return (*(recipe.parameters.get(key) for key in features_of(recipe).COUNT_KEYS), dense)
