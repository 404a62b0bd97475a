"""The shape of everything that is printed: titles, sections, and numbers that say what they are."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from expctl.render.sheet import Change, Column, Setting, Share, Sheet, Size


def test_a_column_without_a_label_is_called_by_its_key():
    assert (Column("run_id").title, Column("run_id", "run").title) == ("run_id", "run")


@pytest.mark.parametrize(
    ("columns", "sectioned"),
    [
        ([Column("section", kind="section"), Column("key")], True),
        ([Column("key"), Column("section", kind="section")], False),  # it does not lead
        ([Column("section")], False),  # it only has the name of one
        ([], False),
    ],
)
def test_a_sheet_comes_in_sections_where_its_first_column_says_so(columns, sectioned):
    assert Sheet("runs", columns, []).sectioned is sectioned


@pytest.mark.parametrize(("kind", "value"), [(Size, 1024), (Setting, 0.1), (Share, 0.5)])
def test_a_number_of_a_kind_is_that_number(kind, value):
    assert kind(value) == value
    assert kind(value) + 1 == value + 1


def test_a_sheet_and_its_cells_do_not_change():
    with pytest.raises(FrozenInstanceError):
        Change(1.0).value = 2.0  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        Sheet("runs", [], []).kind = "other"  # type: ignore[misc]
