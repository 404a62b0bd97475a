"""Counting once gives what counting again would: every matrix, vocabulary and model, bit for bit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from expctl.errors import UsageError
from expctl.training.data.oov import term_numbers
from expctl.training.data.term_counts import count, counted, part_of
from expctl.training.models.configure import configure
from expctl.training.models.features import FEATURES
from expctl.training.models.pipeline import build_pipeline

WORDS = [
    "good",
    "bad",
    "a",
    "an",
    "the",
    "Good",
    "not good",
    "naïve",
    "日本語",
    "x1",
    "42",
    "!!",
    "co-op",
    "\u2028",
    "e\u0301t",
]
PATTERN = FEATURES["token_pattern"].default
texts = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=9).map(" ".join), min_size=4, max_size=30)
bounds = st.one_of(st.integers(1, 4), st.floats(0, 1))


@st.composite
def settings_of_features(draw: st.DrawFn) -> dict[str, object]:
    low = draw(st.integers(1, 3))
    analyzer = draw(st.sampled_from(["word", "char", "char_wb"]))
    more = {"use_idf": st.booleans(), "smooth_idf": st.booleans(), "norm": st.sampled_from(["l1", "l2", None])}
    return {
        "analyzer": analyzer,
        "ngram_min": low,
        "ngram_max": draw(st.integers(low, 4)),
        "min_df": draw(bounds),
        "max_df": draw(bounds),
        "max_features": draw(st.one_of(st.none(), st.integers(1, 40))),
        "sublinear_tf": draw(st.booleans()),
        "lowercase": draw(st.booleans()),
        "stop_words": draw(st.sampled_from([None, "english"])) if analyzer == "word" else None,
        "binary": draw(st.booleans()),
        "strip_accents": draw(st.sampled_from([None, "ascii", "unicode"])),
        "token_pattern": draw(st.sampled_from([PATTERN, r"\w+", r"(?u)\b(\w)\w*"])) if analyzer == "word" else PATTERN,
        **{key: draw(values) for key, values in more.items()},
    }


def fitted(pipeline: object, frame: pd.DataFrame, labels: np.ndarray) -> object:
    """The fitted features, or what fitting raised."""
    try:
        return pipeline.named_steps["features"].fit(frame, labels)
    except ValueError as error:
        return str(error)


def vectorizer(pipeline: object) -> object:
    return pipeline.named_steps["features"].transformers[0][1]


@pytest.mark.slow
@given(texts, settings_of_features(), st.randoms(use_true_random=False))
@settings(max_examples=400, deadline=None)
def test_features_from_counts_equal_features_from_texts(texts, chosen, random):
    try:
        recipe = configure({"data": "x.csv", "model": "dummy", **chosen})
    except UsageError:
        return
    widest = build_pipeline(
        configure({"data": "x.csv", "model": "dummy", **{**chosen, "ngram_max": 4, "min_df": 1, "max_df": 1.0}})
    )
    analyze = vectorizer(widest).build_analyzer()
    counts = count(texts, analyze, words=chosen["analyzer"] == "word")
    order = list(range(len(texts)))
    random.shuffle(order)
    fit_on, measure_on = np.array(order[: len(order) // 2]), np.array(order[len(order) // 2 :])
    part = part_of(counts, fit_on, measure_on)
    frame = pd.DataFrame({"text": pd.Series(texts, dtype="object")})
    labels = np.arange(len(fit_on)) % 2

    alone = fitted(clone(build_pipeline(recipe)), frame.iloc[fit_on], labels)
    pipeline = build_pipeline(recipe)
    blank = pd.DataFrame({"text": pd.Series([""] * len(texts), dtype="object")})
    with counted(vectorizer(pipeline), counts, part, recipe.parameters) as numbers:
        shared = fitted(pipeline, blank.iloc[fit_on], labels)
        if isinstance(alone, str):
            assert shared == alone
            return
        ours = [shared.transform(blank.iloc[measure_on])]
    again = build_pipeline(recipe)
    with counted(vectorizer(again), counts, part, recipe.parameters):
        ours.append(again.named_steps["features"].fit_transform(blank.iloc[fit_on], labels))
    theirs = [alone.transform(frame.iloc[measure_on]), clone(alone).fit_transform(frame.iloc[fit_on], labels)]
    for mine, its in zip(ours, theirs, strict=True):
        if not hasattr(its, "indptr"):  # every text has every term
            assert np.array_equal(mine, its)
            continue
        for name in ("data", "indices", "indptr"):
            assert np.array_equal(getattr(mine, name), getattr(its, name)), name
    mine, its = (features.named_transformers_["tfidf"] for features in (shared, alone))
    assert list(mine.vocabulary_.items()) == list(its.vocabulary_.items())
    assert not recipe.parameters["use_idf"] or np.array_equal(mine.idf_, its.idf_)
    assert set(vars(mine)) == set(vars(its))
    np.testing.assert_array_equal(numbers, term_numbers(its, frame["text"].iloc[measure_on]))
    assert np.array_equal(
        shared.transform(frame).toarray() if hasattr(shared.transform(frame), "toarray") else shared.transform(frame),
        alone.transform(frame).toarray() if hasattr(alone.transform(frame), "toarray") else alone.transform(frame),
    )
