"""Rows that a model reads: taken by position with all that belongs to them, and known again by what they read as."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from expctl.training.data.rows import Rows, sample_column, text_hashes

ROWS = Rows(
    pd.DataFrame({"text": ["a", "b", "c"]}, index=[10, 20, 30]), np.array(["x", "y", "z"]), text_hashes(["a", "b", "c"])
)


@pytest.mark.parametrize("positions", [[2, 0], np.array([2, 0])])
def test_taken_rows_keep_their_numbers_labels_and_hashes_in_the_order_asked_for(positions):
    taken = ROWS.take(positions)
    assert list(taken.frame.index) == [30, 10]
    assert list(taken.frame["text"]) == ["c", "a"]
    assert list(taken.labels) == ["z", "x"]
    assert list(taken.hashes) == [ROWS.hashes[2], ROWS.hashes[0]]


def test_rows_are_as_many_as_their_labels():
    assert (len(ROWS), len(ROWS.take([]))) == (3, 0)


@given(st.lists(st.text(), max_size=5))
def test_texts_have_one_hash_each_and_different_ones_only_if_they_differ(texts):
    found = list(text_hashes(texts))
    assert [len(one) for one in found] == [32] * len(texts)
    assert len(set(found)) == len(set(texts))


def test_a_hash_is_the_documented_one_that_any_program_can_make():
    digest = hashlib.blake2b("größe 👍".encode(), digest_size=16).hexdigest()
    assert list(text_hashes(["größe 👍"])) == [digest.encode()]


def test_a_text_with_half_a_surrogate_pair_has_a_hash_too():
    assert len(set(text_hashes(["\ud83d", "\udc4d"]))) == 2


def test_a_feature_that_is_called_as_what_a_sample_adds_has_a_name_of_its_own():
    names = ["row", "label", "prediction", "feature.row", "feature.feature.row", "feature.size", "text_hash", "size"]
    assert [sample_column(name) for name in names] == [
        *("feature.row", "feature.label", "feature.prediction", "feature.feature.row", "feature.feature.feature.row"),
        *("feature.size", "text_hash", "size"),
    ]
