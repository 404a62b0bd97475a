"""Do the limits of metrics of the user's own hold the truth? A simulation with a known truth; some minutes.

    python -m tests.simulation.extra_metrics [--samples 100] [--keep FILE]

A model of two classes whose true accuracy is known is tested on samples of rows, with an accuracy of the user's own and
a cost: the share of the rows' values (lognormal) that it is wrong about. Held: how often the 95 % limits contain the
truth.
"""

from __future__ import annotations

import itertools
from functools import partial
from typing import Any, Final

import numpy as np

from expctl.training.data.dataset import feature_frame
from expctl.training.data.rows import Rows, text_hashes
from expctl.training.fit.extra_metrics import measure
from expctl.training.models.configure import configure
from expctl.training.tasks.protocol import Predictions
from tests.simulation.batches import batches, tell

METRICS: Final = ("right_score", "value_loss")
ROWS: Final = (20, 100, 1_000)
ACCURACIES: Final = (0.85, 0.95, 0.99, 0.999)
CLASSES: Final = np.array(["a", "b"], dtype=object)


def right_score(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    return float(np.mean(y_true == y_pred))


def value_loss(y_true: np.ndarray, y_pred: np.ndarray, *, frame: Any) -> float:
    values = frame["value"].to_numpy()
    return float(values[y_true != y_pred].sum() / values.sum())


def held(accuracy: float, rows: int, generator: np.random.Generator, samples: int) -> np.ndarray:
    """How many limits of each metric hold the truth."""
    asked = configure(
        {"data": "d.csv", "extra_metric": ",".join(f"{__package__}.extra_metrics:{one}" for one in METRICS)}
    )
    truth, found = np.array([accuracy, 1 - accuracy]), np.zeros(len(METRICS))
    texts = [f"text {i}" for i in range(rows)]
    hashes = text_hashes(texts)
    for _ in range(samples):
        codes = generator.integers(2, size=rows)
        said = np.where(generator.random(rows) < accuracy, codes, 1 - codes)
        frame = feature_frame({"text": texts, "value": generator.lognormal(size=rows).tolist()}, range(rows))
        labels = CLASSES[codes]
        given = Predictions(labels, CLASSES[said], None, "none", CLASSES, 0.0)
        limits = measure(asked, given, Rows(frame, labels, hashes)).limits
        low, high = np.array([limits[one] for one in METRICS]).T
        found += (low - 1e-12 <= truth) & (truth <= high + 1e-12)
    return found


def main() -> None:
    asked = batches(__doc__, 100)
    tell("true accuracy", "rows", *(f"`{one}`" for one in METRICS))
    tell(*["---:"] * (len(METRICS) + 2))
    for accuracy, rows in asked.wanted(itertools.product(ACCURACIES, ROWS)):
        share = asked.mean(f"{accuracy}, {rows}", partial(held, accuracy, rows))
        tell(f"{accuracy}", f"{rows:,}", *(f"{one:.1%}" for one in share))


if __name__ == "__main__":
    main()
