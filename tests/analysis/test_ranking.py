"""Ranking: only finite values of finished runs, in the metric's direction, the same whatever order they come in."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expctl.analysis.ranking import Ranking, exclusions, may_tie, preferring, rank, ranking_order
from expctl.filters.expression import Field, Order
from expctl.metrics import METRICS, higher_is_better
from expctl.records import STATUSES, RunRecord

START = datetime(2025, 6, 1, tzinfo=UTC)


def run(number: int, f1_score: float | None = None, **changes: Any) -> RunRecord:
    metrics = {} if f1_score is None else {"f1_score": f1_score}
    given: dict[str, Any] = {
        "run_id": f"{number:032x}",
        "name": f"r{number}",
        "status": "finished",
        "experiment_id": "1",
    }
    return RunRecord(**{**given, "metrics": metrics, "started": START + timedelta(minutes=number), **changes})


def order(runs: list[RunRecord], metric: str = "f1_score") -> list[int]:
    return [int(one.run_id, 16) for one in rank(runs, metric).ranked]


def test_the_highest_score_and_the_lowest_loss_come_first() -> None:
    runs = [run(i, metrics={"f1_score": value, "log_loss": value}) for i, value in enumerate((0.5, 0.9, 0.7))]
    assert order(runs) == [1, 2, 0]
    assert order(runs, "log_loss") == [0, 2, 1]


@pytest.mark.parametrize("metric", [*METRICS, "cv_log_loss_mean", "my_error", "my_score"])
def test_every_metric_ranks_in_its_direction(metric: str) -> None:
    runs = [run(1, metrics={metric: 0.25}), run(2, metrics={metric: 0.75})]
    assert order(runs, metric) == ([2, 1] if higher_is_better(metric) else [1, 2])


def test_what_is_no_result_never_ranks_and_is_counted_by_its_reason() -> None:
    """F02: NaN, infinities, missing values and unfinished runs. One of them on top would be a lie."""
    runs = [
        *(run(1, math.nan), run(2, math.nan), run(3, math.inf), run(4, -math.inf), run(5)),
        *(run(6, 1.0, status="failed"), run(7, 1.0, status="running"), run(8, 1.0, status="killed")),
        *(run(9, 1.0, status="scheduled"), run(10, 0.1), run(11, math.nan, status="failed")),
    ]
    ranking = rank(runs, "f1_score")
    assert [one.run_id for one in ranking.ranked] == [f"{10:032x}"]
    assert ranking.excluded == {
        "with f1_score NaN": 2,
        "with infinite f1_score": 2,
        "without f1_score": 1,
        "failed": 2,
        "running": 1,
        "killed": 1,
        "scheduled": 1,
    }


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("metric", ["f1_score", "log_loss"])
def test_no_impossible_value_wins_in_either_direction(value: float, metric: str) -> None:
    """-inf is the best loss there is."""
    assert order([run(1, metrics={metric: value}), run(2, metrics={metric: 0.5})], metric) == [2]
    ranking = rank([run(1, metrics={metric: value})], metric)
    assert (list(ranking.ranked), sum(ranking.excluded.values())) == ([], 1)


def test_ties_go_to_the_earlier_run_then_to_the_lower_id() -> None:
    """The first to get there keeps the place, whatever the direction."""
    for metric in ("f1_score", "log_loss"):
        tied = {"metrics": {metric: 0.5}}
        runs = [
            run(4, **tied, started=START + timedelta(hours=2)),
            run(3, **tied, started=START + timedelta(hours=1)),
            run(2, **tied, started=START + timedelta(hours=1)),
            run(1, **tied, started=START + timedelta(hours=3)),
        ]
        assert order(runs, metric) == [2, 3, 4, 1]


def test_a_run_that_does_not_say_when_it_started_still_ranks() -> None:
    assert order([run(1, 0.5), run(2, 0.9, started=None), run(3, 0.5, started=None)]) == [2, 1, 3]


def test_minus_zero_ties_with_zero() -> None:
    assert order([run(2, -0.0), run(1, 0.0)]) == [1, 2]


def test_values_are_compared_exactly() -> None:
    """Two that print the same are still two."""
    assert order([run(1, 0.9), run(2, math.nextafter(0.9, 1))]) == [2, 1]


candidates = st.lists(
    st.tuples(
        st.sampled_from([None, math.nan, math.inf, -math.inf, 0.0, -0.0, 0.5, 0.9]) | st.floats(0, 1),
        st.sampled_from([*STATUSES, "finished", "finished", "finished"]),
        st.none() | st.integers(0, 3),
    ),
    max_size=12,
)


def built(values: list[tuple[float | None, str, int | None]]) -> list[RunRecord]:
    return [
        run(i, value, status=status, started=None if minute is None else START + timedelta(minutes=minute))
        for i, (value, status, minute) in enumerate(values)
    ]


@given(candidates, st.randoms(use_true_random=False))
def test_the_order_in_which_runs_come_does_not_matter(values: list[Any], source: Any) -> None:
    """Two machines that read one store name the same best run."""
    runs = built(values)
    shuffled = source.sample(runs, len(runs))
    one, two = rank(runs, "f1_score"), rank(shuffled, "f1_score")
    assert [a.run_id for a in one.ranked] == [b.run_id for b in two.ranked]
    assert one.excluded == two.excluded
    assert one.known == two.known


@given(candidates, st.sampled_from(["f1_score", "log_loss"]))
def test_every_run_is_ranked_or_counted_and_only_the_fit_are_ranked(values: list[Any], metric: str) -> None:
    runs = [
        run(int(one.run_id, 16), metrics={metric: one.metrics["f1_score"]} if one.metrics else {}, status=one.status)
        for one in built(values)
    ]
    ranking = rank(runs, metric)
    fit = [one for one in runs if one.status == "finished" and math.isfinite(one.metrics.get(metric, math.nan))]
    assert Counter(one.run_id for one in ranking.ranked) == Counter(one.run_id for one in fit)
    assert len(ranking.ranked) + sum(ranking.excluded.values()) == len(runs)
    found = [one.metrics[metric] for one in ranking.ranked]
    assert found == sorted(found, reverse=metric == "f1_score")


def test_the_top_is_the_beginning_of_the_whole_ranking_and_leaves_the_counts() -> None:
    runs = [*(run(i, i / 10) for i in range(5)), run(9)]
    assert [one.name for one in rank(runs, "f1_score", top=2).ranked] == ["r4", "r3"]
    assert len(rank(runs, "f1_score", top=50).ranked) == 5
    assert rank(runs, "f1_score", top=1).excluded == {"without f1_score": 1}


def test_the_known_metrics_are_told_without_limits_and_folds() -> None:
    """For the hint of an unknown metric: what one may ask for, those of the table first."""
    metrics = {"mcc": 1.0, "f1_score": 1.0, "f1_score_low": 0.9, "cv_mcc": 0.9, "cv_mcc_mean": 0.9, "cv_mcc_std": 0.1}
    assert rank([run(1, metrics=metrics), run(2, metrics={"auc": 1.0}, status="failed")], "nope").known == [
        *("f1_score", "mcc"),
        *("auc", "cv_mcc_mean"),
    ]


def test_a_ranking_of_nothing_is_empty() -> None:
    ranking = rank([], "f1_score")
    assert (list(ranking.ranked), dict(ranking.excluded), list(ranking.known)) == ([], {}, [])


def test_more_runs_than_a_page_of_the_store_rank_exactly() -> None:
    runs = [run(i, (i * 7919 % 5000) / 5000) for i in range(5000)]
    assert order(runs) == sorted(range(5000), key=lambda i: -(i * 7919 % 5000))


def test_the_tied_runs_come_in_the_order_of_another_metric_and_the_others_stay_behind_them() -> None:
    seconds = {1: 3.0, 2: 1.0, 3: 0.1, 4: None, 5: math.nan, 6: 2.0}
    runs = [
        run(number, metrics={"f1_score": 1 - number / 100, **({} if value is None else {"fit_seconds": value})})
        for number, value in seconds.items()
    ]
    tied = {f"{number:032x}": number != 3 for number in seconds}  # the third is significantly worse, however fast
    ranking = preferring(Ranking("f1_score", runs, tied=tied, trials=6), "fit_seconds")
    assert [one.name for one in ranking.ranked] == ["r2", "r6", "r1", "r4", "r5", "r3"]
    assert (ranking.metric, ranking.tied, ranking.trials) == ("f1_score", tied, 6)
    highest = preferring(Ranking("log_loss", runs, tied=tied), "f1_score")
    assert [one.name for one in highest.ranked] == ["r1", "r2", "r4", "r5", "r6", "r3"]


@pytest.mark.parametrize(
    ("metric", "limit", "best", "near", "far"),
    [
        ("f1_score", {"f1_score_low": 0.8, "f1_score_high": 0.99}, 0.9, 0.7, 0.69),
        ("log_loss", {"log_loss_high": 0.5, "log_loss_low": 0.39}, 0.4, 0.6, 0.61),
    ],
)
def test_only_runs_within_twice_the_limits_of_the_best_may_be_tied_with_it(metric, limit, best, near, far) -> None:
    limit = {key: math.ldexp(round(math.ldexp(value, 10)), -10) for key, value in limit.items()}
    first = run(1, metrics={metric: best, **limit})
    others = [run(2, metrics={metric: best}), run(3, metrics={metric: near}), run(4, metrics={metric: far})]
    reach = 2 * abs(best - limit[f"{metric}_low" if metric == "f1_score" else f"{metric}_high"])
    others.append(run(5, metrics={metric: best - reach if metric == "f1_score" else best + reach}))
    found = may_tie(Ranking(metric, [first, *others]), 10)
    assert [one.name for one in found if one.name != "r5"] == ["r2", "r3"]
    assert may_tie(Ranking(metric, [first, *others]), 1) == [others[0]]


def test_without_limits_any_run_may_be_tied() -> None:
    runs = [run(1, 0.9), run(2, 0.5), run(3, 0.1)]
    assert may_tie(Ranking("f1_score", runs), 5) == runs[1:]


def test_counts_of_a_store_are_the_exclusions_of_a_ranking() -> None:
    tally = {
        ("finished", "finite"): 7,
        ("finished", "NaN"): 2,
        ("finished", "missing"): 1,
        ("finished", "infinite"): 4,
        ("failed", "finite"): 3,
        ("failed", "missing"): 5,
        ("running", "missing"): 1,
    }
    assert exclusions(tally, "mcc") == {
        "failed": 8,
        "with infinite mcc": 4,
        "with mcc NaN": 2,
        "without mcc": 1,
        "running": 1,
    }


def test_the_order_asked_of_a_store_is_that_of_a_ranking() -> None:
    started = Order(Field("attributes", "start_time"))
    assert ranking_order("f1_score") == [Order(Field("metrics", "f1_score"), True), started]
    assert ranking_order("log_loss") == [Order(Field("metrics", "log_loss"), False), started]


def test_a_direction_that_is_said_goes_before_that_of_the_name() -> None:
    runs = [run(1, metrics={"regrets": 1.0}), run(2, metrics={"regrets": 2.0})]
    assert [one.name for one in rank(runs, "regrets").ranked] == ["r2", "r1"]
    ranking = rank(runs, "regrets", higher=False)
    assert ([one.name for one in ranking.ranked], ranking.higher) == (["r1", "r2"], False)
    assert ranking_order("regrets", higher=False)[0].descending is False
