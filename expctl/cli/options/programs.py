"""The options of commands that run a program of the user's, or take predictions that one made."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from expctl.cli.options import common, completion
from expctl.training.search.pruners import PRUNERS
from expctl.training.tasks import TASKS

_RECORD: Final = "Record"
_PREDICTIONS: Final = "Predictions"

SweptCommand = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[-- PROGRAM ARGUMENT...]", help="A program to run instead of training: {KEY} is the value at a point.",
        show_default=False,
    ),
]  # fmt: skip
Param = Annotated[
    list[str] | None,
    typer.Option(
        "--param", "-p", metavar="KEY=VALUE", help="A parameter that its arguments do not say; repeatable.",
        rich_help_panel=_RECORD,
    ),
]  # fmt: skip
MetricPatterns = Annotated[
    list[str] | None,
    typer.Option(
        "--metric", metavar="NAME=REGEX", rich_help_panel=_RECORD,
        help="Read a metric from the output: the expression's first group, or (?P<value>...), and (?P<step>...).",
    ),
]  # fmt: skip
Artifacts = Annotated[
    list[str] | None,
    typer.Option(
        "--artifact", metavar="GLOB", help="Record the files that match; repeatable.", rich_help_panel=_RECORD
    ),
]
Data = Annotated[
    str | None, typer.Option(metavar="FILE", help="The data: hashed and recorded.", rich_help_panel=_RECORD)
]
Predictions = Annotated[
    str | None,
    typer.Option(
        metavar="FILE", help="The test-set predictions that the program writes: expctl help predictions.",
        rich_help_panel=_PREDICTIONS,
    ),
]  # fmt: skip
Target = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="Its column of true labels.  [default: label]", rich_help_panel=_PREDICTIONS),
]
Prediction = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="Its predictions.  [default: prediction]", rich_help_panel=_PREDICTIONS),
]
Id = Annotated[
    list[str] | None,
    typer.Option(
        "--id", metavar="COLUMN", help="What identifies a row; repeatable.  [default: text, else id]",
        rich_help_panel=_PREDICTIONS,
    ),
]  # fmt: skip
TextColumn = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN", help="The text that identifies a row, as in runs of train.  [default: text]",
        rich_help_panel=_PREDICTIONS,
    ),
]  # fmt: skip
Task = Annotated[
    str | None,
    typer.Option(
        metavar="TASK", help="What was predicted, else told by the target: classification or regression.",
        rich_help_panel=_PREDICTIONS, autocompletion=completion.one_of(TASKS),
    ),
]  # fmt: skip
TrialTimeout = Annotated[
    int | None,
    typer.Option(
        parser=common.seconds, metavar="TIME", help="Stop the program of a trial after this time.",
        rich_help_panel="Program",
    ),
]  # fmt: skip
Prune = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", autocompletion=completion.one_of(PRUNERS), rich_help_panel="Program",
        help=f"Stop trials whose --metric NAME=REGEX does worse on its way: {common.any_of(list(PRUNERS))}.",
    ),
]  # fmt: skip
Timeout = Annotated[
    int | None,
    typer.Option(
        parser=common.seconds, metavar="TIME", help="Stop the program after this time: 90s, 30m, 2h.",
        rich_help_panel="Program",
    ),
]  # fmt: skip
