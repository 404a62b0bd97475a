"""Kill and stop real sweeps at random moments, go on with them, and look at what the store and the machine hold.

    python tests/faults/kill_sweep.py [--kills 20] [--signals 10] [--seed 1] [--keep FOLDER]

SIGKILL (A01, A04): `expctl sweep`, two jobs, twelve trials, in a fresh folder, is killed at a moment spread over
its whole life; so is its resumption; then it may go on to its end. A kill before there is a parent run begins anew.
After each kill: its stdout closes and its workers are gone in a while, no temporary folder stays. At the end: parent
FINISHED, each recipe FINISHED and complete exactly once, nothing RUNNING, no run that was complete before a kill
followed by another of its recipe, every model there with the digest of its run and loadable.

SIGINT, SIGTERM, SIGHUP (A02), to the process alone and, as a terminal does it, to its whole group, and Ctrl-C twice
(A03): the exit code, the reason in parent and trials, the command that goes on, and the same checks after that.

Prints a table of what happened how often; exits 1 if anything was not as it should be. About 5 minutes for 20 kills
and 10 signals.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from expctl.records import Tag
from expctl.settings import Settings
from expctl.tracking.models.storage import load_model
from expctl.tracking.store import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

REVIEWS = Path(__file__).parents[2] / "data" / "reviews.csv"
ROWS = 900  # so that a trial takes a third of a second
SPACE = ("-g", "c=0.1,0.3,1,3,10,30", "-g", "max_features=500,1000")
TRIALS = 12
READY = 0.4  # the share of a sweep's life before its first trial
PATIENCE = 60.0  # seconds that anything may take to end: less than one on an idle machine
LONG = 180.0  # seconds after which a sweep is taken to hang
GROUP = "group"
WAYS = (("SIGINT", ""), ("SIGTERM", ""), ("SIGINT", GROUP), ("SIGHUP", GROUP), ("SIGTERM", GROUP), ("SIGINT", "twice"))


@dataclass(frozen=True)
class Row:
    """A run as the database has it."""

    run_id: str
    status: str
    started: int
    tags: dict[str, str]

    @property
    def complete(self) -> bool:
        return Tag.COMPLETE in self.tags


@dataclass
class Report:
    """How often what happened, and all that was wrong."""

    seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def saw(self, what: str, moment: str) -> None:
        self.seen[what, moment] += 1

    def check(self, right: bool, what: str) -> None:
        if not right:
            self.wrong.append(what)

    def text(self) -> str:
        lines = ["what                 when                                       times"]
        lines += [f"{what:20} {moment:42} {times:5}" for (what, moment), times in sorted(self.seen.items())]
        lines += ["", "all as it should be" if not self.wrong else f"WRONG, {len(self.wrong)} times:"]
        return "\n".join([*lines, *(f"  {one}" for one in self.wrong)]) + "\n"


class Bench:
    """A folder with data, a migrated store and a TMPDIR of its own, and the sweep in it."""

    def __init__(self, folder: Path, template: Path, report: Report) -> None:
        self.folder, self.report = folder, report
        self.temporary = folder / "tmp"
        self.temporary.mkdir(parents=True)
        shutil.copy(template, folder / "mlflow.db")
        with REVIEWS.open() as source, (folder / "data.csv").open("w") as target:
            target.writelines(line for _, line in zip(range(ROWS), source, strict=False))
        self.done: dict[str, str] = {}  # recipe: the run that had it complete before somebody killed the sweep

    def start(self) -> Process:
        """Begin the sweep, or go on with the one there is."""
        parent = self.parent
        again = ["--resume", parent.run_id] if parent else [*SPACE, "--data", "data.csv"]
        return Process(self.folder, ["sweep", *again, "--jobs", "2", "--format", "id"])

    def rows(self) -> list[Row]:
        with closing(sqlite3.connect(self.folder / "mlflow.db", timeout=30)) as database:
            tags: dict[str, dict[str, str]] = {}
            for run_id, key, value in database.execute("SELECT run_uuid, key, value FROM tags"):
                tags.setdefault(run_id, {})[key] = value
            runs = database.execute("SELECT run_uuid, status, start_time FROM runs ORDER BY start_time")
            return [Row(run_id, status, started, tags.get(run_id, {})) for run_id, status, started in runs]

    @property
    def parent(self) -> Row | None:
        return next((row for row in self.rows() if Tag.SWEEP in row.tags), None)

    def trials(self) -> list[Row]:
        return [row for row in self.rows() if Tag.TRIAL in row.tags]

    def wait_for(self, running: Process, share: float, life: float) -> bool:
        """Wait for a moment of a sweep's life, a share of 1; False if it ended before.

        The first third is getting ready, told by the clock; after that it is told by the trials that have begun, so
        that a machine busy with other things does not shift it.
        """
        if share < READY:
            return running.wait(share * life) is None
        begun = len(self.trials())
        left = TRIALS - len({row.tags[Tag.RECIPE] for row in self.trials() if row.complete})
        place = (share - READY) / (1 - READY) * (left + 1)
        end = time.monotonic() + LONG
        while len(self.trials()) < begun + min(int(place), left) and time.monotonic() < end:
            if running.wait(0.02) is not None:
                return False
        return running.wait((place - int(place)) * life / TRIALS) is None

    def remember(self) -> str:
        """Keep in mind what is complete, and tell how far the sweep was."""
        parent, trials = self.parent, self.trials()
        complete = [row for row in trials if row.complete]
        for row in complete:
            self.done.setdefault(row.tags[Tag.RECIPE], row.run_id)
        if parent is None:
            return "before the parent run"
        if not trials:
            return "before the first trial"
        if parent.complete:
            return "after the end"
        if len(self.done) == TRIALS:
            return "after the last trial"
        if not complete:
            return "in the first trials"
        return "writing a trial" if any(self._half_written(row) for row in trials) else "between the trials"

    def _half_written(self, row: Row) -> bool:
        return row.status == "RUNNING" and any((self.folder / "mlartifacts").glob(f"*/{row.run_id}/artifacts/*"))

    def processes(self) -> list[psutil.Process]:
        """Every living process that has our TMPDIR: the sweep, its workers, their resource tracker."""
        return [one for one in psutil.process_iter() if _temporary_of(one) == str(self.temporary)]

    def check_gone(self, what: str) -> None:
        """No process and no temporary folder is left, at the latest in a moment."""
        wait_until(lambda: not self.processes(), PATIENCE)
        left = [f"{one.pid} {' '.join(one.cmdline())[:80]}" for one in self.processes()]
        self.report.check(not left, f"{what}: processes left after {PATIENCE:.0f} s: {left}")
        stays = sorted(path.name for path in self.temporary.iterdir())
        self.report.check(not stays, f"{what}: left in TMPDIR: {stays}")
        for name in stays:  # told once
            shutil.rmtree(self.temporary / name, ignore_errors=True)
        for one in self.processes():
            one.kill()

    def check_end(self, what: str) -> None:
        """The sweep is whole: see the module's docstring."""
        check = self.report.check
        rows, parent, trials = self.rows(), self.parent, self.trials()
        check(parent is not None and parent.status == "FINISHED" and parent.complete, f"{what}: parent is {parent}")
        running = [row.run_id for row in rows if row.status == "RUNNING"]
        check(not running, f"{what}: RUNNING: {running}")
        good = [row for row in trials if row.status == "FINISHED" and row.complete]
        recipes = Counter(row.tags[Tag.RECIPE] for row in good)
        check(len(recipes) == TRIALS, f"{what}: {len(recipes)} recipes are finished, not {TRIALS}")
        check(
            set(recipes.values()) <= {1}, f"{what}: recipes finished more than once: {max(recipes.values(), default=0)}"
        )
        odd = [(row.run_id, row.status) for row in trials if row.complete != (row.status == "FINISHED")]
        check(not odd, f"{what}: completion mark and status differ: {odd}")
        silent = [row.run_id for row in trials if row.status in ("FAILED", "KILLED") and Tag.REASON not in row.tags]
        check(not silent, f"{what}: ended without a reason: {silent}")
        for recipe, run_id in self.done.items():
            runs = [row.run_id for row in trials if row.tags[Tag.RECIPE] == recipe]
            check(run_id in [row.run_id for row in good], f"{what}: {run_id} was complete and is lost")
            check(runs[-1:] == [run_id], f"{what}: {run_id} was complete and its recipe was run again")
        store = open_store(Settings(tracking_uri=f"sqlite:///{self.folder / 'mlflow.db'}"))
        for row in good:
            check(Tag.MODEL_DIGEST in row.tags, f"{what}: {row.run_id} has no digest of a model")
            try:
                load_model(store, store.get(row.run_id))
            except Exception as error:
                check(False, f"{what}: the model of {row.run_id} cannot be loaded: {error}")
            folder = next((self.folder / "mlartifacts").glob(f"*/{row.run_id}/artifacts"), None)
            kept = folder is not None and (folder / "predictions.parquet").is_file()
            check(kept, f"{what}: {row.run_id} has no predictions")
        with closing(sqlite3.connect(self.folder / "mlflow.db")) as database:
            check(database.execute("PRAGMA integrity_check").fetchone() == ("ok",), f"{what}: the database is damaged")


