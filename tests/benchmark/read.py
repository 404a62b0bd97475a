"""The benchmark of reading: whole processes on stores of 1,000, 10,000 and 100,000 runs, as ratios in one run.

    python tests/benchmark/read.py [--rounds 5] [--sizes 1000 10000 100000] [--over file server password]
                                   [--patience 300]

Writes the stores first (100,000 runs take a minute and 650 MB of the temporary folder). --over says how they are read:
the file itself (where it is not given), or MLflow's own server on loopback, open or with a password. A peer that takes
longer than --patience seconds is stopped, told as such, and not asked again. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from tests.tracking.serving import serving  # noqa: E402

WAYS = {"file": "the file", "server": "a server", "password": "a server with a password"}
USER, PASSWORD = "ada", "of-the-benchmark"

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


def run(command: list[str], folder: Path, address: str, patience: float) -> tuple[float, float]:
    """Wall seconds and peak megabytes of a command. Raises Told if it takes longer than `patience`."""
    quiet = {
        **os.environ,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_TRACKING_URI": address,
        "MLFLOW_TRACKING_USERNAME": USER,
        "MLFLOW_TRACKING_PASSWORD": PASSWORD,
    }
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


def race(folder: Path, address: str, rounds: int, patience: float) -> dict[str, tuple[float, float] | None]:
    """Median seconds and peak megabytes of each command, taking turns; None for one that was stopped."""
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    peaks = dict.fromkeys(COMMANDS, 0.0)
    stopped: set[str] = set()
    for counted in range(rounds + 1):
        for name, command in COMMANDS.items():
            if name in stopped:
                continue
            try:
                taken, peak = run(command, folder, address, patience)
            except Told:
                stopped.add(name)
                continue
            peaks[name] = max(peaks[name], peak)
            if counted:
                times[name].append(taken)
    return {name: None if name in stopped else (statistics.median(times[name]), peaks[name]) for name in COMMANDS}


def opened(database: Path, way: str) -> AbstractContextManager[str]:
    """The address of a store in one of the ways to read it."""
    if way == "file":
        return nullcontext("sqlite:///mlflow.db")
    return serving(database, user=USER, password=PASSWORD if way == "password" else "")


def show(title: str, results: dict[str, tuple[float, float] | None], patience: float) -> None:
    """Write a table of results, with the share of the peer's time."""
    whole = results[PEER]
    sys.stdout.write(f"\n### {title}\n\n| command | median s | of {PEER} | peak MB |\n|---|---:|---:|---:|\n")
    for command, found in results.items():
        if found is None:
            sys.stdout.write(f"| {command} | stopped after {patience:.0f} | | |\n")
            continue
        ratio = f"{found[0] / whole[0]:.3f}" if whole is not None else ""
        sys.stdout.write(f"| {command} | {found[0]:.2f} | {ratio} | {found[1]:.0f} |\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--over", nargs="+", choices=WAYS, default=["file"])
    parser.add_argument("--patience", type=float, default=300)
    given = parser.parse_args()
    for size in given.sizes:
        with tempfile.TemporaryDirectory(prefix="expctl-benchmark-") as name:
            subprocess.run(  # in a process of its own: what this one holds counts into the peaks of its children
                [sys.executable, "-m", "tests.benchmark.stores", f"{name}/mlflow.db", str(size)], cwd=ROOT, check=True
            )
            for way in given.over:
                with opened(Path(name) / "mlflow.db", way) as address:
                    results = race(Path(name), address, given.rounds, given.patience)
                show(f"{size:,} runs, over {WAYS[way]}", results, given.patience)
    sys.stdout.write(f"\nRounds: {given.rounds}, medians, one not counted.\n")


if __name__ == "__main__":
    main()
