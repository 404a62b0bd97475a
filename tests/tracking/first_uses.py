"""Many first uses of a fresh store at once, on each kind of database: how many of them come to their run.

    python -m tests.tracking.first_uses [--store sqlite postgres mariadb] [--rounds 10] [--clients 16] [--train]

Each round has an empty database of its own. Its clients are processes that wait for each other and then open the store,
make the experiment and write a run, as `expctl train` does; with `--train` they are `expctl train` as it is typed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import subprocess
import sys
import tempfile
import time
import traceback
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from expctl.settings import Settings
from expctl.tracking.store import open_store
from tests.conftest import write_reviews
from tests.tracking.mariadb import mariadb
from tests.tracking.postgres import postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KINDS: Final = ("sqlite", "postgres", "mariadb")
_PATIENCE: Final = 600


@contextmanager
def databases(kind: str) -> Iterator[Callable[[], str]]:
    """What gives the address of one more empty database of a kind. Skips the test where its server is not installed."""
    import sqlalchemy

    made: list[str] = []

    def named() -> str:
        made.append(f"first{len(made)}")
        return made[-1]

    with ExitStack() as stack:
        if kind == "sqlite":
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            yield lambda: f"sqlite:///{folder}/{named()}.db"
            return
        address = stack.enter_context(postgres() if kind == "postgres" else mariadb())
        engine = sqlalchemy.create_engine(address, isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.NullPool)

        def one_more() -> str:
            with engine.connect() as connection:
                connection.execute(sqlalchemy.text(f"CREATE DATABASE {named()}"))
            return f"{address.rpartition('/')[0]}/{made[-1]}"

        yield one_more


def use(address: str, name: str) -> None:
    """The first use of a store by one process."""
    store = open_store(Settings(tracking_uri=address, experiment="crowd"), create=True)
    run = store.client.create_run(store.ensure_experiment(), run_name=name)
    store.client.set_terminated(run.info.run_id)


def at_once(address: str, clients: int) -> list[str]:
    """First uses by so many processes at the same moment; what went wrong, if anything."""
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401 (once, not in each of them)

    processes = multiprocessing.get_context("fork")
    barrier, said = processes.Barrier(clients), processes.SimpleQueue()

    def one(number: int) -> None:
        try:
            barrier.wait(_PATIENCE)
            use(address, f"n{number}")
        except BaseException:
            said.put(traceback.format_exc(limit=0).strip().splitlines()[-1])

    running = [processes.Process(target=one, args=(number,)) for number in range(clients)]
    for process in running:
        process.start()
    for process in running:
        process.join(_PATIENCE)
    wrong = []
    while not said.empty():
        wrong.append(said.get())
    return wrong


def trained_at_once(address: str, clients: int) -> list[str]:
    """The same by trainings."""
    with tempfile.TemporaryDirectory() as folder:
        write_reviews(Path(folder, "small.csv"), 60)
        words = [sys.executable, "-m", "expctl", "train", "--data", "small.csv", "--model", "dummy", "-e", "crowd"]
        running = [
            subprocess.Popen(
                [*words, "--tracking-uri", address, "--run-name", f"n{number}"],
                cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            )
            for number in range(clients)
        ]  # fmt: skip
        said = [process.communicate(timeout=_PATIENCE)[1] for process in running]
        return [text for process, text in zip(running, said, strict=True) if process.returncode]


def finished(address: str) -> list[str]:
    """The names of the runs that are whole, in the experiment that all of them meant."""
    runs = open_store(Settings(tracking_uri=address, experiment="crowd")).find(limit=1000)
    return sorted(run.name for run in runs if run.status == "finished")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--train", action="store_true", help="real trainings")
    chosen = parser.parse_args()
    failed = False
    for kind in chosen.store:
        there, wrong, started = 0, [], time.monotonic()
        with databases(kind) as one_more:
            for _ in range(chosen.rounds):
                address = one_more()
                wrong += (trained_at_once if chosen.train else at_once)(address, chosen.clients)
                there += len(set(finished(address)))
        wanted = chosen.rounds * chosen.clients
        failed |= there != wanted or bool(wrong)
        lines = [f"{kind:10} {there} of {wanted} first uses, {time.monotonic() - started:.0f} s"]
        lines += [f"           {wrong.count(text)} x {text[:300]}" for text in sorted(set(wrong))]
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
