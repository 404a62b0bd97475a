"""Slices take every row once, by the documented rule, and what is said of one is what its rows alone say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from expctl.analysis.clusters import LEAST_GROUPS
from expctl.analysis.difference import holm
from expctl.analysis.predictions import pair
from expctl.analysis.significance import assess
from expctl.analysis.slices import LEAST_ROWS, MOST, slice_differences, slice_metrics, slices_of, taken
from tests.analysis import guesses, predictions
from tests.analysis.test_clusters import named

TEXTS = st.lists(st.sampled_from(["", *"abcdefghijklmnopqrstuvwxyz"]), min_size=1, max_size=200)
NUMBERS = st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), min_size=1, max_size=200)


def sizes(cells: list[object] | np.ndarray) -> dict[str, int]:
    kind = float if all(isinstance(cell, float) for cell in cells) else object
    return {one.name: len(one) for one in slices_of(np.array(cells, dtype=kind))}


@given(TEXTS | NUMBERS)
def test_every_row_is_in_one_slice(cells: list[object]) -> None:
    kind = float if all(isinstance(cell, float) for cell in cells) else object
    found = slices_of(np.array(cells, dtype=kind))
    assert sorted(np.concatenate([one.rows for one in found]).tolist()) == list(range(len(cells)))
    assert len({one.name for one in found}) == len(found) <= MOST + 2


def test_texts_come_by_their_rows_and_few_go_with_the_rest() -> None:
    assert sizes(["b"] * 30 + ["a"] * 40 + ["c"] * 19 + ["d"] * 2 + [""] * 3) == {
        "a": 40, "b": 30, "(other)": 21, "(empty)": 3,
    }  # fmt: skip
    many = [f"value {i}" for i in range(30) for _ in range(20 + i)]
    assert len(sizes(many)) == MOST + 1
    assert sizes(many)["(other)"] == sum(20 + i for i in range(10))


def test_numbers_of_few_values_are_slices_and_of_many_are_cut_at_the_quartiles() -> None:
    assert sizes([3.0] * 30 + [1.0] * 25) == {"1": 25, "3": 30}
    assert sizes([float(i) for i in range(1, 101)]) == {"1 to 25": 25, "26 to 50": 25, "51 to 75": 25, "76 to 100": 25}
    assert sizes([0.0] * 60 + [float(i) for i in range(1, 41)]) == {"0": 60, "1 to 15": 15, "16 to 40": 25}
    assert sizes([-0.0] * 20 + [0.0] * 20 + [1e9] * 20 + [1e9 + 1] * 20 + [0.1] * 20) == {
        "0": 40, "0.1": 20, "1000000000": 20, "1000000001": 20,
    }  # fmt: skip
    assert next(iter(sizes([-0.0] * 60 + [float(i) for i in range(1, 41)]))) == "0"
    assert sizes([1500.0 + i / 8 for i in range(80)] + [float("nan")])["(empty)"] == 1


def test_a_slice_scores_what_its_rows_score_and_a_small_one_nothing() -> None:
    labels = np.random.default_rng(0).integers(0, 2, 300)
    run = predictions(labels, guesses(labels, 0.8, 2, 1))
    cells = np.array(["a"] * 200 + ["b"] * 90 + ["c"] * 10, dtype=object)
    found = {one.name: one for one in slice_metrics(run, slices_of(cells))}
    assert found["a"].values["accuracy"] == (run.labels == run.predicted)[:200].mean()
    low, high = found["a"].limits["accuracy"]
    assert low < found["a"].values["accuracy"] < high
    assert (found["(other)"].values, found["(other)"].note) == ({}, f"fewer than {LEAST_ROWS} rows")


def test_a_slice_of_few_groups_has_values_and_no_limits() -> None:
    labels = np.arange(200) % 2
    run = replace(predictions(labels, labels), groups=named(np.arange(200) % (LEAST_GROUPS - 1)))
    (found,) = slice_metrics(run, slices_of(np.array(["a"] * 200, dtype=object)))
    assert (found.values["accuracy"], found.limits) == (1.0, {})
    assert found.note is not None


def two_runs() -> tuple[np.ndarray, list]:  # type: ignore[type-arg]
    labels = np.random.default_rng(0).integers(0, 2, 900)
    cells = np.array(["a", "b", "c"], dtype=object)[np.arange(900) % 3]
    worse = np.where(cells == "b", 0.6, 0.9)
    return cells, [
        predictions(labels, guesses(labels, 0.9, 2, 1)),
        predictions(labels, np.where(np.random.default_rng(2).random(900) < worse, labels, 1 - labels)),
    ]


def test_the_slice_that_loses_is_told_and_its_test_is_that_of_its_rows() -> None:
    cells, (one, other) = two_runs()
    found = {s.name: s for s in slice_differences(one, other, pair(one, other), cells, "accuracy")}
    assert {name: s.rows for name, s in found.items()} == {"a": 300, "b": 300, "c": 300}
    lost = found["b"].difference
    assert lost is not None
    assert lost.verdict == "worse"
    rows = np.flatnonzero(cells == "b")
    alone = assess(taken(one, rows), taken(other, rows)).differences["accuracy"]
    assert (lost.change, lost.low, lost.high) == (alone.change, alone.low, alone.high)
    plain = [
        assess(*(taken(run, np.flatnonzero(cells == name)) for run in (one, other))).differences["accuracy"].p_value
        for name in found
    ]
    assert [s.difference.p_value for s in found.values() if s.difference] == pytest.approx(holm(plain))


def test_limits_that_hold_together_are_wider_and_a_verdict_keeps_its_confidence() -> None:
    cells, (one, other) = two_runs()
    for apart, together in zip(
        slice_differences(one, other, pair(one, other), cells, "accuracy"),
        slice_differences(one, other, pair(one, other), cells, "accuracy", together=True),
        strict=True,
    ):
        assert apart.difference is not None
        assert together.difference is not None
        assert together.difference.low < apart.difference.low < apart.difference.high < together.difference.high
        assert together.difference.alpha == pytest.approx(0.05)
        assert together.difference.p_value >= apart.difference.p_value


def test_p_values_that_hold_together_agree_with_their_limits() -> None:
    cells, (one, other) = two_runs()
    found = slice_differences(one, other, pair(one, other), cells, "accuracy", together=True)
    for part in found:
        rows = np.flatnonzero(cells == part.name)
        alone = assess(taken(one, rows), taken(other, rows)).differences["accuracy"]
        assert part.difference is not None
        assert part.difference.p_value == pytest.approx(min(1.0, 3 * alone.p_value))
        assert (part.difference.p_value < 0.05) == (part.difference.low > 0 or part.difference.high < 0)


def test_what_cannot_be_tested_says_why() -> None:
    cells, (one, other) = two_runs()
    cells = np.where(np.arange(900) < 5, "few", cells).astype(object)
    found = slice_differences(one, other, pair(one, other), cells, "roc_auc")
    assert [s.note for s in found] == [*["roc_auc cannot be tested on these rows"] * 3, "fewer than 20 rows"]
    assert all(s.difference is None for s in found)


def test_very_many_rows_overflow_nothing() -> None:
    labels = np.arange(200_000) % 2
    run = predictions(labels, np.where(np.arange(200_000) % 10 < 2, 1 - labels, labels))
    (found,) = slice_metrics(run, slices_of(np.array(["a"] * 200_000, dtype=object)))
    assert found.values["mcc"] == pytest.approx(0.6)
