"""Where two fitted models differ: nowhere for the same one twice, and by name where one bit was changed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.pipeline import Pipeline

from expctl.training.data.dataset import feature_frame
from expctl.training.fit.compare_estimators import differing
from expctl.training.fit.skops_file import reloaded
from expctl.training.models.configure import configure
from expctl.training.models.families import families_of
from expctl.training.models.pipeline import build_pipeline

FAMILIES = families_of()  # of texts

TEXTS = [f"the {('film', 'meal', 'song')[i % 3]} was {('awful', 'great')[i % 2]} {i % 7}x" for i in range(60)]


def fitted(model: str, **given: Any) -> Pipeline:
    recipe = configure({"data": "a.csv", "model": model, **given})
    frame = feature_frame({"text": TEXTS}, range(60))
    return reloaded(build_pipeline(recipe).fit(frame, np.array(["neg", "pos"] * 30, dtype=object)))


@pytest.mark.parametrize("model", FAMILIES)
def test_every_family_fitted_twice_is_equal_in_every_part(model: str) -> None:
    assert differing(fitted(model), fitted(model)) == []


def test_one_bit_of_a_coefficient_is_found_and_named() -> None:
    one, other = fitted("logreg"), fitted("logreg")
    coefficients = other.named_steps["classifier"].coef_
    coefficients[0, 3] = np.nextafter(coefficients[0, 3], 1)
    assert differing(one, other) == ["classifier.coef_"]


def test_a_threshold_deep_in_a_forest_is_found_and_named() -> None:
    one, other = fitted("random_forest", n_estimators=3), fitted("random_forest", n_estimators=3)
    tree = other.named_steps["classifier"].estimators_[1].tree_
    tree.threshold[0] += 0.25
    assert differing(one, other) == ["classifier.estimators_.1.tree_.nodes.threshold"]


def test_parameters_and_vocabulary_are_parts_too() -> None:
    assert "classifier.C" in differing(fitted("logreg"), fitted("logreg", c=2.0))
    assert "features.tfidf.vocabulary_" in differing(fitted("logreg"), fitted("logreg", max_features=5))
    assert differing(fitted("logreg"), fitted("naive_bayes"))[0].startswith("classifier")
