"""What lies at the place that a recipe names: its bytes, their digest, and the table in them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from expctl.errors import DataError, mask_secrets
from expctl.training.data.class_folders import as_table, folder_digest, is_class_folder, read_files, text_files
from expctl.training.data.table_formats import AS_NAMED
from expctl.training.data.tables import TYPED, kind_of, read_bytes, read_table, zipped_kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expctl.training.data.class_folders import TextFile
    from expctl.training.data.table_formats import Layout, TableColumns

# The table that was parsed last, if it is to be asked for again: until then, for it may be large.
_PARSED: Final[dict[tuple[str, str, str, Layout], TableColumns]] = {}


@dataclass(frozen=True)
class Stored:
    """A data file, or a folder with a folder for each class. `files` are those of a folder, empty of a file.

    `digest` is the sha256, in hex, of a file as it is stored, of a folder its `folder_digest`; `size` is in bytes.
    """

    path: str
    contents: Sequence[bytes]
    files: Sequence[TextFile] = ()

    @property
    def digest(self) -> str:
        """By which the same data are known."""
        return folder_digest(self.files, self.contents) if self.files else hashlib.sha256(self.contents[0]).hexdigest()

    @property
    def size(self) -> int:
        """How many bytes they are."""
        return sum(map(len, self.contents))

    @property
    def typed(self) -> bool:
        """Whether a cell has a type of its own; else it is text."""
        if self.files:
            return False
        kind = kind_of(self.path)
        return (zipped_kind(self.contents[0], self.path) if kind == "zip" else kind) in TYPED

    def table(self, encoding: str, layout: Layout = AS_NAMED, *, again: bool = False) -> TableColumns:
        """Its columns. Raises DataError where it does not parse.

        `again` says that the same bytes will be asked for once more: they are not parsed anew then.
        """
        key = (self.path, self.digest, encoding, layout)
        found = _PARSED.pop(key, None) or self._table(encoding, layout)
        _PARSED.clear()
        if again:
            _PARSED[key] = found
        return found

    def _table(self, encoding: str, layout: Layout) -> TableColumns:
        if self.files:
            return as_table(self.path, self.files, self.contents, encoding)
        name = mask_secrets(self.path)
        if not self.contents[0]:
            raise DataError(f"{name} is empty (0 bytes)")
        return read_table(self.contents[0], kind_of(self.path), encoding=encoding, name=name, layout=layout)


def read_stored(path: str, option: str | None = None) -> Stored:
    """What a path or a URL names. Raises DataError if there is nothing to read, with the `option` that names it."""
    if not is_class_folder(path):
        return Stored(path, [read_bytes(path, option)])
    files = text_files(path)
    return Stored(path, list(read_files(path, files)), files)


def digest_of(path: str) -> str:
    """The digest of what a path names. Raises DataError as `read_stored` does."""
    return read_stored(path).digest
