"""How many near copies among test rows are too many? A simulation with a known truth; a second.

    python -m tests.simulation.near_copies [--samples 20000] [--keep FILE]

Two equally good models, of which the one breaks 5 % of the rows and fixes as many, are compared by McNemar's exact
test on test rows of which a share comes in pairs of copies: false alarms at 5 %, by rows as if there were no copies.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np
from scipy.stats import binom

from tests.simulation.batches import batches, tell

ROWS: Final = (500, 2_000, 10_000)
SHARES: Final = (0.0, 0.02, 0.05, 0.1, 0.2, 0.5)
CHANGED: Final = (0.05, 0.05, 0.9)  # broken, fixed, neither


def alarms(rows: int, share: float, generator: np.random.Generator, samples: int) -> np.ndarray:
    """How many comparisons of rows, of which this share are copies in pairs, have a verdict."""
    pairs = int(share * rows / 2)
    alone = generator.multinomial(rows - 2 * pairs, CHANGED, size=samples)
    changed = (alone + 2 * generator.multinomial(pairs, CHANGED, size=samples))[:, :2]
    return np.array([(2 * binom.cdf(changed.min(axis=1), changed.sum(axis=1), 0.5) < 0.05).sum()])


def main() -> None:
    asked = batches(__doc__, 20_000)
    tell("test rows", *(f"{share:.0%} copies" for share in SHARES))
    tell(*["---:"] * (len(SHARES) + 1))
    for (rows,) in asked.wanted((rows,) for rows in ROWS):
        shares = [asked.mean(f"{rows}, {share}", partial(alarms, rows, share))[0] for share in SHARES]
        tell(f"{rows:,}", *(f"{one:.1%}" for one in shares))


if __name__ == "__main__":
    main()
