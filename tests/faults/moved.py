"""A project that was moved, copied, given to another user, linked or made read-only: every command, and what it writes.

    python -m tests.faults.moved [--ways mv cp ...] [--commands train ...] [--kills 20] [--seed 1] [--keep FOLDER]

Each command is the first one at its new place: on a copy of one project of its own, whose old place is gone (`mv`), is
still there (`cp`), is still there and may not be looked into (`user`: root gives the copy to nobody), leads to the new
one by a link (`link`), or was a link by which the store was named, as it is now by another (`linked`). A read-only copy
is read, and refused in words where a command writes; root tries that as nobody, too. Afterwards the old place has the
same files to the byte. Where strace is installed, nothing is tried to be made, opened for writing, renamed or removed
outside the new place, TMPDIR and HOME.

Then `doctor --fix` is killed at moments spread over its work in a moved project: the addresses are all the former ones
or all the right ones, what lists and predicts works, no file is lost, and a second `--fix` completes.

Prints tables; exits 1 if anything was not as it should be. About 10 minutes.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.conftest import write_reviews
from tests.faults.bench import COMMAND

NOBODY: Final = 65534
CHANGE: Final = 0.05  # seconds
WAYS: Final = ("mv", "cp", "user", "link", "linked", "read-only")
TRAIN: Final = ("train", "--data", "small.csv")
# Every command with the exit codes it may end with, and that in a read-only copy if it writes.
READING: Final[dict[str, tuple[tuple[str, ...], tuple[int, ...]]]] = {
    "list": (("list",), (0,)),
    "show": (("show", "strong"), (0,)),
    "compare": (("compare", "weak", "strong"), (0,)),
    "predict": (("predict", "--run", "reviews@champion", "a fine film"), (0,)),
    "gate": (("gate", "weak", "--baseline", "reviews@champion"), (0, 1, 6)),
    "export": (("export", "strong", "-o", "{work}/runs.zip"), (0,)),
    "report": (("report", "-o", "{work}/report.html"), (0,)),
    "check": (("reproduce", "weak", "--no-record"), (0,)),
    "doctor": (("doctor",), (0,)),
}
WRITING: Final[dict[str, tuple[tuple[str, ...], tuple[int, ...]]]] = {
    "train": (TRAIN, (0,)),
    "sweep": (("sweep", "-g", "c=0.1,1", "--data", "small.csv"), (0,)),
    "reproduce": (("reproduce", "weak"), (0,)),
    "explain": (("explain", "weak", "strong"), (0,)),
    "promote": (("promote", "weak", "reviews"), (0,)),
    "delete": (("delete", "weak", "--yes"), (0,)),
    "purge": (("delete", "weak", "--purge", "--yes"), (0,)),
    "import": (("import", "{template}/runs.zip"), (0,)),
    "fix": (("doctor", "--fix"), (0,)),
}
TRACED: Final = (
    "open,openat,creat,mkdir,mkdirat,rename,renameat,renameat2,unlink,unlinkat,rmdir,link,linkat,symlink,symlinkat"
)
_CALL: Final = re.compile(r"^\d+\s+(\w+)\((.*)(?:\)\s+= (.*)| <unfinished \.\.\.>)$")
_PATH: Final = re.compile(r'(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"((?:[^"\\]|\\.)*)"')


@dataclass
class Bench:
    """Where it is tried: the template of a project, the place it was recorded at, and all that was wrong."""

    folder: Path
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.old = self.folder / "old" / "project"
        self.template = self.folder / "template"
        self.work = self.folder / "work"  # TMPDIR, HOME, and the archives that are made
        self.through: Path | None = None  # a link to the project, by which the store is named

    def environment(self) -> dict[str, str]:
        """What a command gets: none of our variables, but for the store that is named through a link."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("EXPCTL_", "MLFLOW_"))}
        kept |= {"TMPDIR": str(self.work), "HOME": str(self.work), "MLFLOW_DISABLE_TELEMETRY": "true"}
        if self.through is not None:
            kept["MLFLOW_TRACKING_URI"] = f"sqlite:///{self.through}/mlflow.db"
        return kept

    def check(self, right: bool, what: str) -> None:
        if not right:
            self.wrong.append(what)

    def run(
        self, place: Path, words: tuple[str, ...], *, trace: bool = False, user: int | None = None
    ) -> tuple[int, str, list[str]]:
        """The exit code of a command, what it said, and what it would have written elsewhere."""
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir()
        log = self.work / "strace.txt"
        given = [word.format(work=self.work, template=self.template) for word in words]
        command = [*COMMAND, *given]
        traced = trace and shutil.which("strace") is not None
        if traced:
            command = ["strace", "-f", "-qq", "-y", "-s", "4096", "-e", f"trace={TRACED}", "-o", str(log), *command]
        if user is not None:
            os.chown(self.work, user, user)
        who = {} if user is None else {"user": user, "group": user, "extra_groups": []}
        done = subprocess.run(  # type: ignore[call-overload]
            command, cwd=place, env=self.environment(), capture_output=True, text=True, stdin=subprocess.DEVNULL, **who
        )
        said = done.stdout + done.stderr
        return (
            done.returncode,
            said,
            strange(log, place, [self.work, *([self.through] if self.through else [])]) if traced else [],
        )


