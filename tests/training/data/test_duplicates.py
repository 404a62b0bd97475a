"""Choices of texts and choices of rows: two views of one division."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from expctl.training.data.duplicates import first_rows, numbered, rows_of
from expctl.training.data.rows import text_hashes

TEXTS = st.lists(st.text(max_size=1), min_size=1, max_size=40)


@given(TEXTS)
def test_texts_are_numbered_as_they_first_come(texts: list[str]) -> None:
    distinct = list(dict.fromkeys(texts))
    numbers = numbered(text_hashes(texts))
    assert numbers.tolist() == [distinct.index(text) for text in texts]
    assert first_rows(numbers).tolist() == [texts.index(text) for text in distinct]


@given(TEXTS, st.randoms())
def test_the_rows_of_some_texts_are_all_of_theirs_in_the_order_of_the_choice(texts: list[str], random: object) -> None:
    numbers = numbered(text_hashes(texts))
    distinct = list(range(int(numbers.max()) + 1))
    chosen = np.array(random.sample(distinct, len(distinct) // 2), dtype=np.int64)
    naive = [i for text in chosen for i, number in enumerate(numbers) if number == text]
    assert rows_of(chosen, numbers).tolist() == naive
