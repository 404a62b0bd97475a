"""Decisions on the versions that they are about: none is lost, none counts twice, other tags are passed over."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from expctl.records import Tag
from expctl.tracking.models import decisions, registry
from expctl.tracking.models.decisions import PastDecision
from expctl.tracking.models.registry import Registered, Version
from expctl.workflows.promote import promote
from tests.tracking.recorded import store_of

ONE = PastDecision("champion", "a" * 32, 1, "f1_score", "rows", at="2026-01-01T00:00:00.000000+00:00")


def model_of(*texts: str) -> Registered:
    tags = {f"{Tag.DECISION}{i}": text for i, text in enumerate(texts)}
    return Registered("reviews", {1: Version(1, None, {"promoted_by": "Ada", **tags})}, {})


def text_of(decision: PastDecision) -> str:
    return json.dumps({key: getattr(decision, key) for key in PastDecision.__slots__})


def test_the_same_decision_has_the_same_tag_and_any_other_another():
    others = [
        replace(ONE, alias="staging"),
        replace(ONE, run_id="b"),
        replace(ONE, version=2),
        replace(ONE, metric="mcc"),
    ]
    assert len({one.key for one in [ONE, *others]}) == 5
    assert replace(ONE, at="later", fresh=True, test_set="other").key == ONE.key


def test_they_come_in_the_order_of_their_time_those_of_another_alias_do_not():
    later = replace(ONE, run_id="b" * 32, at="2026-02-01T00:00:00.000000+00:00")
    model = model_of(text_of(later), text_of(replace(ONE, alias="staging")), text_of(ONE))
    assert decisions.of_alias(model, "champion") == [ONE, later]


@pytest.mark.parametrize("text", ["", "no", "[]", "1", "{}", '{"alias": "champion"}', "[" * 100_000])
def test_a_tag_that_is_no_decision_is_passed_over(text):
    assert decisions.of_alias(model_of(text), "champion") == []


def test_a_tag_with_a_value_of_another_type_is_passed_over():
    wrong = {**json.loads(text_of(ONE)), "run_id": 3}
    assert decisions.of_alias(model_of(json.dumps(wrong)), "champion") == []


def test_what_a_later_expctl_adds_does_not_hide_a_decision():
    assert decisions.of_alias(model_of(json.dumps({**json.loads(text_of(ONE)), "why": "new"})), "champion") == [ONE]


def test_a_history_begins_with_the_last_decision_on_fresh_data():
    begins = [replace(ONE, run_id=name, fresh=name in "ce") for name in "abcdef"]
    assert [one.run_id for one in decisions.running(begins)] == ["e", "f"]
    assert decisions.running(begins[:2]) == begins[:2]
    assert decisions.running([]) == []


@pytest.mark.every_store
def test_a_decision_is_written_once(runs):
    store = store_of(runs)
    promote(store, "strong", "reviews", "champion", better_than=None, metric="f1_score", who="Ada", note=None)
    for _ in range(2):
        decisions.record(store, registry.read(store, "reviews"), ONE)
        (found,) = decisions.of_alias(registry.read(store, "reviews"), "champion")
        first = found.at
        assert found == replace(ONE, at=first)
    assert first > ONE.at
