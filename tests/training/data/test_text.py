"""Text as features: what counts as a text, and what becomes of the vectorizer."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from sklearn.feature_extraction.text import CountVectorizer

from expctl.errors import DataError
from expctl.training.data.text import after_fit, as_text, vectorizers_of
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
    assert vectorizers_of(CountVectorizer()) == {}
    assert vectorizers_of(object()) == {}


def test_vocabularies_hold_plain_integers_equal_to_numpys() -> None:
    frame = pd.DataFrame({"text": pd.Series(["good film", "bad film"], dtype="object")})
    recipe = configure({"data": "a.csv", "analyzer": "word+char_wb"})
    pipeline = build_pipeline(recipe).fit(frame, ["pos", "neg"])
    before = {made_of: dict(one.vocabulary_) for made_of, one in vectorizers_of(pipeline).items()}
    assert list(before) == ["word", "char_wb"]
    after_fit(pipeline)
    after = {made_of: one.vocabulary_ for made_of, one in vectorizers_of(pipeline).items()}
    assert after == before
    assert {type(index) for terms in after.values() for index in terms.values()} == {int}
