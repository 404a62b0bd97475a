"""The lists of parameters that both tables of families share."""

from __future__ import annotations

import pytest

from expctl.training.models import estimator_parameters
from expctl.training.models.families import FAMILIES
from expctl.training.models.regressors import REGRESSORS

# Parameters of one name whose range or meaning is another for numbers than for classes.
APART = {"criterion", "loss", "strategy", "solver", "power_t", "learning_rate", "tree_max_features", "n_neighbors"}


@pytest.mark.parametrize("name", [name for name in REGRESSORS if name in FAMILIES])
def test_what_a_classifier_and_a_regressor_share_has_one_range_default_and_help(name: str) -> None:
    of_classes, of_numbers = FAMILIES[name].by_key, REGRESSORS[name].by_key
    shared = (of_classes.keys() & of_numbers.keys()) - APART
    differing = {key for key in shared if of_classes[key] != of_numbers[key]}
    assert differing == ({"tol", "loss", "max_iter"} & differing if name == "linear_svm" else set())


def test_the_first_of_several_words_is_the_default() -> None:
    (criterion,) = (one for one in estimator_parameters.tree("a", "b", looked_at=None) if one.key == "criterion")
    (loss,) = (
        one
        for one in estimator_parameters.stochastic_descent("a", "b", learning_rate="optimal", power_t=0.5)
        if one.key == "loss"
    )
    assert (criterion.default, loss.default) == ("a", "a")
