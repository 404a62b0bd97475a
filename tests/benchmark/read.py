"""The rows of the benchmark that read, from stores of many runs, and those that only start.

The stores are written first: 100,000 runs take a minute and 650 MB of the temporary folder.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from measure import EXPCTL, MLFLOW, ROOT, once, race, show, write

if TYPE_CHECKING:
    from pathlib import Path

    from work import Measuring

WAYS = {"file": "the file", "server": "a server", "password": "a server with a password"}
USER, PASSWORD = "ada", "of-the-benchmark"

PYTHON = [sys.executable, "-c"]
PEER = "mlflow runs list"
COMMANDS = {
    PEER: [*MLFLOW, "runs", "list", "--experiment-id", "1"],
    "mlflow.search_runs, 20 newest": [
        *PYTHON,
        "import mlflow; print(mlflow.search_runs(['1'], max_results=20))",
    ],
    "MlflowClient script, 20 newest": [
        *PYTHON,
        "import mlflow; print(len(mlflow.MlflowClient().search_runs(['1'], max_results=20)))",
    ],
    "MlflowClient script, best 3": [
        *PYTHON,
        "import mlflow; print(mlflow.MlflowClient().search_runs(['1'], max_results=3,"
        " order_by=['metrics.f1_score DESC']))",
    ],
    "expctl list": [*EXPCTL, "list"],
    "expctl best --top 3": [*EXPCTL, "best", "--top", "3"],
    "expctl best --filter": [*EXPCTL, "best", "--filter", "accuracy > 0.5 and c = 1"],
    "expctl show": [*EXPCTL, "show", "run-77"],
    "expctl compare": [*EXPCTL, "compare", "run-77", "latest"],
}


def opened(database: Path, way: str) -> AbstractContextManager[str]:
    """The address of a store in one of the ways to read it."""
    if way == "file":
        return nullcontext("sqlite:///mlflow.db")
    sys.path.insert(0, str(ROOT))
    from tests.tracking.serving import serving

    return serving(database, user=USER, password=PASSWORD if way == "password" else "")


def reading(given: Measuring) -> None:
    """What there is to read in stores of more and more runs, beside MLflow's own command and scripts."""
    for size in given.sizes:
        folder = given.folder / str(size)
        folder.mkdir()
        subprocess.run(  # in a process of its own: what this one holds counts into the peaks of its children
            [sys.executable, "-m", "tests.benchmark.stores", f"{folder}/mlflow.db", str(size)], cwd=ROOT, check=True
        )
        for way in given.over:
            with opened(folder / "mlflow.db", way) as address:
                environment = {
                    "MLFLOW_TRACKING_URI": address,
                    "MLFLOW_TRACKING_USERNAME": USER,
                    "MLFLOW_TRACKING_PASSWORD": PASSWORD,
                }
                costs = race(COMMANDS, folder, given.rounds, environment=environment, patience=given.patience)
                show(f"{size:,} runs, over {WAYS[way]}", costs, PEER, "0.04" if way == "file" else "")
                if way != "file":
                    write(f"\n### {size:,} runs, over {WAYS[way]}, beside its own answer (asked: 0.3 s more)\n")
                    write("| command | requests | s | curl, the same requests, s | more s |\n|---|---:|---:|---:|---:|")
                    for name in COMMANDS:
                        if name.startswith("expctl"):
                            beside_curl(name, folder, given.rounds, environment)


def beside_curl(name: str, folder: Path, rounds: int, environment: dict[str, str]) -> None:
    """Write what a command takes beside curl, which asks the server for the same and throws the answers away."""
    from tests.faults.proxy import before

    command, address = COMMANDS[name], environment["MLFLOW_TRACKING_URI"]
    with before(address) as proxy:
        once(command, folder, environment={**environment, "MLFLOW_TRACKING_URI": proxy.uri})
        asked = list(zip(proxy.calls, proxy.bodies, strict=True))
    curl = ["curl"]
    for number, (call, body) in enumerate(asked):
        method, _, path = call.partition(" ")
        curl += ["--next"] if number else []
        curl += ["--silent", "--fail", "--output", os.devnull, "--user", f"{USER}:{PASSWORD}", "--request", method]
        if body:
            (folder / f"body{number}").write_bytes(body)
            curl += ["--header", "Content-Type: application/json", "--data-binary", f"@body{number}"]
        curl.append(address + path)
    costs = race({name: command, "curl": curl}, folder, rounds, environment=environment)
    ours, theirs = costs[name], costs["curl"]
    assert ours is not None
    assert theirs is not None
    write(f"| {name} | {len(asked)} | {ours.wall:.2f} | {theirs.wall:.2f} | {ours.wall - theirs.wall:.2f} |")


def starting(given: Measuring) -> None:
    """What a command takes that does nothing."""
    peer = "mlflow --help"
    commands = {
        peer: [*MLFLOW, "--help"],
        "expctl --help": [*EXPCTL, "--help"],
        "expctl --version": [*EXPCTL, "--version"],
        "python -c pass": [sys.executable, "-c", "pass"],
    }
    costs = race(commands, given.folder, given.rounds)
    usage = {"expctl best --topp (a usage error)": [*EXPCTL, "best", "--topp"]}
    show("start", {**costs, **race(usage, given.folder, given.rounds, code=2)}, peer, "0.03")
