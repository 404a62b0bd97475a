"""Do many verdicts at once find a difference where there is none? A simulation with a known truth; some minutes.

    python -m tests.simulation.families [--samples 400] [--keep FILE]

Two models that are as good as each other, right and wrong on many of the same rows, are compared as `expctl compare A B
--per-class` compares them: false alarms are the comparisons in which the metric that is asked about, any of the others,
or any class gets a verdict. Found: the other model knows one class better (of its rows it has half as many wrong), and
that class gets a verdict.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np

from expctl.analysis.predictions import RunPredictions
from expctl.analysis.significance import assess, corrected_for_many
from tests.simulation.batches import SIZE, Batches, batches, quickly, tell

ASKED: Final = "f1_score"
CASES: Final = (  # classes, share of the rarest, rows
    *((2, share, rows) for share in (0.5, 0.13, 0.03) for rows in (20, 50, 200, 1_000, 5_000)),
    *((5, share, rows) for share in (0.2, 0.03) for rows in (20, 50, 200, 1_000, 5_000)),
    *((77, 1 / 77, rows) for rows in (20, 50, 200, 1_000, 5_000)),
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


def verdicts(
    classes: int, rarest: float, rows: int, gain: bool, generator: np.random.Generator, samples: int
) -> np.ndarray:
    """How often: the metric that is asked about, any other, any class, the last class has a verdict. Shape (4,)."""
    found = np.zeros(4)
    for _ in range(samples):
        one, other = runs(classes, rarest, rows, generator, gain=gain)
        with quickly():
            test = assess(one, other, per_class=True)
        if all(part.p_value > 0.1 for part in [*test.differences.values(), *test.by_class.values()]):
            continue
        (test,) = corrected_for_many([assess(one, other, per_class=True)], ASKED)
        clear = {key: part.verdict != "no clear difference" for key, part in test.differences.items()}
        by_class = {key: part.verdict != "no clear difference" for key, part in test.by_class.items()}
        found += (clear.pop(ASKED), any(clear.values()), any(by_class.values()), by_class.get(one.classes[-1], False))
    return found


def main() -> None:
    asked = batches(__doc__, 400)
    some = Batches(max(SIZE, asked.samples // 4), asked.path)
    tell("classes, rarest", "rows", f"`{ASKED}`", "any other metric", "any class", "a better class found")
    tell("---", *["---:"] * 5)
    for case in asked.wanted(CASES):
        alarms = asked.mean(f"{case}, equal", partial(verdicts, *case, False))[:3]
        better = some.mean(f"{case}, better", partial(verdicts, *case, True))[3]
        classes, rarest, rows = case
        tell(f"{classes}, {rarest:.0%}", f"{rows:,}", *(f"{one:.1%}" for one in alarms), f"{better:.0%}")


if __name__ == "__main__":
    main()
