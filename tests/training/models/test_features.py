"""The feature parameters: what contradicts is refused with a way out, the rest is what TfidfVectorizer takes."""

from __future__ import annotations

import inspect

import pytest

from expctl.errors import UsageError
from expctl.recipe import LATER_PARAMETERS
from expctl.training.models.configure import configure
from expctl.training.models.features import FEATURES, check_features, vectorizer_arguments

DEFAULTS = {key: parameter.default for key, parameter in FEATURES.items()}


def test_parameters_that_came_later_are_written_down_only_where_they_are_not_what_was_done_before():
    first = ("max_features", "ngram_min", "ngram_max", "min_df", "max_df", "analyzer", "sublinear_tf", "lowercase")
    later = {key: value for key, value in DEFAULTS.items() if key not in (*first, "stop_words")}
    assert {**later, "tfidf_norm": later["norm"]} == dict(LATER_PARAMETERS)
    recipe = configure({"data": "a.csv", **later, "norm": "l1"})
    assert "binary" not in recipe.to_json()
    assert recipe.logged().keys() & later == {"norm"}
    assert recipe.parameters["binary"] is False


def test_the_defaults_go_together_and_make_a_vectorizer():
    from sklearn.feature_extraction.text import TfidfVectorizer

    check_features(DEFAULTS)
    arguments = vectorizer_arguments(DEFAULTS)
    assert arguments["ngram_range"] == (1, 1)
    assert set(arguments) <= set(inspect.signature(TfidfVectorizer).parameters)
    assert TfidfVectorizer(**arguments).fit_transform(["a film", "the film"]).shape == (2, 2)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"ngram_min": 3, "ngram_max": 2}, "ngram_min 3 is above ngram_max 2"),
        ({"min_df": 5, "max_df": 4}, "min_df 5 is above max_df 4"),
        ({"min_df": 0.5, "max_df": 0.4}, "min_df 0.5 is above max_df 0.4"),
        ({"analyzer": "char", "stop_words": "english"}, "stop_words needs analyzer=word"),
        ({"analyzer": "char", "token_pattern": "x"}, "token_pattern needs analyzer=word"),
        ({"char_ngram_max": 4}, "char_ngram_max needs analyzer=word"),
        ({"analyzer": "word+char_wb", "char_ngram_min": 6}, "char_ngram_min 6 is above char_ngram_max 5"),
    ],
)
def test_parameters_that_contradict_each_other_are_refused(given, words):
    with pytest.raises(UsageError, match=words) as caught:
        check_features({**DEFAULTS, **given})
    assert caught.value.hint


@pytest.mark.parametrize(
    "given",
    [
        {"ngram_min": 2, "ngram_max": 2},
        {"min_df": 5, "max_df": 0.5},  # a count and a share: which is more depends on the data
        {"min_df": 5, "max_df": 5},
        {"analyzer": "char", "stop_words": None},
    ],
)
def test_parameters_that_may_go_together_are_taken(given):
    check_features({**DEFAULTS, **given})
    assert vectorizer_arguments({**DEFAULTS, **given})["analyzer"] == given.get("analyzer", "word")
