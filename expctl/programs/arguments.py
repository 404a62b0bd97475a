"""The words of a program's command line as parameters: `--lr 0.1`, `--lr=0.1` and `lr=0.1` are lr, a flag is True."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from expctl.programs.output import is_secret, without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_OPTION: Final = re.compile(r"--(?P<key>[A-Za-z][\w.-]*)(?P<equals>=(?P<value>.*))?", re.DOTALL)
_PAIR: Final = re.compile(r"\+{0,2}(?P<key>[A-Za-z_][\w.]*)=(?P<value>.*)", re.DOTALL)
# What may be called like a secret, in the ways of all programs: -token V, -password=V, api-key=V.
_NAMED: Final = re.compile(r"(?P<dashes>-{0,2}|\+{0,2})(?P<key>[A-Za-z_][\w.-]*)(?P<equals>=(?P<value>.*))?", re.DOTALL)
# The same within a word that is a line of a shell's; `$NAME` is no secret but the name of one.
_WITHIN: Final = re.compile(
    r"(?P<key>(?<!\S)--?[A-Za-z][\w.-]*|\b[A-Za-z_]\w*(?==))(?P<between>=|\s+)"
    r"(?P<value>'[^']+'|\"[^\"$]+\"|[^\s'\"$;&|-][^\s;&|'\"]*)"
)
_NUMBER: Final = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
HIDDEN: Final = "***"


def parameters(command: Sequence[str], secrets: Iterable[str] = ()) -> dict[str, str]:
    """The parameters that a command line says, in its order; of one that is said twice the last.

    Several numbers behind an option are one value (`--layers 64 32`). Values of options that are called like secrets,
    and what is among `secrets`, are not told.
    """
    found: dict[str, str] = {}
    words = list(command[1:])
    known = list(secrets)
    for place, word in enumerate(words):
        option, pair = _OPTION.fullmatch(word), _PAIR.fullmatch(word)
        if option is not None:
            key = option["key"].replace("-", "_")
            value = option["value"] if option["equals"] else _behind(words[place + 1 :])
        elif pair is not None:
            key, value = pair["key"], pair["value"]
        else:
            continue
        found.pop(key, None)
        found[key] = value if value == "True" else without_secret_value(key, value, known)
    return found


def without_secret_words(command: Sequence[str], secrets: Iterable[str]) -> list[str]:
    """The words of a command line as they may be stored."""
    known, told = list(secrets), []
    before = ""  # the option whose value the word may be
    for word in command:
        said = _NAMED.fullmatch(word)
        if before and not word.startswith("--") and is_secret(before, word):
            told.append(HIDDEN)
        elif said is not None and said["equals"] and is_secret(said["key"], said["value"]):
            told.append(f"{word.partition('=')[0]}={HIDDEN}")
        else:
            told.append(_without_inner(without_secrets(word, known)))
        before = said["key"] if said is not None and said["dashes"].startswith("-") and not said["equals"] else ""
    return told


def _without_inner(word: str) -> str:
    """A word without the secrets that a line within it gives: `sh -c 'API_KEY=... python train.py --token ...'`."""
    if not re.search(r"\s", word):
        return word

    def instead(found: re.Match[str]) -> str:
        hidden = is_secret(found["key"].lstrip("-"), found["value"])
        return f"{found['key']}{found['between']}{HIDDEN}" if hidden else found[0]

    return _WITHIN.sub(instead, word)


def without_secret_value(key: str, value: str, secrets: Iterable[str]) -> str:
    """The value of a parameter of this name as it may be stored."""
    return HIDDEN if is_secret(key, value) else without_secrets(value, secrets)


def _behind(words: Sequence[str]) -> str:
    """The value of an option, from the words behind it; True of one that has none."""
    if not words or words[0] == "--" or _OPTION.fullmatch(words[0]) or _PAIR.fullmatch(words[0]):
        return "True"
    if not _NUMBER.fullmatch(words[0]):
        return "True" if re.fullmatch(r"-[A-Za-z]", words[0]) else words[0]
    numbers = []
    for word in words:
        if not _NUMBER.fullmatch(word):
            break
        numbers.append(word)
    return " ".join(numbers)