class Process:
    """A command that runs in a folder, in a process group of its own, with the folder's `tmp` as its TMPDIR."""

    def __init__(self, folder: Path, arguments: Sequence[str]) -> None:
        environment = {
            key: value for key, value in os.environ.items() if not key.startswith(("EXPCTL_", "MLFLOW_"))
        } | {"TMPDIR": str(folder / "tmp"), "MLFLOW_DISABLE_TELEMETRY": "true"}
        self.talk = folder / "stderr.txt"
        self.talk.write_text("")
        with self.talk.open("a") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "expctl", *arguments],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                process_group=0,
            )
        self.began = time.monotonic()
        self.out = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stdout:
            self.out = stdout.read()

    def wait(self, seconds: float) -> int | None:
        """The exit code, None if it is not there in time."""
        try:
            return self.process.wait(max(seconds, 0.001))
        except subprocess.TimeoutExpired:
            return None

    def pipe_closed(self) -> bool:
        self._reader.join(PATIENCE)
        return not self._reader.is_alive()

    @property
    def stderr(self) -> str:
        return self.talk.read_text(errors="replace")


def _temporary_of(process: psutil.Process) -> str | None:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return process.environ().get("TMPDIR")
    except psutil.Error:
        return None


def wait_until(holds: object, seconds: float) -> bool:
    """Wait for `holds()`, not for ever."""
    assert callable(holds)
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def finish(bench: Bench, what: str) -> float:
    """Let the sweep go on to its end, check everything, and give the seconds that took."""
    running = bench.start()
    code = running.wait(LONG)
    took = time.monotonic() - running.began
    closed = running.pipe_closed()
    bench.report.check(code == 0, f"{what}: the last resumption ended with {code}: {running.stderr[-600:]}")
    bench.report.check(closed and len(running.out.split()) == 1, f"{what}: stdout was {running.out!r}, not one id")
    bench.report.check("Traceback" not in running.stderr, f"{what}: {running.stderr[-600:]}")
    bench.check_gone(what)
    bench.check_end(what)
    return took


