"""The options that make a recipe and label its run, declared once as types for every command that trains."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from expctl.cli.options import completion
from expctl.training.models.families import FAMILIES

_DATA: Final = "Data"
_MODEL: Final = "Model"
_RECORD: Final = "Record"

Data = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="CSV, TSV, JSONL or Parquet, also .gz, or a URL.  [EXPCTL_DATA, else data/reviews.csv]",
        rich_help_panel=_DATA,
    ),
]
TextColumn = Annotated[
    str | None, typer.Option(metavar="NAME", help="Column of the texts.  [default: text]", rich_help_panel=_DATA)
]
LabelColumn = Annotated[
    str | None, typer.Option(metavar="NAME", help="Column of the labels.  [default: label]", rich_help_panel=_DATA)
]
Encoding = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Encoding of CSV, TSV and JSONL.  [default: utf-8]", rich_help_panel=_DATA),
]
TestSize = Annotated[
    str | None,
    typer.Option(metavar="SHARE", help="Share of the rows to test on.  [default: 0.2]", rich_help_panel=_DATA),
]
TestData = Annotated[str | None, typer.Option(metavar="FILE", help="Test on this file instead.", rich_help_panel=_DATA)]
SplitColumn = Annotated[
    str | None, typer.Option(metavar="NAME", help="Column that says train or test.", rich_help_panel=_DATA)
]
Stratify = Annotated[
    bool | None,
    typer.Option(
        "--stratify/--no-stratify",
        help="Keep the classes' shares on both sides.  [default: stratify]",
        rich_help_panel=_DATA,
    ),
]
Dedupe = Annotated[
    bool | None,
    typer.Option(
        "--dedupe/--no-dedupe",
        help="Keep all copies of a text on one side.  [default: no-dedupe]",
        rich_help_panel=_DATA,
    ),
]
Strict = Annotated[
    bool | None,
    typer.Option("--strict", help="Refuse data that would be warned of.", rich_help_panel=_DATA),
]
RandomState = Annotated[
    str | None, typer.Option(metavar="N", help="Seed of the split and the model.  [default: 42]", rich_help_panel=_DATA)
]
Model = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help=f"{', '.join(FAMILIES)}, or package.module:factory.  [default: logreg]",
        rich_help_panel=_MODEL,
    ),
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
        help="Any parameter of the features or the model; again for more. A wrong key lists them all.",
        rich_help_panel=_MODEL,
    ),
]
Cv = Annotated[
    str | None,
    typer.Option("--cv", metavar="K", help="Cross-validate on the training rows, K folds.", rich_help_panel=_MODEL),
]
Config = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.toml", help="Take options from a file, keys as the flags; flags win.", rich_help_panel=_MODEL
    ),
]
RunName = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Name of the run.  [default: one is made up]", rich_help_panel=_RECORD),
]
Tag = Annotated[
    list[str] | None,
    typer.Option(
        "-t",
        "--tag",
        metavar="KEY=VALUE",
        help="Tag the run; again for more.",
        rich_help_panel=_RECORD,
        autocompletion=completion.tags,
    ),
]
Note = Annotated[str | None, typer.Option(metavar="TEXT", help="A description of the run.", rich_help_panel=_RECORD)]
DataVersion = Annotated[
    str | None, typer.Option(metavar="V", help="Version of the data, as your team counts it.", rich_help_panel=_RECORD)
]
Autolog = Annotated[
    bool | None, typer.Option("--autolog", help="Add MLflow's scikit-learn autologging.", rich_help_panel=_RECORD)
]
