"""What a RUN may be by its form, and what runs and experiments may be called, so that each can be named by a RUN.

One rule: a new name is refused where it means something else wherever it is typed, and where it cannot be typed. Names
that a store has already are found, shown and changed as they are. Registered models have MLflow's rules besides
(`models/registry.py`).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from expctl.errors import UsageError

LATEST: Final = re.compile(r"latest(?:~(\d{1,6}))?")
BEST: Final = re.compile(r"best(?::(.+))?")
ID: Final = re.compile(r"[0-9a-f]{32}")
VERSION: Final = re.compile(r"models:/(?P<name>[^/@]+)/(?P<version>\d+)")
ALIAS: Final = re.compile(r"(?:models:/)?(?P<name>[^/@]+)@(?P<alias>[^/@]+)")
REGISTRY: Final = "models:/"

RUN_LIMIT: Final = 250  # PostgreSQL refuses longer ones, SQLite takes any
EXPERIMENT_LIMIT: Final = 256  # PostgreSQL refuses longer ones, though MLflow would take 500

# Controls, lone surrogates and the ends of lines and paragraphs.
_NOT_TYPED: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
_OTHER_MEANINGS: Final = {
    ID: "the id of a run",
    LATEST: "the newest run",
    BEST: "the best run",
    ALIAS: "a registered model's run",
}


def check_run_name(name: str) -> None:
    """Raise UsageError for the name of a run that is empty, too long, not to be typed, or means another run."""
    _check("the run's name", name, RUN_LIMIT, "leave it out and the run gets a name")
    meant = next((what for form, what in _OTHER_MEANINGS.items() if form.fullmatch(name)), None)
    if name.startswith(REGISTRY):
        meant = _OTHER_MEANINGS[ALIAS]
    if meant is not None:
        raise UsageError(f"the run's name {name!r} means {meant} wherever it is typed", hint="choose another name")


def is_run_name(name: str) -> bool:
    """Whether a new run may be called so."""
    try:
        check_run_name(name)
    except UsageError:
        return False
    return True


def check_experiment_name(name: str, option: str) -> None:
    """Raise UsageError for the name of an experiment that is empty, too long, not to be typed, or no EXPERIMENT/NAME's.

    `option` is what named it.
    """
    _check(option, name, EXPERIMENT_LIMIT, "choose a name")
    if f"{name}/".startswith(REGISTRY):
        raise UsageError(
            f"{option} {name!r}: {REGISTRY} begins a registered model wherever it is typed", hint="choose another name"
        )


def _check(what: str, name: str, limit: int, instead: str) -> None:
    if not name.strip():
        raise UsageError(f"{what} is empty", hint=instead)
    if len(name) > limit:
        raise UsageError(f"{what} has {len(name):,} characters, the limit is {limit}")
    if any(unicodedata.category(char) in _NOT_TYPED for char in name):
        raise UsageError(f"{what} {name[:60]!r} has a line end or a control character", hint="leave it out")
