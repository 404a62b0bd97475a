"""The long part of the faults that expctl survives, with a table of how often each line was tried and how it went.

    python tests/faults/long.py [--kills 50] [--signals 12] [--rounds 20] [--writers 32 --each 20] [--minutes 60]
                                [--only battery ...]

battery: every test that README.md of this folder names, in its long form. kills: SIGKILL in `train` and in `sweep` at
moments spread over their lives, and signals that ask them to end (A01-A04, A08). beside: B01, B02 and B03 beside plain
MLflow in the same round, on the same machine: how many runs are lost or misfiled. fuzz: `test_fuzz.py` for --minutes,
seed after seed from --seed. soak: `soak.py` for --minutes.

Exits 1 if a line failed or a run of ours was lost. About four hours with the numbers above, on two idle cores.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as xml
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[2]))

from expctl.settings import Settings
from expctl.tracking.store import open_store
from tests.conftest import write_reviews
from tests.faults import kill_sweep, soak
from tests.faults.bench import Bench
from tests.faults.lines import HERE, LINES

PARTS: Final = ("battery", "kills", "beside", "fuzz", "soak")
FUZZED: Final = ("D03", "E02", "E03", "F01", "F03", "H05")
CASES: Final = 2_000  # of each test of test_fuzz.py with one seed
TRAIN: Final = ("train", "--data", "small.csv", "--model", "dummy", "-e", "crowd", "--format", "id", "--quiet")
# What a user of MLflow writes: as many runs as asked for, each with a parameter and a metric.
PLAIN: Final = """
import sys, mlflow
mlflow.set_tracking_uri("sqlite:///mlflow.db")
mlflow.set_experiment("crowd")
for _ in range(int(sys.argv[1])):
    with mlflow.start_run() as run:
        mlflow.log_param("c", 1.0)
        mlflow.log_metric("f1_score", 0.5)
    print(run.info.run_id, flush=True)
