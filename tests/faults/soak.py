"""Everything in parallel, for an hour: trains, sweeps, lists, predictions, deletions. Is anything lost, does any grow?

    python tests/faults/soak.py [--minutes 60] [--store sqlite server] [--users 2] [--seed 1]

Each user of a store is a thread that runs one real command after another, drawn at random. What a command reported is
remembered; at the end every training and every trial that was reported done and not deleted for good has to be there,
complete, with a model that loads and labels as its run recorded. The table compares the first quarter of the time with
the last: seconds and peak memory of each command, and processes, memory and open files of the server. All stores are
used at the same time, for that is how busy machines are. Exits 1 if anything was lost or failed.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

sys.path.insert(0, str(Path(__file__).parents[2]))

# Nothing heavy before the time is over: what this process holds counts into the peaks of its children.
from expctl.records import Tag
from expctl.settings import Settings
from expctl.tracking.models.storage import load_model
from expctl.tracking.store import open_store
from tests.conftest import write_reviews
from tests.faults.bench import COMMAND, SECRET
from tests.tracking.serving import serving

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.records import RunRecord
    from expctl.tracking.store import Store

STORES: Final = ("sqlite", "server")
# How often each is drawn, and the exit codes it may end with: what another user deletes meanwhile is not found (3), and
# the gate may say no (1) or that it cannot say (6).
COMMANDS: Final[dict[str, tuple[int, tuple[int, ...]]]] = {
    "train": (4, (0,)),
    "sweep": (1, (0,)),
    "list": (3, (0,)),
    "best": (2, (0, 3)),
    "show": (2, (0, 3)),
    "compare": (2, (0, 3)),
    "gate": (1, (0, 1, 3, 6)),
    "predict": (2, (0, 3)),
    "delete": (1, (0,)),
    "restore": (1, (0,)),
    "purge": (1, (0,)),
}


@dataclass(frozen=True)
class Ran:
    """A command that ran: when it began (a share of the whole time), its seconds and its peak megabytes."""

    command: str
    at: float
    seconds: float
    megabytes: float


@dataclass
class Soaked:
    """A store under way: what was reported done, what was deleted, what went wrong, what it took."""

    kind: str
    folder: Path
    address: str
    runs: dict[str, str] = field(default_factory=dict)  # id: "alive", "deleted", "purged", or "busy" on the way between
    sweeps: list[str] = field(default_factory=list)  # the best run of each
    ran: list[Ran] = field(default_factory=list)
    server: list[tuple[float, int, float, int]] = field(default_factory=list)  # at, processes, megabytes, open files
    wrong: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def text(self) -> str:
        lines = [
            f"{self.kind}: {len(self.ran)} commands, {len(self.runs)} trainings and {len(self.sweeps)} sweeps done"
        ]
        lines.append("command   times   seconds (first quarter, last)   peak MB (first quarter, last)")
        for command in COMMANDS:
            own = [one for one in self.ran if one.command == command]
            parts = [[one for one in own if one.at < 0.25], [one for one in own if one.at >= 0.75]]
            if not all(parts):
                lines.append(f"{command:8} {len(own):6}")
                continue
            seconds = [statistics.median(one.seconds for one in part) for part in parts]
            peaks = [statistics.median(one.megabytes for one in part) for part in parts]
            lines.append(
                f"{command:8} {len(own):6}   {seconds[0]:13.2f} {seconds[1]:14.2f}   {peaks[0]:13.0f} {peaks[1]:13.0f}"
            )
        for at, processes, megabytes, files in self.server[:: max(1, len(self.server) // 6)]:
            lines.append(f"server after {at:4.0%}: {processes} processes, {megabytes:.0f} MB, {files} open files")
        return "\n".join([*lines, *(f"WRONG: {one}" for one in self.wrong[:50]), f"{len(self.wrong)} wrong"]) + "\n"


def use(soaked: Soaked, began: float, seconds: float, source: random.Random) -> None:
    """One user, until the time is over."""
    while (at := (time.monotonic() - began) / seconds) < 1:
        command = source.choices(list(COMMANDS), [often for often, _ in COMMANDS.values()])[0]
        with soaked.lock:
            words = _words(command, soaked, source)
        if words is None:
            continue
        started = time.monotonic()
        code, stdout, stderr, megabytes = _run(soaked, words)
        took = time.monotonic() - started
        with soaked.lock:
            soaked.ran.append(Ran(command, at, took, megabytes))
            if code not in COMMANDS[command][1] or "Traceback" in stderr or SECRET in stdout + stderr:
                soaked.wrong.append(f"{' '.join(words)}: exit {code}: {stderr[-600:]}")
            elif code == 0:
                _remember(soaked, command, words, stdout)


def _words(command: str, soaked: Soaked, source: random.Random) -> list[str] | None:
    """The command line of a command; None where there is nothing yet that it could be about."""
    alive, deleted = ([run for run, now in soaked.runs.items() if now == state] for state in ("alive", "deleted"))
    c = f"{10 ** source.uniform(-2, 2):.4f}"
    if command == "train":
        return ["train", "--data", "small.csv", "--c", c, "--random-state", str(source.randrange(3)), "-f", "id"]
    if command == "sweep":
        return [
            "sweep",
            "--data",
            "small.csv",
            "-g",
            f"c={c},1",
            "-g",
            "max_features=50,500",
            "--jobs",
            "1",
            "-f",
            "id",
        ]
    if command in ("list", "best"):
        return [command, *(["--filter", "c > 1"] if source.random() < 0.5 else [])]
    if command in ("delete", "restore", "purge"):
        chosen = alive if command == "delete" else deleted
        if len(chosen) < 3 or (command == "purge" and soaked.kind == "server"):  # only the server itself can purge
            return None
        run = source.choice(chosen)
        soaked.runs[run] = "busy"  # nobody else deletes or restores it at the same time
        return {
            "delete": ["delete", run, "--yes"],
            "purge": ["delete", run, "--yes", "--purge"],
            "restore": ["restore", run],
        }[command]
    if len(alive) < 2:
        return None
    one, other = source.sample(alive[-20:], 2)
    if command == "compare":
        return ["compare", one, other]
    if command == "gate":
        return ["gate", one, "--baseline", other]
    return ["show", one] if command == "show" else ["predict", "the film was great", "--run", one]


def _remember(soaked: Soaked, command: str, words: Sequence[str], stdout: str) -> None:
    if command == "train":
        soaked.runs[stdout.strip()] = "alive"
    elif command == "sweep":
        soaked.sweeps.append(stdout.strip())
    elif command in ("delete", "restore", "purge"):
        soaked.runs[words[1]] = {"delete": "deleted", "restore": "alive", "purge": "purged"}[command]


def _run(soaked: Soaked, words: Sequence[str]) -> tuple[int, str, str, float]:
    """Exit code, both streams and peak megabytes of a command."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("EXPCTL_", "MLFLOW_"))}
    own = {"MLFLOW_TRACKING_URI": soaked.address, "TMPDIR": str(soaked.folder / "tmp")}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(
            [*COMMAND, *words], cwd=soaked.folder, env={**kept, **own}, stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode(errors="replace"))
    return process.returncode, texts[0], texts[1], usage.ru_maxrss / 1024


