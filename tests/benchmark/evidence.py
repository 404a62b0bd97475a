"""The benchmark of statistics: what limits and tests cost of very many rows, and what they add to a command.

    python tests/benchmark/evidence.py [--rounds 5] [--rows 1000000] [--classes 151]

First the limits of one run and the tests of two, with and without each class, in seconds. Then `expctl compare`
of two runs of five classes and 10,000 test rows, in whole processes, as a ratio to the same without a test. Run it on
an idle machine.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from expctl.analysis.limits import confidence_limits
from expctl.analysis.predictions import RunPredictions
from expctl.analysis.significance import assess

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parent.parent.parent
UNTESTED = """
import expctl.workflows.compare as workflow
from expctl.analysis.significance import Assessment
workflow.assess_runs = lambda *given, **named: Assessment(note="not tested")
from expctl.__main__ import main
main()
"""


def predictions(rows: int, classes: int) -> tuple[RunPredictions, RunPredictions]:
    """Two models of random labels, right on some 85 % of the rows."""
    random = np.random.default_rng(0)
    keys = random.integers(1, 2**63, (rows, 4), dtype=np.uint64).view("S32").ravel()
    labels, names = random.integers(0, classes, rows), [f"class {i:03}" for i in range(classes)]
    said = [np.where(random.random(rows) < right, labels, random.integers(0, classes, rows)) for right in (0.85, 0.86)]
    one, other = (RunPredictions(np.arange(rows), keys, labels, part, names) for part in said)
    return one, other


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def compared(folder: Path, rounds: int) -> float:
    """What a test adds to `expctl compare`: the median of its times over that of those without one."""
    random = np.random.default_rng(1)
    words = random.integers(0, 400, (50_000, 8))
    labels = (words[:, 0] // 80).astype(int)
    lines = [f"{' '.join(f'w{word}' for word in row)},{label}" for row, label in zip(words, labels, strict=True)]
    (folder / "data.csv").write_text("\n".join(["text,label", *lines]) + "\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    def run(*words: str) -> None:
        subprocess.run([sys.executable, *words], cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)

    for name, c in (("one", "0.01"), ("other", "1")):
        run("-m", "expctl", "train", "--data", "data.csv", "--c", c, "--run-name", name, "--quiet")
    times: dict[str, list[float]] = {"tested": [], "untested": []}
    for _ in range(rounds):
        times["tested"].append(seconds(lambda: run("-m", "expctl", "compare", "one", "other", "--quiet")))
        times["untested"].append(seconds(lambda: run("-c", UNTESTED, "compare", "one", "other", "--quiet")))
    return statistics.median(times["tested"]) / statistics.median(times["untested"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--classes", type=int, default=151)
    given = parser.parse_args()
    one, other = predictions(given.rows, given.classes)
    names = np.array(one.classes, dtype=object)
    works = {
        "limits of one run": lambda: confidence_limits(names[one.labels], names[one.predicted]),
        "tests of two": lambda: assess(one, other),
        "tests of two, of each class too": lambda: assess(one, other, per_class=True),
    }
    sys.stdout.write(f"{given.classes} classes, {given.rows:,} rows\n")
    for name, work in works.items():
        sys.stdout.write(f"{name}: {statistics.median(seconds(work) for _ in range(given.rounds)):.2f} s\n")
    with tempfile.TemporaryDirectory() as folder:
        ratio = compared(Path(folder), given.rounds)
    sys.stdout.write(f"expctl compare of 10,000 rows: {ratio:.2f} of the same without tests\n")


if __name__ == "__main__":
    main()
