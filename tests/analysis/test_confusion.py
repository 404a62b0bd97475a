"""Confusion matrices of several runs, against scikit-learn's, and what is pooled of many classes."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import confusion_matrix

from expctl.analysis.confusion import SHOWN, confusion
from expctl.analysis.predictions import RunPredictions


def predictions(labels, predicted, classes) -> RunPredictions:
    count = len(labels)
    keys = np.array([b"%032d" % i for i in range(count)], dtype="S32")
    return RunPredictions(np.arange(count), keys, np.asarray(labels), np.asarray(predicted), list(classes))


def test_few_classes_are_counted_as_scikit_learn_counts_them():
    generator = np.random.default_rng(0)
    labels, predicted = generator.integers(0, 3, (2, 200))
    found = confusion([predictions(labels, predicted, "cab")])
    names = np.array(list("cab"))
    expected = confusion_matrix(names[labels], names[predicted], labels=["a", "b", "c"])
    assert (found.classes, found.pooled) == (["a", "b", "c"], 0)
    assert found.counts == [expected.tolist()]


def test_runs_that_know_different_classes_have_one_set_of_rows():
    one = predictions([0, 1], [0, 0], ["a", "b"])
    other = predictions([0, 1], [1, 1], ["b", "c"])
    found = confusion([one, other])
    assert found.classes == ["a", "b", "c"]
    assert found.counts == [[[1, 0, 0], [1, 0, 0], [0, 0, 0]], [[0, 0, 0], [0, 0, 1], [0, 0, 1]]]
    assert [(pair.label, pair.predicted, list(pair.counts)) for pair in found.mixed_up] == [
        ("b", "a", [1, 0]),
        ("b", "c", [0, 1]),
    ]


def test_of_many_classes_those_with_errors_are_kept_and_no_row_is_lost():
    names = [f"class {i:02}" for i in range(40)]
    labels = np.repeat(np.arange(40), 10)
    predicted = labels.copy()
    predicted[labels == 7] = 31  # all of class 7 taken for class 31
    found = confusion([predictions(labels, predicted, names)])
    assert len(found.classes) == SHOWN - 1
    assert {"class 07", "class 31"} <= set(found.classes)
    assert found.pooled == 40 - len(found.classes)
    (counts,) = found.counts
    assert len(counts) == SHOWN
    assert sum(map(sum, counts)) == 400
    assert counts[-1][-1] == 10 * found.pooled
    (pair,) = found.mixed_up
    assert (pair.label, pair.predicted, list(pair.counts)) == ("class 07", "class 31", [10])


def test_as_many_classes_as_are_shown_are_all_shown_and_one_more_pools_those_with_the_fewest_errors():
    for size in (SHOWN, SHOWN + 1):
        names = [f"class {i:02}" for i in range(size)]
        labels = np.repeat(np.arange(size), size)
        predicted = labels.copy()
        for one in range(size):  # class i loses i rows to the class before it
            predicted[one * size : one * size + one] = max(one - 1, 0)
        found = confusion([predictions(labels, predicted, names)])
        assert found.pooled == (0 if size == SHOWN else 2)
        assert found.classes == names[found.pooled :]
        assert np.sum(found.counts[0]) == size * size
        assert [pair.counts[0] for pair in found.mixed_up] == sorted(range(1, size), reverse=True)[
            : len(found.mixed_up)
        ]