def watch(soaked: Soaked, began: float, seconds: float) -> None:
    """The server's processes, memory and open files, every half minute."""
    port = soaked.address.rpartition(":")[2]
    while (at := (time.monotonic() - began) / seconds) < 1:
        own = [one for one in psutil.process_iter() if f"--port\0{port}\0" in _line(one)]
        own += [child for one in list(own) for child in one.children(recursive=True) if child not in own]
        try:
            memory = sum(one.memory_info().rss for one in own) / 2**20
            soaked.server.append((at, len(own), memory, sum(one.num_fds() for one in own)))
        except psutil.NoSuchProcess:
            continue
        time.sleep(min(30, seconds / 20))


def _line(process: psutil.Process) -> str:
    try:
        return "\0".join([*process.cmdline(), ""])
    except psutil.Error:
        return ""


def look(soaked: Soaked) -> None:
    """What the store holds in the end, against what was reported."""
    store = open_store(Settings(tracking_uri=soaked.address))
    there = {run.run_id: run for deleted in (False, True) for run in store.find(everywhere=True, deleted=deleted)}
    for run_id, state in soaked.runs.items():
        run = there.get(run_id)
        if (run is None) != (state == "purged"):
            soaked.wrong.append(f"{run_id} is {state} and {'gone' if run is None else 'there'}")
        elif run is not None and run.deleted != (state == "deleted"):
            soaked.wrong.append(f"{run_id} is {state}, the store says deleted: {run.deleted}")
    for best in soaked.sweeps:
        sweep = there[best].tags[Tag.PARENT] if best in there else None
        trials = [run for run in there.values() if run.tags.get(Tag.PARENT) == sweep]
        if sweep not in there or len(trials) not in (2, 4):  # c=1 may have been drawn too
            soaked.wrong.append(f"the sweep {sweep}, whose best run is {best}, has {len(trials)} trials")
    for run in there.values():
        if run.status != "finished" or Tag.COMPLETE not in run.tags:
            soaked.wrong.append(f"{run.run_id} is {run.status}")
        elif Tag.SWEEP not in run.tags and not run.deleted:
            _look_at_model(soaked, store, run)
    left = sorted(path.name for path in (soaked.folder / "tmp").iterdir())
    if left:
        soaked.wrong.append(f"left in TMPDIR: {left}")


