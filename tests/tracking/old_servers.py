"""Servers of older MLflows, each installed into an environment of its own, and what expctl's commands do with them.

`python -m tests.tracking.old_servers --folder FOLDER [VERSION ...]` prints the table of the topic `servers`. The
environments stay in the folder, some 500 MB each; `here` is the MLflow that is installed, `files` its old file store.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.tracking.recorded import ROOT, write_reviews
from tests.tracking.serving import listening

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VERSIONS: Final = ("2.0.1", "2.9.2", "2.22.0", "3.1.4", "here", "files")
# What a release of its time did not rule out, and breaks it.
_BROKEN: Final = ("sqlalchemy<2.1", "setuptools<81")

# In this order; the exit code that each must have.
_THERE: Final = ("--data", "small.csv")
STEPS: Final[tuple[tuple[str, ...], ...]] = (
    ("train", *_THERE, "--run-name", "one"),
    ("train", *_THERE, "--run-name", "two", "--c", "0.01"),
    ("train", "--data", str(ROOT / "data" / "houses.csv"), "--target", "price", "--run-name", "house"),
    ("list",),
    ("show", "one"),
    ("best",),
    ("compare", "one", "two"),
    ("gate", "two", "--baseline", "one", "--max-drop", "0.99"),
    ("predict", "--run", "one", "a fine film"),
    ("promote", "one", "reviews"),
    ("promote", "two", "reviews", "--note", "the second"),
    ("promote", "--list", "reviews"),
    ("predict", "--run", "reviews@champion", "a fine film"),
    ("sweep", *_THERE, "-g", "c=0.1,1", "--keep-models", "1", "--jobs", "1"),
    ("reproduce", "two"),
    ("explain", "one", "two"),
    ("report", "one", "two"),
    ("run", "--run-name", "own", "--predictions", "copy.csv", "--", "cp", "predictions.csv", "copy.csv"),
    ("run", "--run-name", "other", "--", "true"),
    ("adopt", "other", "--predictions", "predictions.csv"),
    ("compare", "own", "other"),
    ("sweep", "-g", "x=1,2", "--metric", r"loss=loss: (\S+)", "--", "echo", "loss: {x}"),
    ("edit", "one", "-t", "stage=seen", "--note", "looked at", "--name", "first"),
    ("edit", "first", "--remove-tag", "stage", "--name", "one"),
    ("log", "one", "--metric", "business_value=0.9", "--param", "who=ada", "--artifact", "small.csv"),
    ("get", "one", "-o", "files"),
    ("experiments", "expctl", "--rename", "other"),
    ("experiments", "other", "--rename", "expctl"),
    ("experiments", "expctl", "--delete", "--yes"),
    ("experiments", "expctl", "--restore"),
    ("export", "one", "-o", "one.zip"),
    ("delete", "two", "--yes"),
    ("restore", "two"),
    ("import", "one.zip"),
    ("promote", "--remove", "reviews@champion"),
    ("doctor",),
)


class NotInstalled(Exception):
    """A version that cannot be had here."""


def python_of(version: str, folder: Path) -> str:
    """The Python of an environment with an MLflow, made if it is not there. Raises NotInstalled."""
    if version in ("here", "files"):
        return sys.executable
    place = folder / version
    python = place / "bin" / "python"
    done = place / "done"
    if not done.exists():
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
        command = [str(python), "-m", "pip", "install", "-q", f"mlflow=={version}", *_BROKEN]
        told = subprocess.run(command, capture_output=True, text=True, check=False)
        if told.returncode != 0:
            raise NotInstalled(told.stderr.strip().splitlines()[-1])
        done.touch()
    return str(python)


@contextmanager
def serving_old(version: str, environments: Path, folder: Path) -> Iterator[str]:
    """The address of a server of an MLflow, with an SQLite store (or a folder's) and its artifacts in a folder."""
    python = python_of(version, environments)
    store = str(folder / "mlruns") if version == "files" else f"sqlite:///{folder / 'server.db'}"
    words = ["server", "--workers", "1", "--backend-store-uri", store]
    words += ["--serve-artifacts", "--artifacts-destination", str(folder / "artifacts")]
    with listening(words, folder, {"MLFLOW_ALLOW_FILE_STORE": "true"}, python=python) as address:
        yield address


def failures(run: Callable[[tuple[str, ...]], tuple[int, str]]) -> dict[tuple[str, ...], str]:
    """The steps that did not end well, with what they said; `run` gives exit code and stderr of a command line."""
    found = {}
    for step in STEPS:
        code, told = run(step)
        if code != 0:
            found[step] = (told.strip().splitlines() or [f"exit code {code}"])[-1]
    return found


def _tried(version: str, environments: Path) -> dict[tuple[str, ...], str]:
    with tempfile.TemporaryDirectory() as name, serving_old(version, environments, Path(name)) as address:
        folder = Path(name)
        write_reviews(folder / "small.csv", 60)
        (folder / "predictions.csv").write_text(
            "id,label,prediction\n" + "".join(f"{i},{i % 2},1\n" for i in range(20))
        )
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("EXPCTL_", "MLFLOW_"))}

        def run(step: tuple[str, ...]) -> tuple[int, str]:
            done = subprocess.run(
                [sys.executable, "-m", "expctl", *step],
                cwd=folder,
                env={**kept, "MLFLOW_TRACKING_URI": address},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            return done.returncode, done.stderr

        return failures(run)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("versions", nargs="*", default=VERSIONS)
    asked.add_argument("--folder", type=Path, required=True, help="where the environments are, or will be")
    given = asked.parse_args()
    found = {}
    for version in given.versions:
        try:
            found[version] = _tried(version, given.folder)
        except NotInstalled as error:
            sys.stderr.write(f"{version} cannot be installed: {error}\n")
    lines = [f"| command | {' | '.join(found)} |", f"|---|{'---|' * len(found)}"]
    for name in dict.fromkeys(step[0] for step in STEPS):
        steps = [step for step in STEPS if step[0] == name]
        cells = ["; ".join(failed[step] for step in steps if step in failed) or "works" for failed in found.values()]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
