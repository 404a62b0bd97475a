"""What a program is run on and by: its data, the packages of its Python, what is not committed of its code."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from expctl.tracking.runs import provenance
from expctl.tracking.runs.items import DatasetInput, File, Param
from expctl.training.data.tables import read_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from expctl.tracking.runs.items import Item
    from expctl.workflows.program_request import ProgramRequest
    from expctl.workflows.run import Context


def data_path(path: str, context: Context) -> str:
    """Where a data file lies that a program reads in its folder, or an address as it is."""
    return path if "://" in path or context.folder == Path.cwd() else str(context.folder / path)


def requirements_of(program: str, environment: Mapping[str, str]) -> str | None:
    """The packages of the Python that runs a program, as a requirements file; None where that cannot be told."""
    found = shutil.which(program, path=environment.get("PATH"))
    if found is None:
        return None
    with suppress(OSError):
        with Path(found).open("rb") as file:
            line = file.readline(500)
        words = line[2:].decode("utf-8", "replace").split() if line.startswith(b"#!") else [found]
        if words and Path(words[0]).name == "env":
            words = words[1:]
        python = words and shutil.which(words[0], path=environment.get("PATH"))
        if not python or not Path(python).name.startswith("python"):
            return None
        if Path(python).absolute() == Path(sys.executable).absolute():
            return provenance.requirements(provenance.packages())
        return provenance.requirements_by(python)
    return None


@dataclass(frozen=True)
class Sources:
    """What a program is run on and by: its data, the packages of its Python, the uncommitted patch."""

    data: str | None
    data_hash: str | None
    data_bytes: int
    requirements: str | None
    patch: bytes | None
    data_version: str | None

    def items(self) -> Iterator[Item]:
        """As log items."""
        if self.data is not None and self.data_hash is not None:
            yield Param("data_path", self.data)
            yield Param("data_hash", self.data_hash)
            profile = json.dumps({"bytes": self.data_bytes})
            yield DatasetInput(Path(self.data).name, self.data_hash, self.data, "training", profile, json.dumps({}))
        if self.data_version:
            yield Param("data_version", self.data_version)
        if self.requirements is not None:
            yield File("requirements.txt", self.requirements.encode())
        if self.patch is not None:
            yield File("source.patch", self.patch)


def sources_of(request: ProgramRequest, context: Context, patch: bytes | None, data_version: str | None) -> Sources:
    """The sources of a program, as they are now. Raises DataError for data that cannot be read."""
    content = b"" if request.data is None else read_bytes(data_path(request.data, context))
    digest = None if request.data is None else hashlib.sha256(content).hexdigest()
    packages = requirements_of(request.command[0], context.environment)
    return Sources(request.data, digest, len(content), packages, patch, data_version)
