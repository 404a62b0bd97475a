"""Decisions about an alias: each spends its share, made again it spends nothing; fresh data begin anew."""

from __future__ import annotations

import pytest

from expctl.analysis.promotion_budget import Budget
from expctl.errors import UsageError
from expctl.records import Tag
from expctl.tracking.models import decisions, registry
from expctl.workflows import promote as module
from tests.conftest import write_reviews
from tests.tracking.recorded import store_of, train


@pytest.fixture
def store(runs):
    """Runs on one test set: weak, strong, bayes, and coin, so bad that every test tells it from the others."""
    train(runs, "coin", model="dummy")
    return store_of(runs)


def promote(store, reference: str, **given):
    asked = {"better_than": "champion", "metric": "f1_score", "who": "Ada", "note": None, **given}
    return module.promote(store, reference, "reviews", "champion", **asked)


def history(store, alias: str = "champion"):
    return decisions.of_alias(registry.read(store, "reviews"), alias)


def test_every_decision_spends_and_the_promoted_version_says_what_is_left(store):
    assert promote(store, "coin").judged is None  # there was nobody to beat: nothing was decided
    promote(store, "coin", metric="accuracy")  # nor is the champion judged against itself
    assert history(store) == []
    better = promote(store, "strong")
    assert (better.version, better.judged.budget, better.judged.other_rows) == (2, Budget(1), False)
    tags = registry.read(store, "reviews").versions[2].tags
    assert tags[Tag.PROMOTED_BUDGET] == "decision 1 of its history, 2.5 % of the 5 % risk left"
    unsure = promote(store, "bayes")
    assert (unsure.version, unsure.judged.budget, unsure.decision.outcome) == (None, Budget(2), "undecided")
    assert [store.get(one.run_id).name for one in history(store)] == ["strong", "bayes"]
    assert [one.version for one in history(store)] == [1, 2]


def test_a_decision_made_again_spends_nothing(store):
    promote(store, "coin")
    promote(store, "strong")
    assert [promote(store, name).judged.budget for name in ("bayes", "weak", "bayes")] == [
        Budget(2),
        Budget(3),
        Budget(2),
    ]
    assert promote(store, "bayes", metric="accuracy").judged.budget == Budget(4)  # another question


def test_a_candidate_that_would_pass_by_itself_needs_more_late_in_a_history(store, monkeypatch):
    promote(store, "coin")
    monkeypatch.setattr(Budget, "p_value", property(lambda self: 1e-9))
    late = promote(store, "strong")
    assert (late.version, late.decision.outcome) == (None, "undecided")
    assert (
        "significantly better, taken by itself; as decision 1 of its history it needs p below 1e-09"
        in late.decision.reason
    )
    assert registry.read(store, "reviews").aliases == {"champion": 1}


def test_runs_that_were_judged_say_so(store):
    promote(store, "coin")
    promote(store, "bayes")
    assert store.find("name = 'bayes'")[0].tags[Tag.JUDGED] == "reviews@champion"
    assert Tag.JUDGED not in store.find("name = 'coin'")[0].tags


def test_what_cannot_be_tested_spends_nothing(store, runs):
    promote(store, "coin")
    write_reviews(runs / "other.csv", 120)
    train(runs, "elsewhere", data="other.csv")
    found = promote(store, "elsewhere")
    assert (found.decision.outcome, found.judged.budget, history(store)) == ("undecided", None, [])


def test_fresh_data_are_refused_where_the_rows_have_decided_already(store):
    promote(store, "coin")
    promote(store, "bayes")
    with pytest.raises(UsageError, match="1 decision about reviews@champion was made on these very test rows"):
        promote(store, "strong", fresh=True)
    assert len(history(store)) == 1


@pytest.fixture
def elsewhere(store, runs):
    """Runs on rows of their own (new-*), and on such rows with those of `store` among them (mixed-*)."""
    lines = write_reviews(runs / "more.csv", 700).read_text().splitlines(keepends=True)
    (runs / "new.csv").write_text("".join([lines[0], *lines[300:700]]))
    (runs / "mixed.csv").write_text("".join([*lines[:201], *lines[300:400]]))
    for name, model in (("new-coin", "dummy"), ("new-logreg", "logreg"), ("new-bayes", "naive_bayes")):
        train(runs, name, model=model, test_data="new.csv")
    for name, model in (("mixed-coin", "dummy"), ("mixed-logreg", "logreg")):
        train(runs, name, model=model, test_data="mixed.csv")
    promote(store, "coin")
    promote(store, "weak", metric="mcc")
    promote(store, "bayes", metric="mcc")


@pytest.mark.slow
def test_fresh_data_begin_a_history_anew(store, elsewhere):
    promote(store, "new-coin", better_than=None)
    assert promote(store, "new-logreg", fresh=True).judged.budget == Budget(1)
    assert promote(store, "new-bayes").judged.budget == Budget(2)
    assert len(history(store)) == 4


@pytest.mark.slow
def test_other_test_rows_go_on_with_the_history_unless_it_is_said(store, elsewhere, monkeypatch):
    promote(store, "new-coin", better_than=None)
    monkeypatch.setattr(Budget, "p_value", property(lambda self: 1e-99))  # so that the champion stays
    found = promote(store, "new-bayes").judged
    assert (found.budget, found.other_rows) == (Budget(3), True)
    again = promote(store, "new-bayes", fresh=True).judged  # as it is told that one may
    assert (again.budget, again.other_rows) == (Budget(1), False)
    assert promote(store, "new-bayes", fresh=True).judged.budget == Budget(1)
    assert promote(store, "new-logreg").judged.budget == Budget(2)


@pytest.mark.slow
def test_rows_that_were_among_those_of_an_earlier_test_set_are_not_fresh(store, elsewhere):
    promote(store, "mixed-coin", better_than=None)
    with pytest.raises(UsageError, match=r"40 of the 300 test rows were among those of earlier decisions"):
        promote(store, "mixed-logreg", fresh=True)