def _look_at_model(soaked: Soaked, store: Store, run: RunRecord) -> None:
    import io

    import pandas as pd

    try:
        model = load_model(store, run).estimator
        content = store.read_artifact(run, "predictions.parquet")
        if content is None:
            raise LookupError("no predictions")
        told = pd.read_parquet(io.BytesIO(content)).set_index("row")["prediction"]
        texts = pd.read_csv(soaked.folder / "small.csv")[["text"]]
        if list(model.predict(texts.loc[told.index])) != list(told):
            raise ValueError("it labels otherwise than recorded")
    except Exception as error:
        soaked.wrong.append(f"{run.run_id}: {type(error).__name__}: {error}")


def run(folder: Path, *, minutes: float, stores: Sequence[str] = STORES, users: int = 2, seed: int = 1) -> list[Soaked]:
    """Use a fresh store of each kind for so many minutes, and look at what it holds."""
    soaked = []
    with ExitStack() as stack:
        for kind in stores:
            place = folder / kind
            (place / "tmp").mkdir(parents=True)
            write_reviews(place / "small.csv", 200)
            address = f"sqlite:///{place / 'mlflow.db'}"
            if kind == "server":
                address = stack.enter_context(serving(place / "mlflow.db", workers=2))
            soaked.append(Soaked(kind, place, address))
        began, seconds = time.monotonic(), minutes * 60
        threads = [
            threading.Thread(target=use, args=(one, began, seconds, random.Random(f"{seed}-{one.kind}-{user}")))
            for one in soaked
            for user in range(users)
        ]
        threads += [
            threading.Thread(target=watch, args=(one, began, seconds)) for one in soaked if one.kind == "server"
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for one in soaked:
            look(one)
    return soaked


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--store", nargs="+", choices=STORES, default=STORES)
    parser.add_argument("--users", type=int, default=2, help="of each store")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        soaked = run(
            Path(folder).resolve(), minutes=asked.minutes, stores=asked.store, users=asked.users, seed=asked.seed
        )
    for one in soaked:
        sys.stdout.write(one.text())
    return 1 if any(one.wrong for one in soaked) else 0


if __name__ == "__main__":
    sys.exit(main())
