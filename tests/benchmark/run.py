"""The project's benchmark: whole processes, peers taking turns, ratios of medians. Run it on an idle machine.

    python tests/benchmark/run.py [--rounds 5]

Every command gets a store that exists already (making one costs each of them the same 2 s once) and one round that is
not counted. What is quoted is the ratio: single times depend on the machine.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
DATA = HERE.parent.parent / "data" / "reviews.csv"
EXPCTL = [sys.executable, "-m", "expctl"]


def seconds(command: list[str], folder: Path) -> float:
    """Wall time of a command run in `folder`. Raises CalledProcessError if it fails."""
    quiet = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "PYTHONWARNINGS": "ignore"}
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, env=quiet, check=True, capture_output=True)
    return time.perf_counter() - started


def race(commands: dict[str, list[str]], folder: Path, rounds: int) -> dict[str, float]:
    """Median seconds of each command, taking turns so that a slow moment of the machine hits all."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for counted in range(rounds + 1):
        for name, command in commands.items():
            taken = seconds(command, folder)
            if counted:
                times[name].append(taken)
    return {name: statistics.median(values) for name, values in times.items()}


def report(title: str, medians: dict[str, float], peer: str) -> None:
    """Print a Markdown table of medians and their ratios to `peer`."""
    sys.stdout.write(f"\n### {title}\n\n| command | median s | of {peer} |\n|---|---:|---:|\n")
    for name, value in medians.items():
        sys.stdout.write(f"| {name} | {value:.2f} | {value / medians[peer]:.2f} |\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="expctl-benchmark-") as name:
        folder = Path(name)
        train = [*EXPCTL, "train", "--data", str(DATA)]
        commands = {
            "plain MLflow script": [sys.executable, str(HERE / "plain_mlflow.py"), str(DATA)],
            "plain scikit-learn script": [sys.executable, str(HERE / "plain_sklearn.py"), str(DATA)],
            "expctl train": train,
        }
        report("train on data/reviews.csv", race(commands, folder, rounds), "plain MLflow script")
        listing = {
            "mlflow runs list": [sys.executable, "-m", "mlflow", "runs", "list", "--experiment-id", "1"],
            "expctl list": [*EXPCTL, "list"],
            "expctl best": [*EXPCTL, "best", "--top", "3"],
            "expctl compare": [*EXPCTL, "compare", "latest~1", "latest"],
            "expctl --help": [*EXPCTL, "--help"],
        }
        os.environ["MLFLOW_TRACKING_URI"] = "sqlite:///mlflow.db"
        report("reading a handful of runs", race(listing, folder, rounds), "mlflow runs list")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    sys.stdout.write(f"\nLargest process: {peak:.0f} MB. Rounds: {rounds}, medians, one warm-up round not counted.\n")


if __name__ == "__main__":
    main()
