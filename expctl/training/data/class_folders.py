"""A folder of texts: one file a text, in a folder for each class, as scikit-learn's `load_files` reads it.

Where the folder holds `train` and `test`, each with the folders of the classes (the layout of aclImdb), they are the
split. Nothing is followed out of the folder, and nothing is opened that is not a regular file.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from expctl.errors import DataError
from expctl.training.data.encodings import check_encoding, marked, undecodable
from expctl.training.data.table_formats import FIELD_LIMIT
from expctl.training.data.tables import BYTE_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from expctl.training.data.table_formats import TableColumns

FILE_LIMIT: Final = 1_000_000
SIDES: Final = ("train", "test")
_NO_LINKS: Final = "links are not followed: copy what it points at"
_LAYOUT: Final = "one folder a class, with one text a file: FOLDER/pos/1.txt; FOLDER/train/pos/1.txt where it is split"


@dataclass(frozen=True, slots=True)
class TextFile:
    """Where a text lies below its folder, `/` between the names, and what that says of it."""

    path: str
    label: str | None
    side: str | None = None


def is_class_folder(path: str) -> bool:
    """Whether a path is a folder of this machine."""
    return "://" not in path and Path(path).is_dir()


def is_divided(path: str) -> bool:
    """Whether a folder holds its own split."""
    return is_class_folder(path) and all(Path(path, side).is_dir() for side in SIDES)


def text_files(folder: str, *, labelled: bool = True) -> list[TextFile]:
    """The files of a folder by class and name, those to train on first; not hidden ones, nor those above the classes.

    Unless `labelled`, a folder without folders is one of texts without labels. Raises DataError for a folder without
    classes or with one whose name is no text, a link, whatever is no file, and more than `FILE_LIMIT` of them.
    """
    root = Path(folder)
    found: list[TextFile] = []
    if is_divided(folder):
        for side in SIDES:
            found += _of_classes(root, f"{side}/", side, folder)
    else:
        found += _of_classes(root, "", None, folder)
    if not found and not labelled:
        found = [TextFile(name, None) for name in _names(root, folder, len(found))[1]]
    if not found:
        raise DataError(f"{folder} has no folder with texts of a class", hint=_LAYOUT)
    return found


def _of_classes(root: Path, above: str, side: str | None, folder: str) -> Iterator[TextFile]:
    count = 0
    for label in _names(root / above, folder, 0, files=False)[0]:
        if _shown(label) != label:
            raise DataError(f"{folder}: the name of a class's folder is not UTF-8 ({_shown(label)})", hint="rename it")
        folders, files = _names(root / above / label, folder, count)
        if folders:
            raise DataError(f"{folder}/{above}{label}/{folders[0]} is a folder within a class's folder", hint=_LAYOUT)
        count += len(files)
        for name in files:
            yield TextFile(f"{above}{label}/{name}", label, side)


def _names(place: Path, folder: str, before: int, *, files: bool = True) -> tuple[list[str], list[str]]:
    """The folders and the files of a place, sorted. Files that nobody asked for may be of any kind."""
    inner: list[str] = []
    found: list[str] = []
    try:
        if place != Path(folder) and place.is_symlink():
            raise DataError(f"{place} is a link", hint=_NO_LINKS)
        with os.scandir(place) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    inner.append(entry.name)
                elif files or entry.is_symlink():
                    _check(entry, f"{folder}/{Path(entry.path).relative_to(folder).as_posix()}")
                    found.append(entry.name)
                if len(inner) + len(found) + before > FILE_LIMIT:
                    raise DataError(
                        f"{folder} has more than {FILE_LIMIT:,} files", hint="write the texts to one file: CSV or JSONL"
                    )
    except OSError as error:
        raise DataError(f"cannot read {place}: {error.strerror}") from error
    return sorted(inner), sorted(found)


def _check(entry: os.DirEntry[str], shown: str) -> None:
    if entry.is_symlink():
        raise DataError(f"{shown} is a link", hint=_NO_LINKS)
    if not entry.is_file(follow_symlinks=False):
        raise DataError(f"{shown} is not a regular file", hint="move it elsewhere")


def read_files(folder: str, files: Sequence[TextFile]) -> Iterator[bytes]:
    """The content of each file. Raises DataError for what cannot be read, and beyond `BYTE_LIMIT` bytes in all."""
    total = 0
    for file in files:
        try:
            with open(f"{folder}/{file.path}", "rb", buffering=0) as stream:  # noqa: PTH123 (a Path for each is slow)
                size = os.fstat(stream.fileno()).st_size
                total += size
                if size > FIELD_LIMIT or total > BYTE_LIMIT:
                    what, limit = (f"{folder}/{file.path}", FIELD_LIMIT) if size > FIELD_LIMIT else (folder, BYTE_LIMIT)
                    raise DataError(f"{what} has more than {limit:,} bytes", hint="one text a file; or write a table")
                yield stream.read() or b""
        except (OSError, ValueError) as error:
            raise DataError(f"cannot read {folder}/{file.path}: {getattr(error, 'strerror', error)}") from error


def folder_digest(files: Sequence[TextFile], contents: Sequence[bytes]) -> str:
    """sha256, in hex, over a line for each file: the sha256 of its content, two blanks, its path, sorted by path.

    It is what `find . -type f | sort | xargs sha256sum | sha256sum` makes of paths without their `./`.
    """
    lines = [
        f"{hashlib.sha256(content).hexdigest()}  {file.path}\n" for file, content in zip(files, contents, strict=True)
    ]
    ordered = sorted(lines, key=lambda line: line.split("  ", 1)[1])
    return hashlib.sha256("".join(ordered).encode("utf-8", "surrogateescape")).hexdigest()


def as_table(folder: str, files: Sequence[TextFile], contents: Sequence[bytes], encoding: str) -> TableColumns:
    """Columns `text`, `label` and `file`, and `split` where the folder is. Raises DataError for undecodable text."""
    check_encoding(encoding)
    texts = [
        _decoded(content, encoding, f"{folder}/{file.path}") for file, content in zip(files, contents, strict=True)
    ]
    table: TableColumns = {"text": texts}
    if any(file.label is not None for file in files):
        table["label"] = [file.label for file in files]
    if any(file.side is not None for file in files):
        table["split"] = [file.side for file in files]
    return table | {"file": [_shown(file.path) for file in files]}


def _decoded(content: bytes, encoding: str, name: str) -> str | None:
    try:
        return content.decode(marked(content, encoding)) or None
    except UnicodeError as error:
        raise undecodable(content, encoding, name, error) from error


def _shown(path: str) -> str:
    """A path as text that can be written: names that are not UTF-8 have their bytes replaced."""
    return path.encode("utf-8", "replace").decode()


def folder_chunks(folder: str, *, encoding: str, rows: int = 10_000) -> Iterator[TableColumns]:
    """The table of a folder, labelled or not, in pieces of at most `rows` rows."""
    files = text_files(folder, labelled=False)
    for start in range(0, len(files), rows):
        piece = files[start : start + rows]
        yield as_table(folder, piece, list(read_files(folder, piece)), encoding)
