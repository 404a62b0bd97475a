"""The share of unknown terms is that of a naive count, and far is what the README calls far."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from expctl.training.data.oov import Seen, unknown_shares


def test_the_share_is_of_the_terms_and_a_text_without_one_has_none() -> None:
    vectorizer = CountVectorizer().fit(["the good film", "the bad film"])
    shares = unknown_shares([vectorizer], ["the film", "a film film qux", "qux qux", "!", ""])
    np.testing.assert_array_equal(shares, [0, 1 / 3, 1, math.nan, math.nan])
    assert unknown_shares([vectorizer], []).shape == (0,)


def test_the_terms_of_two_vectorizers_are_counted_together() -> None:
    texts = ["the good film", "the bad film"]
    words, letters = CountVectorizer().fit(texts), CountVectorizer(analyzer="char").fit(texts)
    assert unknown_shares([words, letters], ["the qux"]).tolist() == [4 / 9]  # qux; q, u and x


@given(st.lists(st.floats(0, 1) | st.just(math.nan), max_size=20), st.integers(0, 20))
def test_pieces_add_up_and_texts_without_terms_say_nothing(shares: list[float], cut: int) -> None:
    seen = Seen()
    for piece in (shares[:cut], shares[cut:]):
        seen.add(np.array(piece, dtype=float))
    some = [share for share in shares if not math.isnan(share)]
    assert (seen.rows, seen.with_terms) == (len(shares), len(some))
    assert seen.mean == pytest.approx(np.mean(some)) if some else math.isnan(seen.mean)


@pytest.mark.parametrize(
    ("shares", "usual", "rows", "far"),
    [
        ([0.2] * 1000, 0.05, 1000, True),
        ([0.2] * 1000, 0.11, 1000, False),  # sure, and less than one term in ten
        ([0.3] * 3, 0.05, 1000, False),  # three standard errors of three texts are 0.38
        ([0.6] * 3, 0.05, 1000, True),
        ([0.6] * 3, 0.05, 2, False),  # two test rows do not say what is usual
        ([1.0], 0.0, 1000, True),
        ([0.0] * 1000, 0.5, 1000, False),  # fewer than usual
        ([math.nan], 0.0, 1000, False),
        ([], 0.0, 1000, False),
    ],
)
def test_far_is_a_tenth_and_three_standard_errors_above(
    shares: list[float], usual: float, rows: int, far: bool
) -> None:
    seen = Seen()
    seen.add(np.array(shares, dtype=float))
    assert seen.is_far_above(usual, rows) is far
