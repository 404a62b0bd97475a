"""What a parameter is: its key, the scikit-learn argument it sets, the values it takes. Imports nothing heavy.

Values are checked here, without scikit-learn, so that a wrong one is told in milliseconds and before any run; a
contract test holds every range against scikit-learn's own.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from expctl.errors import UsageError

if TYPE_CHECKING:
    from expctl.records import Value


@dataclass(frozen=True, slots=True)
class Interval:
    """Integers or finite reals from `low` to `high` (None: unbounded); `closed` says which ends belong to it."""

    type: type[int] | type[float]
    low: float | None
    high: float | None = None
    closed: Literal["both", "left", "right", "neither"] = "both"

    def read(self, value: object) -> int | float:
        """`value`, or the number its text says. Raises ValueError if that is not a number of this interval."""
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise ValueError
        if self.type is int and isinstance(value, float):
            raise ValueError
        try:
            number = self.type(value)
        except OverflowError:
            raise ValueError from None
        if isinstance(number, float) and not math.isfinite(number):
            raise ValueError
        too_low = self.low is not None and (
            number < self.low or (number == self.low and self.closed in ("right", "neither"))
        )
        too_high = self.high is not None and (
            number > self.high or (number == self.high and self.closed in ("left", "neither"))
        )
        if too_low or too_high:
            raise ValueError
        return number

    def __str__(self) -> str:
        noun = "an integer" if self.type is int else "a number"
        above = "above" if self.closed in ("right", "neither") else "from"
        below = "below" if self.closed in ("left", "neither") else "to"
        low = "" if self.low is None else f"{above} {self.low:.10g}"
        high = "" if self.high is None else f"{below} {self.high:.10g}"
        return " ".join(part for part in (noun, low, high) if part)


@dataclass(frozen=True, slots=True)
class Options:
    """A few fixed values, written as their text; None is written `none`, booleans `true` and `false`."""

    values: tuple[str | bool | None, ...]

    def read(self, value: object) -> str | bool | None:
        """The value meant by `value`. Raises ValueError if it is none of these."""
        if value is None or isinstance(value, (str, bool)):
            for known in self.values:
                if str(known).lower() == str(value).lower():
                    return known
        raise ValueError

    def __str__(self) -> str:
        words = [value if isinstance(value, str) else str(value).lower() for value in self.values]
        return words[0] if len(words) == 1 else f"one of {', '.join(words)}"


@dataclass(frozen=True, slots=True)
class Pattern:
    """Regular expressions as scikit-learn takes them: with one group at most, which is then what counts of a match."""

    def read(self, value: object) -> str:
        """`value` itself. Raises ValueError if it is no regular expression."""
        if not isinstance(value, str) or not value:
            raise ValueError
        try:
            compiled = re.compile(value)
        except (re.error, RecursionError, OverflowError):
            raise ValueError from None
        if compiled.groups > 1:
            raise ValueError
        return value

    def __str__(self) -> str:
        return "a regular expression with at most one group"


@dataclass(frozen=True, slots=True)
class WordFile:
    """Paths of files with a word on each line, known by their ending. Whether there is one is asked when it is read."""

    def read(self, value: object) -> str:
        """`value` itself. Raises ValueError if it names no text file."""
        if not isinstance(value, str) or not value.lower().endswith(".txt"):
            raise ValueError
        return value

    def __str__(self) -> str:
        return "a .txt file of words"


# The parameters that have a flag of their own on a command line, `--max-iter` for max_iter: real numbers and integers.
FLAGS: Final = ("c", "max_features", "max_iter")


def parameter_words(key: str, value: object, *, by_flag: bool = True) -> list[str]:
    """The words of a command line that say a parameter's value, typed or as text: a flag where it has one, else -p."""
    text = "none" if value is None else str(value)
    if by_flag and key in FLAGS:
        return [f"--{key.replace('_', '-')}", text.removesuffix(".0") if isinstance(value, float) else text]
    return ["-p", f"{key}={text}"]


FLAG = Options((True, False))
NONE = Options((None,))
Domain = Interval | Options | Pattern | WordFile


@dataclass(frozen=True, slots=True)
class Parameter:
    """One thing a user can set: `key` for the user, `target` for scikit-learn, `domains` the values it takes."""

    key: str
    target: str
    domains: tuple[Domain, ...]
    default: Value
    help: str = ""

    def read(self, value: object) -> Value:
        """The value that `value` (typed, or text from a shell) stands for. Raises UsageError with the range."""
        for domain in self.domains:
            try:
                return domain.read(value)
            except ValueError:
                continue
        raise UsageError(f"{self.key} must be {self.range}; {value!r} is not")

    @property
    def range(self) -> str:
        """The values it takes, in words."""
        return " or ".join(str(domain) for domain in self.domains)


def positive(key: str, target: str, default: Value, help: str = "") -> Parameter:
    """A real above 0."""
    return Parameter(key, target, (Interval(float, 0, closed="neither"),), default, help)


def non_negative(key: str, target: str, default: Value, help: str = "") -> Parameter:
    """A real from 0 on."""
    return Parameter(key, target, (Interval(float, 0),), default, help)


def count(key: str, target: str, default: Value, help: str = "", *, low: int = 1, or_none: bool = False) -> Parameter:
    """An integer from `low` on, or none."""
    return Parameter(key, target, (Interval(int, low), *([NONE] if or_none else [])), default, help)


def flag(key: str, target: str, default: bool, help: str = "") -> Parameter:
    """True or false."""
    return Parameter(key, target, (FLAG,), default, help)


def choice(key: str, target: str, values: tuple[str | None, ...], default: Value, help: str = "") -> Parameter:
    """One of a few words."""
    return Parameter(key, target, (Options(values),), default, help)
