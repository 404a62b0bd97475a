"""Where a run comes from: who, which code, which packages, which machine. Reads git and the installed packages;
never an environment variable's value. What is not there (no git, no repository) is absent, not invented.
"""

from __future__ import annotations

import getpass
import os
import platform
import re
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

from expctl.errors import mask_secrets
from expctl.records import MACHINE, Tag
from expctl.tracking.runs.git import git

# Our own distribution, by its name and by the one it had before; on the package index the latter is another project.
# No requirements file pins either: the tag `expctl.version` says which expctl made a run.
OURS: Final = ("expctl-mlflow", "expctl")
# Names and versions as packages have them: a requirements file can also name addresses, and options of pip.
_PINNED: Final = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)==(?P<version>[A-Za-z0-9][\w.!+-]*)", re.ASCII)
_FIELD: Final = re.compile(r"^(name|version):(.*)$", re.IGNORECASE | re.MULTILINE)  # of a package's metadata
_PATIENCE: Final = 20.0  # seconds for a Python to list its packages
PATCH_LIMIT: Final = 20 * 2**20  # a larger diff is data committed by mistake rather than code


@dataclass(frozen=True, slots=True)
class Code:
    """The git state of the current folder.

    `patch` is what the working tree changes in tracked files, as bytes; `dirty` is None where git could not say.
    `folder` is the current folder below the root of the repository, "" for the root itself.
    """

    commit: str
    branch: str | None
    remote: str | None
    dirty: bool | None
    patch: bytes | None
    folder: str = ""

    def tags(self) -> dict[str, str]:
        """As tags of a run."""
        found = {
            Tag.GIT_COMMIT: self.commit,
            Tag.GIT_BRANCH: self.branch,
            Tag.GIT_REMOTE: self.remote,
            Tag.GIT_FOLDER: self.folder,
            Tag.GIT_DIRTY: None if self.dirty is None else str(self.dirty).lower(),
        }
        return {key: value for key, value in found.items() if value}


def read_code() -> Code | None:
    """The code state of the current folder; None outside a git repository, before its first commit or without git."""
    told = git("rev-parse", "HEAD", "--show-prefix")
    if told is None:
        return None
    commit, _, folder = told.decode("utf-8", "replace").partition("\n")
    branch = _text(git("symbolic-ref", "--quiet", "--short", "HEAD"))
    remote = _text(git("config", "--get", "remote.origin.url"))
    patch = git("diff", "--binary", "HEAD")
    kept = patch if patch and len(patch) <= PATCH_LIMIT else None
    return Code(
        commit,
        branch,
        mask_secrets(remote) if remote else None,
        None if patch is None else bool(patch),
        kept,
        folder.rstrip("\n").rstrip("/"),
    )


def repository() -> Path | None:
    """The root of the repository of the current folder; None outside one."""
    told = git("rev-parse", "--show-toplevel")
    root = "" if told is None else os.fsdecode(told).rstrip("\n")
    return Path(root) if root else None


def developer(configured: str) -> str:
    """Who trains: the setting, else git's user.name, else the login name."""
    return configured or _text(git("config", "--get", "user.name")) or login_name()


def login_name() -> str:
    """The login name, or the numeric user id where the machine knows no name for it (containers)."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"


def packages() -> dict[str, str]:
    """Every installed package but expctl itself with its version, by normalised name."""
    from packaging.utils import canonicalize_name

    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        # By a pattern: parsed as messages, with the projects' whole descriptions, they all take 0.2 s.
        told = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
        fields = {key.lower(): value.strip() for key, value in _FIELD.findall(told.partition("\n\n")[0])}
        if fields.get("name") and "version" in fields:
            found.setdefault(canonicalize_name(fields["name"]), fields["version"])
    return {name: found[name] for name in sorted(found) if name not in OURS}


def requirements(found: dict[str, str]) -> str:
    """`packages()` in the form of a requirements file."""
    return "".join(f"{name}=={version}\n" for name, version in found.items())


def requirements_by(python: str) -> str | None:
    """The packages of another Python, in the form of a requirements file; None where it does not say."""
    listing = "import importlib.metadata as m\nfor one in m.distributions(): print(one.metadata['Name'], one.version)"
    try:
        done = subprocess.run([python, "-c", listing], capture_output=True, timeout=_PATIENCE, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    from packaging.utils import canonicalize_name

    pairs = (line.rsplit(" ", 1) for line in done.stdout.decode("utf-8", "replace").splitlines() if " " in line)
    found = {canonicalize_name(name): version for name, version in reversed(list(pairs))}
    return requirements({name: found[name] for name in sorted(found) if name not in OURS})


def read_requirements(content: bytes) -> dict[str, str]:
    """The versions by normalised name that a requirements file of `requirements` pins; no other line means anything.

    expctl, which older releases pinned too, is left out.
    """
    from packaging.utils import canonicalize_name

    pinned = (_PINNED.fullmatch(line.strip()) for line in content.decode("utf-8", "replace").splitlines())
    found = {canonicalize_name(one["name"]): one["version"] for one in pinned if one is not None}
    return {name: version for name, version in found.items() if name not in OURS}


def machine_tags(*, computes: bool = True) -> dict[str, str]:
    """What the machine and its linear algebra are, on which the last bits of a result may depend: `MACHINE`.

    `threads` is how many the linear algebra would use, were it let (see `training.core.train`). Without `computes`, of
    a program that is not ours: the machine alone.
    """
    found = {"platform": platform.platform(), "cpus": str(os.cpu_count() or 1), "cpu": _processor()}
    if computes:
        found |= {"python": platform.python_version(), **_linear_algebra()}
    return {key: found[key] for key in MACHINE if found.get(key)}


def _linear_algebra() -> dict[str, str]:
    import scipy.linalg  # noqa: F401 (loads the linear algebra that is asked about)
    from threadpoolctl import threadpool_info

    libraries = [one for one in threadpool_info() if one["user_api"] == "blas"]
    described = {
        " ".join(filter(None, (one["internal_api"], one["version"], one.get("architecture")))) for one in libraries
    }
    return {
        "blas": ", ".join(sorted(described)),
        "threads": str(max((one["num_threads"] for one in libraries), default=1)),
    }


def _processor() -> str:
    """The name of the processor's model; its kind (x86_64) where the system has no name for it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, None) or platform.processor() or platform.machine()  # the second one starts a process


def _text(output: bytes | None) -> str | None:
    return output.decode("utf-8", "replace").strip() or None if output is not None else None
