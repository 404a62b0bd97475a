"""Send signals to sweeps of programs at random moments, go on with them, and look at what store and machine hold.

    python -m tests.faults.kill_programs [--signals 50] [--seed 1]

`expctl sweep -- sh work.sh {lr} {run_dir}`, two jobs, six trials, in a fresh folder: a signal at a random moment,
`sweep --resume` with another signal, and at last a resumption that is left alone. Each of SIGINT, SIGTERM, SIGHUP and
SIGKILL goes to each of the sweep's own process, a trial's program, a process below that (some of which have left its
group and session), and the guard beside it. One of the programs is deaf to SIGTERM, all leave a process behind.

After each signal: the documented exit code; nothing RUNNING (where SIGKILL hit the sweep: after `doctor --fix`); no
process and no temporary file left; what the signal did not hit FINISHED, what it hit ended with the reason and has its
output. At the end: each point FINISHED exactly once, with all its steps, its output and its file, and none that had
finished run again.

Prints a table of what happened how often; exits 1 if anything was not as it should be. 50 signals take about 8 minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing, suppress
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from expctl.records import Tag
from expctl.settings import Settings
from expctl.tracking.store import open_store
from tests.faults.kill_sweep import LONG, PATIENCE, Process, Report, _temporary_of, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from expctl.records import RunRecord

TARGETS = ("sweep", "program", "grandchild", "guard")
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGKILL")
POINTS = ("1", "2", "3", "4", "5", "6")
STEPS = 5
ORPHAN = "its process exited without recording a status"
WORK = """\
[ "$1" = 3 ] && trap '' TERM
setsid sleep 600 &
echo "$1" >"$2/point.txt"
for step in 1 2 3 4 5; do
    echo "step=$step loss=0.$1$step"
    sleep 0.15 || exit 7
