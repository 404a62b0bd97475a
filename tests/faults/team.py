"""Many clients train at once on one store: is every run there, complete, and what its client asked for?

    python tests/faults/team.py [--store sqlite server postgres] [--clients 10] [--trains 10]

Each client starts `expctl train` again and again, each time with parameters of its own. Afterwards all of it is trained
once more without a store: parameters, metrics and predictions of every run have to be equal to the last bit, and some
models have to predict what they predicted. Exit 1 if anything is wrong. PostgreSQL waits for the disk here, as it would
for a team.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, chdir
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

ROOT: Final = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from expctl.records import Tag  # noqa: E402
from expctl.settings import Settings  # noqa: E402
from tests.conftest import write_reviews  # noqa: E402
from tests.tracking.kinds import KINDS  # noqa: E402
from tests.tracking.postgres import postgres  # noqa: E402
from tests.tracking.serving import serving  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.records import RunRecord

_CLOCKS: Final = ("fit_seconds", "predict_seconds")
_PREDICTED: Final = 10  # runs whose models are loaded


@dataclass
class Report:
    """What a store held in the end, and what was wrong with it."""

    store: str
    trains: int
    seconds: float = 0.0
    complete: int = 0
    wrong: list[str] = field(default_factory=list)

    def text(self) -> str:
        """One line, and one for each fault."""
        said = f"{self.store}: {self.complete} of {self.trains} runs complete and right in {self.seconds:.0f} s"
        return "\n".join([said, *(f"  {fault}" for fault in self.wrong)])


def asked(client: int, number: int) -> dict[str, str]:
    """What a client asks for at its n-th training: no two trainings are alike."""
    return {"c": str((client + 1) / 4), "max_features": str(20 + 7 * number), "random_state": str(client)}


def run(folder: Path, store: str, *, clients: int, trains: int, durable: bool = True) -> Report:
    """Let the clients train on a new store of this kind, with its data in `folder`, and look at what it holds."""
    write_reviews(folder / "small.csv", 200)
    with ExitStack() as stack:
        address = f"sqlite:///{folder / 'mlflow.db'}"
        if store == "postgres":
            address = stack.enter_context(serving(stack.enter_context(postgres(durable=durable)), folder, workers=4))
        elif store == "server":
            address = stack.enter_context(serving(folder / "mlflow.db", workers=4))
        report = Report(store, clients * trains)
        started = time.monotonic()
        with ThreadPoolExecutor(clients) as pool:
            for faults in pool.map(lambda client: _client(folder, address, client, trains), range(clients)):
                report.wrong += faults
        report.seconds = time.monotonic() - started
        with chdir(folder):
            _look(report, address, clients, trains)
    return report


def _client(folder: Path, address: str, client: int, trains: int) -> list[str]:
    """One client's trainings, one after the other; what went wrong."""
    wrong = []
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "EXPCTL_"))}
    for number in range(trains):
        words = ["train", "--data", "small.csv", "--run-name", f"client-{client}-{number}", "-t", f"client={client}"]
        pairs = [word for key, value in asked(client, number).items() for word in (f"--{key.replace('_', '-')}", value)]
        done = subprocess.run(
            [sys.executable, "-m", "expctl", *words, *pairs, "--format", "id", "--quiet"],
            cwd=folder,
            env={**environment, "MLFLOW_TRACKING_URI": address},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode or done.stderr or len(done.stdout) != 33:
            wrong.append(f"client {client}, training {number}: exit {done.returncode}: {done.stdout}{done.stderr}")
    return wrong


def _look(report: Report, address: str, clients: int, trains: int) -> None:
    from expctl.tracking.store import open_store

    store = open_store(Settings(tracking_uri=address))
    runs = store.find(everywhere=True)
    wanted = {f"client-{client}-{number}": (client, number) for client in range(clients) for number in range(trains)}
    if sorted(run.name for run in runs) != sorted(wanted):
        report.wrong.append(f"{len(runs)} runs, of {len({run.name for run in runs} & set(wanted))} that were asked for")
    for number, run in enumerate(runs):
        if run.name in wanted:
            faults = _faults(store, run, *wanted[run.name], predict=number % max(1, len(runs) // _PREDICTED) == 0)
            report.wrong += [f"{run.name}: {fault}" for fault in faults]
            report.complete += not faults


def _faults(store: Any, run: RunRecord, client: int, number: int, *, predict: bool) -> Sequence[str]:
    """How a run differs from the same training without a store."""
    import pandas as pd

    from expctl.tracking.models.storage import load_model
    from expctl.training.data.dataset import load_split
    from expctl.training.fit.trainer import train
    from expctl.training.models.configure import configure
    from expctl.training.models.pipeline import build_pipeline

    given = asked(client, number)
    recipe = configure({"data": "small.csv", **given})
    result = train(recipe, load_split(recipe), build_pipeline(recipe))
    told = store.read_artifact(run, "predictions.parquet")
    faults = {
        f"it is {run.status}": run.status != "finished",
        "it has no mark of completion": Tag.COMPLETE not in run.tags,
        "it has another's tag": run.tags.get("client") != str(client),
        "it has other parameters": any(run.params.get(key) != str(value) for key, value in recipe.logged().items()),
        "it has other metrics": any(
            run.metrics.get(key) != value for key, value in result.metrics.items() if key not in _CLOCKS
        ),
        "it has no predictions": told is None,
    }
    if told is not None:
        rows = pd.read_parquet(io.BytesIO(told))
        faults["it has other predictions"] = list(rows["prediction"]) != list(result.predictions["prediction"])
    if predict and not any(faults.values()):
        model = load_model(store, run).estimator
        texts = pd.read_csv("small.csv")[["text"]]
        faults["its model predicts otherwise"] = list(model.predict(texts)) != list(result.pipeline.predict(texts))
    return [fault for fault, found in faults.items() if found]


def main() -> None:
    """Run it on every store that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", nargs="+", choices=KINDS, default=["sqlite", "postgres"])
    parser.add_argument("--clients", type=int, default=10)
    parser.add_argument("--trains", type=int, default=10)
    given = parser.parse_args()
    failed = False
    for store in given.store:
        with tempfile.TemporaryDirectory(prefix="expctl-team-") as folder:
            report = run(Path(folder), store, clients=given.clients, trains=given.trains)
        sys.stdout.write(report.text() + "\n")
        sys.stdout.flush()
        failed = failed or bool(report.wrong)
    sys.exit(failed)


if __name__ == "__main__":
    main()
