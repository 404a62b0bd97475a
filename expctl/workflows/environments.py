"""A fresh virtual environment of the packages that a run was made with, and expctl run in it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

import expctl
from expctl.errors import ExitCode, ExpctlError, RunNotFound, mask_secrets
from expctl.temporary import temporary_folder
from expctl.tracking import uris
from expctl.tracking.runs.provenance import read_requirements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from expctl.records import RunRecord
    from expctl.tracking.store import Store

_OURS: Final = "expctl"


class NoEnvironment(ExpctlError):
    """The packages of a run cannot be had: nothing was compared."""

    exit_code = ExitCode.UNDECIDED


@dataclass(frozen=True)
class Isolated:
    """A virtual environment: its interpreter, and the variables that processes in it get."""

    python: str
    variables: Mapping[str, str]

    def run(self, words: Sequence[str]) -> int:
        """Run `expctl WORDS` in it, on our streams; gives the exit code. What stops us stops it too."""
        # -P: a folder here that is called expctl, or mlflow, is not what is meant.
        with subprocess.Popen([self.python, "-P", "-m", _OURS, *words], env=dict(self.variables)) as child:
            try:
                return child.wait()
            except BaseException:
                child.terminate()  # it ends its run, with the reason
                child.wait()
                raise


@contextmanager
def isolated(store: Store, run: RunRecord, progress: Callable[[str], None] = lambda stage: None) -> Iterator[Isolated]:
    """An environment of the Python and the packages of a recorded run, on the same store; gone after the block.

    expctl itself is a copy of the one that runs now, whose version is told as a suspect if it is another. Packages
    that are installed here from a folder, which no index has, are left out.
    Raises RunNotFound for a run without requirements.txt, NoEnvironment if the environment cannot be made.
    """
    content = store.read_artifact(run, "requirements.txt")
    if content is None:
        raise RunNotFound(f"run {run.label} has no requirements.txt", hint=f"expctl show {run.run_id[:8]}")
    packages = {name: version for name, version in read_requirements(content).items() if not _is_local(name)}
    variables = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    variables["MLFLOW_TRACKING_URI"] = uris.absolute(store.settings.tracking_uri)
    variables["MLFLOW_EXPERIMENT_NAME"] = store.settings.experiment
    interpreter = _interpreter(run.tags.get("python"))
    with temporary_folder() as folder:
        progress(f"making an environment of {len(packages):,} packages")
        yield Isolated(_made(Path(folder, "venv"), interpreter, packages, variables), variables)


def _is_local(name: str) -> bool:
    """Whether a package is installed here from a folder, as a checkout is."""
    try:
        origin = metadata.distribution(name).read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return False
    return origin is not None and "dir_info" in json.loads(origin)


def _interpreter(version: str | None) -> str:
    """A Python of the same minor version. Raises NoEnvironment if none is installed."""
    named = re.match(r"\d+\.\d+", version or "")
    wanted = named[0] if named is not None else ""
    if wanted in ("", f"{sys.version_info.major}.{sys.version_info.minor}"):
        return sys.executable
    found = shutil.which(f"python{wanted}")
    if found is None:
        raise NoEnvironment(f"the run was made with Python {version}, and no python{wanted} is installed here")
    return found


def _made(folder: Path, interpreter: str, packages: Mapping[str, str], variables: Mapping[str, str]) -> str:
    """Make a virtual environment of exactly these packages and our own; gives its interpreter."""
    _succeed([interpreter, "-P", "-m", "venv", str(folder)], variables, "make a virtual environment")
    python = str(folder / ("Scripts" if os.name == "nt" else "bin") / "python")
    listed = folder / "requirements.txt"
    listed.write_text("".join(f"{name}=={version}\n" for name, version in packages.items()))
    # Wheels alone: to build a package runs code of it, and who wrote the requirements is known to the store only.
    install = [python, "-P", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    _succeed([*install, "--only-binary", ":all:", "-r", str(listed)], variables, "install the packages of the run")
    where = [python, "-P", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = _succeed(where, variables, "use its interpreter").strip()
    shutil.copytree(Path(expctl.__file__).parent, Path(site, _OURS), ignore=shutil.ignore_patterns("__pycache__"))
    _succeed([python, "-P", "-c", "import expctl.workflows.reproduce"], variables, "run expctl on the run's packages")
    return python


def _succeed(command: Sequence[str], variables: Mapping[str, str], what: str) -> str:
    """Run a step; what it writes to stdout. Raises NoEnvironment, with the last line it said, if it fails."""
    # Standard input belongs to the command that will run there.
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=dict(variables), check=False
    )
    if done.returncode:
        lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        said = mask_secrets(lines[-1]) if lines else f"it ended with {done.returncode}"
        raise NoEnvironment(f"cannot {what}: {said}", hint="leave out --isolated to use the packages that are here")
    return done.stdout
