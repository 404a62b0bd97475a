"""What a challenger broke and fixed: counts, rows, and the most confident first."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expctl.analysis.flips import Flip, find_flips
from expctl.analysis.predictions import pair
from tests.analysis import LETTERS, predictions, taken

ROWS = st.lists(st.tuples(*[st.integers(0, 2)] * 3), min_size=1, max_size=30)  # label, baseline, challenger


@given(ROWS)
@settings(deadline=None)
def test_every_row_is_counted_once_and_every_flip_is_told(rows: list[tuple[int, int, int]]) -> None:
    labels, first, second = zip(*rows, strict=True)
    one, two = predictions(labels, first, classes=LETTERS), predictions(labels, second, classes=LETTERS)
    found = find_flips(two, pair(one, two))
    names = [tuple(LETTERS[i] for i in row) for row in rows]
    broken = [(i, *row) for i, row in enumerate(names) if row[1] == row[0] != row[2]]
    fixed = [(i, *row) for i, row in enumerate(names) if row[2] == row[0] != row[1]]
    assert [(one.row, one.label, one.baseline, one.challenger) for one in found.rows] == broken + fixed
    assert [one.kind for one in found.rows] == ["broken"] * len(broken) + ["fixed"] * len(fixed)
    assert (found.broken, found.fixed) == (len(broken), len(fixed))
    assert found.both_wrong == sum(label not in (before, after) for label, before, after in rows)
    assert found.both_right == sum(label == before == after for label, before, after in rows)
    assert {one.confidence for one in found.rows} <= {None}


def scored(kind: str = "probability"):
    """Rows 0, 2 and 4 broken, 1 and 3 fixed, 5 right in both; how sure: .6 .7 .9 .8 .6 .9."""
    sure = np.array([0.6, 0.7, 0.9, 0.8, 0.6, 0.9])
    labels = [0] * 6
    said = [1, 0, 1, 0, 1, 0]
    ups = np.where(np.array(said) == 1, sure, 1 - sure)
    scores = np.stack([1 - ups, ups], axis=1) if kind == "probability" else np.log(ups / (1 - ups))[:, None]
    one = predictions(labels, [0, 1, 0, 1, 0, 0])
    return one, predictions(labels, said, scores=scores, score_kind=kind, score_classes=["a", "b"])


def test_the_most_confident_come_first_and_equals_by_row() -> None:
    one, two = scored()
    found = find_flips(two, pair(one, two)).rows
    assert [(flip.kind, flip.row) for flip in found] == [
        *(("broken", 2), ("broken", 0), ("broken", 4)),
        *(("fixed", 3), ("fixed", 1)),
    ]
    assert [flip.confidence for flip in found] == pytest.approx([0.9, 0.6, 0.6, 0.8, 0.7])


def test_decision_scores_are_confident_by_their_distance_from_the_boundary() -> None:
    one, two = scored("decision")
    found = find_flips(two, pair(one, two)).rows
    assert [flip.row for flip in found] == [2, 0, 4, 3, 1]
    assert found[3].confidence == pytest.approx(np.log(4))  # -1.39: sure of the other class


def test_of_each_kind_at_most_so_many_but_all_are_counted() -> None:
    one, two = scored()
    found = find_flips(two, pair(one, two), most=1)
    assert [(flip.kind, flip.row) for flip in found.rows] == [("broken", 2), ("fixed", 3)]
    assert (found.broken, found.fixed) == (3, 2)
    assert find_flips(two, pair(one, two), most=0).rows == []


def test_rows_are_the_numbers_in_the_challengers_file() -> None:
    """Its data file is the one the texts are read from."""
    one, two = scored()
    order = [5, 4, 3, 2, 1, 0]
    moved = taken(two, order)
    moved.rows[:] = np.arange(100, 106)  # another file, in which the same texts are at other places
    found = find_flips(moved, pair(one, moved)).rows
    assert [flip.row for flip in found] == [103, 101, 105, 102, 104]


def test_the_order_of_rows_does_not_matter() -> None:
    one, two = scored()
    order = np.random.default_rng(0).permutation(6)
    expected = find_flips(two, pair(one, two))
    shuffled = taken(two, order)
    assert find_flips(shuffled, pair(one, shuffled)) == expected
    assert find_flips(two, pair(taken(one, order), two)) == expected


def test_a_class_that_only_the_challenger_knows_is_named() -> None:
    one = predictions([0], [0], classes=["spam"])
    two = predictions([1], [0], classes=["ham", "spam"])
    assert find_flips(two, pair(one, two)).rows == [Flip("broken", 0, "spam", "spam", "ham", None)]


def test_a_run_breaks_and_fixes_nothing_of_itself() -> None:
    _, two = scored()
    found = find_flips(two, pair(two, two))
    assert (found.rows, found.broken, found.fixed, found.both_wrong, found.both_right) == ([], 0, 0, 3, 3)