done
"""
SWEEP = (
    "sweep", "-g", f"lr={','.join(POINTS)}", "--jobs", "2", "--metric", r"loss=step=(?P<step>\d+) loss=(?P<value>\S+)",
    "--format", "id", "--", "sh", "work.sh", "{lr}", "{run_dir}",
)  # fmt: skip


class Bench:
    """A folder with the program, a migrated store and a TMPDIR of its own, and the sweep in it."""

    def __init__(self, folder: Path, template: Path, report: Report) -> None:
        self.folder, self.report = folder, report
        self.temporary = folder / "tmp"
        self.temporary.mkdir(parents=True)
        shutil.copy(template, folder / "mlflow.db")
        (folder / "work.sh").write_text(WORK)
        self.done: set[str] = set()  # the runs that were finished before a signal

    def start(self) -> Process:
        """Begin the sweep, or go on with the one there is."""
        parent = self.parent
        if parent is None:
            return Process(self.folder, SWEEP)
        return Process(self.folder, ["sweep", "--resume", parent.run_id, "--jobs", "2", "--format", "id"])

    @property
    def parent(self) -> RunRecord | None:
        """The run of the sweep itself, once there is one."""
        return next((run for run in self.runs() if Tag.SWEEP in run.tags), None)

    def runs(self) -> list[RunRecord]:
        """All runs of the store."""
        return open_store(Settings(tracking_uri=f"sqlite:///{self.folder / 'mlflow.db'}")).find(everywhere=True)

    def trials(self) -> list[RunRecord]:
        """Those of the programs, the oldest first."""
        found = [run for run in self.runs() if Tag.TRIAL in run.tags]
        return sorted(found, key=lambda run: (run.started or 0, run.run_id))

    def begun(self) -> int:
        """How many trials have begun."""
        with closing(sqlite3.connect(self.folder / "mlflow.db", timeout=30)) as database:
            told: tuple[int] = database.execute("SELECT count(*) FROM tags WHERE key = ?", (Tag.TRIAL,)).fetchone()
            return told[0]

    def processes(self) -> list[psutil.Process]:
        """Every living process that has our TMPDIR."""
        return [one for one in psutil.process_iter() if _temporary_of(one) == str(self.temporary)]

    def hit(self, running: Process, target: str) -> list[psutil.Process]:
        """The living processes that are such a target."""
        with suppress(psutil.Error):
            sweep = psutil.Process(running.process.pid)
            guards = [one for one in sweep.children() if any(word.endswith("guard.py") for word in one.cmdline())]
            below = [one for guard in guards for one in guard.children(recursive=True)]
            programs = [one for one in below if "work.sh" in one.cmdline()]
            others = [one for one in below if one not in programs]
            return {"sweep": [sweep], "guard": guards, "program": programs, "grandchild": others}[target]
        return []

    def check_gone(self, what: str) -> None:
        """No process is left, at the latest in a moment."""
        wait_until(lambda: not self.processes(), PATIENCE)
        left = self.processes()
        self.report.check(not left, f"{what}: processes left after {PATIENCE:.0f} s: {[one.cmdline() for one in left]}")
        for one in left:
            one.kill()

    def check_between(self, what: str) -> None:
        """What holds after each signal, and `doctor --fix` where the sweep itself was killed."""
        check, runs = self.report.check, self.runs()
        running = [run.run_id for run in runs if run.status == "running"]
        check(not running, f"{what}: RUNNING: {running}")
        stays = sorted(path.name for path in self.temporary.iterdir())
        check(not stays, f"{what}: left in TMPDIR: {stays}")
        for run in self.trials():
            ended_well = run.status == "finished"
            check((Tag.COMPLETE in run.tags) == ended_well, f"{what}: completion mark and status differ: {run.run_id}")
            check(ended_well or Tag.REASON in run.tags, f"{what}: {run.run_id} ended without a reason")
            orphan = run.tags.get(Tag.REASON) == ORPHAN
            check(orphan or self._file(run, "output.log") is not None, f"{what}: {run.run_id} has lost its output")
        lost = self.done - {run.run_id for run in self.trials() if run.status == "finished"}
        check(not lost, f"{what}: was finished and is lost: {lost}")
        self.done = {run.run_id for run in self.trials() if run.status == "finished"}

    def check_end(self, what: str) -> None:
        """The sweep is whole: see the module's docstring."""
        check, trials = self.report.check, self.trials()
        parent = self.parent
        check(parent is not None and Tag.COMPLETE in parent.tags, f"{what}: the sweep is not complete")
        good = [run for run in trials if run.status == "finished"]
        points = Counter(run.params["lr"] for run in good)
        check(points == Counter(POINTS), f"{what}: finished points: {dict(points)}")
        store = open_store(Settings(tracking_uri=f"sqlite:///{self.folder / 'mlflow.db'}"))
        for run in good:
            told = [f"step={step} loss=0.{run.params['lr']}{step}" for step in range(1, STEPS + 1)]
            check(self._log(run).splitlines() == told, f"{what}: {run.run_id}: output is {self._log(run)!r}")
            steps = [point.step for point in store.reader.history(run.run_id, "loss")]
            check(steps == list(range(1, STEPS + 1)), f"{what}: {run.run_id}: steps are {steps}")
            check(self._file(run, "point.txt") == f"{run.params['lr']}\n", f"{what}: {run.run_id} has no point.txt")
        with closing(sqlite3.connect(self.folder / "mlflow.db")) as database:
            check(database.execute("PRAGMA integrity_check").fetchone() == ("ok",), f"{what}: the database is damaged")

    def _log(self, run: RunRecord) -> str:
        return self._file(run, "output.log") or ""

    def _file(self, run: RunRecord, name: str) -> str | None:
        path = next((self.folder / "mlartifacts").glob(f"*/{run.run_id}/artifacts/{name}"), None)
        return None if path is None else path.read_text()


def strike(bench: Bench, target: str, name: str, chance: random.Random, life: float, what: str) -> None:
    """A signal to a target at a random moment of a sweep; checks how it ends and what it leaves."""
    check = bench.report.check
    running = bench.start()
    victim = _victim(bench, running, target, chance, life)
    if victim is None:
        bench.report.saw(f"{name} to {target}", "too late: it had ended")
    else:
        bench.report.saw(f"{name} to {target}", _moment(bench))
        what = f"{what} {name} to {target} {time.monotonic() - running.began:.2f} s after its start"
        with suppress(psutil.NoSuchProcess):
            victim.send_signal(getattr(signal, name))
    code = running.wait(LONG)
    if code is None:
        check(False, f"{what}: has not ended after {LONG:.0f} s")
        running.process.kill()
        running.process.wait()
    number = getattr(signal, name)
    # Python itself ends by the signal where it comes before ours listens; 0: too late to change anything.
    right = (0, 128 + number, -number) if target == "sweep" else (0, 1)
    check(code in right, f"{what}: exit {code}: {running.stderr[-900:]}")
    check("Traceback" not in running.stderr, f"{what}: {running.stderr[-900:]}")
    check(running.pipe_closed(), f"{what}: stdout stays open")
    bench.check_gone(what)
    if target == "sweep" and name == "SIGKILL":
        fixing = Process(bench.folder, ["doctor", "--fix"])
        check(fixing.wait(LONG) in (0, 1), f"{what}: doctor: {fixing.stderr[-600:]}")
    bench.check_between(what)


