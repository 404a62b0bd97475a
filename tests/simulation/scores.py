"""Do ROC AUC and log loss differ where they are equal? A simulation with a known truth; a minute.

    python tests/simulation/scores.py [--samples 1000]

Two models of two classes whose true ROC AUC, or true log loss, is the same are compared on samples of rows; a false
alarm is a verdict. AUC: the scores of the one are normal with one spread in both classes, those of the other so or with
twice or half the spread in one class. Loss: the one's probabilities are right, the other knows more and is too sure,
by a factor of 1 to 2.5 of its log odds. Each figure is the largest of five such pairs. Found: how often a model that
is better by 0.05 of AUC (from 0.85), or by a tenth of its loss, is found, where both are right about their
probabilities.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import expit, ndtri

from expctl.analysis.predictions import RunPredictions, pair
from expctl.analysis.scores import LEAST_ROWS, score_differences

if TYPE_CHECKING:
    from collections.abc import Callable

    Models = Callable[[int, np.random.Generator], tuple[np.ndarray, np.ndarray, np.ndarray]]

MINORITIES: Final = (0.5, 0.13, 0.03)
ROWS: Final = (50, 100, 200, 1_000)
AUCS: Final = ((0.75, 1.0, 0.8), (0.9, 1.0, 0.8), (0.9, 2.0, 0.5), (0.98, 2.0, 0.5), (0.98, 0.5, 0.5))
LOSSES: Final = ((0.8, 1.0, 0.5), (0.8, 1.5, 0.5), (0.8, 2.0, 0.8), (1.5, 1.5, 0.8), (1.5, 2.5, 0.5))


def normals(rows: int, common: float, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Noise of two models with this correlation."""
    one, own = generator.normal(size=(2, rows))
    return one, common * one + np.sqrt(1 - common**2) * own


def of_auc(minority: float, auc: float, spread: float, common: float, gain: float = 0.0) -> Models:
    """Two models by AUC; the second's other class has this spread."""

    def draw(rows: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        labels = (generator.random(rows) < minority).astype(np.int64)
        one, other = normals(rows, common, generator)
        apart = ndtri(auc) * np.sqrt(2), ndtri(auc + gain) * np.sqrt(1 + spread**2)
        return labels, one + apart[0] * labels, np.where(labels == 1, apart[1] + other, spread * other)

    return draw


def loss(strength: float, too_sure: float, minority: float) -> float:
    """The true log loss, by Gauss and Hermite's quadrature, of log odds 2 a x, where x is normal about a or -a."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    total, prior = 0.0, np.log(minority / (1 - minority))
    for sign, share in ((1, minority), (-1, 1 - minority)):
        odds = too_sure * (2 * strength * (nodes + sign * strength) + prior)
        total += share * float(weights @ np.logaddexp(0, -sign * odds)) / float(weights.sum())
    return total


def strength_of(wanted: float, too_sure: float, minority: float) -> float:
    """The strength with which a model of this overconfidence has the loss that is wanted."""
    low, high = 0.0, 8.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if loss(middle, too_sure, minority) > wanted else (low, middle)
    return high


def of_loss(minority: float, strength: float, too_sure: float, common: float, gain: float = 0.0) -> Models:
    """Two models by log loss; the second is too sure, and the better by a share `gain` of the loss."""
    other_strength = strength_of((1 - gain) * loss(strength, 1, minority), too_sure, minority)
    prior = np.log(minority / (1 - minority))

    def draw(rows: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        labels = (generator.random(rows) < minority).astype(np.int64)
        sign, (one, other) = 2 * labels - 1, normals(rows, common, generator)
        first = 2 * strength * (one + sign * strength) + prior
        return labels, first, too_sure * (2 * other_strength * (other + sign * other_strength) + prior)

    return draw


def verdicts(draw: Models, metric: str, rows: int, samples: int) -> tuple[float, float]:
    """How often the two get a verdict, of those that are tested, and how often they are not."""
    generator, found, untested = np.random.default_rng(rows), 0, 0
    place, names = np.arange(rows), ["a", "b"]
    for _ in range(samples):
        labels, *scores = draw(rows, generator)
        given = [np.stack([expit(-one), expit(one)], axis=1) for one in scores]
        one, other = (
            RunPredictions(place, place.astype("S8"), labels, part.argmax(axis=1), names, part, "probability", names)
            for part in given
        )
        tested = score_differences(one, other, pair(one, other)).get(metric)
        untested += tested is None
        found += tested is not None and tested.verdict != "no clear difference"
    return found / max(1, samples - untested), untested / samples


def told(share: tuple[float, float], samples: int) -> str:
    tested = round(samples * (1 - share[1]))
    return f"{share[0]:.1%}" if tested >= samples / 10 else "–"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=1000)
    samples = parser.parse_args().samples
    sys.stdout.write(f"Not tested: fewer than {LEAST_ROWS} rows of the rarer class.\n\n")
    sys.stdout.write("| minority | rows | `roc_auc` | found | `log_loss` | found | not tested |\n")
    sys.stdout.write(f"|---:|{'---:|' * 6}\n")
    for minority in MINORITIES:
        for rows in ROWS:
            cells, share = [], (0.0, 0.0)
            for metric, models, kinds, gain in (
                ("roc_auc", of_auc, AUCS, (0.85, 1.0, 0.8, 0.05)),
                ("log_loss", of_loss, LOSSES, (0.8, 1.0, 0.8, 0.1)),
            ):
                share = max(verdicts(models(minority, *kind), metric, rows, samples) for kind in kinds)
                better = verdicts(models(minority, *gain), metric, rows, max(1, samples // 4))
                cells += [told(share, samples), told(better, max(1, samples // 4))]
            sys.stdout.write(f"| {minority:.0%} | {rows:,} | {' | '.join(cells)} | {share[1]:.0%} |\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
