"""Labels keep the type that they were written in, never merge, and what is no class is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from expctl.errors import DataError
from expctl.training.tasks.class_labels import read_labels


def labels_of(values: list[Any], *, parse: bool = True) -> np.ndarray:
    return read_labels(values, parse=parse, column="label")


@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        (["0", "1", "-7"], [0, 1, -7]),
        ([" 1", "2 "], [1, 2]),
        (["true", "False", "TRUE"], [True, False, True]),
        (["1.0", "2.00", "3"], [1.0, 2.0, 3.0]),
        (["01", "2"], ["01", "2"]),
        (["1", "yes"], ["1", "yes"]),
        (["true", "1"], ["true", "1"]),
        (["1e3", "2"], ["1e3", "2"]),
        (["1_000", "2"], ["1_000", "2"]),
        (["١", "2"], ["١", "2"]),
        (["nan", "inf"], ["nan", "inf"]),
        (["+1", "2"], ["+1", "2"]),
        ([" pos ", "neg\t"], ["pos", "neg"]),
        (["1234567890123456789012", "1"], ["1234567890123456789012", "1"]),
    ],
)
def test_labels_of_a_text_file_have_the_type_every_cell_agrees_on(cells: list[str], labels: list[Any]) -> None:
    read = labels_of(cells).tolist()
    assert read == labels
    assert list(map(type, read)) == list(map(type, labels))


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([0, 1], [0, 1]),
        ([True, False], [True, False]),
        ([1.0, 2], [1.0, 2.0]),
        (["1", "2"], ["1", "2"]),
        (["true", "false"], ["true", "false"]),
        ([1, "a"], ["1", "a"]),
        ([True, 1], ["True", "1"]),
        ([" a ", "b"], ["a", "b"]),
        ([2**64, 2**64 + 1], ["18446744073709551616", "18446744073709551617"]),
        ([2**53 + 1, 1.0], ["9007199254740993", "1.0"]),
        ([10**400, 1], [str(10**400), "1"]),
    ],
)
def test_labels_of_a_typed_file_keep_their_type_and_never_merge(values: list[Any], labels: list[Any]) -> None:
    read = labels_of(values, parse=False).tolist()
    assert read == labels
    assert list(map(type, read)) == list(map(type, labels))


@pytest.mark.parametrize(
    ("values", "parse"),
    [(["0.5", "1.0"], True), ([0.5, 1], False), ([math.inf, 1.0], False)],
    ids=["text", "typed", "inf"],
)
def test_fractions_are_measurements_not_classes(values: list[Any], parse: bool) -> None:
    with pytest.raises(DataError, match=r"column 'label' holds continuous values \((0.5|inf)\), not classes"):
        labels_of(values, parse=parse)


@pytest.mark.parametrize("value", [["a"], {"a": 1}, b"a"])
def test_a_label_that_is_a_list_or_an_object_is_refused(value: object) -> None:
    with pytest.raises(DataError, match=f"a label in column 'label' is a {type(value).__name__}"):
        labels_of(["pos", value], parse=False)
