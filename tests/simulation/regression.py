"""Do limits and tests of regression's metrics hold? A simulation with a known truth; some minutes.

    python tests/simulation/regression.py [--samples 400]

Targets have errors that no model knows: Gaussian, of Student's t with 3 degrees of freedom (whose squares have no
variance), or lognormal (0.75 of the logarithm). Pairs of models: near (each with small errors of its own), different
(one shrinks what it predicts), and of equal RMSE by other errors (many small ones, or rare large ones). Held: how often
the 95 % limits of a single model, and those of a difference, contain the truth, the mean of the three pairs.
False alarms: verdicts on the near models, which are equal by every metric. A cell has the three.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

import numpy as np

from expctl.analysis.predictions import Pairing
from expctl.analysis.regression import regression_limits, regression_metrics, value_differences
from expctl.metrics import quality_metrics

if TYPE_CHECKING:
    from collections.abc import Mapping

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


def shares(kind: str, pair: str, rows: int, samples: int, known: list[dict[str, float]]) -> list[Mapping[str, float]]:
    """How often limits of one model hold the truth, those of the difference, and how often there is a verdict."""
    keys, generator = quality_metrics("regression"), np.random.default_rng(rows)
    counts = [dict.fromkeys(keys, 0) for _ in range(3)]
    place = np.arange(rows)
    for _ in range(samples):
        labels, one, other = drawn(kind, pair, rows, generator)
        limits = regression_limits(labels, one)
        differences, _ = value_differences(Pairing(place, place, labels, one, other, [], True, task="regression"))
        for key in keys:
            low, high = limits[key]
            change, found = known[1][key] - known[0][key], differences[key]
            counts[0][key] += low <= known[0][key] <= high
            counts[1][key] += found.low <= change <= found.high
            counts[2][key] += found.verdict != "no clear difference"
    return [{key: count / samples for key, count in one.items()} for one in counts]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=400)
    samples = parser.parse_args().samples
    keys = quality_metrics("regression")
    sys.stdout.write(f"| errors | rows | {' | '.join(f'`{key}`' for key in keys)} |\n|---|---:|{'---:|' * len(keys)}\n")
    for kind in ERRORS:
        known = {pair: truth(kind, pair) for pair in PAIRS}
        for rows in ROWS:
            found = {pair: shares(kind, pair, rows, samples, known[pair]) for pair in PAIRS}
            cells = []
            for key in keys:
                one, difference = (float(np.mean([found[pair][i][key] for pair in PAIRS])) for i in (0, 1))
                cells.append(f"{one:.1%}, {difference:.1%}, {found['near'][2][key]:.1%}")
            sys.stdout.write(f"| {kind} | {rows:,} | {' | '.join(cells)} |\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
