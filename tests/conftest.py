"""What every test may use: small data, a migrated store, the command line in this process and as a real process."""

from __future__ import annotations

import csv
import errno
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.tracking.kinds import Kinds

# No stopwatch: on a busy machine a healthy test is slow too.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

# As in the background of a script, or under nohup. What tests start would inherit it, and signals be tried on the deaf.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)  # we go on, and what we start hears it

ROOT = Path(__file__).parent.parent
REVIEWS = ROOT / "data" / "reviews.csv"
STORE = os.environ.get("EXPCTL_TEST_STORE", "sqlite")  # or `server`, `postgres`: what tests run on that do not say


def real_data(name: str) -> Path:
    """A data set from outside the project: EXPCTL_TEST_DATA, else `shared/data` beside the checkout; or skip."""
    folder = Path(os.environ.get("EXPCTL_TEST_DATA") or ROOT.parent / "shared" / "data")
    path = folder / name
    if not path.is_file():
        pytest.skip(f"{name} is not in {folder} (EXPCTL_TEST_DATA names the folder of real data sets)")
    return path


@dataclass(frozen=True)
class Done:
    """A finished command: exit code and both whole streams, but for the line that names a server's page of a run."""

    exit_code: int
    stdout: str
    stderr: str


def done_of(exit_code: int, stdout: str, stderr: str) -> Done:
    """What a command did, without the line that it has on servers only (which tests of `ui` look at)."""
    from tests.tracking.kinds import server_now

    server = server_now()
    if server is not None:
        stderr = re.sub(rf"^expctl: page: {re.escape(server.address)}/.*\n", "", stderr, flags=re.M)
    return Done(exit_code, stdout, stderr)