def _victim(
    bench: Bench, running: Process, target: str, chance: random.Random, life: float
) -> psutil.Process | None:  # fmt: skip
    """Wait for a random moment at which there is such a process, and give it; None if the sweep ended before."""
    if target == "sweep":
        return None if running.wait(chance.random() * life) is not None else psutil.Process(running.process.pid)
    before, left = bench.begun(), len(POINTS) - len(bench.done)
    place = before + chance.randint(1, max(left, 1))
    while running.wait(0.05) is None:
        with suppress(sqlite3.OperationalError):  # a reader's bad moment; the next look tells
            if bench.begun() >= place:
                break
    else:
        return None
    running.wait(chance.random() * STEPS * 0.2)
    while not (found := bench.hit(running, target)):
        if running.wait(0.005) is not None:
            return None
    return chance.choice(found)


def _moment(bench: Bench) -> str:
    """How far the sweep is."""
    runs = bench.trials()
    if bench.parent is None:
        return "before the parent run"
    if not runs:
        return "before the first trial"
    return "in the trials" if any(run.status == "running" for run in runs) else "after the last trial, or between"


def finish(bench: Bench, what: str) -> float:
    """Let the sweep go on to its end, check everything, and give the seconds that took."""
    running = bench.start()
    code = running.wait(LONG)
    took = time.monotonic() - running.began
    told = f"{what}: the last resumption: exit {code}: {running.stderr[-600:]}"
    bench.report.check(code == 0 and running.pipe_closed() and len(running.out.split()) == 1, told)
    bench.check_gone(what)
    bench.check_between(what)
    bench.check_end(what)
    return took


def run(
    folder: Path, ways: Sequence[tuple[str, str]], *, seed: int, say: Callable[[str], object] = lambda text: None
) -> Report:
    """Signals (target and name), two to a sweep, in fresh folders below `folder`."""
    report, chance = Report(), random.Random(seed)
    # A shell's background job ignores Ctrl-C, nohup SIGHUP, and so would what we start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    template = folder / "migrated.db"
    open_store(Settings(tracking_uri=f"sqlite:///{template}"), create=True)
    os.environ.pop("MLFLOW_TRACKING_URI", None)  # MLflow writes it there
    life = finish(Bench(folder / "whole", template, report), "undisturbed")
    report.saw("undisturbed", f"{life:.1f} s")
    for number in range(0, len(ways), 2):
        bench = Bench(folder / f"sweep{number // 2 + 1}", template, report)
        for target, name in ways[number : number + 2]:
            strike(bench, target, name, chance, life, bench.folder.name)
        finish(bench, f"{bench.folder.name} after {ways[number : number + 2]}")
        say(f"{min(number + 2, len(ways))} of {len(ways)} signals, {len(report.wrong)} wrong\n")
    return report


def every_way(number: int, seed: int) -> list[tuple[str, str]]:
    """So many targets and signals, each as often as the others, in random order."""
    chance, ways = random.Random(seed), list[tuple[str, str]]()
    while len(ways) < number:
        ways += chance.sample(list(product(TARGETS, SIGNALS)), len(TARGETS) * len(SIGNALS))
    return ways[:number]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--signals", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kill-programs-") as folder:
        ways = every_way(asked.signals, asked.seed)
        report = run(Path(folder).resolve(), ways, seed=asked.seed, say=sys.stderr.write)
    sys.stdout.write(report.text())
    sys.stdout.write(json.dumps({"signals": asked.signals, "seed": asked.seed, "wrong": len(report.wrong)}) + "\n")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
