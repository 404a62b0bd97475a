"""Which rows of a file changed: checked against counting by hand."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from expctl.analysis.row_changes import RowKeys, row_changes

Rows = list[tuple[str, str, str]]
ROWS = st.lists(st.tuples(*map(st.sampled_from, ("abcd", "xyz", ["", "r"]))), max_size=12)


def keys(rows: Rows, *, numbers: list[int] | None = None) -> RowKeys:
    places = np.array(range(len(rows)) if numbers is None else numbers, dtype=np.int64)
    texts = np.array([text * 32 for text, _, _ in rows], dtype="S32")
    return RowKeys(places, texts, [label for _, label, _ in rows], [rest for _, _, rest in rows])


@given(ROWS, st.randoms())
def test_the_same_rows_in_another_order_are_put_right_by_the_order_that_is_given(rows: Rows, random: object) -> None:
    shuffled = random.sample(rows, len(rows))  # type: ignore[attr-defined]
    changes = row_changes(keys(rows), keys(shuffled))
    assert not changes.any
    assert (changes.order is None) == (shuffled == rows)
    if changes.order is not None:
        assert sorted(changes.order) == list(range(len(rows)))
        assert [shuffled[place] for place in changes.order] == rows


@given(ROWS, ROWS)
def test_changes_count_each_text_and_label_as_often_as_it_stands_there(before: Rows, after: Rows) -> None:
    changes = row_changes(keys(before), keys(after))
    gone, came = Counter(before) - Counter(after), Counter(after) - Counter(before)
    kept = [*changes.relabelled, *changes.altered]
    assert len(changes.removed) + len(kept) == gone.total()
    assert len(changes.added) + len(kept) == came.total()
    by_text = [Counter(text for text, _, _ in side.elements()) for side in (gone, came)]
    assert len(kept) == (by_text[0] & by_text[1]).total()
    assert {after[row][0] for row in kept} <= set(by_text[0])


@given(ROWS, ROWS)
def test_changes_mirror_each_other(before: Rows, after: Rows) -> None:
    there, back = row_changes(keys(before), keys(after)), row_changes(keys(after), keys(before))
    assert (len(there.added), len(there.removed)) == (len(back.removed), len(back.added))
    assert len(there.relabelled) + len(there.altered) == len(back.relabelled) + len(back.altered)
    assert (there.order is None) == (back.order is None)


def test_rows_are_named_by_their_number_in_the_file_they_stand_in() -> None:
    before = keys([("a", "x", ""), ("b", "x", ""), ("c", "x", ""), ("e", "x", "train")], numbers=[0, 4, 7, 8])
    after = keys([("a", "x", ""), ("b", "y", ""), ("d", "x", ""), ("e", "x", "test")], numbers=[1, 2, 9, 11])
    changes = row_changes(before, after)
    assert (changes.relabelled, changes.removed, changes.added, changes.altered) == ([2], [7], [9], [11])
