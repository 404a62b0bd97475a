"""What all trials of a sweep read, made once: the splits of the data, and the counts of its terms.

Owns the choice of what is shared; a recipe that nothing is shared for is trained from its texts like any other.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from expctl.errors import DataError, UsageError
from expctl.training.data.checks import raise_if_strict
from expctl.training.data.dataset import RowDigests, Split, load_split
from expctl.training.data.rows import Rows
from expctl.training.fit.trainer import Reading, check_text, fold_positions, from_texts, shown_only, train
from expctl.training.models.families import is_factory
from expctl.training.models.pipeline import build_pipeline
from expctl.training.search.term_counts import ANALYZER_KEYS, Counts, Part, count, counted, part_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from expctl.data_issues import DataIssue
    from expctl.recipe import Recipe
    from expctl.records import Value
    from expctl.training.fit.trainer import TrainResult
    from expctl.training.search.space import Axis, SearchPoint, SearchSpace

_SPLIT_KEYS: Final = ("random_state", "test_size", "stratify")
_MOST: Final = 32  # splits times analyzer settings, beyond which sharing would cost more memory than it saves time
Key = tuple["Value", ...]


@dataclass(frozen=True)
class Prepared:
    """Splits, counts by split and analyzer settings, and their parts: 0 the whole, 1, 2, ... the folds."""

    splits: dict[Key, Split] = field(default_factory=dict)
    counts: dict[tuple[Key, Key], Counts] = field(default_factory=dict)
    parts: dict[tuple[Key, Key, int], Part] = field(default_factory=dict)

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
        """What `core.train` gives for a recipe, bit for bit; `fit_seconds` is without the counting.

        Raises TrainingFailed, and what building the pipeline, reading the data or being `strict` about it raises.
        """
        split = self.splits.get(_split_key(recipe))
        if split is None:
            split = load_split(recipe, all_columns=is_factory(recipe.model))
            for known in self.splits.values():
                _check_same(known, split, recipe)
            if strict:
                raise_if_strict(split.data_issues)
        else:
            split = replace(split, train=_mapped(split.train), test=_mapped(split.test))
        return train(recipe, split, build_pipeline(recipe), reading=self._reading(recipe), strict=strict)

    def _reading(self, recipe: Recipe) -> Reading:
        if is_factory(recipe.model):
            return from_texts
        keys = _split_key(recipe), _analyzer_key(recipe)
        if keys not in self.counts:
            return from_texts

        def from_counts(pipeline: Any, part: int) -> Any:
            return counted(pipeline, self.counts[keys], self.parts[(*keys, part)], recipe.parameters)

        return from_counts


def _mapped(rows: Rows) -> Rows:
    """The rows with labels that are a plain array, whatever memory they lie in: results must not hold a memory map."""
    import numpy as np

    return Rows(rows.frame, np.asarray(rows.labels), np.asarray(rows.hashes))


def prepare(
    space: SearchSpace, progress: Callable[[str], None] = lambda stage: None, *, data: str | None = None
) -> Prepared:
    """Read the data and count its terms, for every trial that the space may hold.

    `data` is where the data file lies now, if not where the recipes say.
    Raises DataError for data that no trial could be trained on, or that changed while it was read, and UsageError for
    a factory that cannot be built.
    """
    recipes, complete = representatives(space)
    prepared = Prepared()
    whole: dict[Key, Split] = {}
    built: set[str] = set()
    widest: dict[tuple[Key, Key], Recipe] = {}
    for recipe in recipes:
        key = _split_key(recipe)
        if key not in whole:
            progress("reading " + recipe.data)
            there = recipe if data is None else replace(recipe, data=data)
            whole[key] = load_split(there, all_columns=any(map(is_factory, space.models)))
            _check_same(next(iter(whole.values())), whole[key], recipe)
        if recipe.model not in built:
            built.add(recipe.model)
            check_text(build_pipeline(recipe), whole[key])
        if not is_factory(recipe.model):
            keys = key, _analyzer_key(recipe)
            widest[keys] = max(widest.get(keys, recipe), recipe, key=_longest)
    for (key, _), recipe in widest.items():
        progress("counting terms")
        _count(prepared, recipe, whole[key])
    data_rows = next(iter(whole.values())).data  # the same in all: held, and sent to each worker, once
    texts_needed = any(map(is_factory, space.models)) or not complete
    for recipe in recipes:
        key = _split_key(recipe)
        split = replace(whole[key], data=data_rows)
        prepared.splits[key] = split if texts_needed else shown_only(split, recipe)
    return prepared


def _longest(recipe: Recipe) -> int:
    return int(str(recipe.parameters["ngram_max"]))


def _check_same(one: Split, other: Split, recipe: Recipe) -> None:
    if (one.data_hash, one.test_data_hash) != (other.data_hash, other.test_data_hash):
        raise DataError(f"{recipe.data} changed during the sweep", hint="start again when nobody writes to it")


def _count(prepared: Prepared, recipe: Recipe, split: Split) -> None:
    import numpy as np

    vectorizer = build_pipeline(recipe).named_steps["features"].transformers[0][1]
    keys = _split_key(recipe), _analyzer_key(recipe)
    texts = itertools.chain(split.train.frame[recipe.text_column], split.test.frame[recipe.text_column])
    counts = count(texts, vectorizer.build_analyzer(), words=recipe.parameters["analyzer"] == "word")
    train_rows = len(split.train)
    whole = np.arange(train_rows), np.arange(train_rows, train_rows + len(split.test))
    folds = fold_positions(recipe, split.train) if recipe.cv else []
    prepared.counts[keys] = counts
    for number, (fit_on, measure_on) in enumerate([whole, *folds]):
        prepared.parts[(*keys, number)] = part_of(counts, fit_on, measure_on)


def representatives(space: SearchSpace) -> tuple[list[Recipe], bool]:
    """A recipe for each combination of what decides the split and the counts, n-grams as long as any trial has them.

    One a model, and False, where they are too many to be shared. Raises UsageError if no combination is valid.
    """
    found: dict[tuple[str, Key, Key], Recipe] = {}
    refused: list[UsageError] = []
    complete = True
    for model in space.models:
        axes = [axis for axis in space.axes_of(model) if axis.key != "model"]
        deciding = [axis for axis in axes if axis.parameter and axis.parameter.key in (*_SPLIT_KEYS, *ANALYZER_KEYS)]
        fixed: SearchPoint = {
            axis.key: axis.values[-1]
            for axis in axes
            if axis.values and axis.parameter and axis.parameter.key == "ngram_max"
        }
        if is_factory(model):  # what it takes is known to itself alone: it is called with everything
            fixed |= {axis.key: _some(axis)[0] for axis in axes if axis.parameter is None}
        if any(axis.key == "model" for axis in space.axes):
            fixed["model"] = model
        choices = [[(axis.key, value) for value in _some(axis)] for axis in deciding]
        complete = complete and all(axis.values is not None for axis in deciding)
        complete = complete and math.prod(map(len, choices)) <= _MOST
        for combination in itertools.product(*choices):
            try:
                recipe = space.recipe({**dict(combination), **fixed})
            except UsageError as error:  # contradictory: no trial is made of it either
                refused.append(error)
                continue
            found.setdefault((recipe.model, _split_key(recipe), _analyzer_key(recipe)), recipe)
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


def _analyzer_key(recipe: Recipe) -> Key:
    return tuple(recipe.parameters.get(key) for key in ANALYZER_KEYS)
