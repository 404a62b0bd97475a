"""How often is a candidate promoted that is no better, where one test set decides again and again? Some minutes.

    python tests/simulation/promotions.py [--samples 400] [--length 500]

Each sample is a history: a champion of 85 % accuracy and candidates exactly as good, which say something else about a
tenth of the rows, each judged against the champion of the day by McNemar's test, whose place it takes if it passes.
Wrong: in how many histories anything was promoted. Too high: by how much the last champion's accuracy on these rows is
above its truth, in points. Found: how often a candidate that is three points better would be promoted as the 1st, 10th
and 50th.
"""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from expctl.analysis.difference import mcnemar_p
from expctl.analysis.promotion_budget import RISK, Budget

if TYPE_CHECKING:
    from collections.abc import Callable

RIGHT: Final = 0.85
DIFFER: Final = 0.1
GAIN: Final = 0.03
SIZES: Final = (200, 1_000, 5_000)
PROBED: Final = (1, 10, 50)
SLOWEST: Final = 1 / sum(1 / ((k + 1) * math.log(k + 1) ** 2) for k in range(1, 1_000_000))


@cache
def p_value(broken: int, fixed: int) -> float:
    return mcnemar_p(broken, fixed)


def spending(share: Callable[[int], float]) -> Callable[[int, int, int, int], bool]:
    """Passes what a one-sided test at the share of the k-th decision passes."""
    return lambda k, broken, fixed, rows: fixed > broken and p_value(broken, fixed) < 2 * share(k)


def ladder(k: int, broken: int, fixed: int, rows: int) -> bool:
    """The Ladder without a parameter: a step of a standard error (Blum and Hardt 2015)."""
    change = (fixed - broken) / rows
    deviation = math.sqrt((broken + fixed) / rows - change**2)
    return change > deviation / math.sqrt(rows)


def step(k: int, broken: int, fixed: int, rows: int) -> bool:
    """The Ladder with a fixed step, of three points."""
    return (fixed - broken) / rows > GAIN


WAYS: Final = {
    "each by itself, 2.5 %": spending(lambda k: RISK / 2),
    "Ladder, a standard error": ladder,
    "Ladder, 3 points": step,
    "6 / (π k)² of 5 %": spending(lambda k: RISK * 6 / (math.pi * k) ** 2),
    "1 / ((k + 1) ln² (k + 1))": spending(lambda k: RISK * SLOWEST / ((k + 1) * math.log(k + 1) ** 2)),
    "1 / (k (k + 1)), expctl's": spending(lambda k: Budget(k).share),
}


@dataclass
class Count:
    """What became of the histories of one way."""

    wrong: dict[int, int] = field(default_factory=dict)
    high: float = 0.0
    found: dict[int, int] = field(default_factory=lambda: dict.fromkeys(PROBED, 0))


def candidate(first: np.ndarray, gain: float, generator: np.random.Generator) -> np.ndarray:
    """Which rows a model has right that differs from the `first` champion, and is so much better in truth."""
    breaks = (DIFFER - gain) / 2 / RIGHT
    fixes = (DIFFER + gain) / 2 / (1 - RIGHT)
    draws = generator.random(len(first))
    return np.where(first, draws >= breaks, draws < fixes)


def history(rows: int, length: int, lengths: list[int], counts: dict[str, Count], seed: int) -> None:
    generator = np.random.default_rng([rows, seed])
    first = generator.random(rows) < RIGHT
    champions = dict.fromkeys(WAYS, first)
    promoted = dict.fromkeys(WAYS, 0)
    for k in range(1, length + 1):
        one = candidate(first, 0.0, generator)
        probe = candidate(first, GAIN, generator) if k in PROBED else None
        known: dict[int, tuple[int, int]] = {}
        for name, passes in WAYS.items():
            champion = champions[name]
            if probe is not None:
                counts[name].found[k] += passes(k, int((champion & ~probe).sum()), int((probe & ~champion).sum()), rows)
            if id(champion) not in known:
                known[id(champion)] = int((champion & ~one).sum()), int((one & ~champion).sum())
            if passes(k, *known[id(champion)], rows):
                champions[name] = one
                promoted[name] += 1
        if k in lengths:
            for name, many in promoted.items():
                counts[name].wrong[k] = counts[name].wrong.get(k, 0) + (many > 0)
    for name, champion in champions.items():
        counts[name].high += (float(champion.mean()) - RIGHT) * 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=400)
    parser.add_argument("--length", type=int, default=500)
    given = parser.parse_args()
    lengths = sorted({min(50, given.length), given.length})
    titles = [f"wrong in {one}" for one in lengths] + ["too high"] + [f"found as {k}." for k in PROBED]
    sys.stdout.write(f"| test rows | way | {' | '.join(titles)} |\n|---:|---|{'---:|' * len(titles)}\n")
    for rows in SIZES:
        counts = {name: Count() for name in WAYS}
        for seed in range(given.samples):
            history(rows, given.length, lengths, counts, seed)
        for name, count in counts.items():
            cells = [f"{count.wrong[one] / given.samples:.1%}" for one in lengths]
            cells += [f"{count.high / given.samples:+.1f}"]
            cells += [f"{count.found[k] / given.samples:.0%}" for k in PROBED]
            sys.stdout.write(f"| {rows:,} | {name} | {' | '.join(cells)} |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
