"""Matrices that are made once: laid out as they were, in memory of their own, with the warnings of their making."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from expctl.training.data import prepared_columns
from expctl.training.data.prepared_columns import prepare_parts, reading_prepared

FRAME = pd.DataFrame({"x": np.arange(6.0), "c": ["a", "b", "a", "b", "a", "new"]})
LABELS = np.arange(4.0)
PARTS = [(np.arange(4), np.arange(4, 6)), (np.array([2, 3]), np.array([0, 1]))]


def columns(*, sparse: bool) -> ColumnTransformer:
    encoder = OneHotEncoder(handle_unknown="warn", sparse_output=sparse)
    return ColumnTransformer([("c", encoder, ["c"]), ("x", StandardScaler(), ["x"])], sparse_threshold=float(sparse))


@pytest.mark.parametrize("sparse", [True, False])
@pytest.mark.parametrize("part", [0, 1])
def test_what_is_read_is_what_would_be_made(part: int, sparse: bool) -> None:
    prepared = prepare_parts(columns(sparse=sparse), FRAME, LABELS, PARTS)
    assert prepared is not None
    fit_on, measure_on = PARTS[part]
    own, again = columns(sparse=sparse), columns(sparse=sparse)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        made = own.fit_transform(FRAME.iloc[fit_on]), own.transform(FRAME.iloc[measure_on])
    with warnings.catch_warnings(record=True) as told_again, reading_prepared(again, prepared[part]):
        warnings.simplefilter("always")
        read = again.fit_transform(None), again.transform(None)
        assert read[0] is not prepared[part].train
    assert [str(one.message) for one in told_again] == [str(one.message) for one in told]
    assert len(told) == (1 if part == 0 else 0)  # of the category that is new
    for one, other in zip(read, made, strict=True):
        assert type(one) is type(other)
        if sparse:
            for name in ("data", "indices", "indptr"):
                assert np.array_equal(getattr(one, name), getattr(other, name))
                assert getattr(one, name).dtype == getattr(other, name).dtype
        else:
            assert np.array_equal(one, other)
            assert one.flags["C_CONTIGUOUS"] == other.flags["C_CONTIGUOUS"]
    assert vars(again).keys() == vars(own).keys()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert (again.transform(FRAME) != own.transform(FRAME)).sum() == 0


def test_more_than_is_worth_while_and_what_fails_are_not_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    failing = ColumnTransformer([("c", StandardScaler(), ["c"])])
    assert prepare_parts(failing, FRAME, LABELS, PARTS) is None
    monkeypatch.setattr(prepared_columns, "LIMIT", 10)
    assert prepare_parts(columns(sparse=True), FRAME, LABELS, PARTS) is None
