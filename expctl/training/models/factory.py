"""Where the code of a user's own model lies. Finds and reads; runs nothing of it."""

from __future__ import annotations

import hashlib
import sys
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def source_file(model: str) -> Path | None:
    """The Python file of the module of `package.module:factory`, found as an import in this folder would find it.

    None where there is none: no such module, or one that is not written in Python.
    """
    places: list[str] = [str(Path.cwd()), *sys.path]
    file: str | None = None
    for part in model.partition(":")[0].split("."):
        found = PathFinder.find_spec(part, places)
        if found is None:
            return None
        file = found.origin
        if found.loader is None:  # a package without __init__.py, whose own list of places would import its parent
            places = [str(Path(place, part)) for place in places]
        else:
            places = list(found.submodule_search_locations or ())
    return Path(file) if file is not None and file.endswith(".py") else None


def read_source(model: str) -> bytes | None:
    """What the file of a factory held when it was first asked for: what the process has imported.

    None where there is no such file.
    """
    file = source_file(model)
    return None if file is None else _first_read(file)


def source_hash(model: str) -> str | None:
    """The sha256, in hex, of what `read_source` gives."""
    source = read_source(model)
    return None if source is None else hashlib.sha256(source).hexdigest()


def sources_hash(paths: Iterable[str]) -> str | None:
    """The sha256, in hex, of the files of several functions; None where one of them has none."""
    sources = [read_source(path) for path in dict.fromkeys(paths)]
    if None in sources:
        return None
    return hashlib.sha256(b"\0".join(source for source in sources if source is not None)).hexdigest()


@cache
def _first_read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None
