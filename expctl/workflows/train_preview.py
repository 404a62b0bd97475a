"""What a training would do, as far as that can be told without fitting. Reads data and store, writes nothing."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from expctl.tracking.store import silent
from expctl.workflows.existing import find_existing
from expctl.workflows.recipe_source import told_data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from expctl.recipe import Recipe
    from expctl.records import RunRecord, Value
    from expctl.training.data.dataset import Split
    from expctl.workflows.requests import TrainingRequest


@dataclass(frozen=True)
class Preview:
    """`changes` are the values that the recipe's base had otherwise; `columns` says what each of the data is to it.

    `cells` are how many of a table's column are missing, and how many different the others. `classes` has the rows of
    each label, and `numbers` the least, middle and largest one, for training and for the test. `existing` is the run
    that would be repeated.
    """

    request: TrainingRequest
    split: Split
    changes: Mapping[str, Value]
    columns: Mapping[str, str]
    cells: Mapping[str, tuple[int, int]]
    classes: Mapping[str, tuple[int, int]]
    numbers: Mapping[str, tuple[float, float]]
    existing: RunRecord | None


def preview(
    request: TrainingRequest, progress: Callable[[str], None] = silent, note: Callable[[str], None] = silent
) -> Preview:
    """What a request would train. Raises what `train` would raise before there is a run."""
    from expctl.training.data.checks import raise_if_strict
    from expctl.training.data.dataset import load_split
    from expctl.training.fit.trainer import check_fit
    from expctl.training.models.pipeline import build_pipeline
    from expctl.training.models.steps import selects_columns
    from expctl.training.search.recipe_diff import changed_values

    recipe = request.recipe
    progress("reading " + recipe.data)
    split = load_split(recipe, all_columns=bool(recipe.own_code))
    with _nothing_compiled():
        pipeline = build_pipeline(recipe)
    for line in told_data(request.base, recipe, (split.data_hash, split.test_data_hash)):
        note(line)
    if request.strict:
        raise_if_strict(split.data_issues)
    check_fit(recipe, pipeline, split)
    progress("looking for the same run")
    hashes = split.data_hash, split.test_data_hash
    changes = {} if request.base is None else changed_values(request.base.recipe, recipe)
    return Preview(
        request,
        split,
        {key: old for key, (old, _) in changes.items()},
        _columns(request, split, whole=bool(recipe.own_code) and not selects_columns(pipeline)),
        _cells(split, recipe),
        {} if recipe.task == "regression" else _classes(split),
        _numbers(split) if recipe.task == "regression" else {},
        find_existing(request, note, hashes),
    )


@contextmanager
def _nothing_compiled() -> Iterator[None]:
    """Import a user's own module without Python writing its bytecode beside it."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before


def _columns(request: TrainingRequest, split: Split, *, whole: bool) -> dict[str, str]:
    """What the columns of the data are read for; `whole`: the model reads all that are left."""
    from expctl.training.data.kinds import features_of

    recipe, kind = request.recipe, features_of(request.recipe)
    if recipe.columns is None:
        known = dict.fromkeys(kind.columns(recipe), kind.NOUN) | {recipe.target: "label"}
    else:
        known = {**recipe.columns, recipe.target: "target"}
    for column, use in ((recipe.split_column, "split"), (recipe.group_column, "group"), (recipe.time_column, "time")):
        if column is not None:
            known[column] = use
    return {name: known.get(name, "feature" if whole else "unused") for name in split.columns}


def _cells(split: Split, recipe: Recipe) -> dict[str, tuple[int, int]]:
    import pandas as pd

    from expctl.training.data.table_checks import cells_of

    if recipe.columns is None:
        return {}
    frame = pd.concat([split.train.frame, split.test.frame])
    return {name: cells_of(frame, name, kind) for name, kind in recipe.columns.items()}


def _numbers(split: Split) -> dict[str, tuple[float, float]]:
    import numpy as np

    train, test = (np.quantile(rows.labels, [0, 0.5, 1]).tolist() for rows in (split.train, split.test))
    return dict(zip(("min", "median", "max"), zip(train, test, strict=True), strict=True))


def _classes(split: Split) -> dict[str, tuple[int, int]]:
    from collections import Counter

    train, test = (Counter(map(str, rows.labels.tolist())) for rows in (split.train, split.test))
    return {name: (train[name], test[name]) for name in sorted({*train, *test})}
