"""What a recorded run is trained again from: its recipe, its data, found and checked, and what it came to."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from expctl.analysis.reproduction import Deviation
from expctl.analysis.row_changes import RowKeys, row_changes
from expctl.errors import DataError, RunNotFound, UsageError, mask_secrets
from expctl.records import Tag
from expctl.tracking.errors import damaged
from expctl.tracking.runs.predictions import read_predictions
from expctl.training.data.dataset import load_split, read_marks
from expctl.training.data.stored import digest_of
from expctl.workflows.recipe_source import recipe_of
from expctl.workflows.reproduce_checks import check_complete

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.analysis.predictions import RunPredictions
    from expctl.analysis.row_changes import RowChanges
    from expctl.recipe import Recipe
    from expctl.records import RunRecord
    from expctl.tracking.store import Store
    from expctl.training.data.dataset import RowDigests, Split

_SHOWN: Final = 5


@dataclass(frozen=True)
class Original:
    """A run that can be trained again: its recipe, and what it predicted."""

    run: RunRecord
    recipe: Recipe
    predictions: RunPredictions


def original_of(store: Store, run: RunRecord, *, trust: bool) -> Original:
    """What a recorded run is reproduced from.

    Raises UsageError for a sweep and a run without a recipe, RunNotFound for one that is not complete, DataError,
    unless `trust`, for a model that the user's own code makes.
    """
    where = f"run {run.described}"
    recipe = recipe_of(run, instead="expctl reproduce {}")
    if recipe.own_code and not trust:
        raise DataError(
            f"{where} is made by code that its recipe names, {', '.join(recipe.own_code)}",
            hint="--trust runs what has that name here; the run's files have what was run",
        )
    check_complete(run)
    predictions = read_predictions(store, run)
    if predictions is None:
        raise RunNotFound(f"{where} has no predictions.parquet any more", hint=f"expctl show {run.run_id[:8]}")
    return Original(run, recipe, predictions)


def find_data(
    store: Store, original: Original, data: str | None = None, test_data: str | None = None
) -> tuple[Recipe, Split, list[Deviation]]:
    """The recipe and the split to train on, the files being where the recipe says or at `data` and `test_data`.

    The same bytes are taken as they are, the same rows in another file too: that is told as a suspect.
    Raises DataError, with the rows that differ, for anything else.
    """
    had = original.recipe
    if test_data is not None and had.test_data is None:
        raise UsageError("the run was tested on a part of its data, not on another file", hint="leave out --test-data")
    recipe = replace(had, data=data or had.data, test_data=test_data or had.test_data)
    suspects: list[Deviation] = []
    order: Sequence[int] | None = None
    for what in ("data", "test_data"):
        path, hashed = getattr(recipe, what), original.run.params.get(f"{what}_hash")
        digest = None if path is None else _digest(original, path, f"--{what.replace('_', '-')}")
        if digest == hashed:
            continue
        changes = _changes(store, original, recipe, what)
        suspects.append(Deviation("data", f"{what}_hash", hashed, digest))
        if changes.order is not None:
            suspects.append(Deviation("data", f"order of {what}", "as recorded", "another, put right"))
            order = changes.order if what == "data" else order
    return recipe, load_split(recipe, all_columns=bool(recipe.own_code), order=order), suspects


def _digest(original: Original, path: str, option: str) -> str:
    try:
        return digest_of(path)
    except DataError as error:
        raise _unreadable(original, error, option) from error


def _unreadable(original: Original, error: DataError, option: str) -> DataError:
    return DataError(
        f"run {original.run.label} cannot be trained again: {error.message}",
        hint=f"{option} FILE names the same data elsewhere",
    )


def _changes(store: Store, original: Original, recipe: Recipe, what: str) -> RowChanges:
    """How a file differs from that of the run, but for its bytes. Raises DataError if its rows are others."""
    path, option = getattr(recipe, what), f"--{what.replace('_', '-')}"
    before = _tested(original) if what == "test_data" else _data_rows(store, original.run)
    try:
        marks = read_marks(recipe, path)
    except DataError as error:
        raise _unreadable(original, error, option) from error
    after = _keys(marks, as_tested=what == "test_data")
    changes = None if before is None else row_changes(before, after)
    if changes is not None and not changes.any:
        return changes
    told = "its sha256 is another" if changes is None else _told(changes)
    raise DataError(
        f"{mask_secrets(path)} is not what run {original.run.label} was made from: {told}",
        hint=f"restore the file, or {option} FILE with the same rows",
    )


def _keys(marks: RowDigests, *, as_tested: bool) -> RowKeys:
    """The marks of a file as they are compared; of a test file as `_tested` gives them."""
    labels = [str(label) if as_tested else repr(label) for label in marks.labels.tolist()]
    rest = [""] * len(labels) if marks.rest is None or as_tested else [one.decode() for one in marks.rest.tolist()]
    return RowKeys(marks.rows, marks.hashes, labels, rest)


def _tested(original: Original) -> RowKeys | None:
    """The rows of the run's test file, which are those that it predicted; None if a factory may have read more."""
    if original.recipe.own_code:
        return None
    said = original.predictions
    return RowKeys(said.rows, said.keys, [said.classes[label] for label in said.labels], [""] * len(said))


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
        table = pq.ParquetFile(io.BytesIO(content), page_checksum_verification=True).read(use_threads=False)
        digests = [digest.hex() for digest in table["text_hash"].to_pylist()]
        labels = [repr(label) for label in table["label"].to_pylist()]
        more = "rest_hash" in table.column_names
        rest = [digest.hex() for digest in table["rest_hash"].to_pylist()] if more else [""] * len(labels)
        return RowKeys(table["row"].to_numpy(), np.array(digests, dtype="S32"), labels, rest)
    except (pa.ArrowException, KeyError, ValueError, AttributeError, OSError) as error:
        raise damaged(holder, "data_rows.parquet") from error


def _told(changes: RowChanges) -> str:
    parts = {
        "added": changes.added,
        "removed": changes.removed,
        "relabelled": changes.relabelled,
        "altered in another column": changes.altered,
    }
    return ", ".join(f"{_rows_named(rows)} {what}" for what, rows in parts.items() if rows)


def _rows_named(rows: Sequence[int]) -> str:
    some = ", ".join(map(str, rows[:_SHOWN])) + (", ..." if len(rows) > _SHOWN else "")
    return f"row {some}" if len(rows) == 1 else f"{len(rows):,} rows ({some})"
