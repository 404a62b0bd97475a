"""Labelled texts of any number, length and number of classes for the benchmark, the same for the same arguments."""

from __future__ import annotations

import csv
import random
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_WORDS = 60_000


def make_texts(path: Path, rows: int, *, words: int, classes: int) -> Path:
    """A CSV file of `text` and `label`: words as rare as a language's (Zipf), a fifth of them the class's own."""
    source = random.Random(rows * words * classes)
    weights = list(accumulate(1 / (rank + 3) for rank in range(_WORDS)))
    vocabulary = ["".join(source.choices("abcdefghijklmnopqrstuvwxyz", k=source.randint(2, 10))) for _ in range(_WORDS)]
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(("text", "label"))
        for _ in range(rows):
            label = source.randrange(classes)
            length = max(2, round(source.gauss(words, words / 3)))
            said = source.choices(vocabulary, cum_weights=weights, k=length)
            said[: length // 5] = (f"own{label}of{source.randrange(300)}" for _ in range(length // 5))
            source.shuffle(said)
            table.writerow((" ".join(said), f"class{label}"))
    return path
