"""Commands and plain MLflow through a tracking server that asks for a password, on loopback, taking turns.

    python tests/benchmark/server.py [--rounds 5]

The server is MLflow's own with basic-auth over SQLite. Each command is a whole process; a round that is not counted
comes first. `promote` also looks into the model and compares it with the champion that it replaces, and `export` writes
what `import` can make the run from again; plain MLflow does neither.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tests.benchmark.measure import DATA, EXPCTL, HERE, race, show
from tests.tracking.serving import serving

USER, PASSWORD = "benchmark", "only-on-loopback"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    registry = [sys.executable, str(HERE / "plain_registry.py")]
    with tempfile.TemporaryDirectory(prefix="expctl-benchmark-") as name:
        folder = Path(name)
        (folder / "server").mkdir()
        with serving(folder / "server" / "mlflow.db", user=USER, password=PASSWORD) as address:
            os.environ |= {
                "MLFLOW_TRACKING_URI": address,
                "MLFLOW_TRACKING_USERNAME": USER,
                "MLFLOW_TRACKING_PASSWORD": PASSWORD,
            }
            peer = "plain MLflow"
            export = ["sh", "-c", 'rm -f ours.zip; exec "$@"', "sh", *EXPCTL, "export", "latest", "-o", "ours.zip"]
            train = [sys.executable, str(HERE / "plain_mlflow.py"), str(DATA)]
            for title, plain, ours in (
                ("train", train, [*EXPCTL, "train", "--data", str(DATA)]),
                ("promote", [*registry, "promote", "plain"], [*EXPCTL, "promote", "latest", "ours"]),
                ("export", [*registry, "export", "plain"], export),
            ):
                show(title, race({peer: plain, f"expctl {title}": ours}, folder, rounds), peer)


if __name__ == "__main__":
    main()
