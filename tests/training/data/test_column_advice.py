"""Which columns are advised: the one of long, mostly different texts, the one of few values; else none."""

from __future__ import annotations

from typing import Any

import pytest

from expctl.training.data.column_advice import likely_label, likely_text

TEXTS = [f"a rather long review, number {i}" for i in range(30)]
LABELS = ["pos", "neg", "neg"] * 10
IDS = [f"id{i}" for i in range(30)]
NUMBERS = [i * 0.5 for i in range(30)]


@pytest.mark.parametrize(
    ("table", "text", "label"),
    [
        ({"review": TEXTS, "sentiment": LABELS}, "review", "sentiment"),
        ({"id": IDS, "review": TEXTS, "stars": [i % 5 for i in range(30)], "score": NUMBERS}, "review", "stars"),
        ({"v1": LABELS, "v2": TEXTS, "unnamed_3": [None] * 30}, "v2", "v1"),
        ({"title": TEXTS, "body": [text * 3 for text in TEXTS], "label": LABELS}, "body", "label"),
        ({"title": TEXTS, "body": TEXTS, "label": LABELS}, None, "label"),
        ({"review": TEXTS, "sentiment": LABELS, "part": ["train", "test"] * 15}, "review", None),
        ({"review": TEXTS, "kind": ["same"] * 30}, "review", None),
        ({"id": IDS, "name": IDS}, None, None),
        ({"text": TEXTS * 100, "label": LABELS * 100}, None, None),  # texts that repeat could be classes as well
        ({"text": [], "label": []}, None, None),
    ],
)
def test_the_columns_that_are_meant(table: dict[str, list[Any]], text: str | None, label: str | None) -> None:
    assert (likely_text(table), likely_label(table, [text or ""])) == (text, label)


def test_a_column_that_is_spoken_for_is_no_candidate() -> None:
    assert likely_text({"a": TEXTS, "b": TEXTS}, besides=["a"]) == "b"
    assert likely_label({"a": LABELS, "b": LABELS}, besides=["a"]) == "b"
