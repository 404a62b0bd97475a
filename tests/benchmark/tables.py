"""Tables beside plain pandas and scikit-learn: a training, a sweep of 24 trials, predictions of a million rows.

    python tests/benchmark/tables.py FOLDER [--rounds 5] [--rows 1000000] [--only train sweep predict]

FOLDER has adult.csv and diamonds.csv (scikit-learn's `fetch_openml` has both). Whole processes taking turns; printed
are medians, and of the processor's seconds, which a busy machine makes few more, the least.
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

PLAIN = [sys.executable, str(Path(__file__).parent / "plain_table.py")]
EXPCTL = [sys.executable, "-m", "expctl"]
TARGETS = {"adult": "class", "diamonds": "price"}
Measured = tuple[float, float, float]


def once(command: list[str], folder: Path) -> Measured:
    """Seconds, the processor's seconds, its workers' too, and megabytes at their most."""
    quiet = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "PYTHONWARNINGS": "ignore"}
    started = time.perf_counter()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=quiet, stdout=log, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)}: {(folder / 'log').read_text()}")
    return time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def race(title: str, commands: dict[str, list[str]], folder: Path, rounds: int) -> None:
    """Print a Markdown table of commands that take turns, and their ratios to the first. One round is not counted."""
    measured: dict[str, list[Measured]] = {name: [] for name in commands}
    for counted in range(rounds + 1):
        for name, command in commands.items():
            taken = once(command, folder)
            if counted:
                measured[name].append(taken)
    sys.stdout.write(f"\n| {title} | s | ratio | CPU s | ratio | MB |\n|---|---:|---:|---:|---:|---:|\n")
    base: tuple[float, float] | None = None
    for name, figures in measured.items():
        seconds, processor = statistics.median(one for one, *_ in figures), min(one for _, one, _ in figures)
        base = base or (seconds, processor)
        sys.stdout.write(
            f"| {name} | {seconds:.2f} | {seconds / base[0]:.2f} | {processor:.2f} | {processor / base[1]:.2f}"
            f" | {max(one for *_, one in figures):.0f} |\n"
        )
    sys.stdout.flush()


def repeated(source: Path, target: Path, rows: int) -> None:
    """A file of so many rows, those of another again and again."""
    header, *lines = source.read_text().splitlines(keepends=True)
    with target.open("w") as file:
        file.write(header)
        for start in range(0, rows, len(lines)):
            file.writelines(lines[: rows - start])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only", nargs="+", default=["train", "sweep", "predict"])
    asked = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parent))
    from plain_table import GRID

    with tempfile.TemporaryDirectory(prefix="expctl-tables-") as place:
        folder = Path(place)
        data = {name: str((asked.folder / f"{name}.csv").resolve()) for name in TARGETS}
        model = ["--model", "hist_gradient_boosting"]
        train = {name: [*EXPCTL, "train", "--data", data[name], "--target", TARGETS[name], *model] for name in TARGETS}
        if "train" in asked.only:
            for name, target in TARGETS.items():
                commands = {
                    "plain script": [*PLAIN, "train", data[name], target],
                    "expctl train": train[name],
                    "expctl train --dry-run": [*train[name], "--dry-run"],
                }
                race(f"train, {name}", commands, folder, asked.rounds)
        if "sweep" in asked.only:
            axes = [word for key, values in GRID.items() for word in ("-g", f"{key}={','.join(map(str, values))}")]
            sweep = [*EXPCTL, "sweep", "--data", data["adult"], "--target", TARGETS["adult"], *model, *axes]
            commands = {
                "GridSearchCV(n_jobs=2), one split": [*PLAIN, "search", data["adult"], TARGETS["adult"]],
                "expctl sweep --jobs 2": [*sweep, "--jobs", "2"],
                "expctl sweep --jobs 2 --keep-models 1": [*sweep, "--jobs", "2", "--keep-models", "1"],
            }
            race("24 trials, adult", commands, folder, asked.rounds)
        if "predict" in asked.only:
            many = str(folder / "many.csv")
            repeated(Path(data["diamonds"]), Path(many), asked.rows)
            once([*PLAIN, "train", data["diamonds"], TARGETS["diamonds"]], folder)
            once([*train["diamonds"], "--run-name", "diamonds"], folder)
            predict = [*EXPCTL, "predict", "--run", "diamonds", "--input", many, "--output", "expctl.csv"]
            commands = {"plain script": [*PLAIN, "predict", many, TARGETS["diamonds"]], "expctl predict": predict}
            race(f"{asked.rows:,} rows predicted", commands, folder, asked.rounds)


if __name__ == "__main__":
    main()
