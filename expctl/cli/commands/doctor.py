"""`expctl doctor`: what is wrong with settings and store, and what to do. Owns its arguments and both streams."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Annotated, Final

import typer

from expctl import __version__
from expctl.cli.options import common
from expctl.cli.options.common import Entry
from expctl.cli.streams import Streams
from expctl.errors import ExitCode, mask_secrets
from expctl.settings import VARIABLES, traced_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from expctl.settings import Settings, Source

_SECRET: Final = re.compile("PASSWORD|TOKEN|SECRET|KEY|CREDENTIAL|AUTH", re.IGNORECASE)
_PACKAGES: Final = ("mlflow", "scikit-learn", "skops", "pandas", "numpy", "optuna")


def doctor(
    fix: Annotated[
        bool,
        typer.Option(
            "--fix",
            help="Close runs whose process is gone; upgrade an SQLite store of an older MLflow, and after a move set"
            " the addresses of files right (each with a backup); move files of no run aside; refresh SQLite's planner"
            " statistics.",
        ),
    ] = False,
    experiment: common.Experiment = None,
    tracking_uri: common.TrackingUri = None,
    format: common.FormatOption = "table",
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
) -> None:
    """Check settings, store, disk and runs left RUNNING. Exit 4 if something keeps you from working."""
    settings, sources = traced_settings(experiment=experiment, tracking_uri=tracking_uri)
    said = _said(settings, sources)  # before MLflow is loaded, which puts variables of its own there

    from expctl.render.checks import checks_sheet
    from expctl.workflows.doctor import examine

    streams = Streams(quiet=quiet)
    with streams.stages() as stage:
        stage("checking the store")
        checks = list(examine(settings, fix=fix, verbose=verbose))
    streams.write(checks_sheet(said, checks, _versions()), format, settings)
    failed = [check.name for check in checks if check.status == "failed"]
    if failed:
        streams.note(f"checks failed: {', '.join(failed)}")
        raise typer.Exit(ExitCode.STORE)


def _said(settings: Settings, sources: Mapping[str, Source]) -> dict[str, tuple[str, str]]:
    """Every variable with its value, secrets masked, and where that came from."""
    values = {variable: str(getattr(settings, name)) for name, variable in VARIABLES.items()}
    return {
        variable: (_masked(variable, values.get(variable, os.environ.get(variable, ""))), source)
        for variable, source in sources.items()
    }


def _masked(variable: str, value: str) -> str:
    return "***" if _SECRET.search(variable) and value else mask_secrets(value)


def _versions() -> dict[str, str]:
    import platform
    import sqlite3
    from importlib.metadata import PackageNotFoundError, version

    found = {
        "expctl": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "sqlite": sqlite3.sqlite_version,
    }
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


COMMANDS = [Entry("doctor", doctor, topic="maintenance")]
