"""Small words that agree with a number. Knows English, and nothing of ours."""

from __future__ import annotations


def plural(count: int, one: str, many: str | None = None) -> str:
    """A count and its noun: `1 row`, `2,000 rows`. `many` where that is not made by an s."""
    return f"{count:,} {agreeing(count, one, many)}"


def agreeing(count: int, one: str, many: str | None = None) -> str:
    """`one` for a single thing, else `many`: by default `one` with an s."""
    return one if count == 1 else many or f"{one}s"
