"""The benchmark of sweeps: 24 trials, whole processes taking turns, ratios of medians. Run it on an idle machine.

    python tests/benchmark/sweep.py [--data FILE] [--rounds 3] [--growth]

`--growth` measures the cost of a trial as trials grow (10, 100, 1000) instead.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from grid import AXES
from run import DATA, EXPCTL, HERE, race, report, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--growth", action="store_true")
    asked = parser.parse_args()
    data = str(asked.data.resolve())
    with tempfile.TemporaryDirectory(prefix="expctl-benchmark-") as name:
        folder = Path(name)
        seconds([*EXPCTL, "train", "--data", data], folder)  # makes the store
        if asked.growth:
            growth(folder, data)
            return
        spaces = [part for key, values in AXES.items() for part in ("-g", f"{key}={','.join(map(str, values))}")]
        sweep = [*EXPCTL, "sweep", "--data", data, *spaces, "--jobs", "2"]
        commands = {
            "nested runs with MLflow": [sys.executable, str(HERE / "nested_mlflow.py"), data],
            "GridSearchCV(n_jobs=2), 5 folds": [sys.executable, str(HERE / "grid_search.py"), data, "five"],
            "GridSearchCV(n_jobs=2), one split": [sys.executable, str(HERE / "grid_search.py"), data, "one"],
            "expctl sweep --jobs 2": sweep,
            "expctl sweep --jobs 2 --keep-models 1": [*sweep, "--keep-models", "1"],
        }
        report(f"24 trials on {asked.data.name}", race(commands, folder, asked.rounds), "nested runs with MLflow")


def growth(folder: Path, data: str) -> None:
    """Seconds a trial, beyond what a sweep of a single trial takes."""
    sweep = [*EXPCTL, "sweep", "--data", data, "--jobs", "2"]
    start = seconds([*sweep, "-g", "c=1"], folder)
    sys.stdout.write(f"\n| trials | s | s a trial beyond the first |\n|---:|---:|---:|\n| 1 | {start:.1f} | |\n")
    for trials in (10, 100, 1000):
        values = ",".join(f"{0.5 + i / trials:.4f}" for i in range(trials))
        taken = seconds([*sweep, "-g", f"c={values}"], folder)
        sys.stdout.write(f"| {trials} | {taken:.1f} | {(taken - start) / (trials - 1):.3f} |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
