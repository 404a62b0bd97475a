"""Terms that a model does not know (out of its vocabulary): their share in each text, and when it is far from usual."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np

SAMPLE: Final = 1000  # rows that are looked at where nobody asked for the shares of all
MARGIN: Final = 0.1  # one term in ten: less is no other kind of text, however many rows make it sure
_ERRORS: Final = 3  # standard errors


def unknown_shares(vectorizers: Iterable[Any], texts: Sequence[str]) -> np.ndarray:
    """The share of each text's terms that fitted vectorizers do not know, shape (n,); NaN for one without a term."""
    import numpy as np

    terms, known = np.sum([term_numbers(one, texts) for one in vectorizers], axis=0)
    return share(terms, known)


def term_numbers(vectorizer: Any, texts: Iterable[str]) -> tuple[np.ndarray, np.ndarray]:
    """How many terms each text has for a fitted vectorizer, shape (n,), and how many of them it knows."""
    import numpy as np

    analyze, knows = vectorizer.build_analyzer(), vectorizer.vocabulary_.__contains__
    figures = [(len(terms), sum(map(knows, terms))) for terms in map(analyze, texts)]
    terms, known = np.array(figures, dtype=np.int64).reshape(-1, 2).T
    return terms, known


def share(terms: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The unknown share of so many terms, NaN of none."""
    import numpy as np

    return np.where(terms > 0, (terms - known) / np.maximum(terms, 1), np.nan)


@dataclass
class Seen:
    """The unknown terms of the rows that went by: how many of them had a term, and the sum of their shares."""

    rows: int = 0
    with_terms: int = 0
    total: float = 0.0

    def add(self, shares: np.ndarray) -> None:
        """Count some rows; those without a term say nothing."""
        some = shares[shares == shares]
        self.rows += len(shares)
        self.with_terms += len(some)
        self.total += float(some.sum())

    @property
    def mean(self) -> float:
        """The mean share; NaN before the first term."""
        return self.total / self.with_terms if self.with_terms else math.nan

    def is_far_above(self, usual: float, rows: int) -> bool:
        """Whether the mean is more than `MARGIN` and three standard errors above `usual`, the mean of `rows` texts.

        A share lies between 0 and 1, so its variance is at most usual * (1 - usual) (Bhatia and Davis 2000): no
        deviation has to be known. Fewer unknown terms than usual are no danger to anybody.
        """
        if not self.with_terms:
            return False
        error = math.sqrt(max(0.0, usual * (1 - usual)) * (1 / self.with_terms + 1 / max(1, rows)))
        return self.mean - usual > max(MARGIN, _ERRORS * error)
