"""What is filled into the words of a command line: `{lr}` by its value. Braces around anything else are left alone.

`{{lr}}` stands for `{lr}` itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RUN_ID: Final = "run_id"
RUN_DIR: Final = "run_dir"
OF_RUN: Final = (RUN_ID, RUN_DIR)  # these are filled in when a run has begun, the parameters of a sweep before
_NAME: Final = re.compile(r"\{\{(?P<literal>[A-Za-z_][\w.-]*)\}\}|\{(?P<name>[A-Za-z_][\w.-]*)\}")


def key_of(name: str) -> str:
    """A name as keys have it: `learning-rate` is learning_rate."""
    return name.replace("-", "_")


def placeholders(words: Sequence[str]) -> list[str]:
    """The keys that words have in braces, each once."""
    found = (key_of(one["name"]) for word in words for one in _NAME.finditer(word) if one["name"])
    return list(dict.fromkeys(found))


def filled(words: Sequence[str], values: Mapping[str, str], *, others: bool) -> tuple[str, ...]:
    """Words with the values in place of their keys in braces, which in double braces are that text itself.

    With `others` the double braces of all other names become single ones too, but of those that a run fills in later.
    """

    def instead(found: re.Match[str]) -> str:
        name = found["name"] or found["literal"]
        key = key_of(name)
        if key not in values and (not others or key in OF_RUN or found["name"]):
            return found[0]
        return values[key] if found["name"] else f"{{{name}}}"

    return tuple(_NAME.sub(instead, word) for word in words)
