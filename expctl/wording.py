"""Words that agree with a number. Knows English, and nothing of ours."""

from __future__ import annotations


def plural(count: int, singular: str, plural: str | None = None) -> str:
    """A count and its noun: `1 row`, `2,000 rows`."""
    return f"{count:,} {agree(count, singular, plural)}"


def agree(count: int, singular: str, plural: str | None = None) -> str:
    """The form of a noun or a verb for so many; the plural is by default the singular with an s."""
    return singular if count == 1 else plural or f"{singular}s"
