"""A promotion: what is refused is refused before anything is registered, and what is judged not better stays out."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from expctl.analysis.gate import Decision
from expctl.errors import DataError, RunNotFound, Undecided
from expctl.records import Tag
from expctl.tracking.models import registry
from expctl.workflows import promote as module
from expctl.workflows import promotion_decision
from expctl.workflows.promote import Promotion
from tests.conftest import write_reviews
from tests.tracking.recorded import model_folder, store_of, train


@pytest.fixture
def store(runs):
    """Four runs, oldest first: weak, strong, bayes, broken (failed)."""
    return store_of(runs)


def run_of(store, name: str):
    return store.find(f"name = '{name}'")[0]


def held(store, name: str = "reviews"):
    """What is registered: the run of each version by name, and the aliases."""
    model = registry.read(store, name)
    return {number: store.get(one.run_id).name for number, one in model.versions.items()}, dict(model.aliases)


def promote(store, reference: str, name: str = "reviews", alias: str = "champion", **given) -> Promotion:
    asked = {"better_than": None, "metric": "f1_score", "who": "Ada", "note": None, **given}
    return module.promote(store, reference, name, alias, **asked)


def test_a_promotion_tells_the_version_and_the_one_before(store):
    first, second = promote(store, "weak"), promote(store, "strong")
    assert (first.version, first.before, first.before_run) == (1, None, None)
    assert (second.version, second.before, second.before_run.name) == (2, 1, "weak")
    assert second.run == run_of(store, "strong")
    assert held(store) == ({2: "strong", 1: "weak"}, {"champion": 2})


def test_a_version_says_who_promoted_it_when_and_why(store):
    promote(store, "best")
    tags = registry.read(store, "reviews").versions[1].tags
    assert sorted(tags) == [Tag.PROMOTED_AS, Tag.PROMOTED_AT, Tag.PROMOTED_BECAUSE, Tag.PROMOTED_BY]
    assert (tags[Tag.PROMOTED_AS], tags[Tag.PROMOTED_BY]) == ("champion", "Ada")
    assert tags[Tag.PROMOTED_BECAUSE] == "asked for: expctl promote best reviews"
    promote(store, "strong", alias="staging", note="a trial")
    tags = registry.read(store, "reviews").versions[1].tags
    assert (tags[Tag.PROMOTED_AS], tags[Tag.PROMOTED_BECAUSE]) == ("staging", "a trial")


def test_a_run_is_one_version_of_a_name_however_often_it_is_promoted(store):
    assert [promote(store, "strong").version for _ in range(2)] == [1, 1]
    promote(store, "strong", alias="staging")
    promote(store, "strong", "other")
    assert held(store) == ({1: "strong"}, {"champion": 1, "staging": 1})


def test_of_two_versions_of_a_run_the_one_that_is_meant_is_taken(store):
    run = run_of(store, "strong")
    promote(store, "strong")
    store.client.create_model_version("reviews", f"runs:/{run.run_id}/model", run.run_id)
    store.client.set_registered_model_alias("reviews", "staging", "2")
    assert promote(store, "reviews@staging").version == 2
    assert promote(store, "models:/reviews/1").version == 1


def test_a_version_that_no_run_made_is_pointed_at_again_and_never_compared(store):
    store.client.create_registered_model("reviews")
    store.client.create_model_version("reviews", str(model_folder(run_of(store, "weak"))))
    store.client.set_registered_model_alias("reviews", "champion", "1")
    judged = promote(store, "strong", better_than="champion")
    assert (judged.version, judged.decision.outcome) == (None, "undecided")
    promote(store, "strong")
    back = promote(store, "models:/reviews/1")
    assert (back.version, back.run, back.before) == (1, None, 2)


def test_only_what_is_surely_better_takes_the_place(store, runs):
    train(runs, "coin", model="dummy")
    first = promote(store, "coin", better_than="champion")
    assert (first.version, first.decision) == (1, None)  # nobody to beat
    better = promote(store, "strong", better_than="champion")
    assert (better.version, better.decision.outcome) == (2, "pass")
    why = registry.read(store, "reviews").versions[2].tags[Tag.PROMOTED_BECAUSE]
    assert why.startswith("against version 1: f1_score changes by +")
    worse = promote(store, "coin", better_than="champion", metric="accuracy")
    assert (worse.version, worse.before, worse.decision.outcome) == (None, 2, "regression")
    assert promote(store, "bayes", better_than="champion").decision.outcome == "undecided"
    assert held(store) == ({2: "strong", 1: "coin"}, {"champion": 2})
    assert promote(store, "strong", better_than="champion").decision is None  # it is the champion


def test_what_cannot_be_compared_is_not_better(store, runs):
    promote(store, "weak")
    write_reviews(runs / "other.csv", 120)
    train(runs, "elsewhere", data="other.csv")
    assert promote(store, "elsewhere", better_than="champion").decision.outcome == "undecided"
    assert held(store) == ({1: "weak"}, {"champion": 1})


def test_an_alias_that_is_not_there_is_taken_for_a_slip_where_others_are(store):
    promote(store, "weak")
    with pytest.raises(RunNotFound, match="has no alias 'champoin', did you mean 'champion'"):
        promote(store, "strong", better_than="champoin")
    assert held(store) == ({1: "weak"}, {"champion": 1})


def damage(store, run):
    file = model_folder(run) / "model.skops"
    file.write_bytes(file.read_bytes()[:-1])


SPOILED = {
    "damaged": (damage, DataError, "has changed since it was recorded"),
    "incomplete": (lambda store, run: store.client.delete_tag(run.run_id, Tag.COMPLETE), RunNotFound, "has no model"),
    "killed": (lambda store, run: store.client.set_terminated(run.run_id, "KILLED"), RunNotFound, "is killed, not"),
    "running": (lambda store, run: store.client.update_run(run.run_id, "RUNNING"), RunNotFound, "is running, not"),
    "deleted": (lambda store, run: store.client.delete_run(run.run_id), RunNotFound, "has been deleted"),
}


@pytest.mark.parametrize("way", SPOILED)
def test_a_run_whose_model_is_not_whole_is_refused_before_anything_is_registered(store, way):
    spoil, error, words = SPOILED[way]
    run = run_of(store, "strong")
    spoil(store, run)
    with pytest.raises(error, match=rf"strong \({run.run_id[:8]}\).*{words}"):
        promote(store, run.run_id)
    assert store.client.search_registered_models() == []


def test_a_run_without_a_model_and_a_sweep_are_refused(sweeps):
    store = store_of(sweeps)
    sweep = next(run for run in store.find() if Tag.BEST_RUN in run.tags)
    with pytest.raises(RunNotFound, match="is a sweep"):
        promote(store, sweep.run_id)
    with pytest.raises(RunNotFound, match="no run 'nobody'"):
        promote(store, "nobody")
    failed = next(run for run in store.find() if run.status == "failed" and Tag.SWEEP not in run.tags)
    with pytest.raises(RunNotFound, match="has no model: it is failed"):
        promote(store, failed.run_id)
    assert store.client.search_registered_models() == []


def test_an_alias_that_moves_while_runs_are_compared_decides_nothing(store, monkeypatch):
    for name in ("bayes", "weak"):
        promote(store, name)

    def moving(*given: object, **named: object) -> SimpleNamespace:
        store.client.set_registered_model_alias("reviews", "champion", "1")
        return SimpleNamespace(decision=Decision("pass", "significantly better"), difference=None)

    monkeypatch.setattr(promotion_decision, "judge", moving)
    with pytest.raises(Undecided, match="somebody has moved reviews@champion in the meantime"):
        promote(store, "strong", better_than="champion")
    assert held(store) == ({2: "weak", 1: "bayes"}, {"champion": 1})


def test_its_stages_are_told(store):
    stages: list[str] = []
    promote(store, "strong", progress=stages.append)
    assert stages == ["reading the registry", "checking the model of strong", "registering reviews"]
