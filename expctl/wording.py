"""Words that agree with a number, those of a name, and measured numbers as they are written. Knows nothing of ours."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_DECIMALS: Final = 4  # of a measured number
_DIGITS: Final = 6  # of one that is so large that its decimals say less
_LARGE: Final = 100
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


def decimals_of(value: float) -> int:
    """How many decimals a measured number is written with: four; from 100 on so many that it has six digits, or one."""
    if not _LARGE <= abs(value) < math.inf:
        return _DECIMALS
    return max(1, _DIGITS - 1 - math.floor(math.log10(abs(value))))


def metric_text(value: float, sign: str = "") -> str:
    """A measured number in a sentence: `0.8731`, `24513.7`; with `+` for a sign `+0.0021`, `-264.270`."""
    return f"{value:{sign}.{decimals_of(value)}f}"
