"""A file with a word on each line, for `stop_words`: its words, and the digest by which they are the same."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from expctl.errors import DataError, UsageError

if TYPE_CHECKING:
    from expctl.records import Value

_LIMIT: Final = 2**20  # bytes: a list of words that no text needs is short


def is_word_file(value: Value) -> bool:
    """Whether a value of `stop_words` names a file."""
    return isinstance(value, str) and value.lower().endswith(".txt")


def word_file_hash(value: Value) -> str | None:
    """The sha256, in hex, of the file that a value of `stop_words` names; None of another value, and of no file."""
    try:
        return hashlib.sha256(_content(str(value))).hexdigest() if is_word_file(value) else None
    except UsageError:
        return None


def read_words(path: str, digest: str | None) -> list[str]:
    """The words of a file, each once, blank lines aside. `digest` is what `word_file_hash` gave when it was chosen.

    Raises UsageError if there is no such file, or no word in it, DataError if it is not the one that was chosen.
    """
    content = _content(path)
    if digest is not None and hashlib.sha256(content).hexdigest() != digest:
        raise DataError(f"{path} has changed: its sha256 was {digest[:12]}", hint="restore it, or train anew with it")
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 (byte {error.start})", hint="a word on each line") from error
    words = list(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if not words:
        raise UsageError(f"{path} has no word", hint="a word on each line")
    return words


def _content(path: str) -> bytes:
    try:
        if not Path(path).is_file():  # a pipe would hang
            raise UsageError(f"stop_words: no file {path}", hint="a .txt file with a word on each line, or english")
        with Path(path).open("rb") as stream:
            content = stream.read(_LIMIT + 1)
    except (OSError, ValueError) as error:
        raise UsageError(f"stop_words: cannot read {path}: {getattr(error, 'strerror', error)}") from error
    if len(content) > _LIMIT:
        raise UsageError(f"stop_words: {path} has more than {_LIMIT:,} bytes", hint="a word on each line")
    return content
