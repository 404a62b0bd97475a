"""A column of 0 and 1 for each class: what is said of it, and that the line for pandas does it."""

from __future__ import annotations

import pandas as pd
import pytest

from expctl.errors import DataError
from expctl.training.data.class_columns import check_class_columns

ONE_EACH = {"text": ["a", "b", "c"], "billing": ["1", "0", "0"], "login": ["0", "1", "0"], "other": ["0", "0", "1"]}


def refused(table, wanted="label") -> DataError:
    with pytest.raises(DataError) as caught:
        check_class_columns(table, wanted, ["text"], name="x.csv")
    return caught.value


def by_the_hint(error: DataError, table) -> list[object]:
    df = pd.DataFrame({key: pd.to_numeric(cells) if key != "text" else cells for key, cells in table.items()})
    exec(error.hint.partition("in pandas: ")[2], {"df": df})
    return df["label"].tolist()


def test_one_of_each_row_is_told_with_the_line_that_makes_a_column_of_them():
    error = refused(ONE_EACH)
    assert error.message == "x.csv has no column 'label', but 3 of 0 and 1, one a class: billing, login, other"
    assert error.hint == (
        "--target billing trains on one of them; for all, in pandas:"
        " df['label'] = df.loc[:, 'billing':'other'].idxmax(axis=1)"
    )
    assert by_the_hint(error, ONE_EACH) == ["billing", "login", "other"]


def test_a_row_of_no_class_stays_without_a_label():
    table = {**ONE_EACH, "other": ["0", "0", "0"], "more": ["0", "0", "0"]}
    error = refused({key: table[key] for key in ("text", "billing", "other", "login")})  # not beside each other
    assert "df[['billing', 'login']].idxmax(axis=1).where(df[['billing', 'login']].any(axis=1))" in error.hint
    assert by_the_hint(error, {**table, "other": ["0", "0", "0"]})[:2] == ["billing", "login"]


def test_several_classes_of_a_row_are_a_model_each():
    error = refused({**ONE_EACH, "login": ["1", "1", "0"]})
    assert error.message.endswith("; some rows have several")
    assert error.hint == "a row has one label: --target billing trains on one of them, so train a model for each"


@pytest.mark.parametrize(("yes", "no"), [(1, 0), (True, False), (1.0, 0.0), ("True", "False"), (" 1", "0 ")])
def test_however_a_file_writes_them(yes, no):
    table = {"text": ["a", "b"], "x": [yes, no], "y": [no, yes]}
    assert "2 of 0 and 1, one a class: x, y" in refused(table).message


@pytest.mark.parametrize(
    "table",
    [
        ONE_EACH | {"label": ["a", "b", "c"]},
        {"text": ["a", "b"], "x": ["1", "0"]},
        {"text": ["a", "b"], "x": ["1", "0"], "y": ["2", "1"]},
        {"text": ["a", "b"], "x": ["1", "0"], "y": ["0", "0"]},
        {"text": [], "x": [], "y": []},
    ],
)
def test_anything_else_is_left_to_others(table):
    check_class_columns(table, "label", ["text"], name="x.csv")


def test_many_classes_are_not_all_named():
    table = {"text": list("abcdefg"), **{f"c{i}": [str(int(i == j)) for j in range(7)] for i in range(7)}}
    assert "7 of 0 and 1, one a class: c0, c1, c2, c3, c4, ..." in refused(table).message


def test_the_command_says_it(cli, folder):
    lines = [f"film {i},{i % 2},{1 - i % 2}" for i in range(20)]
    (folder / "x.csv").write_text("text,good,bad\n" + "\n".join(lines) + "\n")
    done = cli("train", "--data", "x.csv")
    assert (done.exit_code, done.stderr.count("\n")) == (5, 1)
    assert "2 of 0 and 1, one a class: good, bad" in done.stderr
