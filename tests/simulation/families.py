"""Do many verdicts at once find a difference where there is none? A simulation with a known truth; some minutes.

    python tests/simulation/families.py [--samples 200]

Two models that are as good as each other, right and wrong on many of the same rows, are compared as `expctl compare A B
--per-class` compares them: false alarms are the comparisons in which the metric that is asked about, any of the others,
or any class gets a verdict. Found: the other model knows one class better (of its rows it has half as many wrong), and
that class gets a verdict.
"""

from __future__ import annotations

import argparse
import sys
from typing import Final

import numpy as np

from expctl.analysis.predictions import RunPredictions
from expctl.analysis.significance import assess, corrected_for_many

ASKED: Final = "f1_score"
CASES: Final = (  # classes, share of the rarest, rows
    *((2, 0.03, rows) for rows in (50, 200, 1_000)),
    *((5, share, rows) for share in (0.2, 0.03) for rows in (50, 200, 1_000, 5_000)),
    *((77, 1 / 77, rows) for rows in (200, 1_000, 5_000)),
)
STRENGTH: Final = 3.0
COMMON: Final = 0.7  # of the variance of what the models do not know


def runs(classes: int, rarest: float, rows: int, generator: np.random.Generator, *, gain: bool) -> list[RunPredictions]:
    """Two runs on the same new rows; `gain`: the second knows the last class better."""
    shares = np.array([rarest] + [(1 - rarest) / (classes - 1)] * (classes - 1))
    labels, names = generator.choice(classes, rows, p=shares), [f"class {i:02}" for i in range(classes)]
    place, found = np.arange(rows), []
    common = generator.normal(size=(rows, classes))
    strength = STRENGTH + np.log(classes) / 2
    for better in (False, gain):
        own = generator.normal(size=(rows, classes))
        known = np.sqrt(COMMON) * common + np.sqrt(1 - COMMON) * own
        known[place, labels] += strength + 1.0 * (better & (labels == classes - 1))
        powers = np.exp(known)
        scores = powers / powers.sum(axis=1, keepdims=True)
        keys = place.astype("S32")
        found.append(RunPredictions(place, keys, labels, scores.argmax(axis=1), names, scores, "probability", names))
    return found


def verdicts(classes: int, rarest: float, rows: int, samples: int, *, gain: bool) -> np.ndarray:
    """How often: the metric that is asked about, any other, any class, the last class has a verdict. Shape (4,)."""
    generator = np.random.default_rng([classes, rows])
    found = np.zeros(4)
    for _ in range(samples):
        one, other = runs(classes, rarest, rows, generator, gain=gain)
        (test,) = corrected_for_many([assess(one, other, per_class=True)], ASKED)
        clear = {key: part.verdict != "no clear difference" for key, part in test.differences.items()}
        by_class = {key: part.verdict != "no clear difference" for key, part in test.by_class.items()}
        found += (clear.pop(ASKED), any(clear.values()), any(by_class.values()), by_class.get(one.classes[-1], False))
    return found / samples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=200)
    samples = parser.parse_args().samples
    sys.stdout.write(f"| classes, rarest | rows | `{ASKED}` | any other metric | any class | a better class found |\n")
    sys.stdout.write(f"|---|{'---:|' * 5}\n")
    for classes, rarest, rows in CASES:
        asked, others, any_class, _ = verdicts(classes, rarest, rows, samples, gain=False)
        better = verdicts(classes, rarest, rows, max(1, samples // 4), gain=True)[3]
        told = f"{asked:.1%} | {others:.1%} | {any_class:.1%} | {better:.0%}"
        sys.stdout.write(f"| {classes}, {rarest:.0%} | {rows:,} | {told} |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
