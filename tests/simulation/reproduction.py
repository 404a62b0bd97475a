"""Does every run come out again? Each family on each data set, trained by sweeps with one and two jobs, reproduced with
other numbers of threads; one row a run, exit 1 if any is not identical.

    python tests/simulation/reproduction.py FOLDER_OF_CSV_FILES...
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import cycle
from pathlib import Path

from expctl.training.models.families import families_of

FAMILIES = families_of()  # of texts

REVIEWS = Path(__file__).parent.parent.parent / "data" / "reviews.csv"
THREADS = ("1", "2", "5")
JOBS = ("1", "2")


def expctl(folder: str, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder; never fails by itself."""
    return subprocess.run(
        [sys.executable, "-m", "expctl", *words], cwd=folder, env={**os.environ, **variables}, text=True,
        capture_output=True, check=False,
    )  # fmt: skip


def columns_of(path: Path) -> list[str]:
    """`--text-column` and `--label-column` of a file with two columns."""
    with path.open(newline="", encoding="utf-8") as file:
        header = next(csv.reader(file))
    text, label = ("text", "label") if {"text", "label"} <= set(header) else header[:2]
    return ["--text-column", text, "--label-column", label]


def tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="*", type=Path, help="folders of CSV files; the project's own is always tried")
    files = [REVIEWS, *(path for folder in parser.parse_args().data for path in sorted(folder.glob("*.csv")))]
    jobs, threads, wrong, total = cycle(JOBS), cycle(THREADS), 0, 0
    tell(f"{'data':16} {'model':14} {'jobs':>4} {'threads':>7} {'verdict':17} {'seconds':>7}")
    with tempfile.TemporaryDirectory() as folder:
        for path in files:
            count = next(jobs)
            space = ["-g", f"model={','.join(FAMILIES)}", "-p", "random_forest.n_estimators=20"]
            words = ["sweep", *space, "--data", str(path), *columns_of(path), "--jobs", count, "--run-name", path.stem]
            swept = expctl(folder, *words, "--quiet", "--format", "jsonl")
            if swept.returncode:
                sys.exit(f"{path.name}: {swept.stderr}")
            for line in swept.stdout.splitlines():
                run, limit = json.loads(line), next(threads)
                started = time.perf_counter()
                variables = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), limit)
                done = expctl(folder, "reproduce", run["run_id"], "--no-record", "-q", "-f", "json", **variables)
                found = json.loads(done.stdout) if done.stdout else {"verdict": done.stderr.strip()}
                compared = "" if found.get("fitted_model") == "equal" else f" (model {found.get('fitted_model')})"
                wrong += found["verdict"] != "identical" or bool(compared)
                total += 1
                verdict, seconds = found["verdict"] + compared, time.perf_counter() - started
                tell(f"{path.stem:16} {run['model']:14} {count:>4} {limit:>7} {verdict:17} {seconds:7.1f}")
    tell(f"{total - wrong} of {total} runs were reproduced bit for bit, their models too")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