def strange(log: Path, place: Path, others: list[Path]) -> list[str]:
    """The calls of a log of strace that make, write, rename or remove anything but below some places, or would."""
    mine = [place.resolve(), *others, Path("/dev"), Path("/proc")]
    if "PYTHONPYCACHEPREFIX" in os.environ:
        mine.append(Path(os.environ["PYTHONPYCACHEPREFIX"]))
    found = []
    for line in log.read_text(errors="replace").splitlines():
        call = _CALL.match(line)
        if call is None:
            continue
        name, arguments, answer = call.groups()
        opens = name in ("open", "openat")
        if opens and not re.search(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC", arguments):
            continue
        paths = _PATH.findall(arguments)
        if name in ("symlink", "symlinkat"):
            paths = paths[1:]  # the first is what it says, not where it is
        for base, path in paths:
            whole = Path(os.path.normpath(Path(base or place.resolve(), path)))
            real = Path(os.path.realpath(whole.parent)) / whole.name
            if "__pycache__" not in whole.parts and not any(real.is_relative_to(one) for one in mine):
                found.append(f"{name} {whole} = {answer}")
    return found


def tree(folder: Path) -> dict[str, str]:
    """Every file of a folder by its path, with a digest of what is in it; folders too."""
    return {
        str(path.relative_to(folder)): "link" if path.is_symlink() else digest(path)
        for path in sorted(folder.rglob("*"))
    }


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"


def make(bench: Bench, linked: bool) -> None:
    """Record a project at the old place, through a link if `linked`, and take it away from there."""
    real = bench.folder / "real"
    bench.old.parent.mkdir(exist_ok=True)
    remove(bench.old)
    real.mkdir()
    if linked:
        bench.old.symlink_to(real)
        bench.through = bench.old
    else:
        real.rename(bench.old)
    write_reviews(bench.old / "small.csv", 200)
    for words in (
        (*TRAIN, "--run-name", "weak", "--c", "0.01", "--max-features", "50"),
        (*TRAIN, "--run-name", "strong", "--c", "10"),
        ("promote", "strong", "reviews"),
        ("sweep", "-g", "c=0.2,2", "--data", "small.csv", "--run-name", "swept"),
        ("export", "strong", "-o", "runs.zip"),
    ):
        code, said, _ = bench.run(bench.old, words)
        if code:
            raise SystemExit(f"{words}: {said}")
    bench.through = None
    (real if linked else bench.old).rename(bench.template)


def arranged(bench: Bench, way: str) -> tuple[Path, int | None]:
    """The project at its new place, and who works there if not the user of this process."""
    place = bench.folder / "new" / "elsewhere"
    remove(bench.old)
    remove(place)
    place.parent.mkdir(exist_ok=True)
    shutil.copytree(bench.template, place)
    if way == "link":
        bench.old.symlink_to(place)
    elif way != "mv":
        shutil.copytree(bench.template, bench.old)
    if os.geteuid() != 0 or way not in ("user", "read-only"):
        if way == "user":
            bench.old.chmod(0)
        if way == "read-only":
            subprocess.run(["chmod", "-R", "a-w", str(place)], check=True)
        return place, None
    if way == "user":
        subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", str(place)], check=True)
        bench.old.chmod(0o700)
    else:
        subprocess.run(["chmod", "-R", "a-w,a+rX", str(place)], check=True)
    return place, NOBODY


def remove(folder: Path) -> None:
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        subprocess.run(["chmod", "-R", "u+rwX", str(folder)], check=True)
        shutil.rmtree(folder)


def try_way(bench: Bench, way: str, commands: list[str]) -> str:
    """Every command, each the first at its new place: a line of the table."""
    ends: Counter[int] = Counter()
    for name in commands:
        words, codes = (READING | WRITING)[name]
        place, user = arranged(bench, way)
        before = tree(bench.old) if bench.old.is_dir() and way != "link" else None
        files = tree(place)
        refused = way == "read-only" and name in WRITING
        code, said, elsewhere = bench.run(place, words, trace=True, user=user)
        what = f"{way}, {name}"
        if way == "read-only" and name in ("doctor", "fix"):
            codes, refused = (4,), False  # it tells that one may not write
        bench.check(code in ((4,) if refused else codes), f"{what}: exit {code}: {said[-600:]}")
        bench.check("Traceback" not in said, f"{what}: {said[-600:]}")
        bench.check(not elsewhere, f"{what}: written elsewhere: {elsewhere[:5]}")
        if way == "link":
            bench.check(bench.old.is_symlink(), f"{what}: the link is gone")
        else:
            now = tree(bench.old) if bench.old.is_dir() else None
            bench.check(now == before, f"{what}: the old place has changed")
        if name in READING and name != "doctor":
            bench.check(tree(place) == files, f"{what}: the new place has changed")
        if way == "read-only":
            bench.check(tree(place) == files, f"{what}: a read-only place has changed")
        elif name in WRITING:
            code, said, _ = bench.run(place, ("predict", "--run", "strong", "a fine film"), user=user)
            bench.check(code == 0, f"{what}, then predict: exit {code}: {said[-600:]}")
        ends[code] += 1
    told = ", ".join(f"{times} exit {code}" for code, times in sorted(ends.items()))
    return f"{way:10} {len(commands)} commands: {told}"


def recorded(database: Path) -> list[str]:
    """Every address in a database."""
    sources = ("runs.artifact_uri", "experiments.artifact_location", "logged_models.artifact_location")
    sources += ("model_versions.source", "model_versions.storage_location")
    with closing(sqlite3.connect(database)) as opened:
        assert opened.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        pairs = [source.split(".") for source in sources]
        return [str(row[0]) for table, column in pairs for row in opened.execute(f"SELECT {column} FROM {table}")]


def rows(database: Path) -> dict[str, int]:
    """How many rows each table has."""
    with closing(sqlite3.connect(database)) as opened:
        names = [name for (name,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: opened.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]
            for name in names
            if not name.startswith("sqlite_")
        }


def moved_with_stray(bench: Bench) -> tuple[Path, Path]:
    """A moved project, and a folder in it that belongs to no run."""
    place, _ = arranged(bench, "mv")
    stray = next((place / "mlartifacts").glob("expctl-*")) / ("f" * 32) / "artifacts"
    stray.mkdir(parents=True)
    (stray / "kept.txt").write_text("kept")
    return place, stray


def kill(bench: Bench, delays: list[float], seen: Counter[str]) -> None:
    """SIGKILL `doctor --fix` of a moved project, with files of no run, at delays after the first sign of a change."""
    for delay in delays:
        place, stray = moved_with_stray(bench)
        database = place / "mlflow.db"
        former, counts, content = recorded(database), rows(database), Counter(tree(place).values())
        del content[digest(database)]
        work = started(bench, place)
        begun(work, place)
        time.sleep(delay)
        ended = work.poll() is not None
        work.send_signal(signal.SIGKILL)
        work.wait()
        what = f"killed {delay:.4f} s after the first sign"
        backups = [one for one in place.iterdir() if ".backup-" in one.name]
        hot = (place / "mlflow.db-journal").exists()
        code, said, _ = bench.run(place, ("predict", "--run", "strong", "a fine film"))
        bench.check(code == 0, f"{what}: predict exit {code}: {said[-600:]}")
        now = recorded(database)
        right = [one.replace(str(bench.old), str(place)) for one in former]
        bench.check(now in (former, right), f"{what}: neither the former addresses nor the right ones")
        bench.check(rows(database) == counts, f"{what}: rows are lost")
        whole = [one for one in backups if not one.name.startswith(".")]
        bench.check(now == former or len(whole) == 1, f"{what}: set right without a backup")
        for one in whole:
            bench.check(recorded(one) == former, f"{what}: the backup is not what was")
        kept = Counter(tree(place).values())
        bench.check(all(kept[one] >= count for one, count in content.items() if one != "folder"), f"{what}: files lost")
        if now == former:
            state = (
                "the change undone"
                if hot
                else "after the backup"
                if whole
                else "in the backup"
                if backups
                else "before"
            )
        else:
            state = "after its end" if ended else "after the change" if stray.exists() else "after files were moved"
        seen[state] += 1
        code, said, _ = bench.run(place, ("doctor", "--fix"))
        bench.check(code == 0, f"{what}: the second --fix: exit {code}: {said[-600:]}")
        bench.check(recorded(database) == right, f"{what}: the second --fix did not complete")
        bench.check(not stray.exists(), f"{what}: the second --fix left files of no run")
        left = [one.name for one in place.iterdir() if one.name.startswith(".mlflow.db.backup")]
        bench.check(not left, f"{what}: left {left}")


def started(bench: Bench, place: Path) -> subprocess.Popen[bytes]:
    command, silent = [*COMMAND, "doctor", "--fix"], subprocess.DEVNULL
    return subprocess.Popen(command, cwd=place, env=bench.environment(), stdin=silent, stdout=silent, stderr=silent)


def begun(work: subprocess.Popen[bytes], place: Path) -> bool:
    """Wait for the first sign of a change: the backup, that is not whole yet."""
    while work.poll() is None:
        if any(".backup-" in one.name for one in place.iterdir()):
            return True
    return False


def measured(bench: Bench) -> tuple[float, float]:
    """The seconds from the first sign of a change to the last one, the files moved aside; and to the end."""
    place, stray = moved_with_stray(bench)
    work = started(bench, place)
    begun(work, place)
    began = time.monotonic()
    while stray.exists() and work.poll() is None:
        time.sleep(0.001)
    aside = time.monotonic() - began
    work.wait()
    return aside, time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ways", nargs="*", choices=WAYS, default=WAYS)
    parser.add_argument("--commands", nargs="*", choices=[*READING, *WRITING], default=[*READING, *WRITING])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a new folder to work in, which stays")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="expctl-moved-") as temporary:
        folder = (given.keep or Path(temporary)).resolve()
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
        bench = Bench(folder)
        make(bench, linked=False)
        for way in given.ways:
            if way == "linked":
                bench.template = folder / "template-linked"
                make(bench, linked=True)
                bench.through = folder / "link"
                bench.through.symlink_to(folder / "new" / "elsewhere")
            sys.stdout.write(f"{try_way(bench, way, given.commands)}, {len(bench.wrong)} wrong so far\n")
            sys.stdout.flush()
            bench.template, bench.through = folder / "template", None
        if given.kills:
            aside, last = measured(bench)
            draw = random.Random(given.seed)
            # Half of them within the hundredths in which the backup is made and the addresses are changed.
            delays = [draw.uniform(0, aside if i % 2 else min(aside, CHANGE)) for i in range(given.kills)]
            seen: Counter[str] = Counter()
            kill(bench, delays, seen)
            sys.stdout.write(f"from the backup's begin to files moved aside {aside:.3f} s, to the end {last:.3f} s\n")
            sys.stdout.writelines(f"{times:4} killed {what}\n" for what, times in sorted(seen.items()))
        sys.stdout.writelines(f"WRONG {one}\n" for one in bench.wrong)
        arranged(bench, "mv")
        raise SystemExit(1 if bench.wrong else 0)


if __name__ == "__main__":
    main()
