"""Counts of rows by label and both predictions, and what they add up to by class."""

from __future__ import annotations

import numpy as np

from expctl.analysis.joint_table import counts_by_class, counts_of_each, joint_table, sizes
from expctl.analysis.predictions import pair
from tests.analysis import guesses, predictions


def test_a_joint_table_counts_each_row_once() -> None:
    labels = np.random.default_rng(1).integers(0, 3, 200)
    first, second = guesses(labels, 0.7, 3, 2), guesses(labels, 0.8, 3, 3)
    table = joint_table(pair(predictions(labels, first), predictions(labels, second)))
    assert (table.rows, table.classes) == (200, 3)
    for label, one, other, count in zip(table.label, table.first, table.second, table.counts, strict=True):
        assert count == ((labels == label) & (first == one) & (second == other)).sum() > 0


def test_counts_by_class_are_hits_predictions_and_labels() -> None:
    label, said, drawn = np.array([0, 0, 2, 2]), np.array([0, 1, 2, 0]), np.array([[5, 2, 4, 1], [1, 0, 0, 3]])
    hits, predicted, actual = counts_by_class(label, said, drawn, 3)
    assert hits.tolist() == [[5, 0, 4], [1, 0, 0]]
    assert predicted.tolist() == [[6, 2, 4], [4, 0, 0]]
    assert actual.tolist() == [[7, 0, 5], [1, 0, 3]]


def test_large_tables_are_drawn_less_often_and_in_pieces() -> None:
    assert list(sizes(0)) == list(sizes(8)) == [10_000]
    assert sum(sizes(4_000)) == 1_000
    assert sum(sizes(10**6)) == 150
    assert max(sizes(10**6)) * 10**6 <= 4_000_000


def test_labels_of_several_models_are_counted_once_and_as_for_each_alone() -> None:
    random = np.random.default_rng(1)
    label, one, other = random.integers(0, 4, (3, 12))
    drawn = random.integers(0, 9, (5, 12))
    both = counts_of_each(label, (one, other), drawn, 4)
    assert both[0][2] is both[1][2]
    for said, (hits, predicted, actual) in zip((one, other), both, strict=True):
        for name in range(4):
            assert hits[:, name].tolist() == drawn[:, (label == name) & (said == name)].sum(axis=1).tolist()
            assert predicted[:, name].tolist() == drawn[:, said == name].sum(axis=1).tolist()
            assert actual[:, name].tolist() == drawn[:, label == name].sum(axis=1).tolist()
