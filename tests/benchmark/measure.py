"""How the benchmark measures: whole processes taking turns, wall and CPU seconds and memory, as ratios of medians.

CPU is that of a process and all that it started and waited for; memory is that of the largest of them.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parent.parent
DATA: Final = ROOT / "data" / "reviews.csv"
EXPCTL: Final = [sys.executable, "-m", "expctl"]
MLFLOW: Final = [sys.executable, "-m", "mlflow"]


@dataclass(frozen=True)
class Cost:
    """What one process, or the median of several, took: seconds, seconds of CPU, megabytes at its peak."""

    wall: float
    cpu: float
    peak: float


class Stopped(Exception):
    """A command that took longer than anybody waits."""


def once(
    command: Sequence[str],
    folder: Path,
    *,
    environment: Mapping[str, str] | None = None,
    patience: float = 3600,
    code: int = 0,
) -> Cost:
    """What a command takes in `folder`. Raises Stopped after `patience` seconds, SystemExit for another exit code."""
    quiet = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "PYTHONWARNINGS": "ignore", **(environment or {})}
    # As after an install: a process that may keep no bytecode compiles all that was never imported before.
    quiet.pop("PYTHONDONTWRITEBYTECODE", None)
    with (folder / "said.txt").open("wb") as said:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=quiet, stdout=subprocess.DEVNULL, stderr=said)
        while True:
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
            taken = time.perf_counter() - started
            if ended:
                break
            if taken > patience:
                process.kill()
                process.wait()
                raise Stopped
            time.sleep(0.002)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != code:
        raise SystemExit(f"{command} ended with {process.returncode}: {(folder / 'said.txt').read_text()[-2000:]}")
    return Cost(taken, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def race(
    commands: Mapping[str, Sequence[str]],
    folder: Path,
    rounds: int,
    *,
    environment: Mapping[str, str] | None = None,
    patience: float = 3600,
    code: int = 0,
) -> dict[str, Cost | None]:
    """The median cost of each command, taking turns so that a slow moment of the machine hits all; None: stopped.

    The first round is not counted, unless there is only one.
    """
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    stopped: set[str] = set()
    for _ in range(rounds + (rounds > 1)):
        for name, command in commands.items():
            if name not in stopped:
                try:
                    costs[name].append(once(command, folder, environment=environment, patience=patience, code=code))
                except Stopped:
                    stopped.add(name)
    return {name: None if name in stopped else median(found[-rounds:]) for name, found in costs.items()}


def median(costs: Sequence[Cost]) -> Cost:
    """Of each figure by itself; of memory the most."""
    return Cost(
        statistics.median(one.wall for one in costs),
        statistics.median(one.cpu for one in costs),
        max(one.peak for one in costs),
    )


def show(title: str, results: Mapping[str, Cost | None], peer: str, asked: str = "") -> None:
    """Write a Markdown table of results and their ratios to those of `peer`, and what is asked for."""
    whole = results[peer]
    lines = [
        f"\n### {title}{f' (asked: {asked})' if asked else ''}\n",
        f"| command | s | of {peer} | CPU s | peak MB | of it |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, cost in results.items():
        if cost is None:
            lines.append(f"| {name} | stopped | | | | |")
            continue
        wall, peak = ("", "") if whole is None else (f"{cost.wall / whole.wall:.3f}", f"{cost.peak / whole.peak:.2f}")
        lines.append(f"| {name} | {cost.wall:.2f} | {wall} | {cost.cpu:.2f} | {cost.peak:.0f} | {peak} |")
    write("\n".join(lines))


def write(text: str) -> None:
    """To stdout, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
