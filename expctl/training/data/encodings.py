"""Bytes to text, and which encoding would read the bytes that do not fit the one that was named. Guesses nothing."""

from __future__ import annotations

import codecs
from typing import Final

from expctl.errors import DataError

# UTF-32's first: its little-endian mark begins with UTF-16's.
_BYTE_ORDER_MARKS: Final = {
    codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32", codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip
_WESTERN: Final = "cp1252"
_SAMPLE: Final = 100_000  # bytes of lines that are not ASCII: enough to tell languages apart, looked at in 0.1 s


def check_encoding(encoding: str) -> None:
    """Raise DataError for a name that is no encoding of text."""
    try:
        "".encode(encoding)
    except (LookupError, ValueError):  # ValueError: a NUL in the name, or a codec that refuses everything
        raise DataError(f"unknown encoding {encoding!r}", hint="for example utf-8, latin-1, cp1252, utf-16") from None


def marked(head: bytes, encoding: str) -> str:
    """The encoding that a byte order mark states, else `encoding`."""
    return next((codec for mark, codec in _BYTE_ORDER_MARKS.items() if head.startswith(mark)), encoding)


def undecodable(content: bytes | None, encoding: str, name: str, error: UnicodeError) -> DataError:
    """The error for bytes that are not in `encoding`, with the line and, if one fits, the encoding to name instead.

    `content` is all of them, None where they cannot be read again.
    """
    if content is not None:
        encoding = marked(content, encoding)
        try:
            content.decode(encoding)
        except UnicodeDecodeError as exact:
            line = content.count(b"\n", 0, exact.start) + 1
            told = f"{name}: line {line} is not {encoding} (byte 0x{content[exact.start]:02x} at {exact.start})"
            return DataError(told, hint=_remedy(content))
    return DataError(f"{name}: not {encoding} ({getattr(error, 'reason', error)})", hint=_remedy(content))


def _remedy(content: bytes | None) -> str:
    fitting = None if content is None else fitting_encoding(content)
    if fitting is None:
        return "--encoding names another one, such as latin-1 or cp1252"
    return f"{fitting} reads all of it: --encoding {fitting}"


def fitting_encoding(content: bytes) -> str | None:
    """The likeliest encoding that reads every byte; None if there is none.

    UTF-8 where it does. Else Windows-1252 if charset-normalizer finds the text plausible in it, for a few accents alone
    fit many encodings and that is the one of most files; else what it finds the most plausible.
    """
    from charset_normalizer import from_bytes

    if _reads(content, "utf-8"):
        return "utf-8"
    sample, size = [], 0
    for line in content.splitlines():
        if not line.isascii():
            sample.append(line)
            size += len(line)
            if size > _SAMPLE:
                break
    found = list(from_bytes(b"\n".join(sample)[:_SAMPLE]))
    likely = [one.encoding for one in found]
    if any(_WESTERN in one.could_be_from_charset for one in found):
        likely.insert(0, _WESTERN)
    return next((name.replace("_", "-") for name in likely if _reads(content, name)), None)


def _reads(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except (UnicodeError, LookupError):
        return False
    return True
