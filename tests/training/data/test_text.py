"""Text as features: what counts as a text, and what becomes of the vectorizer."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from sklearn.feature_extraction.text import CountVectorizer

from expctl.errors import DataError
from expctl.training.data.text import after_fit, as_text, vectorizer_of
from expctl.training.models.configure import configure
from expctl.training.models.pipeline import build_pipeline


def test_nan_is_missing_and_numbers_are_their_text() -> None:
    assert [as_text(value) for value in (None, math.nan, 7, 1.5, True, " a ")] == [
        None,
        None,
        "7",
        "1.5",
        "True",
        " a ",
    ]


@pytest.mark.parametrize("value", [b"good", ["good"], {"good": 1}])
def test_a_text_that_is_no_text_is_refused_rather_than_printed(value: object) -> None:
    with pytest.raises(DataError, match=f"a text is a {type(value).__name__}, not text"):
        as_text(value)


def test_an_estimator_of_somebody_else_has_no_vectorizer_that_we_know() -> None:
    assert vectorizer_of(CountVectorizer()) is None
    assert vectorizer_of(object()) is None


def test_vocabularies_hold_plain_integers_equal_to_numpys() -> None:
    frame = pd.DataFrame({"text": pd.Series(["good film", "bad film"], dtype="object")})
    pipeline = build_pipeline(configure({"data": "a.csv"})).fit(frame, ["pos", "neg"])
    before = dict(vectorizer_of(pipeline).vocabulary_)
    after_fit(pipeline)
    after = vectorizer_of(pipeline).vocabulary_
    assert after == before
    assert {type(index) for index in after.values()} == {int}
