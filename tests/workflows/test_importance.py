"""The terms of a recorded run: of the class that is asked for, or a line that says why there are none."""

from __future__ import annotations

import pytest

from expctl.errors import RunNotFound, UsageError
from expctl.workflows.importance import importance, importance_or_reason
from tests.tracking.recorded import store_of, train


@pytest.fixture
def store(runs):
    """Four runs, oldest first: weak, strong, bayes, broken (failed)."""
    return store_of(runs)


def named(store, name: str):
    return store.find(f"name = '{name}'")[0]


def test_each_class_has_its_terms(store):
    found = importance(store, named(store, "strong"), top=3)
    assert (found.kind, [name for name, _ in found.terms]) == ("coefficient", ["negative", "positive"])
    assert [len(terms) for _, terms in found.terms] == [3, 3]


def test_one_class_can_be_asked_for(store):
    found = importance(store, named(store, "bayes"), label="positive", top=1)
    assert (found.kind, [name for name, _ in found.terms]) == ("log likelihood ratio", ["positive"])
    with pytest.raises(UsageError, match="has no class 'positiv', did you mean 'positive'") as error:
        importance(store, named(store, "bayes"), label="positiv")
    assert error.value.hint == "it has negative, positive"


def test_what_cannot_say_says_why(store, runs):
    with pytest.raises(RunNotFound, match=r"is a model of your own, own_models:counted"):
        importance(store, train(runs, "own", model="own_models:counted"))
    reason = importance_or_reason(store, train(runs, "coin", model="dummy"), top=1)
    assert reason == "dummy does not say which terms speak for a class: it ignores the text"
