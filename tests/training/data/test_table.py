"""Columns as features: each read as its kind is, rows known again by all that is read of them."""

from __future__ import annotations

import math
from typing import Any

import pytest

from expctl.errors import DataError, UsageError
from expctl.recipe import Recipe
from expctl.training.data import table
from expctl.training.data.dataset import feature_frame
from expctl.training.data.rows import text_hashes
from expctl.training.models.configure import configure
from expctl.training.models.pipeline import build_pipeline

KINDS = {"size": "numeric", "town": "categorical", "note": "text", "sold": "datetime"}


def recipe(**given: Any) -> Recipe:
    return configure({"data": "a.csv", "target": "y", "task": "regression", "columns": KINDS, **given})


def cells(**given: list[Any]) -> dict[str, list[Any]]:
    rows = {"size": ["1", "NA"], "town": [" ulm", ""], "note": ["old house", ""], "sold": ["2024-02-29T10:30", "?"]}
    return {**rows, **given}


def test_each_cell_is_read_as_its_column_is() -> None:
    read, left_out = table.read_cells(cells(), recipe())
    assert list(read) == table.inputs(recipe())
    assert left_out == [False, False]
    assert [read[name][0] for name in ("size", "town", "note")] == [1.0, "ulm", "old house"]
    assert [read[f"sold.{part}"][0] for part in table.TIME_PARTS] == [2024, 2, 29, 3, 10]
    assert (read["town"][1], read["note"][1]) == (None, "")
    assert all(math.isnan(read[name][1]) for name in ("size", "sold.year", "sold.hour"))


def test_the_frame_has_floats_and_python_strings() -> None:
    frame = feature_frame(table.read_cells(cells(), recipe())[0], range(2))
    assert frame.dtypes.astype(str).to_dict() == {
        name: "object" if name in ("town", "note") else "float64" for name in table.inputs(recipe())
    }


def test_na_is_a_category_unless_it_is_said_to_be_missing() -> None:
    given = cells(town=["NA", "x"], sold=["NA", "2024-02-29"])
    assert table.read_cells(given, recipe())[0]["town"] == ["NA", "x"]
    assert table.read_cells(given, recipe(missing="na,X"))[0]["town"] == [None, None]


def test_words_for_missing_that_are_said_are_the_only_ones() -> None:
    with pytest.raises(DataError, match="'NA' is not a number"):
        table.read_cells(cells(), recipe(missing="x"))


@pytest.mark.parametrize(("column", "cell"), [("size", "big"), ("sold", "May"), ("size", "1e999"), ("size", [1])])
def test_a_cell_that_its_column_does_not_allow_is_named(column: str, cell: Any) -> None:
    with pytest.raises(DataError) as refused:
        table.read_cells(cells(**{column: ["", cell]}), recipe())
    assert refused.value.message.startswith(f"column {column!r}, row 2: {cell!r} is ")
    assert refused.value.hint == f"--as {column}=categorical"


def test_a_list_is_no_category() -> None:
    with pytest.raises(DataError, match="column 'town' holds a list"):
        table.read_cells(cells(town=["a", ["b"]]), recipe())


def test_rows_are_known_again_by_all_their_cells() -> None:
    def hashes(**given: list[Any]) -> list[bytes]:
        found: list[bytes] = table.row_hashes(table.read_cells(cells(**given), recipe())[0]).tolist()
        return found

    assert hashes() == hashes(size=[1.0, None], town=["ulm", None], sold=["2024-02-29 10:30", None])
    for other in ({"size": ["2", "NA"]}, {"town": ["bern", ""]}, {"note": ["old", ""]}, {"sold": ["2024-02-29", ""]}):
        assert hashes()[0] != hashes(**other)[0]
        assert hashes()[1] == hashes(**other)[1]
    assert hashes(town=["a", ""], note=["b c", ""])[0] != hashes(town=["a b", ""], note=["c", ""])[0]


def test_the_hash_of_a_row_is_that_of_its_cells_as_python_writes_them() -> None:
    columns: dict[str, list[Any]] = {
        "a": [0.0, -0.0, math.nan, 1e22, 0.1, 0.0],
        "b": ["x", None, "x'y", "", "\ud800", "x"],
        "c": [1.0, None, "1", 1, True, 1.0],
    }
    rows = ["\x1f".join(map(repr, row)) for row in zip(*columns.values(), strict=True)]
    assert table.row_hashes(columns).tolist() == text_hashes(rows).tolist()
    assert table.row_hashes({"a": [], "b": []}).tolist() == []


def test_each_text_has_its_own_terms_and_unknown_categories_are_known_by_the_encoder() -> None:
    given = recipe(min_df=1, columns={**KINDS, "more": "text"})
    read, _ = table.read_cells(cells(more=["cellar", "roof"]), given)
    fitted = build_pipeline(given).fit(feature_frame(read, range(2)), [1.0, 2.0])
    names = [name for name, *_ in fitted.steps[0][1].transformers]
    assert names == ["categorical", "numeric", "tfidf note", "tfidf more"]
    assert table.known_categories(fitted) == {"town": frozenset({"ulm"})}


def test_a_column_of_texts_without_a_term_is_refused_before_a_fit() -> None:
    given = recipe(columns={"size": "numeric", "a note": "text"})
    frame = feature_frame({"size": [1.0, 2.0], "a note": ["!", ""]}, range(2))
    with pytest.raises(DataError, match="no term in any training text of column 'a note'") as refused:
        table.check_fit(build_pipeline(given), frame, given)
    assert (refused.value.hint or "").startswith("--drop 'a note'; -p analyzer=char_wb")
    many = recipe(columns=given.columns, min_df=3)
    with pytest.raises(UsageError, match="min_df 3 is more than the 2 training rows"):
        table.check_fit(build_pipeline(many), frame, many)
    table.check_fit(build_pipeline(given), frame.assign(**{"a note": ["old house", ""]}), given)


def test_the_terms_of_each_column_of_texts_are_kept_with_python_integers() -> None:
    """numpy's make skops write an array each."""
    given = recipe(columns={"size": "numeric", "note": "text", "more": "text"}, analyzer="word+char_wb")
    frame = feature_frame({"size": [1.0, 2.0], "note": ["old house", "new"], "more": ["big", "small"]}, range(2))
    pipeline = build_pipeline(given).fit(frame, [1.0, 2.0])
    before = pipeline.predict(frame).tolist()
    table.after_fit(pipeline)
    vectorizers = [one for one in pipeline[0].named_transformers_.values() if hasattr(one, "vocabulary_")]
    assert len(vectorizers) == 4
    assert {type(index) for one in vectorizers for index in one.vocabulary_.values()} == {int}
    assert pipeline.predict(frame).tolist() == before


def test_a_column_that_is_called_as_a_part_of_a_date_is_refused() -> None:
    given = recipe(columns={"sold.year": "numeric", "sold": "datetime"})
    with pytest.raises(DataError, match=r"column 'sold.year' is called as a part of the date-time column 'sold' is"):
        table.read_cells({"sold.year": ["1"], "sold": ["2020-01-01"]}, given)
