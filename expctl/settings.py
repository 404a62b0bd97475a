"""Where the store is and what is assumed when nobody says: flag, then environment, then `.env`, then default.

Read once, by `load_settings`; nothing is read at import. MLflow's variables keep their names, ours begin with EXPCTL_.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field, fields
from typing import Final, Literal

from expctl.env_file import EnvFile, load_env_file
from expctl.errors import UsageError
from expctl.metrics import check_points


def setting(variable: str, default: str, choices: tuple[str, ...] = ()) -> str:
    """A field of Settings: its environment variable, its default, and the values it may have, if these are few."""
    chosen: str = field(default=default, metadata={"variable": variable, "choices": choices})
    return chosen


@dataclass(frozen=True, slots=True)
class Settings:
    """To add a setting: one field here and one line of `.env.example`. `env_file` is what that file gave."""

    tracking_uri: str = setting("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")
    experiment: str = setting("MLFLOW_EXPERIMENT_NAME", "expctl")
    data: str = setting("EXPCTL_DATA", "data/reviews.csv")
    developer: str = setting("EXPCTL_DEVELOPER", "")
    csv_formulas: str = setting("EXPCTL_CSV_FORMULAS", "escape", ("escape", "keep"))
    margin: str = setting("EXPCTL_MARGIN", "0")
    env_file: EnvFile = field(default=EnvFile(), repr=False, compare=False)

    @property
    def equal_within(self) -> float:
        """The margin as a number: differences of a metric that are surely smaller are practically none; 0 for none."""
        return read_margin(self.margin, "EXPCTL_MARGIN")

    def check_margin(self, metric: str | None) -> None:
        """Raise UsageError for a margin that is meant in percent, of a metric or, None, of all (see `check_points`)."""
        percent = f"{self.equal_within / 100:g}"
        hint = f"--margin {percent} or EXPCTL_MARGIN={percent}"
        check_points(self.equal_within, "a margin of", metric, hint=hint)


def read_margin(text: str, name: str) -> float:
    """A margin in the unit of a metric. Raises UsageError, by the `name` that it was given by, for any other text."""
    try:
        margin = float(text)
    except ValueError:
        margin = math.nan
    if not 0 <= margin < math.inf:
        raise UsageError(f"{name} {text!r} must be 0 or a positive number", hint="for example 0.005, half a point")
    return margin


_SETTINGS: Final = tuple(one for one in fields(Settings) if one.metadata)
VARIABLES: Final = {one.name: str(one.metadata["variable"]) for one in _SETTINGS}

Source = Literal["flag", "environment", ".env", "default"]


def load_settings(**flags: str | None) -> Settings:
    """Settings of this process (see `traced_settings`)."""
    return traced_settings(**flags)[0]


def traced_settings(**flags: str | None) -> tuple[Settings, dict[str, Source]]:
    """Settings of this process, and where each variable that is ours, or MLflow's and set, came from.

    `flags` that are None or empty were not given.

    What the `.env` of the current folder may give (see `env_file`) is put into the environment first (without
    overriding it), so that MLflow and the libraries below it see theirs under their own names.

    Raises UsageError for a value that is none of those allowed, or a `.env` that cannot be read.
    """
    env_file = load_env_file(VARIABLES.values(), store_is_named=bool(flags.get("tracking_uri")))
    chosen: dict[str, str] = {}
    sources: dict[str, Source] = dict.fromkeys(VARIABLES.values(), "default")
    for variable in os.environ:
        if variable.startswith(("MLFLOW_", "EXPCTL_")) and os.environ[variable]:
            sources[variable] = ".env" if variable in env_file.taken else "environment"
    for one in _SETTINGS:
        variable = VARIABLES[one.name]
        flag = flags.get(one.name)
        value = flag or os.environ.get(variable)
        if value:
            chosen[one.name] = value
        if flag:
            sources[variable] = "flag"
    settings = Settings(**chosen, env_file=env_file)
    for one in _SETTINGS:
        choices, value = one.metadata["choices"], getattr(settings, one.name)
        if choices and value not in choices:
            raise UsageError(f"{VARIABLES[one.name]} is {value!r}", hint=f"use {' or '.join(choices)}")
    read_margin(settings.margin, VARIABLES["margin"])
    return settings, sources
