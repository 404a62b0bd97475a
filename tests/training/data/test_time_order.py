"""The future is tested on, never trained on; rows of one time are never cut; what is no time is named by its row."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expctl.data_issues import counts
from expctl.errors import DataError
from expctl.recipe import Recipe
from expctl.training.data.dataset import load_split
from expctl.training.data.time_order import forward_folds, latest, read_times
from expctl.training.fit.trainer import fold_positions
from tests.training.data.test_dataset import refusal, write

if TYPE_CHECKING:
    from pathlib import Path

HEADER = ("text", "label", "day")
TIMES = st.lists(st.integers(0, 30), min_size=2, max_size=80).filter(lambda times: len(set(times)) > 1)


def read(cells: list[Any]) -> list[float]:
    return read_times(cells, range(len(cells)), column="day", name="a.csv").tolist()


def dated(days: int, each: int = 2) -> list[tuple[str, str, str]]:
    """Rows of so many days, the latest first."""
    return [
        (f"text {day} {i}", "spam" if i % 2 else "ham", f"2024-{1 + day // 28:02}-{1 + day % 28:02}")
        for day in reversed(range(days))
        for i in range(each)
    ]


def recipe_of(folder: Path, rows: list[tuple[str, str, str]], **options: Any) -> Recipe:
    return Recipe(write(folder / "a.csv", rows, HEADER), time_column="day", **options)


@given(TIMES, st.sampled_from([0.1, 0.2, 0.5]), st.integers(0, 3))
@settings(deadline=None)
def test_whatever_is_tested_on_is_later_than_whatever_is_trained_on(times: list[int], share: float, gap: int) -> None:
    found = np.array(times)
    try:
        train, test = latest(found, share, gap)
    except ValueError:
        assert gap
        return
    assert found[train].max() < found[test].min()
    assert len(set(train) & set(test)) == 0
    assert len(train) + len(test) <= len(times) - gap
    assert gap or len(train) + len(test) == len(times)


def test_the_cut_is_where_the_share_is_nearest() -> None:
    times = np.array([1] * 5 + [2] * 4 + [3] * 1)
    assert len(latest(times, 0.2, 0)[1]) == 1
    assert len(latest(times, 0.4, 0)[1]) == 5


def test_a_gap_leaves_out_so_many_rows_and_those_of_the_same_time() -> None:
    times = np.array([1, 1, 2, 2, 3, 3, 4, 4])
    assert latest(times, 0.25, 0)[0].tolist() == [0, 1, 2, 3, 4, 5]
    assert latest(times, 0.25, 1)[0].tolist() == [0, 1, 2, 3]
    assert latest(times, 0.25, 2)[0].tolist() == [0, 1, 2, 3]
    assert latest(times, 0.25, 3)[0].tolist() == [0, 1]


@pytest.mark.parametrize(("rows", "folds", "gap"), [(24, 5, 0), (25, 3, 2), (100, 4, 7)])
def test_without_ties_the_folds_are_those_of_scikit_learn(rows: int, folds: int, gap: int) -> None:
    from sklearn.model_selection import TimeSeriesSplit

    times = np.random.default_rng(0).permutation(rows)
    order = np.argsort(times)
    expected = TimeSeriesSplit(folds, gap=gap).split(np.zeros(rows))
    found = forward_folds(times, folds, gap)
    assert [(a.tolist(), b.tolist()) for a, b in found] == [(order[a].tolist(), order[b].tolist()) for a, b in expected]


@given(TIMES, st.integers(2, 4))
@settings(deadline=None)
def test_folds_go_forward_and_cut_no_time(times: list[int], folds: int) -> None:
    found = np.array(times)
    try:
        made = forward_folds(found, folds, 0)
    except ValueError:
        return
    assert len(made) == folds
    for train, test in made:
        assert found[train].max() < found[test].min()


def test_times_are_read_in_the_forms_that_files_have() -> None:
    assert read(["2024-05-31", "2024-05-31T00:00:01", " 20240601 "]) == sorted(
        read(["2024-05-31", "2024-05-31T00:00:01", "2024-06-01"])
    )
    assert read(["2", "10", "1e3"]) == [2, 10, 1000]
    assert read([2023, 2024.5]) == [2023, 2024.5]
    assert read([date(1970, 1, 2), datetime(1970, 1, 1, 0, 0, 1)]) == [86_400_000_000, 1_000_000]
    assert read(["1970-01-01T01:00+01:00", "1970-01-01T00:00Z"]) == [0, 0]


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (["2024-01-01", "soon", "2024-01-03"], "1 row without a time in 'day' that can be read: row 2 ('soon')"),
        (["2024-01-01", "", None], "2 rows without a time in 'day' that can be read: row 2 (empty), row 3 (empty)"),
        (["1", "2", "nan"], "row 3 ('nan')"),
        (["1", "2", "x"] + ["y"] * 0, "row 3 ('x')"),
        (["2024-01-01", *["?"] * 9, *["2024-01-02"] * 20], "row 6 ('?') and 4 more"),
        (["2024-01-01", "2024-01-01T00:00Z", "2024-01-02"], "with and without a time zone: row 2"),
        ([True, False], "row 1 ('True')"),
    ],
)
def test_rows_without_a_time_are_named(cells: list[Any], told: str) -> None:
    with pytest.raises(DataError) as refused:
        read(cells)
    assert told in refused.value.message
    assert refused.value.hint


def test_the_latest_rows_are_tested_on_wherever_they_stand_in_the_file(tmp_path: Path) -> None:
    split = load_split(recipe_of(tmp_path, dated(50)))
    assert split.test.frame.index.tolist() == [18, 19, 16, 17, 14, 15, 12, 13, 10, 11, 8, 9, 6, 7, 4, 5, 2, 3, 0, 1]
    assert len(split.train) == 80


def test_a_gap_is_told_and_folds_go_forward_within_it(tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, dated(50), gap=4, cv=3)
    split = load_split(recipe)
    assert counts(split.data_issues)["gap_rows"] == 4
    assert "left out 4 rows between training and test rows (--gap)" in split.notes
    times = split.train.times
    assert times is not None
    for fitted, measured in fold_positions(recipe, split.train):
        assert times[fitted].max() < times[measured].min()
        between = (times > times[fitted].max()) & (times < times[measured].min())
        assert between.sum() == 4


def test_groups_stay_whole_through_time(tmp_path: Path) -> None:
    rows = [(*row, f"author {i // 7}") for i, row in enumerate(dated(60))]
    path = write(tmp_path / "a.csv", rows, (*HEADER, "author"))
    recipe = Recipe(path, test_size=0.02, time_column="day", group_column="author", cv=2)
    split = load_split(recipe)
    assert split.train.groups is not None
    assert split.test.groups is not None
    assert not set(split.train.groups.tolist()) & set(split.test.groups.tolist())
    assert counts(split.data_issues)["regrouped_rows"] > 0


def test_neither_a_group_nor_a_copy_is_fitted_and_measured(tmp_path: Path) -> None:
    rows = [(f"text {i // 5}", label, day, f"author {i // 9}") for i, (_, label, day) in enumerate(dated(60))]
    path = write(tmp_path / "a.csv", rows, (*HEADER, "author"))
    for options in ({"group_column": "author"}, {"dedupe": True}):
        recipe = Recipe(path, test_size=0.02, time_column="day", cv=4, **options)  # type: ignore[arg-type]
        train = load_split(recipe).train
        for fitted, measured in fold_positions(recipe, train):
            marks = train.hashes if train.groups is None else train.groups
            assert len(fitted)
            assert not set(marks[fitted].tolist()) & set(marks[measured].tolist())


@pytest.mark.parametrize(
    ("rows", "options", "told"),
    [
        ([("a", "x", "2024-01-01"), ("b", "y", "2024-01-01")], {}, "all rows have one time"),
        (dated(10), {"gap": 99}, "a gap of 99 leaves no row to train on"),
        (dated(10), {"cv": 9}, "cannot make 9 folds"),
        ([(*row[:2], "") for row in dated(2)], {}, "4 rows without a time in 'day' that can be read: row 1 (empty)"),
        ([(f"t {i}", "xy"[i > 5], str(i)) for i in range(20)], {"cv": 3}, "to learn from have the label 'x'"),
    ],
)
def test_what_time_cannot_do_is_refused(
    tmp_path: Path, rows: list[tuple[str, str, str]], options: dict[str, Any], told: str
) -> None:
    message, hint = refusal(recipe_of(tmp_path, rows, **options))
    assert told in message
    assert hint
    assert ("--gap" in hint) == ("gap" in options)
