"""The benchmark of reading: whole processes on stores of 1,000, 10,000 and 100,000 runs, as ratios in one run.

    python tests/benchmark/read.py [--rounds 5] [--sizes 1000 10000 100000] [--patience 300]

Writes the stores first (100,000 runs take a minute and 650 MB of the temporary folder). A peer that takes longer than
--patience seconds is stopped, told as such, and not asked again. Run it on an idle machine.
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

ROOT = Path(__file__).parent.parent.parent

PYTHON = [sys.executable, "-c"]
EXPCTL = [sys.executable, "-m", "expctl"]
PEER = "mlflow runs list"
COMMANDS = {
    PEER: [sys.executable, "-m", "mlflow", "runs", "list", "--experiment-id", "1"],
    "mlflow.search_runs, 20 newest": [
        *PYTHON,
        "import mlflow; print(mlflow.search_runs(['1'], max_results=20))",
    ],
    "MlflowClient script, 20 newest": [
        *PYTHON,
        "import mlflow; print(len(mlflow.MlflowClient().search_runs(['1'], max_results=20)))",
    ],
    "MlflowClient script, best 3": [
        *PYTHON,
        "import mlflow; print(mlflow.MlflowClient().search_runs(['1'], max_results=3,"
        " order_by=['metrics.f1_score DESC']))",
    ],
    "expctl list": [*EXPCTL, "list"],
    "expctl best --top 3": [*EXPCTL, "best", "--top", "3"],
    "expctl best --filter": [*EXPCTL, "best", "--filter", "accuracy > 0.5 and c = 1"],
    "expctl show": [*EXPCTL, "show", "run-777"],
    "expctl compare": [*EXPCTL, "compare", "run-777", "latest"],
}


class Told(Exception):
    """A command that took longer than anybody waits."""


def run(command: list[str], folder: Path, patience: float) -> tuple[float, float]:
    """Wall seconds and peak megabytes of a command. Raises Told if it takes longer than `patience`."""
    quiet = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_TRACKING_URI": "sqlite:///mlflow.db"}
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, env=quiet, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while True:
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        if ended:
            break
        if time.perf_counter() - started > patience:
            process.kill()
            process.wait()
            raise Told
        time.sleep(0.002)
    taken = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command} failed with {process.returncode}")
    return taken, usage.ru_maxrss / 1024


def race(folder: Path, rounds: int, patience: float) -> dict[str, tuple[float, float] | None]:
    """Median seconds and peak megabytes of each command, taking turns; None for one that was stopped."""
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    peaks = dict.fromkeys(COMMANDS, 0.0)
    stopped: set[str] = set()
    for counted in range(rounds + 1):
        for name, command in COMMANDS.items():
            if name in stopped:
                continue
            try:
                taken, peak = run(command, folder, patience)
            except Told:
                stopped.add(name)
                continue
            peaks[name] = max(peaks[name], peak)
            if counted:
                times[name].append(taken)
    return {name: None if name in stopped else (statistics.median(times[name]), peaks[name]) for name in COMMANDS}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--patience", type=float, default=300)
    given = parser.parse_args()
    for size in given.sizes:
        with tempfile.TemporaryDirectory(prefix="expctl-benchmark-") as name:
            subprocess.run(  # in a process of its own: what this one holds counts into the peaks of its children
                [sys.executable, "-m", "tests.benchmark.stores", f"{name}/mlflow.db", str(size)], cwd=ROOT, check=True
            )
            results = race(Path(name), given.rounds, given.patience)
        whole = results[PEER]
        sys.stdout.write(f"\n### {size:,} runs\n\n| command | median s | of {PEER} | peak MB |\n|---|---:|---:|---:|\n")
        for command, found in results.items():
            if found is None:
                sys.stdout.write(f"| {command} | stopped after {given.patience:.0f} | | |\n")
                continue
            ratio = f"{found[0] / whole[0]:.3f}" if whole is not None else ""
            sys.stdout.write(f"| {command} | {found[0]:.2f} | {ratio} | {found[1]:.0f} |\n")
        sys.stdout.flush()
    sys.stdout.write(f"\nRounds: {given.rounds}, medians, one not counted.\n")


if __name__ == "__main__":
    main()
