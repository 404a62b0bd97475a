"""What a recorded run is trained again from: its recipe, its data, found and checked, and what it came to."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from expctl.analysis.reproduction import Suspect
from expctl.analysis.row_changes import RowKeys, row_changes
from expctl.errors import DataError, ExpctlError, RunNotFound, UsageError, mask_secrets
from expctl.recipe import Recipe
from expctl.records import Tag
from expctl.tracking.failures import damaged
from expctl.tracking.models import load_model
from expctl.tracking.predictions import read_predictions
from expctl.training.dataset import load_split, read_rows
from expctl.training.families import is_factory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.analysis.predictions import RunPredictions
    from expctl.analysis.row_changes import RowChanges
    from expctl.records import RunRecord
    from expctl.tracking.store import Store
    from expctl.training.dataset import Rows, Split

_SHOWN: Final = 5


@dataclass(frozen=True)
class Original:
    """A run that can be trained again: its recipe, what it predicted, and the estimator it recorded.

    Without an estimator `no_model` says why.
    """

    run: RunRecord
    recipe: Recipe
    predictions: RunPredictions
    estimator: Any
    no_model: str | None


def original_of(store: Store, run: RunRecord, *, trust: bool) -> Original:
    """What a recorded run is reproduced from.

    Raises UsageError for a sweep and a run without a recipe, RunNotFound for one that is not complete, DataError,
    unless `trust`, for a model that the user's own code makes.
    """
    where = f"run {run.label} ({run.run_id[:8]})"
    if Tag.SWEEP in run.tags:
        best = run.tags.get(Tag.BEST_RUN, "RUN")[:8]
        raise UsageError(f"{where} is a sweep: its trials are what was trained", hint=f"expctl reproduce {best}")
    try:
        recipe = Recipe.from_json(run.tags[Tag.RECIPE])
    except (KeyError, ValueError, TypeError):
        raise UsageError(f"{where} has no recipe: expctl did not make it", hint="expctl list") from None
    if is_factory(recipe.model) and not trust:
        raise DataError(
            f"{where} is made by code of this folder, {recipe.model}",
            hint="--trust runs it; factory.py of the run is what was run",
        )
    predictions = read_predictions(store, run)
    if predictions is None or Tag.COMPLETE not in run.tags:
        raise RunNotFound(f"{where} is {run.status} and not complete", hint=f"expctl show {run.run_id[:8]}")
    try:
        return Original(run, recipe, predictions, load_model(store, run, trust=trust).estimator, None)
    except ExpctlError as error:
        return Original(run, recipe, predictions, None, error.message)


def find_data(
    store: Store, original: Original, data: str | None = None, test_data: str | None = None
) -> tuple[Recipe, Split, list[Suspect]]:
    """The recipe and the split to train on, the files being where the recipe says or at `data` and `test_data`.

    The same bytes are taken as they are, the same rows in another file too: that is told as a suspect.
    Raises DataError, with the rows that differ, for anything else.
    """
    had = original.recipe
    if test_data is not None and had.test_data is None:
        raise UsageError("the run was tested on a part of its data, not on another file", hint="leave out --test-data")
    recipe = replace(had, data=data or had.data, test_data=test_data or had.test_data)
    try:
        split = load_split(recipe, all_columns=is_factory(recipe.model))
    except DataError:
        _suspects(store, original, recipe, None)  # a file that was changed is told as such, rather than by what ensues
        raise
    return recipe, split, _suspects(store, original, recipe, split)


def _suspects(store: Store, original: Original, recipe: Recipe, split: Split | None) -> list[Suspect]:
    """What is told of files that are not the recorded bytes. Raises DataError for one that does not hold the same rows.

    `split` is None where the files cannot be divided as they are.
    """
    digests = {
        "data": None if split is None else split.data_hash,
        "test_data": None if split is None else split.test_data_hash,
    }
    found: list[Suspect] = []
    for what, digest in digests.items():
        path, recorded = getattr(recipe, what), original.run.params.get(f"{what}_hash")
        if path is None or (digest is not None and digest == recorded):
            continue
        option = f"--{what.replace('_', '-')}"
        changes = _changes(store, original, recipe, what, option)
        if changes is None or changes.any:
            told = "its sha256 is another" if changes is None else _told(changes)
            raise DataError(
                f"{mask_secrets(path)} is not what run {original.run.label} was made from: {told}",
                hint=f"bring the file back, or {option} FILE with the same rows",
            )
        found.append(Suspect("data", f"{what}_hash", recorded, digest))
        if changes.moved:
            found.append(Suspect("data", f"order of {what}", "as recorded", "another"))
    return found


def _changes(store: Store, original: Original, recipe: Recipe, what: str, option: str) -> RowChanges | None:
    """How the rows of a file differ from those of the run; None for a run that does not hold its rows."""
    try:
        rows = read_rows(recipe, getattr(recipe, what))
    except DataError as error:
        raise DataError(
            f"run {original.run.label} cannot be trained again: {error.message}",
            hint=f"{option} FILE names the same data elsewhere",
        ) from error
    before = _tested(original) if what == "test_data" else _data_rows(store, original.run)
    return None if before is None else row_changes(before, _keys(rows))


def _keys(rows: Rows) -> RowKeys:
    import numpy as np

    return RowKeys(
        rows.frame.index.to_numpy(), rows.hashes, np.array([str(label) for label in rows.labels], dtype=object)
    )


def _tested(original: Original) -> RowKeys:
    """The rows of the run's test file, which are those that it predicted."""
    import numpy as np

    said = original.predictions
    return RowKeys(said.rows, said.keys, np.array(said.classes, dtype=object)[said.labels])


def _data_rows(store: Store, run: RunRecord) -> RowKeys | None:
    """The rows of the run's data file; of a trial, the sweep holds them. None for a run that was made without them."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    parent = run.tags.get(Tag.PARENT)
    holder = store.get(parent) if parent else run
    content = store.read_artifact(holder, "data_rows.parquet")
    if content is None:
        return None
    try:
        table = pq.read_table(io.BytesIO(content), use_threads=False)
        digests = [digest.hex() for digest in table["text_hash"].to_pylist()]
        labels = [str(label) for label in table["label"].to_pylist()]
        return RowKeys(table["row"].to_numpy(), np.array(digests, dtype="S32"), np.array(labels, dtype=object))
    except (pa.ArrowException, KeyError, ValueError, AttributeError, OSError) as error:
        raise damaged(holder, "data_rows.parquet") from error


def _told(changes: RowChanges) -> str:
    parts = (("added", changes.added), ("removed", changes.removed), ("relabelled", changes.relabelled))
    return ", ".join(f"{_rows_named(rows)} {what}" for what, rows in parts if rows)


def _rows_named(rows: Sequence[int]) -> str:
    some = ", ".join(map(str, rows[:_SHOWN])) + (", ..." if len(rows) > _SHOWN else "")
    return f"row {some}" if len(rows) == 1 else f"{len(rows):,} rows ({some})"