def kill(bench: Bench, share: float, life: float, what: str) -> None:
    """SIGKILL at a share of what is left of the sweep's life."""
    running = bench.start()
    if not bench.wait_for(running, share, life):
        bench.report.saw("SIGKILL", "too late: it had ended")
        bench.report.check(running.process.returncode == 0, f"{what}: {running.stderr[-600:]}")
        bench.remember()
        return
    running.process.kill()
    running.process.wait()
    what = f"{what} {time.monotonic() - running.began:.2f} s after its start"
    bench.report.check(running.pipe_closed(), f"{what}: stdout stays open (A04)")
    wait_until(lambda: not bench.processes(), PATIENCE)
    bench.report.saw("SIGKILL", bench.remember())
    bench.check_gone(what)


def stop(bench: Bench, way: tuple[str, str], share: float, life: float, what: str) -> None:
    """A signal that asks it to end, at a share of the sweep's life; checks how it ends."""
    name, manner = way
    check = bench.report.check
    running = bench.start()
    if not bench.wait_for(running, share, life):
        bench.report.saw(f"{name} {manner}", "too late: it had ended")
        return
    number = getattr(signal, name)
    send = os.killpg if manner == GROUP else os.kill
    sent = time.monotonic()
    send(running.process.pid, number)
    if manner == "twice":
        time.sleep(0.2)
        if running.process.poll() is None:
            send(running.process.pid, number)
    code = running.wait(PATIENCE)
    moment = bench.remember()
    what = f"{what} {name} {manner} {moment} ({sent - running.began:.2f} s)"
    bench.report.saw(f"{name} {manner}", moment)
    if code is None:
        check(False, f"{what}: has not ended after {PATIENCE:.0f} s")
        running.process.kill()
        running.process.wait()
    ended_well = code == 0 and moment == "after the end"
    # Python itself ends by the signal where it comes before ours listens: a shell shows the same number.
    check(
        ended_well or code in (128 + number, -number),
        f"{what}: exit {code}, not {128 + number}: {running.stderr[-600:]}",
    )
    check("Traceback" not in running.stderr, f"{what}: {running.stderr[-900:]}")
    check(running.pipe_closed(), f"{what}: stdout stays open")
    parent = bench.parent
    if parent is not None and parent.complete:  # nothing was left to be stopped but the process
        check(parent.status == "FINISHED", f"{what}: the parent is {parent.status}")
    elif parent is not None and not ended_well and manner != "twice":
        check(parent.status == "KILLED", f"{what}: the parent is {parent.status}")
        check(Tag.REASON in parent.tags, f"{what}: the parent has no reason")
        states = Counter(row.status for row in bench.trials())
        check(set(states) <= {"FINISHED", "KILLED"}, f"{what}: trials are {dict(states)}")
        reasons = {row.tags.get(Tag.REASON) for row in bench.trials() if row.status == "KILLED"}
        check(reasons <= {parent.tags.get(Tag.REASON)}, f"{what}: reasons {reasons}, {parent.tags.get(Tag.REASON)}")
        told = re.search(r"expctl sweep --resume (\w+)", running.stderr)
        check(bool(told) and parent.run_id.startswith(told[1]), f"{what}: no resume command: {running.stderr[-300:]}")
    bench.check_gone(what)


