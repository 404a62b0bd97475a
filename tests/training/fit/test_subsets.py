"""Parts of the training rows: each half of the next, every class in its share, the smaller within the larger."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from expctl.training.fit.subsets import doubling_sizes, shared_order


@pytest.mark.parametrize(
    ("rows", "points", "least", "sizes"),
    [
        (4000, 6, 4, [125, 250, 500, 1000, 2000, 4000]), (100, 3, 4, [25, 50, 100]), (100, 9, 10, [12, 25, 50, 100]),
        (5, 6, 4, [5]), (3, 6, 4, [3]),
    ],
)  # fmt: skip
def test_sizes_double_up_to_all_rows(rows, points, least, sizes):
    assert doubling_sizes(rows, points, least=least) == sizes


@given(st.lists(st.integers(1, 200), min_size=2, max_size=5), st.integers(0, 99))
def test_every_beginning_has_each_class_in_its_share(counts, seed):
    labels = np.repeat(np.arange(len(counts)), counts)
    order = shared_order(labels, (seed, 0))
    assert sorted(order.tolist()) == list(range(len(labels)))
    for size in (len(labels) // 4, len(labels) // 2):
        found = np.bincount(labels[order[:size]], minlength=len(counts))
        assert (abs(found - np.array(counts) * size / len(labels)) <= len(counts)).all()


def test_another_repeat_draws_others_and_the_same_draws_the_same():
    labels = np.repeat([0, 1], 50)
    assert (shared_order(labels, (1, 0)) == shared_order(labels, (1, 0))).all()
    assert (shared_order(labels, (1, 0)) != shared_order(labels, (1, 1))).any()
