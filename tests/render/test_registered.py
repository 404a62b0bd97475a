"""What is shown of the registry: what an alias points at now and before, and each version's run."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from expctl.analysis.gate import Decision
from expctl.analysis.promotion_budget import Budget
from expctl.records import Tag
from expctl.render.registered import promotion_sheet, reference, versions_sheet
from expctl.tracking.models.registry import Registered, Version
from expctl.workflows.promote import Promotion
from expctl.workflows.promotion_decision import Judged
from tests.render.run_records import keys, run

RUN = run(1)


def cells(sheet, row=0):
    return dict(zip(keys(sheet), sheet.rows[row], strict=True))


def test_a_version_is_called_as_mlflow_calls_it():
    assert reference("my reviews", 3) == "models:/my reviews/3"


def test_a_promotion_shows_the_version_before_and_the_run_with_its_metric():
    sheet = promotion_sheet(Promotion("reviews", "champion", RUN, 2, 1, run(2), None), "f1_score")
    assert cells(sheet) == {
        "model": "reviews", "version": 2, "alias": "champion", "before": 1,
        "run_id": RUN.run_id, "name": "run-1", "f1_score": RUN.metrics["f1_score"],
    }  # fmt: skip
    assert (sheet.ids, sheet.facts) == (["models:/reviews/2"], {})


def test_what_was_judged_and_not_registered_has_the_reason_and_no_id():
    judged = Judged(Decision("regression", "it is worse"), versions())
    sheet = promotion_sheet(Promotion("reviews", "champion", RUN, None, 1, run(2), judged), "f1_score")
    assert (sheet.ids, sheet.facts) == ([], {"gate": "regression", "reason": "it is worse"})


def test_a_decision_has_its_number_and_the_risk_that_is_left():
    judged = Judged(Decision("pass", "it is better"), versions(), Budget(4))
    sheet = promotion_sheet(Promotion("reviews", "champion", RUN, 2, 1, run(2), judged), "f1_score")
    assert sheet.facts == {"gate": "pass", "reason": "it is better", "decision": 4, "risk_left": 0.01}


def test_a_version_that_no_run_made_has_empty_cells():
    sheet = promotion_sheet(Promotion("reviews", "champion", None, 2, None, None, None), "f1_score")
    assert [cells(sheet)[key] for key in ("run_id", "name", "f1_score")] == [None] * 3


def versions(**tags):
    known = {2: Version(2, RUN.run_id, tags), 1: Version(1, "gone", {})}
    return Registered("reviews", known, {"b": 2, "a": 2})


def test_versions_have_their_aliases_in_order_and_the_metrics_of_runs_that_are_there():
    sheet = versions_sheet(versions(), {RUN.run_id: RUN}, "log_loss")
    assert keys(sheet)[4:7] == ["log_loss", "f1_score", "accuracy"]
    assert (cells(sheet)["aliases"], cells(sheet)["f1_score"], cells(sheet)["log_loss"]) == ("a, b", 0.881, None)
    assert (cells(sheet, 1)["aliases"], cells(sheet, 1)["run_id"], cells(sheet, 1)["name"]) == (None, "gone", None)
    assert sheet.ids == ["models:/reviews/2", "models:/reviews/1"]


def test_a_metric_that_is_shown_anyway_has_one_column():
    assert keys(versions_sheet(versions(), {}, "accuracy"))[4:6] == ["accuracy", "f1_score"]


@pytest.mark.parametrize(
    ("text", "moment"),
    [("2025-06-01T12:00:00+00:00", datetime(2025, 6, 1, 12, tzinfo=UTC)), ("soon", None), ("2025-06-01", None)],
)
def test_a_time_that_anybody_may_have_written_is_a_time_or_nothing(text, moment):
    assert cells(versions_sheet(versions(**{Tag.PROMOTED_AT: text}), {}, "f1_score"))["promoted"] == moment