def moments(number: int, generator: random.Random) -> list[float]:
    """`number` moments spread over a life of 1, in random order, each at random within its own piece."""
    found = [(i + generator.random()) / number for i in range(number)]
    generator.shuffle(found)
    return found


def run(folder: Path, *, kills: int, signals: int, seed: int, say: object = None) -> Report:
    """Everything, in fresh folders below `folder`."""
    report, generator = Report(), random.Random(seed)
    # A shell's background job ignores Ctrl-C, nohup SIGHUP, and so would what we start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    tell = say if callable(say) else lambda text: None
    template = folder / "migrated.db"
    open_store(Settings(tracking_uri=f"sqlite:///{template}"), create=True)
    os.environ.pop("MLFLOW_TRACKING_URI", None)  # MLflow writes it there

    def benches(kind: str) -> Iterator[Bench]:
        number = 0
        while True:
            number += 1
            yield Bench(folder / f"{kind}{number}", template, report)

    life = finish(Bench(folder / "whole", template, report), "undisturbed")
    report.saw("undisturbed", f"{life:.1f} s")
    at = moments(kills, generator)
    for number, bench in zip(range(0, kills, 2), benches("kill"), strict=False):
        for share in at[number : number + 2]:
            kill(bench, share, life, f"{bench.folder.name} SIGKILL")
        finish(bench, f"{bench.folder.name} after SIGKILL")
        tell(f"{min(number + 2, kills)} of {kills} kills, {len(report.wrong)} wrong\n")
    at = moments(signals, generator)
    for number, bench in zip(range(signals), benches("stop"), strict=False):
        stop(bench, WAYS[number % len(WAYS)], at[number], life, bench.folder.name)
        finish(bench, f"{bench.folder.name} after {' '.join(WAYS[number % len(WAYS)])}")
        tell(f"{number + 1} of {signals} signals, {len(report.wrong)} wrong\n")
    return report


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--signals", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a new folder that stays, with every store")
    asked = parser.parse_args()
    numbers = {"kills": asked.kills, "signals": asked.signals, "seed": asked.seed}
    if asked.keep is not None:
        asked.keep.mkdir(parents=True)
        report = run(asked.keep.resolve(), **numbers, say=sys.stderr.write)
    else:
        with tempfile.TemporaryDirectory(prefix="kill-sweep-") as folder:
            report = run(Path(folder).resolve(), **numbers, say=sys.stderr.write)
    sys.stdout.write(report.text())
    sys.stdout.write(json.dumps({**numbers, "wrong": len(report.wrong)}) + "\n")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