"""


@dataclass
class Tally:
    """How often each line was tried, how often in vain, and what there is to say of it."""

    tried: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    notes: dict[str, list[str]] = field(default_factory=dict)

    def add(self, line: str, times: int, failed: int = 0, note: str = "") -> None:
        self.tried[line] += times
        self.failed[line] += failed
        if note and note not in self.notes.setdefault(line, []):
            self.notes[line].append(note)

    def text(self) -> str:
        rows = ["line  tried  failed  what"]
        for line in LINES:
            notes = [f"not tried: {line.untried}"] if line.untried else self.notes.get(line.id, [])
            what = "; ".join([line.fault, *notes])
            rows.append(f"{line.id:4} {self.tried[line.id]:6} {self.failed[line.id]:7}  {what}")
        return "\n".join(rows) + "\n"


def battery(tally: Tally, folder: Path) -> None:
    """The tests that the list names, counted by the lines that name them."""
    own = sorted(HERE.glob("test_[a-h]_*.py"))
    named = {place for line in LINES for place in line.tests if "::" in place and not place.startswith("test_sweep.py")}
    report = folder / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", "-p", "no:cacheprovider"]
    subprocess.run(
        [*command, *map(str, own), *(os.path.normpath(HERE / place) for place in sorted(named))],
        cwd=HERE.parents[1],
        env={**os.environ, "EXPCTL_FAULTS": "long"},
        stdout=sys.stderr,
        check=False,
    )
    for case in xml.parse(report).iter("testcase"):
        name, _, parameters = str(case.get("name")).partition("[")
        bad = case.find("failure") is not None or case.find("error") is not None
        skipped = case.find("skipped")
        for line in LINES:
            if line.id in re.findall(r"\b[A-H]\d\d\b", parameters) or any(
                place.endswith(f"::{name}") for place in line.tests
            ):
                if skipped is not None:
                    tally.add(line.id, 0, note=f"skipped: {skipped.get('message')}")
                else:
                    tally.add(line.id, 1, int(bad), note=f"FAILED {name}" if bad else "")


def kills(tally: Tally, folder: Path, number: int, signals: int, seed: int) -> None:
    """SIGKILL, and signals that can be heard, in real sweeps and trainings."""
    (folder / "sweeps").mkdir()
    report = kill_sweep.run(folder / "sweeps", kills=number, signals=signals, seed=seed, say=sys.stderr.write)
    sys.stdout.write(report.text())
    for line, times in (("A01", number), ("A02", signals), ("A04", number)):
        tally.add(line, times, len(report.wrong) if line == "A01" else 0)
    wrong = kill_trainings(folder / "trainings", number, random.Random(seed))
    for one in wrong:
        sys.stdout.write(f"train: {one}\n")
    tally.add("A08", number, len(wrong))


def kill_trainings(folder: Path, number: int, generator: random.Random) -> list[str]:
    """`train` in one store, killed at moments spread over its life; what was wrong afterwards."""
    bench = _bench(folder)
    open_store(Settings(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}"), create=True)
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    life = bench.run(*TRAIN).seconds
    whole = {str(run_id) for (run_id,) in bench.rows("SELECT run_uuid FROM runs")}
    for share in kill_sweep.moments(number, generator):
        running = bench.start(*TRAIN)
        threading.Timer(share * life * 1.1, running.process.kill).start()
        whole |= set(running.process.communicate()[0].split())
        bench.forget_temporary()
    left = bench.statuses()["RUNNING"]
    bench.run("doctor", "--fix")
    sys.stdout.write(f"train: {number} SIGKILLs, {left} left RUNNING, closed by doctor --fix; {bench.statuses()}\n")
    wrong = [] if not bench.statuses()["RUNNING"] else [f"RUNNING after doctor --fix: {bench.statuses()}"]
    told = "SELECT run_uuid FROM tags JOIN runs USING (run_uuid) WHERE key = 'expctl.complete' AND status = 'FINISHED'"
    complete = {str(run_id) for (run_id,) in bench.rows(told)}
    wrong += [f"{run_id} was told to be done and is not complete" for run_id in whole - complete]
    try:
        bench.check()
    except AssertionError as error:
        wrong.append(str(error))
    return wrong


def beside(tally: Tally, folder: Path, rounds: int, writers: int, each: int) -> None:
    """The same crowd of eight, or of writers, as `expctl train` and as scripts of plain MLflow."""
    migrated = folder / "migrated.db"
    folder.mkdir()
    open_store(Settings(tracking_uri=f"sqlite:///{migrated}"), create=True)
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    lines = {
        "B01": (rounds, 8, 1, None, "fresh folder"),
        "B02": (rounds, 8, 1, migrated, "fresh experiment"),
        "B03": (1, writers, each, migrated, "writers"),
    }
    for line, (times, crowd, runs, store, what) in lines.items():
        ours, plain = Counter[str](), Counter[str]()
        for number in range(times):
            for kind, counted in (("expctl", ours), ("mlflow", plain)):
                counted.update(_crowd(folder / f"{line}-{kind}-{number}", kind, crowd, runs, store))
        for kind, counted in (("expctl", ours), ("plain MLflow", plain)):
            sys.stdout.write(
                f"{line} {what}: {kind}: {times * crowd * runs} runs, {counted['lost']} lost, {counted['astray']} in"
                f" another experiment, {counted['unfinished']} unfinished, {counted['readers']} readers failed\n"
            )
            sys.stdout.flush()
        note = f"plain MLflow lost {plain['lost']} and misfiled {plain['astray']} of {times * crowd * runs}"
        tally.add(line, times * crowd * runs, sum(ours.values()), note)


def _crowd(folder: Path, kind: str, crowd: int, runs: int, store: Path | None) -> Counter[str]:
    """What became of `crowd` processes that make `runs` runs each at once, half of them with a TMPDIR of their own."""
    bench = _bench(folder)
    if store is not None:
        shutil.copy(store, folder / "mlflow.db")
    counted = Counter[str]()
    over = threading.Event()

    def write(number: int) -> None:
        env = {"TMPDIR": str(folder / f"tmp{number % 2}")}
        Path(env["TMPDIR"]).mkdir(exist_ok=True)
        if kind == "mlflow":
            bench.start("-c", PLAIN, str(runs), python=(sys.executable,), **env).process.communicate()
        else:
            for _ in range(runs):
                bench.start(*TRAIN, **env).process.communicate()

    def read() -> None:
        while not over.wait(1):
            for words in (["list", "-e", "crowd"], ["best", "-e", "crowd"]):
                process = bench.start(*words).process
                process.communicate()
                counted["readers"] += process.returncode not in (0, 3)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(crowd)]
    reader = threading.Thread(target=read)
    if store is not None and kind == "expctl":
        threads.append(reader)
    for thread in threads:
        thread.start()
    for thread in threads:
        if thread is not reader:
            thread.join()
    over.set()
    try:
        with closing(sqlite3.connect(folder / "mlflow.db")) as database:
            there = database.execute(
                "SELECT e.name, r.status FROM runs r JOIN experiments e ON e.experiment_id = r.experiment_id"
            ).fetchall()
    except sqlite3.Error:
        there = []
    counted["lost"] += crowd * runs - len(there)
    counted["astray"] += sum(name != "crowd" for name, _ in there)
    counted["unfinished"] += sum(status != "FINISHED" for _, status in there)
    return counted


def fuzz(tally: Tally, minutes: float, seed: int) -> None:
    """The tests of `test_fuzz.py`, seed after seed until the time is over; ends with the first seed that fails."""
    end = time.monotonic() + minutes * 60
    first, failed = seed, False
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(HERE / "test_fuzz.py")]
    while time.monotonic() < end and not failed:
        done = subprocess.run(
            [*command, f"--hypothesis-seed={seed}"],
            cwd=HERE.parents[1],
            env={**os.environ, "EXPCTL_TEST_CASES": str(CASES)},
            stdout=sys.stderr,
            check=False,
        )
        failed = done.returncode != 0
        seed += 1
    note = f"seeds {first} to {seed - 1}, {CASES:,} cases each of its tests" + (
        ", the last one failed" if failed else ""
    )
    sys.stdout.write(f"fuzz: {note}\n")
    for line in FUZZED:
        tally.add(line, (seed - first) * CASES, int(failed), f"fuzzed: {note}")


def soaking(tally: Tally, folder: Path, minutes: float, seed: int) -> None:
    """Everything at once on an SQLite store and on a server."""
    for soaked in soak.run(folder, minutes=minutes, seed=seed):
        sys.stdout.write(soaked.text())
        tally.add("B03", len(soaked.ran), len(soaked.wrong), f"soaked on {soaked.kind}: {len(soaked.runs)} trainings")


def _bench(folder: Path) -> Bench:
    (folder / "tmp").mkdir(parents=True)
    write_reviews(folder / "small.csv", 60)
    return Bench(folder, folder / "tmp")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--signals", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--writers", type=int, default=32)
    parser.add_argument("--each", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    asked = parser.parse_args()
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="faults-") as place:
        folder = Path(place).resolve()
        if "beside" in asked.only:
            beside(tally, folder / "beside", asked.rounds, asked.writers, asked.each)
        if "kills" in asked.only:
            kills(tally, folder, asked.kills, asked.signals, asked.seed)
        if "battery" in asked.only:
            battery(tally, folder)
        if "fuzz" in asked.only:
            fuzz(tally, asked.minutes, asked.seed)
        if "soak" in asked.only:
            soaking(tally, folder / "soak", asked.minutes, asked.seed)
    sys.stdout.write(tally.text())
    return 1 if tally.failed.total() else 0


if __name__ == "__main__":
    sys.exit(main())
