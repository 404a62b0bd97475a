"""Rows of a table as their model reads them: by name, missing cells and all, as in training."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from expctl.errors import DataError, UsageError
from expctl.training.data.dataset import feature_frame
from expctl.training.data.table import known_categories, read_rows
from expctl.training.fit.predict_tables import RowCounts, predicted_tables
from expctl.training.models.configure import configure
from expctl.training.models.pipeline import build_pipeline

if TYPE_CHECKING:
    from expctl.recipe import Recipe
    from expctl.training.data.table_formats import TableColumns

COLUMNS = {"size": "numeric", "town": "categorical", "note": "text", "sold": "datetime"}
ROWS: TableColumns = {
    "size": ["1", "2", "NA", "4", "5", "6"],
    "town": ["ulm", "bern", "ulm", "", "bern", "ulm"],
    "note": ["old house", "new house", "", "old barn", "new barn", "old"],
    "sold": ["2020-01-02", "2021-03-04", "?", "2022-05-06", "2020-07-08", "2021-09-10"],
}
PRICES = [1.0, 2.5, 3.0, 4.5, 5.0, 6.5]


def recipe_of(task: str, **given: Any) -> Recipe:
    given = {"data": "a.csv", "target": "price", "task": task, "columns": COLUMNS, "min_df": 1, **given}
    return configure(given)


def fitted(recipe: Recipe, labels: list[Any]) -> Any:
    return build_pipeline(recipe).fit(feature_frame(read_rows(ROWS, recipe), range(6)), labels)


@pytest.fixture(scope="module")
def priced() -> tuple[Any, Recipe]:
    recipe = recipe_of("regression")
    return fitted(recipe, PRICES), recipe


def predicted(model: tuple[Any, Recipe], *pieces: TableColumns, **more: Any) -> list[TableColumns]:
    return list(predicted_tables(*model, pieces, name="in.csv", **more))


def part(rows: slice, columns: Any = ROWS) -> TableColumns:
    return {name: ROWS[name][rows] for name in columns}


def test_every_row_is_answered_missing_cells_and_all_in_any_order_of_the_columns(priced) -> None:
    (piece,) = predicted(priced, {"id": list("abcdef"), **part(slice(6), reversed(ROWS))})
    assert list(piece) == ["id", "sold", "note", "town", "size", "prediction"]
    model, recipe = priced
    assert piece["prediction"] == model.predict(feature_frame(read_rows(ROWS, recipe), range(6))).tolist()
    assert all(math.isfinite(answer) for answer in piece["prediction"])


@pytest.mark.parametrize("size", [1, 4, 5])
def test_the_size_of_the_pieces_changes_nothing(priced, size: int) -> None:
    (whole,) = predicted(priced, ROWS)
    pieces = predicted(priced, *(part(slice(at, at + size)) for at in range(0, 6, size)))
    together = [answer for piece in pieces for answer in piece["prediction"]]
    assert together == pytest.approx(whole["prediction"], rel=1e-12)  # a product of matrices sums by their size


def test_cells_of_a_typed_file_are_those_of_a_text_file(priced) -> None:
    typed = {**ROWS, "size": [1, 2.0, None, 4, 5, 6], "town": ["ulm", "bern", "ulm", None, "bern", "ulm"]}
    assert predicted(priced, typed)[0]["prediction"] == predicted(priced, ROWS)[0]["prediction"]


def test_probabilities_stand_under_their_classes() -> None:
    model = fitted(recipe := recipe_of("classification"), ["yes", "no"] * 3), recipe
    (piece,) = predicted(model, ROWS, proba=True)
    sums = [yes + no for yes, no in zip(piece["proba_yes"], piece["proba_no"], strict=True)]
    assert sums == pytest.approx([1.0] * 6)


def test_no_rows_are_no_answers(priced) -> None:
    assert predicted(priced, part(slice(0)))[0]["prediction"] == []


def refusal(model: Any, *pieces: TableColumns, **more: Any) -> tuple[str, str | None]:
    with pytest.raises((DataError, UsageError)) as refused:
        predicted(model, *pieces, **more)
    return refused.value.message, refused.value.hint


def test_missing_columns_are_named_together(priced) -> None:
    assert refusal(priced, part(slice(6), ["town", "size"])) == (
        "in.csv lacks 2 columns that the model reads: note, sold",
        "it has town, size",
    )


@pytest.mark.parametrize(("column", "cell", "what"), [("size", "big", "number"), ("sold", "May", "date or time")])
def test_a_cell_of_another_kind_is_named_by_its_row_in_the_whole(priced, column: str, cell: str, what: str) -> None:
    wrong = {**part(slice(2)), column: ["", cell]}
    assert refusal(priced, part(slice(4)), wrong) == (
        f"in.csv: column {column!r}, row 6: {cell!r} is not a {what}",
        "the model reads it as in training",
    )


def test_numbers_have_no_probabilities(priced) -> None:
    assert refusal(priced, ROWS, proba=True)[0] == "--proba: this model gives no probabilities"


def test_a_column_to_be_added_is_not_there(priced) -> None:
    assert refusal(priced, {**ROWS, "prediction": [1] * 6})[0] == "in.csv has a column 'prediction' already"


def test_categories_that_training_never_met_are_counted(priced) -> None:
    counts = RowCounts(known_categories(priced[0]))
    strange = {**ROWS, "town": ["rome", "bern", "rome", "", "oslo", "ulm"]}
    (answered,) = predicted(priced, strange, counts=counts)
    assert (counts.counts, counts.rows, None in answered["prediction"]) == ({"town": 3}, 6, False)
    assert list(counts.told()) == [
        "categories unknown from training in 6 rows: town in 3 ('rome'); to the model they are infrequent ones, or none"
    ]


def test_known_categories_are_not_told(priced) -> None:
    counts = RowCounts(known_categories(priced[0]))
    predicted(priced, ROWS, counts=counts)
    assert list(counts.told()) == []


def test_rows_without_a_cell_that_the_model_reads_are_counted(priced) -> None:
    counts = RowCounts(known_categories(priced[0]))
    nothing: TableColumns = {
        "id": ["1", "2"],
        "size": ["", "NA"],
        "town": ["", ""],
        "note": [" ", ""],
        "sold": ["?", ""],
    }
    one, other = predicted(priced, {"id": list("abcdef"), **ROWS}, nothing, counts=counts)
    assert (counts.empty, counts.rows, len(one["prediction"]), len(set(other["prediction"]))) == (2, 8, 6, 1)
    assert list(counts.told()) == [
        "2 of 8 rows have no value in any column that the model reads: their predictions are one and the same"
    ]
