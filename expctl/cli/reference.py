"""The command line as data, for programs that learn it: commands, arguments, options, kinds, defaults, exit codes.

Read from the commands themselves and from the tables that they read; nothing is said a second time here.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args, get_origin, get_type_hints

from typer.models import ArgumentInfo, OptionInfo

from expctl import __version__, docs
from expctl.cli.overview import ALIASES, GROUPS
from expctl.errors import MEANINGS, UsageError
from expctl.metrics import METRICS
from expctl.parameters import Interval
from expctl.recipe import OPTIONS
from expctl.records import STATUSES
from expctl.render.formats import FORMATS, JSON_VERSION
from expctl.training.models.families import FAMILIES
from expctl.training.models.features import FEATURES
from expctl.training.search.samplers import SAMPLERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from expctl.cli.options.common import Entry
    from expctl.parameters import Parameter

_WORDS: Final[Mapping[str, Sequence[str]]] = {
    "format": tuple(FORMATS),
    "status": STATUSES,
    "sampler": tuple(SAMPLERS),
}
_KINDS: Final = {bool: "flag", int: "integer", float: "number", Path: "path"}
_INFOS: Final = (ArgumentInfo, OptionInfo)


def reference(entries: Iterable[Entry]) -> dict[str, Any]:
    """Everything that can be typed."""
    return {
        "version": JSON_VERSION,
        "kind": "reference",
        "program": "expctl",
        "program_version": __version__,
        "exit_codes": {str(code.value): meaning for code, meaning in MEANINGS.items()},
        "aliases": dict(ALIASES),
        "commands": {entry.name: _command(entry) for entry in entries},
        "models": {name: {"help": one.help, "parameters": _parameters(one.by_key)} for name, one in FAMILIES.items()},
        "features": _parameters(FEATURES),
        "metrics": {key: {"help": one.help, "higher_is_better": one.higher_is_better} for key, one in METRICS.items()},
        "topics": {topic.name: topic.summary for topic in docs.topics()},
    }


def _command(entry: Entry) -> dict[str, Any]:
    found: dict[str, Any] = {
        "group": next((group for group, names in GROUPS.items() if entry.name in names), None),
        "help": " ".join((entry.function.__doc__ or "").split()),
        "topic": entry.topic,
        "arguments": {},
        "options": {},
    }
    hints = get_type_hints(entry.function, include_extras=True)
    signature = inspect.signature(entry.function).parameters
    recipe = "test_size" in signature  # of a command that trains: its options are a recipe's
    for name, parameter in signature.items():
        info = next((one for one in getattr(hints[name], "__metadata__", ()) if isinstance(one, _INFOS)), None)
        if isinstance(info, ArgumentInfo):
            found["arguments"][name] = _described(hints[name], info, parameter.default)
        elif isinstance(info, OptionInfo):
            spellings, off = _spellings(name, info)
            described = _described(hints[name], info, parameter.default) | _option(name, info, recipe=recipe)
            found["options"][spellings[0]] = described | {"spellings": spellings, "off": off}
    return found


def _spellings(name: str, info: OptionInfo) -> tuple[list[str], list[str]]:
    """How an option is typed, its first whole word before all, and how a flag is taken back."""
    declared = [word for word in (info.default, *(info.param_decls or ())) if isinstance(word, str)]
    words = [word.split("/") for word in declared or [f"--{name.replace('_', '-')}"]]
    ordered = sorted((word[0] for word in words), key=lambda word: not word.startswith("--"))
    return ordered, [off for _, *rest in words for off in rest]


def _described(hint: Any, info: ArgumentInfo | OptionInfo, default: Any) -> dict[str, Any]:
    """What arguments and options have in common. A default is as it is typed; null: none, or the help says it."""
    annotated = get_args(hint)[0]
    types = {inner for one in (annotated, *get_args(annotated)) for inner in (one, *get_args(one))}
    kind = next((name for type_, name in _KINDS.items() if type_ in types), "text")
    if kind == "integer" and info.parser is not None:  # what is typed is read: an age, a time
        kind = "text"
    found = {
        "kind": kind,
        "help": " ".join((info.help or "").split()),
        "metavar": info.metavar,
        "required": default is inspect.Parameter.empty,
        "repeatable": any(get_origin(one) is list for one in (annotated, *get_args(annotated))),
        "default": _plain(default),
    }
    limits = {"minimum": info.min, "maximum": info.max}
    return found | {key: value for key, value in limits.items() if value is not None}


def _plain(default: Any) -> Any:
    """A default as JSON has it; None for none."""
    if default is inspect.Parameter.empty or default == "":
        return None
    return str(default) if isinstance(default, Path) else default


def _option(name: str, info: OptionInfo, *, recipe: bool) -> dict[str, Any]:
    """What tables know of an option: the words it takes, and of one of a recipe its default and range."""
    found: dict[str, Any] = {}
    if name in _WORDS:
        found["choices"] = [word for word in _WORDS[name] if _takes(info.parser, word)]
    if recipe and name in OPTIONS:
        known = OPTIONS[name]
        found["default"] = known.default
        if known.domains and not known.is_flag:
            found |= _range(known.number())
    return found


def _takes(read: Callable[[str], object] | None, word: str) -> bool:
    """Whether the reader of an option, if it has one, takes a word."""
    try:
        return read is None or read(word) is not None
    except UsageError:
        return False


def _parameters(table: Mapping[str, Parameter]) -> dict[str, Any]:
    return {key: {"help": one.help, "default": one.default} | _range(one) for key, one in table.items()}


def _range(one: Parameter) -> dict[str, Any]:
    kinds = {"integer" if domain.type is int else "number" for domain in one.domains if isinstance(domain, Interval)}
    kind = "text" if not kinds else "integer" if kinds == {"integer"} else "number"
    return {"kind": kind, "range": one.range}
