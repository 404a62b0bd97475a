"""Words that agree with a number, and those of a name. Knows English, and nothing of ours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def plural(count: int, singular: str, plural: str | None = None) -> str:
    """A count and its noun: `1 row`, `2,000 rows`."""
    return f"{count:,} {agree(count, singular, plural)}"


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def agree(count: int, singular: str, plural: str | None = None) -> str:
    """The form of a noun or a verb for so many; the plural is by default the singular with an s."""
    return singular if count == 1 else plural or f"{singular}s"


def name_words(name: str) -> list[str]:
    """The words of a name, in lower case: of `MAX_TOKENS`, `max-tokens` and `maxTokens` the same."""
    return [word.lower() for word in _WORD.findall(name)]
