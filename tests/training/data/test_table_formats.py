"""The names of columns; how rows are read is in test_tables.py, through the bytes that hold them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expctl.errors import DataError
from expctl.training.data.table_formats import column_names, unnamed_columns


@given(st.lists(st.sampled_from(["a", "b", "", "unnamed_2"]), min_size=1, max_size=6))
def test_every_column_has_a_name_of_its_own_and_a_clear_one_keeps_its(header: list[str]) -> None:
    names = column_names(header, "t")
    assert len(set(names)) == len(names) == len(header)
    for name, written in zip(names, header, strict=True):
        if written and header.count(written) == 1 and written != "unnamed_2":
            assert name == written


def test_columns_that_the_header_does_not_name_are_known_by_their_place() -> None:
    assert unnamed_columns(column_names(["v1", "v2", "", ""], "t")) == ["unnamed_3", "unnamed_4"]
    assert unnamed_columns(["unnamed_3", "text"]) == []


def test_names_that_cannot_be_told_apart_are_refused() -> None:
    with pytest.raises(DataError, match=r"the header names 'a \(column 2\)' twice"):
        column_names(["a", "a", "a (column 2)"], "t")
