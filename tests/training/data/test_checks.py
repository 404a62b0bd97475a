"""The data guard finds what a naive count finds, says it in a sentence, and refuses only what it was told to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from expctl.data_issues import DATA_ISSUES, DataIssue, counts, messages
from expctl.errors import DataError
from expctl.recipe import Recipe
from expctl.training.data.checks import FittedRows, SplitRows, find_issues, named, raise_if_strict
from tests.training.fit.test_trainer import rows

PLAIN = Recipe("a.csv")
PAIRS = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 3)), min_size=1, max_size=40)


def found(train: list[tuple[str, Any]], test: list[tuple[str, Any]], recipe: Recipe = PLAIN) -> list[DataIssue]:
    sides = (rows([text for text, _ in side], [label for _, label in side]) for side in (train, test))
    return list(find_issues(SplitRows(recipe, *sides)))


def unknown(shares: list[float]) -> list[DataIssue]:
    return list(find_issues(FittedRows(PLAIN, np.array(shares))))


def of(count: int, label: str, start: int = 0) -> list[tuple[str, str]]:
    return [(f"{label} {i}", label) for i in range(start, start + count)]


@given(PAIRS, PAIRS)
def test_counts_are_those_of_a_naive_count(train: list[tuple[str, int]], test: list[tuple[str, int]]) -> None:
    texts = [text for text, _ in [*train, *test]]
    trained, tested = [label for _, label in train], [label for _, label in test]
    most = max(trained.count(label) for label in trained)
    naive = {
        "repeated_rows": sum(text in texts[:i] for i, text in enumerate(texts)),
        "leaked_rows": sum(any(text == other for other, _ in train) for text, _ in test),
        "conflicting_texts": sum(
            len({label for other, label in [*train, *test] if other == text}) > 1 for text in set(texts)
        ),
        "majority_rows": most if most >= 0.95 * len(train) else 0,
        "untrained_rows": sum(label not in trained for label in tested),
        "untested_classes": len(set(trained) - set(tested)),
        "rare_classes": sum(trained.count(label) < 3 for label in set(trained)),
    }
    assert counts(found(train, test, Recipe("a.csv", cv=3))) == {key: n for key, n in naive.items() if n}


def test_nothing_found_is_nothing_told() -> None:
    assert found(of(4, "a") + of(4, "b"), of(1, "a", 4) + of(1, "b", 4)) == []
    assert unknown([0.0, 0.99]) == []


def test_what_is_found_is_said_in_a_sentence_with_the_next_step() -> None:
    train = [*of(98, "a"), *of(2, "b"), ("b 1", "a"), *of(1, "c")]
    test = [*of(3, "a"), *of(2, "b", 2), *of(1, "d"), *of(2, "e")]
    assert messages(found(train, test, Recipe("a.csv", cv=2, stratify=False))) == [
        "3 of 8 test rows have a text that is trained on too (4 of all rows repeat another's):"
        " --dedupe keeps copies on one side",
        "1 text has different labels in different rows, which no model can get right: fix the labels",
        "99 of 102 training rows are of class 'a': accuracy says little;"
        " look at f1_macro, and at what --model dummy gets",
        "3 test rows are of classes without a training row (classes 'd', 'e'): always wrong",
        "class 'c' has no test row: nothing is measured of it; more rows would help, or a larger test set",
        "class 'c' has fewer training rows than there are folds (2): not in each; drop the class, or a smaller --cv",
    ]
    assert messages(unknown([1.0, 0.5, np.nan])) == [
        "2 of 3 test rows have no term that the model knows, and get the answer of an empty text:"
        " --max-features none, or -p analyzer=char_wb"
    ]


@pytest.mark.parametrize(("rest", "found_so"), [(1, True), (2, False)])
def test_nineteen_of_twenty_rows_are_a_majority_that_is_told(rest: int, found_so: bool) -> None:
    data_issues = found([*of(19, "a"), *of(rest, "b")], of(1, "a", 99) + of(1, "b", 99))
    assert ("majority_rows" in counts(data_issues)) is found_so


def test_repeats_that_do_not_cross_are_counted_and_not_told() -> None:
    data_issues = found([*of(4, "a"), *of(4, "a"), *of(4, "b")], of(1, "a", 9) + of(1, "b", 9))
    assert (counts(data_issues), messages(data_issues)) == ({"repeated_rows": 4}, [])
    raise_if_strict(data_issues)


def test_all_that_is_told_is_refused_at_once_but_what_was_asked_for() -> None:
    asked = DataIssue("deduped_rows", 3, "left out 3", refused=False)
    raise_if_strict([asked])
    with pytest.raises(DataError, match=r"^one; two$"):
        raise_if_strict([DataIssue("leaked_rows", 1, "one"), asked, DataIssue("unknown_rows", 1, "two")])


def test_every_finding_is_in_the_table_and_counts_of_several_files_are_added() -> None:
    everything = found([("a", "x"), ("a", "y")], [("a", "z"), ("b", "x")], Recipe("a.csv", cv=2))
    assert {finding.key for finding in everything} < set(DATA_ISSUES)
    assert counts([DataIssue("rows_without_text", 2, ""), DataIssue("rows_without_text", 3, "")]) == {
        "rows_without_text": 5
    }


def test_classes_are_named_up_to_three() -> None:
    assert named(["a"]) == "class 'a'"
    assert named(list("abcde")) == "classes 'a', 'b', 'c' and 2 more"
