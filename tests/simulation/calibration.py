"""How often do the limits of Brier score and calibration error contain the truth? A minute.

    python tests/simulation/calibration.py [--samples 500]

Two classes; the model says a probability, and what is true comes by that probability, or by one that it exaggerates.
The truth is what a million rows show.
"""

from __future__ import annotations

import argparse
import sys
from typing import Final

import numpy as np

from expctl.analysis.calibration import Calibration, calibration
from expctl.analysis.predictions import RunPredictions

SIZES: Final = (100, 200, 1_000, 5_000)
EXAGGERATED: Final = (1.0, 1.3, 2.0)


def predictions(rows: int, times: float, generator: np.random.Generator) -> RunPredictions:
    """Of a model whose log odds are `times` as large as they should be."""
    odds = generator.normal(size=rows) * 2
    labels = (generator.random(rows) < 1 / (1 + np.exp(-odds))).astype(np.int64)
    said = 1 / (1 + np.exp(-times * odds))
    scores = np.column_stack([1 - said, said])
    keys = np.arange(rows).astype("S32")
    every = np.arange(rows)
    return RunPredictions(every, keys, labels, scores.argmax(axis=1), ["0", "1"], scores, "probability", ["0", "1"])


def told(run: RunPredictions) -> Calibration:
    found = calibration(run)
    assert not isinstance(found, str)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=500)
    samples = parser.parse_args().samples
    sys.stdout.write(
        "| test rows | log odds | true error | mean of the errors told | truth held | brier_score held |\n"
    )
    sys.stdout.write("|---:|---:|---:|---:|---:|---:|\n")
    for times in EXAGGERATED:
        truth = told(predictions(1_000_000, times, np.random.default_rng(0)))
        error = 0.0 if times == 1 else truth.calibration_error.value
        for rows in SIZES:
            generator = np.random.default_rng(rows)
            found = [told(predictions(rows, times, generator)) for _ in range(samples)]
            held = np.mean([one.calibration_error.low <= error <= one.calibration_error.high for one in found])
            brier = np.mean([one.brier_score.low <= truth.brier_score.value <= one.brier_score.high for one in found])
            mean = np.mean([one.calibration_error.value for one in found])
            sys.stdout.write(f"| {rows:,} | x {times:g} | {error:.3f} | {mean:.3f} | {held:.1%} | {brier:.1%} |\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
