"""A group is on one side of the split and in one fold, and the sides have the sizes and shares that were asked for."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expctl.data_issues import counts
from expctl.errors import DataError
from expctl.recipe import Recipe
from expctl.training.data.dataset import load_split
from expctl.training.data.row_groups import drawn_groups, group_hashes, group_names, unit_labels, units_of
from expctl.training.data.rows import text_hashes
from expctl.training.fit.trainer import fold_positions
from tests.training.data.test_dataset import refusal, write

if TYPE_CHECKING:
    from pathlib import Path

HEADER = ("text", "label", "author")


def authored(authors: int, each: int = 5) -> list[tuple[str, str, str]]:
    """Rows of authors, every third of whom writes spam."""
    return [
        (f"text {a} {i}", "spam" if a % 3 == 0 else "ham", f"author {a}") for i in range(each) for a in range(authors)
    ]


def recipe_of(folder: Path, rows: list[tuple[str, str, str]], **options: object) -> Recipe:
    return Recipe(write(folder / "a.csv", rows, HEADER), group_column="author", **options)  # type: ignore[arg-type]


@given(st.lists(st.integers(1, 12), min_size=2, max_size=60), st.sampled_from([0.1, 0.2, 0.5, 0.9]), st.integers(0, 99))
@settings(deadline=None)
def test_whole_groups_are_taken_and_each_side_has_one(sizes: list[int], share: float, seed: int) -> None:
    units = np.repeat(np.arange(len(sizes)), sizes)
    tested = drawn_groups(units, None, share, seed)
    assert all(len(set(tested[units == unit])) == 1 for unit in range(len(sizes)))
    assert 0 < tested.sum() < len(tested)


@pytest.mark.parametrize("share", [0.1, 0.2, 0.33, 0.5])
def test_the_test_set_is_as_large_and_as_mixed_as_it_should_be(share: float) -> None:
    random = np.random.default_rng(0)
    units = np.repeat(np.arange(300), random.integers(1, 20, 300))
    labels = np.array(["a", "b", "c"])[(units * 7) % 10 // 4]
    for seed in range(5):
        tested = drawn_groups(units, labels, share, seed)
        assert tested.mean() == pytest.approx(share, abs=0.01)
        for label in "abc":
            assert tested[labels == label].mean() == pytest.approx(share, abs=0.03)


def test_rows_that_are_groups_by_themselves_are_split_in_the_classes_shares() -> None:
    labels = np.repeat(["a", "b"], [90, 10])
    tested = drawn_groups(np.arange(100), labels, 0.2, 3)
    assert Counter(labels[tested].tolist()) == {"a": 18, "b": 2}


def test_another_random_state_takes_others_and_a_group_larger_than_the_test_set_is_trained_on() -> None:
    units = np.repeat(np.arange(41), [60, *[1] * 40])
    first, second = (drawn_groups(units, None, 0.2, seed) for seed in (1, 2))
    assert (first != second).any()
    assert not first[0]
    assert first.sum() == second.sum() == 20


def test_a_split_and_its_folds_keep_authors_whole(tmp_path: Path) -> None:
    for stratify in (True, False):
        recipe = recipe_of(tmp_path, authored(30), cv=3, stratify=stratify)
        split = load_split(recipe)
        train, test = split.train.groups, split.test.groups
        assert train is not None
        assert test is not None
        assert not set(train.tolist()) & set(test.tolist())
        assert len(split.train) + len(split.test) == 150
        assert len(split.test) == pytest.approx(30, abs=5)
        folds = fold_positions(recipe, split.train)
        assert sorted(np.concatenate([measured for _, measured in folds]).tolist()) == list(range(len(split.train)))
        for fitted, measured in folds:
            assert not set(train[fitted].tolist()) & set(train[measured].tolist())


def test_copies_bind_groups_together_with_dedupe(tmp_path: Path) -> None:
    rows = [*authored(20), ("text 0 0", "spam", "author 3")]
    recipe = recipe_of(tmp_path, rows, dedupe=True)
    whole = load_split(replace(recipe, test_size=0.5))
    for side in (whole.train, whole.test):
        groups = set() if side.groups is None else set(side.groups.tolist())
        assert len(groups & set(text_hashes(["author 0", "author 3"]).tolist())) in (0, 2)
    units = units_of(whole.train, recipe)
    assert len(unit_labels(whole.train, recipe)) == units.max() + 1


def test_the_same_rows_in_another_order_are_of_the_same_groups() -> None:
    names, hashes, labels = ["a", "", "", "a"], text_hashes(["x", "y", "y", "z"]), np.array([1, 1, 1, 0])
    known = group_hashes(names, hashes, labels, side="data")
    assert len(set(known.tolist())) == 3
    turned = group_hashes(names[::-1], hashes[::-1], labels[::-1], side="data")
    assert sorted(turned.tolist()) == sorted(known.tolist())
    assert known[1] != group_hashes(names, hashes, labels, side="test")[1]


def test_a_cell_names_the_same_group_in_every_file_format() -> None:
    assert group_names([7, 7.0, " 7 ", "7", None, "", float("nan")]) == ["7"] * 4 + [""] * 3


def test_rows_without_a_group_are_told(tmp_path: Path) -> None:
    rows = [*authored(30), ("alone", "ham", ""), ("alone too", "ham", " ")]
    split = load_split(recipe_of(tmp_path, rows))
    assert counts(split.data_issues)["rows_without_group"] == 2
    assert f"2 of 152 rows of {tmp_path}/a.csv have no author: each is a group by itself" in split.notes


def test_few_groups_of_test_rows_are_told(tmp_path: Path) -> None:
    split = load_split(recipe_of(tmp_path, authored(30)))
    assert counts(split.data_issues)["few_groups"] == 6
    assert any(note.startswith("the test rows are of 6 groups: there are no limits") for note in split.notes)
    assert "few_groups" not in counts(load_split(recipe_of(tmp_path, authored(200, 1))).data_issues)


def test_a_fixed_test_set_keeps_its_rows_and_training_loses_their_groups(tmp_path: Path) -> None:
    rows = [(*row, "test" if i % 20 == i // 20 else "train") for i, row in enumerate(authored(20))]
    path = write(tmp_path / "a.csv", rows, (*HEADER, "side"))
    recipe = Recipe(path, test_size=None, split_column="side", group_column="author")
    split = load_split(recipe)
    assert len(split.test) == 5
    assert split.train.groups is not None
    assert split.test.groups is not None
    assert not set(split.train.groups.tolist()) & set(split.test.groups.tolist())
    assert counts(split.data_issues)["regrouped_rows"] == 95 - len(split.train) == 20
    assert "left out 20 of 95 training rows whose group is in the test set (--group-column)" in split.notes


@pytest.mark.parametrize(
    ("rows", "options", "told"),
    [
        ([(f"t {i}", "ab"[i % 2], "me") for i in range(20)], {"stratify": False}, "all rows are of one group, by"),
        ([(f"t {i}", "ab"[i % 2], "me") for i in range(20)], {}, "all rows are of one group, by"),
        ([(f"t {i}", "ab"[i % 2], "xy"[i % 2]) for i in range(20)], {}, "have a single group"),
        (authored(4), {"stratify": False, "cv": 5}, "3 training groups cannot make 5 folds"),
        (authored(12), {"cv": 4}, "class 'spam': fewer than 4 training groups, one for each fold"),
    ],
)  # fmt: skip
def test_what_groups_cannot_do_is_refused(
    tmp_path: Path, rows: list[tuple[str, str, str]], options: dict[str, object], told: str
) -> None:
    message, hint = refusal(recipe_of(tmp_path, rows, **options))
    assert told in message
    assert hint


def test_a_column_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no column 'writer'"):
        load_split(replace(recipe_of(tmp_path, authored(5)), group_column="writer"))
