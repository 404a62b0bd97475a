"""Do limits and tests of regression's metrics hold? A simulation with a known truth; some minutes.

    python -m tests.simulation.regression [--samples 400] [--keep FILE]

Targets have errors that no model knows: Gaussian, of Student's t with 3 degrees of freedom (whose squares have no
variance), or lognormal (0.75 of the logarithm). Pairs of models: near (each with small errors of its own), different
(one shrinks what it predicts), and of equal RMSE by other errors (many small ones, or rare large ones). Held: how often
the 95 % limits of a single model, and those of a difference, contain the truth, the mean of the three pairs.
False alarms: verdicts on the near models, which are equal by every metric. A cell has the three.
"""

from __future__ import annotations

import itertools
from functools import partial
from typing import Final

import numpy as np

from expctl.analysis.predictions import Pairing
from expctl.analysis.regression import regression_limits, regression_metrics, value_differences
from expctl.metrics import quality_metrics
from tests.simulation.batches import batches, tell

ERRORS: Final = ("Gaussian", "t3", "lognormal")
PAIRS: Final = ("near", "different", "rare")
ROWS: Final = (20, 50, 200, 1_000, 5_000)
TRUTH: Final = 1_000_000
MEAN, SPREAD = 200.0, 1.5  # of what a model can know: far from 0, about which MAPE has no mean
LOG: Final = 0.75


def errors(kind: str, rows: int, generator: np.random.Generator) -> np.ndarray:
    """What no model knows: mean 0, variance 1."""
    if kind == "Gaussian":
        return generator.standard_normal(rows)
    if kind == "t3":
        return generator.standard_t(3, rows) / 3**0.5
    drawn = generator.lognormal(0, LOG, rows)
    return (drawn - np.exp(LOG**2 / 2)) / (np.exp(LOG**2 / 2) * np.sqrt(np.exp(LOG**2) - 1))


def drawn(kind: str, pair: str, rows: int, generator: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Targets, and what the two models say."""
    known = MEAN + SPREAD * generator.standard_normal(rows)
    labels = known + errors(kind, rows, generator)
    own = generator.standard_normal((2, rows))
    if pair == "near":
        return labels, known + 0.3 * own[0], known + 0.3 * own[1]
    if pair == "different":
        return labels, known + 0.3 * own[0], MEAN + 0.7 * (known - MEAN)
    rare = np.where(generator.random(rows) < 0.05, np.sign(own[1]) * 0.5 / 0.05**0.5, 0.0)
    return labels, known + 0.5 * own[0], known + rare


def truth(kind: str, pair: str) -> list[dict[str, float]]:
    """What the two are worth: mean squares exactly, as those of t3 do not settle in any sample."""
    labels, *models = drawn(kind, pair, TRUTH, np.random.default_rng(1))
    own = [0.3**2, 0.3**2 if pair == "near" else (0.3 * SPREAD) ** 2]
    own = [0.25, 0.25] if pair == "rare" else own
    found = []
    for said, square in zip(models, own, strict=True):
        values = {key: value for key, (value, _) in regression_metrics(labels, said).items()}
        found.append(values | {"rmse": float(np.sqrt(1 + square)), "r2": 1 - (1 + square) / (1 + SPREAD**2)})
    if pair == "near":
        found[1] = found[0]
    return found


def sums(
    kind: str, pair: str, rows: int, known: list[dict[str, float]], generator: np.random.Generator, samples: int
) -> np.ndarray:
    """How many limits of one model hold the truth, those of the difference, and how many verdicts there are.

    Of each metric, in this order; shape (3 * metrics,).
    """
    keys, counts = quality_metrics("regression"), np.zeros((3, len(quality_metrics("regression"))))
    place = np.arange(rows)
    for _ in range(samples):
        labels, one, other = drawn(kind, pair, rows, generator)
        limits = regression_limits(labels, one)
        differences, _ = value_differences(Pairing(place, place, labels, one, other, [], True, task="regression"))
        for i, key in enumerate(keys):
            low, high = limits[key]
            change, found = known[1][key] - known[0][key], differences[key]
            counts[0, i] += low <= known[0][key] <= high
            counts[1, i] += found.low <= change <= found.high
            counts[2, i] += found.verdict != "no clear difference"
    return counts.ravel()


def main() -> None:
    asked, keys = batches(__doc__, 400), quality_metrics("regression")
    tell("errors", "rows", *(f"`{key}`" for key in keys))
    tell("---", *["---:"] * (len(keys) + 1))
    known: dict[tuple[str, str], list[dict[str, float]]] = {}
    for kind, rows in asked.wanted(itertools.product(ERRORS, ROWS)):
        found = {}
        for pair in PAIRS:
            if (kind, pair) not in known:
                known[kind, pair] = truth(kind, pair)
            simulate = partial(sums, kind, pair, rows, known[kind, pair])
            found[pair] = asked.mean(f"{kind}, {rows}, {pair}", simulate).reshape(3, -1)
        held = np.mean([found[pair] for pair in PAIRS], axis=0)
        cells = (held[0], held[1], found["near"][2])
        tell(kind, f"{rows:,}", *(", ".join(f"{part[i]:.1%}" for part in cells) for i in range(len(keys))))


if __name__ == "__main__":
    main()
