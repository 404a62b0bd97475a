"""The version of a data file by DVC, where a `.dvc` file or a `dvc.lock` names it. Reads these files; runs no DVC.

Format: https://dvc.org/doc/user-guide/project-structure
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def dvc_version(data: str) -> str | None:
    """`dvc:MD5` for a file that DVC tracks, by itself or in a folder; None for any other, and for a URL.

    `dvc:MD5, changed since` where the file is no longer the one that DVC knows.
    """
    if "://" in data:
        return None
    path = Path(data).resolve()
    for place, md5 in _tracked(path):
        if place == path:
            content = path.read_bytes()
            # DVC 2 took the md5 of texts as if their lines ended in LF.
            known = (hashlib.md5(one, usedforsecurity=False) for one in (content, content.replace(b"\r\n", b"\n")))
            same = md5 in (one.hexdigest() for one in known)
            return f"dvc:{md5}" if same else f"dvc:{md5}, changed since"
        if place in path.parents:  # the sum of a folder is that of DVC's own list of its files
            return f"dvc:{md5}"
    return None


def _tracked(path: Path) -> Iterator[tuple[Path, str]]:
    """What DVC's files, beside a data file or above it in the same repository, say they track, with its md5."""
    root = next((folder for folder in path.parents if (folder / ".dvc").is_dir()), path.parent)
    for folder in path.parents:
        for file in [*sorted(folder.glob("*.dvc")), folder / "dvc.lock"]:
            if file.is_file():
                yield from _outputs(file)
        if folder == root:
            return


def _outputs(file: Path) -> Iterator[tuple[Path, str]]:
    """The outputs that one of DVC's files lists; nothing where it is not one."""
    import yaml

    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return
    if not isinstance(content, dict):
        return
    stages = content.get("stages")
    for stage in [content, *(stages.values() if isinstance(stages, dict) else ())]:
        outputs = stage.get("outs") if isinstance(stage, dict) else None
        for output in outputs if isinstance(outputs, list) else ():
            if isinstance(output, dict) and isinstance(output.get("path"), str) and isinstance(output.get("md5"), str):
                with suppress(ValueError):  # no path of any system: "\0"
                    yield (file.parent / str(stage.get("wdir", ".")) / output["path"]).resolve(), output["md5"]
