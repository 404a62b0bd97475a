"""A look inside a pipeline finds what was put there, and nothing in an estimator of somebody else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import AdaBoostClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler

from expctl.training.models import steps

TEXT = TfidfVectorizer()
LINEAR = LogisticRegression()
FRAME = pd.DataFrame({"text": pd.Series(["good film", "bad film"], dtype="object")})


@pytest.mark.parametrize(
    ("estimator", "answer"),
    [
        (make_pipeline(TEXT, LINEAR), True),
        (make_pipeline(CountVectorizer(), LINEAR), True),
        (make_pipeline(HashingVectorizer(), LINEAR), True),
        (make_pipeline(make_pipeline(TEXT, StandardScaler(with_mean=False)), LINEAR), True),
        (make_pipeline(FeatureUnion([("words", TEXT), ("letters", TfidfVectorizer(analyzer="char"))]), LINEAR), True),
        (GridSearchCV(make_pipeline(TEXT, LINEAR), {}), True),
        (make_pipeline(FeatureUnion([("a", make_pipeline(TEXT))]), GridSearchCV(LINEAR, {})), True),
        (CalibratedClassifierCV(make_pipeline(TEXT, LINEAR)), True),
        (make_pipeline(ColumnTransformer([("text", TEXT, "text")]), LINEAR), False),
        (GridSearchCV(make_pipeline(ColumnTransformer([("text", TEXT, "text")]), LINEAR), {}), False),
        (make_pipeline(StandardScaler(), LINEAR), False),
        (make_pipeline("passthrough", LINEAR), False),
        (LINEAR, False),
        (RandomForestClassifier(), False),
        (AdaBoostClassifier(), False),
    ],
)  # fmt: skip
def test_what_an_estimator_reads_is_told_by_its_first_step(estimator: Any, answer: bool) -> None:
    assert steps.reads_text(estimator) is answer


def test_what_was_put_into_a_pipeline_is_found_in_it_by_its_name() -> None:
    vectorizer, estimator = CountVectorizer(), LogisticRegression()
    pipeline = steps.on_features([("words", vectorizer, "text")], estimator)
    assert steps.unfitted_transformer(pipeline, "words") is vectorizer
    assert steps.unfitted_transformer(pipeline, "letters") is None
    assert steps.fitted_transformer(pipeline, "words") is None
    pipeline.fit(FRAME, [0, 1])
    assert steps.fitted_transformer(pipeline, "words").vocabulary_.keys() == {"good", "bad", "film"}
    assert steps.final_estimator(pipeline) is estimator
    model, features = steps.transformed(pipeline, FRAME)
    assert (model, features.shape) == (pipeline[-1], (2, 3))


@pytest.mark.parametrize(
    ("pipeline", "selects", "from_factory"),
    [
        (steps.on_features([("words", CountVectorizer(), "text")], LINEAR), True, False),
        (steps.on_text("text", make_pipeline(TEXT, LINEAR)), True, True),
        (steps.on_frame(make_pipeline(ColumnTransformer([("words", CountVectorizer(), "text")]), LINEAR)), False, True),
    ],
    ids=["features", "text", "frame"],
)
def test_a_pipeline_says_how_it_was_made(pipeline: Any, selects: bool, from_factory: bool) -> None:
    assert steps.selects_columns(pipeline) is selects
    assert steps.is_from_factory(pipeline) is from_factory
    pipeline.fit(FRAME, np.array([0, 1]))
    if from_factory:
        assert steps.fitted_transformer(pipeline, "words") is None
        assert steps.unfitted_transformer(pipeline, "words") is None
        assert (
            steps.transformed(pipeline, FRAME) == (pipeline, FRAME) or steps.transformed(pipeline, FRAME)[0] is pipeline
        )


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_an_estimator_is_found_within_its_calibration_fitted_or_not(method: str) -> None:
    estimator = LogisticRegression()
    words = [("words", CountVectorizer(), "text")]
    pipeline = steps.on_features(words, steps.calibrated(estimator, method))
    assert (steps.is_calibrated(pipeline), steps.final_estimator(pipeline) is estimator) == (True, True)
    frame, labels = pd.concat([FRAME] * 5, ignore_index=True), [0, 1] * 5
    plain = steps.on_features(words, LogisticRegression()).fit(frame, labels)
    fitted = steps.final_estimator(pipeline.fit(frame, labels))
    assert not steps.is_calibrated(plain)
    assert np.array_equal(fitted.coef_, steps.final_estimator(plain).coef_)  # one model, fitted on all rows


def test_the_parts_of_what_is_made_of_parts_have_names() -> None:
    pipeline = steps.on_features([("words", CountVectorizer(), "text")], LogisticRegression()).fit(FRAME, [0, 1])
    assert list(steps.named_parts(pipeline) or ()) == ["features", "classifier"]
    assert list(steps.named_parts(pipeline[0]) or ()) == ["words"]
    assert steps.named_parts(pipeline[-1]) is None