@pytest.fixture(autouse=True)
def _clean_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine's user reaches a test."""
    for name in list(os.environ):
        if name.startswith(("EXPCTL_", "MLFLOW_")) and name not in ("EXPCTL_TEST_DATA", "EXPCTL_TEST_STORE"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")


@pytest.fixture(autouse=True)
def _databases_closed() -> Iterator[None]:
    """MLflow keeps its connections to every database that a process has used: a thousand of them, of as many tests."""
    yield
    close_databases()


def close_databases() -> None:
    """Close what MLflow holds open; whoever goes on using a store opens it again."""
    for name in ("tracking", "model_registry"):
        module = sys.modules.get(f"mlflow.store.{name}.sqlalchemy_store")
        if module is not None:
            engines = module.SqlAlchemyStore._engine_map
            while engines:
                engines.popitem()[1].dispose()


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of these tests have."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """A folder that `make` has filled, in this process or in that of another worker, which is waited for."""
    from filelock import FileLock

    done = folder.with_name(f"{folder.name}.done")
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of one who failed
            folder.mkdir()
            make(folder)
            done.touch()
    return folder


@pytest.fixture(scope="session")
def migrated_store(shared: Path) -> Path:
    """An SQLite store with MLflow's schema and nothing in it, made once: migrating takes seconds."""
    from expctl.settings import Settings
    from expctl.tracking.store import open_store

    def make(folder: Path) -> None:
        open_store(Settings(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}"), create=True)
        os.environ.pop(
            "MLFLOW_TRACKING_URI", None
        )  # MLflow writes it there, and processes of later tests would read it

    return made_once(shared / "store", make) / "mlflow.db"


@pytest.fixture(scope="session")
def kinds(tmp_path_factory: pytest.TempPathFactory, shared: Path, migrated_store: Path) -> Iterator[Kinds]:
    """The stores that tests run on (see `store_kind`)."""
    from tests.tracking.kinds import Kinds

    with ExitStack() as stack:
        yield Kinds(migrated_store, shared, tmp_path_factory.mktemp, stack)


@pytest.fixture
def store_kind(request: pytest.FixtureRequest, kinds: Kinds, monkeypatch: pytest.MonkeyPatch) -> str:
    """The kind of store that a test runs on, which the settings then name: STORE, or a file and a server by the mark
    `every_store`.
    """
    kind: str = getattr(request, "param", STORE)
    if kind != "sqlite":
        monkeypatch.setenv("MLFLOW_TRACKING_URI", kinds.server(kind).address)
    return kind


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The mark `every_store` runs a test on a file and on a server, unless one is chosen for the whole session."""
    if metafunc.definition.get_closest_marker("every_store") and "EXPCTL_TEST_STORE" not in os.environ:
        from tests.tracking.kinds import USUAL

        metafunc.parametrize("store_kind", USUAL, indirect=True)


@pytest.fixture
def folder(tmp_path: Path, kinds: Kinds, store_kind: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh current folder and a migrated store without runs, in this folder where it is an SQLite file."""
    from tests.tracking.recorded import make_nothing

    monkeypatch.chdir(tmp_path)
    kinds.fill(store_kind, tmp_path, make_nothing)
    return tmp_path


@pytest.fixture
def runs(tmp_path: Path, kinds: Kinds, store_kind: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with `small.csv`, `own_models.py` and the runs weak, strong, bayes and broken (failed)."""
    from tests.tracking.recorded import make_runs

    monkeypatch.chdir(tmp_path)
    kinds.fill(store_kind, tmp_path, make_runs)
    return tmp_path


@pytest.fixture
def house_runs(tmp_path: Path, kinds: Kinds, store_kind: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with `houses.csv` and the runs flat, close, near (regressions) and quick (of classes)."""
    from tests.tracking.recorded import make_houses

    monkeypatch.chdir(tmp_path)
    kinds.fill(store_kind, tmp_path, make_houses)
    return tmp_path


@pytest.fixture
def sweeps(tmp_path: Path, kinds: Kinds, store_kind: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with what `make_sweeps` made."""
    from tests.tracking.swept import make_sweeps

    monkeypatch.chdir(tmp_path)
    kinds.fill(store_kind, tmp_path, make_sweeps)
    return tmp_path


@pytest.fixture
def forbidden(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Makes a folder one that nobody may look into, root included, for whom no mode of a folder is an obstacle."""
    really, places = os.stat, []

    def stat(path: object, *args: object, **given: object) -> os.stat_result:
        if not isinstance(path, int) and any(Path(os.fsdecode(path)).is_relative_to(place) for place in places):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fsdecode(path))
        return really(path, *args, **given)

    monkeypatch.setattr(os, "stat", stat)
    return places.append


@pytest.fixture
def server(kinds: Kinds) -> str:
    """The address of a tracking server over SQLite, with artifacts proxied, that others use too."""
    return kinds.server("server").address


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures of this process are a few bytes: drawing takes most of the time of a small training."""
    from expctl.figures import plots

    for name in ("confusion_matrix", "parallel_coordinates", "scatter"):
        monkeypatch.setattr(plots, name, lambda *given, **named: b"\x89PNG\r\n\x1a\n")


@pytest.fixture
def small(folder: Path) -> Path:
    """200 easy reviews in `small.csv` of the current folder: `text,label`, half of them positive."""
    return write_reviews(folder / "small.csv", 200)


def write_reviews(path: Path, rows: int, *, text: str = "text", label: str = "label") -> Path:
    """Write a CSV of made-up reviews that a model can learn almost, not quite, perfectly."""
    nouns = ("film", "meal", "hotel", "phone", "song", "chair", "coat", "game")
    good = ("great", "lovely", "superb", "fine", "bright")
    bad = ("awful", "dull", "broken", "poor", "sad")
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([text, label])
        for i in range(rows):
            positive = i % 2 == 0
            words = good if positive != (i % 11 == 0) else bad
            writer.writerow(
                [
                    f"the {nouns[i % 8]} number {i} was {words[i % 5]} and {words[(i // 5) % 5]}",
                    "positive" if positive else "negative",
                ]
            )
    return path


@pytest.fixture
def run_command() -> Callable[..., Done]:
    """The installed command as a process of its own, in the current folder: `run_command("list", env={...})`.

    `fresh`: it loads everything itself, which takes seconds.
    """
    from tests.warm import Process

    def run(
        *arguments: str, env: dict[str, str] | None = None, stdin: str = "", timeout: float = 600, fresh: bool = False
    ) -> Done:
        begin = subprocess.Popen if fresh else Process
        pipe = subprocess.PIPE
        environment = {**os.environ, **(env or {})}
        command = [sys.executable, "-m", "expctl", *arguments]
        with begin(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment) as process:
            try:
                out, err = process.communicate(stdin, timeout)
            except BaseException:
                process.kill()
                raise
        return done_of(process.returncode, out, err)

    return run


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    """The command line in this process, for speed: the same boundary, exit code and both whole streams.

    What it prints as JSON is held against its schema.
    """
    from expctl.cli.app import main
    from tests.documents import check_document

    def run(*arguments: str) -> Done:
        capfd.readouterr()
        monkeypatch.setattr(sys, "argv", ["expctl", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        sys.stderr.write(err)  # pytest shows that of the last command where a test fails
        check_document(arguments, out)
        return done_of(int(ended.value.code or 0), out, err)

    return run


@pytest.fixture(autouse=True)
def _signals_restored() -> Iterator[None]:
    """`main` listens to SIGTERM and SIGHUP; a test must not leave that behind."""
    import signal

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
