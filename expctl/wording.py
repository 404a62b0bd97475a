"""Words that agree with a number. Knows English, and nothing of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def plural(count: int, singular: str, plural: str | None = None) -> str:
    """A count and its noun: `1 row`, `2,000 rows`."""
    return f"{count:,} {agree(count, singular, plural)}"


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def agree(count: int, singular: str, plural: str | None = None) -> str:
    """The form of a noun or a verb for so many; the plural is by default the singular with an s."""
    return singular if count == 1 else plural or f"{singular}s"
