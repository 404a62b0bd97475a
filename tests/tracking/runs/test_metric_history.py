"""Aggregates over histories become metrics of the runs; what was never measured stays missing."""

from __future__ import annotations

import math
from types import SimpleNamespace

from expctl.records import RunRecord
from expctl.tracking.readers.protocol import HistoryPoint
from expctl.tracking.runs.metric_history import with_aggregates

RUN = RunRecord("a" * 32, "run", "finished", "1", metrics={"loss": 0.5})


def store(*values: float):
    """A store whose only history is that of `loss`, and which remembers what it was asked for."""
    asked: list[tuple[str, str]] = []

    def history(run_id: str, metric: str) -> list[HistoryPoint]:
        asked.append((run_id, metric))
        return [HistoryPoint(value, step, None) for step, value in enumerate(values) if metric == "loss"]

    return SimpleNamespace(reader=SimpleNamespace(history=history), asked=asked)


def test_an_aggregate_is_a_metric_beside_those_that_the_run_has():
    names = ["max(loss)", "min(metrics.loss)", "first(loss)", "last(loss)", "mean(loss)"]
    (found,) = with_aggregates(store(0.5, 1.0, 0.25, math.nan), [RUN], names)
    assert found.metrics == {
        "loss": 0.5, "max(loss)": 1.0, "min(metrics.loss)": 0.25, "first(loss)": 0.5, "last(loss)": 0.25,
        "mean(loss)": 1.75 / 3,
    }  # fmt: skip
    assert RUN.metrics == {"loss": 0.5}


def test_a_metric_that_was_nothing_but_nan_or_never_logged_has_no_aggregate():
    (found,) = with_aggregates(store(math.nan), [RUN], ["max(loss)", "max(auc)"])
    assert found.metrics == RUN.metrics


def test_no_history_is_read_for_names_that_ask_for_no_aggregate():
    plain = store(1.0)
    assert with_aggregates(plain, [RUN], ["loss", "max", "total(loss)"]) == [RUN]
    assert plain.asked == []
