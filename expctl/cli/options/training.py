"""The options that make a recipe and label its run, for every command that trains.

Those of a recipe come from its table; what stands here beside them is declared once, as types.
"""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar, get_type_hints

import typer

from expctl.cli.options import completion
from expctl.recipe import OPTIONS
from expctl.training.models.families import FAMILIES, all_parameters

if TYPE_CHECKING:
    from expctl.recipe import Option

_DATA: Final = "Data"
_MODEL: Final = "Model"
_RECORD: Final = "Record"

Strict = Annotated[
    bool | None,
    typer.Option("--strict", help="Fail where the data would only cause a warning.", rich_help_panel=_DATA),
]
C = Annotated[
    str | None,
    typer.Option(
        "--c", metavar="C", help="Inverse of the regularization strength.  [default: 1.0]", rich_help_panel=_MODEL
    ),
]
MaxFeatures = Annotated[
    str | None,
    typer.Option(
        metavar="N", help="Keep the N most frequent terms, or none: all.  [default: 5000]", rich_help_panel=_MODEL
    ),
]
MaxIter = Annotated[
    str | None,
    typer.Option(metavar="N", help="Most iterations of the solver.  [default: 1000]", rich_help_panel=_MODEL),
]
Param = Annotated[
    list[str] | None,
    typer.Option(
        "-p",
        "--param",
        metavar="KEY=VALUE",
        help="Any parameter of the features or the model; repeatable. A wrong key lists them all.",
        rich_help_panel=_MODEL,
        autocompletion=completion.parameters,
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.toml", help="Take options from a file, keys as the flags; flags win.", rich_help_panel=_MODEL
    ),
]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="RUN",
        help="Take the recipe of this run; flags and config file change it.",
        rich_help_panel=_MODEL,
        autocompletion=completion.runs,
    ),
]
RunName = Annotated[
    str | None,
    typer.Option(
        "--run-name", "--name", metavar="NAME", help="Name of the run.  [default: generated]", rich_help_panel=_RECORD
    ),
]
Tag = Annotated[
    list[str] | None,
    typer.Option(
        "-t",
        "--tag",
        metavar="KEY=VALUE",
        help="Tag the run; repeatable.",
        rich_help_panel=_RECORD,
        autocompletion=completion.tags,
    ),
]
Note = Annotated[str | None, typer.Option(metavar="TEXT", help="A description of the run.", rich_help_panel=_RECORD)]
DataVersion = Annotated[
    str | None,
    typer.Option(metavar="V", help="Version of the data, in your team's numbering.", rich_help_panel=_RECORD),
]
Autolog = Annotated[
    bool | None, typer.Option("--autolog", help="Add MLflow's scikit-learn autologging.", rich_help_panel=_RECORD)
]

# What commands that train have beside the options of a recipe.
_OWN: Final[dict[str, Any]] = {
    "strict": Strict,
    "c": C,
    "max_features": MaxFeatures,
    "max_iter": MaxIter,
    "param": Param,
    "config": Config,
    "run_name": RunName,
    "tag": Tag,
    "note": Note,
    "data_version": DataVersion,
}
# Options of a recipe that name columns, besides those of that ending.
_COLUMNS: Final = ("target", "features", "drop", "slice")
# What shells are offered for options of a recipe; else the names of files.
_OFFERED: Final[dict[str, Callable[..., list[str]]]] = {
    "model": completion.one_of(FAMILIES),
    **{key: completion.data_columns for key in OPTIONS if key.endswith("_column") or key in _COLUMNS},
}
# Where --help does not have the options of a heading in the order of the tables: KEY stands behind another.
_BEHIND: Final = {"strict": "dedupe", "extra_metric": "param", "cv": "param"}
_ARGUMENTS: Final = "Arguments"
_HEADINGS: Final = (_ARGUMENTS, "Sweep", "Program", "Predictions", _DATA, _MODEL, _RECORD, "Common")

Command = TypeVar("Command", bound="Callable[..., None]")


def with_training_options(command: Command) -> Command:
    """Give a command, in place of its `**flags`, the options that make a recipe and label its run.

    All of them are None where they are not given.
    """
    types = {key: _annotation(one) for key, one in OPTIONS.items()} | _OWN
    for key, other in _BEHIND.items():
        moved = types.pop(key)
        place = list(types).index(other) + 1
        types = dict([*list(types.items())[:place], (key, moved), *list(types.items())[place:]])
    own = get_type_hints(command, include_extras=True)
    kept = [one for one in inspect.signature(command).parameters.values() if one.kind is not one.VAR_KEYWORD]
    parameters = [
        inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=type_)
        for key, type_ in types.items()
    ]
    parameters += [one.replace(kind=one.KEYWORD_ONLY, annotation=own[one.name]) for one in kept]
    parameters.sort(key=lambda one: _HEADINGS.index(_heading(one.annotation)))
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: one.annotation for one in parameters}
    return command


def _annotation(one: Option) -> Any:
    """The type of an option of a recipe, as Typer reads it: text, for what is wrong with it is told by the table."""
    usual = f"{'' if one.default else 'no-'}{one.key}" if one.is_flag else one.default
    text = one.help.format(models=", ".join(FAMILIES)) + ("" if usual is None else f"  [default: {usual}]")
    words = [f"{one.flag}/{one.off}" if one.is_flag else one.flag, *([one.also] if one.also else [])]
    info = typer.Option(
        *words, metavar=one.metavar, help=text, rich_help_panel=one.panel, autocompletion=_OFFERED.get(one.key)
    )
    type_: Any = bool | None if one.is_flag else list[str] | None if one.repeatable else str | None
    return Annotated[type_, info]


def _heading(annotation: Any) -> str:
    """The heading that an option stands under in --help."""
    heading: str | None = annotation.__metadata__[0].rich_help_panel
    return heading or _ARGUMENTS


def parameter_meant(context: typer.Context, option: str, words: Sequence[str]) -> str | None:
    """How a parameter is given that was typed as an option, such as `-p stop_words=english` for `--stop-words english`.

    None if the option is no parameter of any model, or the command of the context takes none.
    """
    takes = any("--model" in one.opts for one in context.command.params)
    key = option.removeprefix("--").replace("-", "_")
    if not takes or not option.startswith("--") or key not in all_parameters():
        return None
    at = next((i for i, word in enumerate(words) if word.partition("=")[0] == option), len(words))
    _, equals, value = words[at].partition("=") if at < len(words) else ("", "", "")
    if not equals and at + 1 < len(words) and not words[at + 1].startswith("-"):
        value = words[at + 1]
    return "-p " + shlex.quote(f"{key}={value or 'VALUE'}")
