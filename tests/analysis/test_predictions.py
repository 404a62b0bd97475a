"""Which rows two runs share: by text and label, whatever their order, repeated ones as often as both have them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expctl.analysis.predictions import Pairing, RunPredictions, group_numbers, joined, pair, same_groups
from tests.analysis import large, predictions, taken

ROWS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), max_size=25)  # text and label; texts are repeated


def run_of(rows: list[tuple[int, int]], classes: str = "abc") -> RunPredictions:
    """What is said depends on the text, as it does of a model."""
    return predictions(
        [label for _, label in rows],
        [(text * 7) % 3 for text, _ in rows],
        texts=[text for text, _ in rows],
        classes=classes,
    )


def shown(run: RunPredictions, positions: np.ndarray) -> list[tuple[bytes, str]]:
    return [(run.keys[i], run.classes[run.labels[i]]) for i in positions]


@given(ROWS, ROWS)
@settings(max_examples=200, deadline=None)
def test_pairs_are_the_intersection_of_two_multisets(one: list[tuple[int, int]], two: list[tuple[int, int]]) -> None:
    first, second = run_of(one), run_of(two)
    pairing = pair(first, second)
    assert shown(first, pairing.first) == shown(second, pairing.second)
    expected = Counter(one) & Counter(two)
    assert len(pairing) == expected.total()
    assert Counter(shown(first, pairing.first)) == Counter(
        shown(first, np.array([one.index(row) for row in expected.elements()], dtype=int))
    )
    assert len(set(pairing.first)) == len(set(pairing.second)) == len(pairing)  # no row is used twice
    assert pairing.complete == (Counter(one) == Counter(two))


@given(ROWS.filter(len), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_a_pair_has_what_each_run_said_of_it(rows: list[tuple[int, int]], random) -> None:
    order = list(range(len(rows)))
    random.shuffle(order)
    first, second = run_of(rows), taken(run_of(rows), order)
    pairing = pair(first, second)
    assert pairing.complete
    for said, run, at in (
        (pairing.first_predicted, first, pairing.first),
        (pairing.second_predicted, second, pairing.second),
    ):
        assert [pairing.classes[i] for i in said] == [run.classes[i] for i in run.predicted[at]]
    assert [pairing.classes[i] for i in pairing.labels] == [first.classes[i] for i in first.labels[pairing.first]]


def test_a_text_that_both_have_often_counts_as_often_as_both_have_it() -> None:
    pairing = pair(run_of([(1, 0)] * 5 + [(2, 1)]), run_of([(1, 0)] * 3 + [(3, 1)]))
    assert (len(pairing), pairing.complete) == (3, False)


def test_partly_overlapping_test_sets_are_paired_on_the_overlap() -> None:
    pairing = pair(run_of([(i, 0) for i in range(10)]), run_of([(i, 0) for i in range(6, 20)]))
    assert (len(pairing), pairing.complete) == (4, False)
    assert sorted(pairing.first) == [6, 7, 8, 9]
    assert sorted(pairing.second) == [0, 1, 2, 3]


def test_a_test_set_within_the_other_is_not_complete() -> None:
    small, great = run_of([(i, 0) for i in range(5)]), run_of([(i, 0) for i in range(9)])
    assert [(len(found), found.complete) for found in (pair(small, great), pair(great, small))] == [(5, False)] * 2


def test_the_same_text_with_another_label_is_another_row() -> None:
    pairing = pair(run_of([(1, 0), (2, 0)]), run_of([(1, 1), (2, 0)]))
    assert (len(pairing), pairing.complete) == (1, False)


def test_labels_are_matched_by_name_and_not_by_code() -> None:
    first = predictions([0, 1], [0, 0], classes=["spam", "ham"])
    second = predictions([1, 0], [0, 0], classes=["ham", "spam"])
    pairing = pair(first, second)
    assert pairing.complete
    assert pairing.classes == ["ham", "spam"]
    assert [pairing.classes[i] for i in pairing.labels] == ["spam", "ham"]
    assert [pairing.classes[i] for i in pairing.first_predicted] == ["spam", "spam"]
    assert [pairing.classes[i] for i in pairing.second_predicted] == ["ham", "ham"]


def test_labels_that_only_one_run_knows_pair_nothing() -> None:
    pairing = pair(predictions([0, 0], [0, 0], classes=["a"]), predictions([0, 0], [0, 0], classes=["b"]))
    assert (len(pairing), pairing.complete) == (0, False)


def test_nothing_in_common_is_an_empty_pairing() -> None:
    pairing = pair(run_of([(1, 0), (2, 0)]), run_of([(3, 0), (4, 0)]))
    assert (len(pairing), pairing.complete, len(pairing.first), len(pairing.second)) == (0, False, 0, 0)


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_million_rows_are_all_found_again(shuffled: bool) -> None:
    random = np.random.default_rng(0)
    keys = random.integers(1, 2**63, (1_000_000, 4), dtype=np.uint64).view("S32").ravel()
    labels = random.integers(0, 151, 1_000_000)
    run = large(labels, labels, 151, keys)
    order = random.permutation(1_000_000) if shuffled else np.arange(1_000_000)
    found: Pairing = pair(run, taken(run, order))
    assert found.complete
    assert (order[found.second] == found.first).all()


def named(codes: list[int]) -> np.ndarray:
    return np.array([f"{code:032d}" for code in codes], dtype="S32")


def parts(numbers: np.ndarray | None) -> list[int]:
    """Numbers of groups, by their first places."""
    assert numbers is not None
    return [numbers.tolist().index(number) for number in numbers.tolist()]


def test_groups_of_two_runs_are_joined_where_they_share_a_row() -> None:
    first, second = named([0, 0, 1, 2, 3]), named([5, 6, 6, 7, 8])
    assert parts(joined(first, second)) == parts(joined(second, first)) == [0, 0, 0, 3, 4]
    assert parts(joined(None, second)) == [0, 1, 1, 3, 4]
    assert joined(None, None) is None


def test_numbers_of_groups_follow_their_rows() -> None:
    names, order = named([7, 3, 7, 1]), [2, 3, 0, 1]
    assert group_numbers(names)[order].tolist() == group_numbers(names[order]).tolist()
    other = named([1, 1, 2, 3])
    both = joined(names, other)
    assert both is not None
    assert both[order].tolist() == joined(names[order], other[order]).tolist()  # type: ignore[union-attr]


def test_groups_are_the_same_by_what_they_hold_not_by_their_names() -> None:
    one = named([0, 0, 1])
    assert same_groups(one, named([9, 9, 4]))
    assert not same_groups(one, named([9, 4, 4]))
    assert not same_groups(one, None)
    assert same_groups(None, None)
