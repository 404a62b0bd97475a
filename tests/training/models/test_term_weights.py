"""What a term says for a class, by each family's own numbers; and the reason of those that have none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from expctl.analysis.importance import Term
from expctl.errors import RunNotFound
from expctl.training.models.configure import configure
from expctl.training.models.families import families_of
from expctl.training.models.pipeline import build_pipeline
from expctl.training.models.steps import final_estimator, on_text
from expctl.training.models.term_weights import TermWeights, check_weighs, term_weights

FAMILIES = families_of()  # of texts

WEIGH = [name for name, family in FAMILIES.items() if family.weighs]
TEXTS = {"bad": "awful dull film", "good": "lovely warm film", "odd": "strange blue film"}


def fitted(model: str, classes: int, **given: object):
    """A model of texts that say their class by two words of three."""
    names = list(TEXTS)[:classes]
    frame = pd.DataFrame({"text": [TEXTS[name] for name in names for _ in range(10)]}, dtype=object)
    labels = np.array([name for name in names for _ in range(10)], dtype=object)
    return build_pipeline(configure({"data": "d.csv", "model": model, **given})).fit(frame, labels)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("model", WEIGH)
def test_the_terms_of_a_class_speak_for_it_and_the_common_one_for_none(model, classes):
    found = term_weights(fitted(model, classes))
    assert found.weights.shape == (classes, 1 + 2 * classes)
    for name in list(TEXTS)[:classes]:
        assert {term.text for term in found.top(name, 2)} == set(TEXTS[name].split()) - {"film"}
        weights = [term.weight for term in found.top(name, 9)]
        assert weights == sorted(weights, reverse=True)


@pytest.mark.parametrize("model", ["logreg", "linear_svm", "sgd", "ridge"])
def test_of_linear_models_they_are_the_coefficients(model):
    pipeline = fitted(model, 3)
    assert (term_weights(pipeline).weights == final_estimator(pipeline).coef_).all()
    pipeline = fitted(model, 2)
    coefficients = np.ravel(final_estimator(pipeline).coef_)
    assert (term_weights(pipeline).weights == [-coefficients, coefficients]).all()


@pytest.mark.parametrize("classes", [2, 3])
def test_of_naive_bayes_they_are_log_likelihood_ratios(classes):
    pipeline = fitted("naive_bayes", classes)
    classifier = final_estimator(pipeline)
    likelihood, prior = np.exp(classifier.feature_log_prob_), np.exp(classifier.class_log_prior_)
    for i in range(classes):
        others = [j for j in range(classes) if j != i]
        in_others = (prior[others] @ likelihood[others]) / prior[others].sum()
        assert term_weights(pipeline).weights[i] == pytest.approx(np.log(likelihood[i] / in_others))


def test_terms_that_do_not_speak_for_a_class_are_left_out():
    found = TermWeights("weight", ["a"], ["x", "y", "z"], ["word"] * 3, np.array([[0.0, 2.0, -1.0]]))
    assert found.top("a", 3) == [Term("y", 2.0, "word")]


def test_equal_terms_come_in_the_order_of_the_vocabulary():
    found = TermWeights("weight", ["a"], ["x", "y", "z"], ["word"] * 3, np.array([[1.0, 2.0, 1.0]]))
    assert [term.text for term in found.top("a", 2)] == ["y", "x"]


def test_a_term_says_whether_it_is_of_words_or_of_characters():
    found = term_weights(fitted("logreg", 2, analyzer="word+char_wb"))
    assert found.weights.shape == (2, len(found.terms))
    kinds = {(term.text, term.made_of) for term in found.top("bad", 50)}
    assert {("awful", "word"), ("awful", "char_wb"), (" awf", "char_wb")} <= kinds


@pytest.mark.filterwarnings("ignore:self.within_class_std_dev_", "ignore::RuntimeWarning")  # all texts of a class alike
@pytest.mark.parametrize("model", [name for name in FAMILIES if name not in WEIGH])
def test_the_others_say_why_not(model):
    assert FAMILIES[model].weighs_not
    for refuse in (lambda: check_weighs(model), lambda: term_weights(fitted(model, 2))):
        with pytest.raises(RunNotFound, match=f"{model} does not say which terms speak for a class: ") as error:
            refuse()
        assert error.value.hint == f"those of {', '.join(WEIGH)} can be told"


def test_a_model_of_ones_own_is_refused():
    pipeline = on_text("text", build_pipeline(configure({"data": "d.csv"})))
    with pytest.raises(RunNotFound, match="of unknown parts"):
        term_weights(pipeline)
