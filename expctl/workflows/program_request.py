"""What a person asks of `run`: a program, and what is kept of it. Checked once, frozen; written down with the run."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

from expctl.errors import UsageError
from expctl.programs.arguments import without_secret_value, without_secret_words
from expctl.programs.output import value_group
from expctl.records import TAG_LIMIT, Tag
from expctl.tracking.runs.metadata import PARAM_LIMIT, RunMetadata, check_encodable, check_key, check_labels
from expctl.training.data.predictions_table import PredictionColumns
from expctl.training.data.tables import kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from expctl.records import RunRecord

_EXAMPLE: Final = "expctl run -- python train.py --lr 0.1"
_COLUMNS: Final = "expctl run --predictions pred.csv -- python train.py"


@dataclass(frozen=True, slots=True)
class ProgramRequest:
    """A program to be run as a run. It is started as it stands: nothing passes through a shell.

    `params` are what its arguments do not say. `patterns` read metrics from its output; `artifacts` are globs below the
    current folder; `data` is a file that is hashed, `predictions` one that the program writes.
    """

    command: tuple[str, ...]
    metadata: RunMetadata = field(default_factory=RunMetadata)
    params: Mapping[str, str] = field(default_factory=dict)
    patterns: Mapping[str, str] = field(default_factory=dict)
    artifacts: tuple[str, ...] = ()
    data: str | None = None
    predictions: str | None = None
    columns: PredictionColumns = field(default_factory=PredictionColumns)
    timeout_seconds: float | None = None

    def __post_init__(self) -> None:
        if not self.command or not self.command[0]:
            raise UsageError("run: no program to run", hint=_EXAMPLE)
        for word in self.command:
            check_encodable("the command", word)
        check_labels(self.metadata)
        for key, value in self.params.items():
            check_key("--param", key)
            check_encodable(f"--param {key}", value)
            if len(value) > PARAM_LIMIT:
                raise UsageError(f"--param {key} has {len(value):,} characters, the limit is {PARAM_LIMIT:,}")
        for key, text in self.patterns.items():
            _check_pattern(key, text)
        for pattern in self.artifacts:
            path = PurePath(pattern)
            if path.is_absolute() or ".." in path.parts or not pattern.strip():
                raise UsageError(f"--artifact {pattern!r} is not below the current folder", hint="--artifact 'out/*'")
        if self.predictions is not None:
            kind_of(self.predictions)
        elif self.columns.options:
            option = self.columns.options[0]
            what = "is about" if option == "--task" else "names a column of"
            raise UsageError(f"{option} {what} --predictions FILE", hint=_COLUMNS)
        if len(self.to_json([])) > TAG_LIMIT:
            raise UsageError("the command is too long to be written down", hint="put its arguments into a file")

    def command_words(self, secrets: Sequence[str]) -> str:
        """The command as one line, for people, without secrets."""
        return shlex.join(without_secret_words(self.command, secrets))

    def params_told(self, secrets: Sequence[str]) -> dict[str, str]:
        """The parameters that its arguments do not say, without secrets."""
        return {key: without_secret_value(key, value, secrets) for key, value in self.params.items()}

    @property
    def expressions(self) -> dict[str, re.Pattern[str]]:
        """The patterns, ready to be used."""
        return {key: re.compile(text) for key, text in self.patterns.items()}

    def to_json(self, secrets: Sequence[str] = ()) -> str:
        """One line of JSON, without secrets."""
        columns = self.columns
        asked: dict[str, Any] = {
            "command": without_secret_words(self.command, secrets), "params": self.params_told(secrets),
            "metrics": dict(self.patterns), "artifacts": list(self.artifacts), "data": self.data,
            "predictions": self.predictions, "target": columns.target, "prediction": columns.prediction,
            "ids": list(columns.ids), "text_column": columns.text, "task": columns.task,
            "timeout": self.timeout_seconds,
        }  # fmt: skip
        return json.dumps({key: value for key, value in asked.items() if value}, ensure_ascii=False)

    @classmethod
    def of(cls, run: RunRecord) -> ProgramRequest:
        """What was asked for of a recorded run. Raises UsageError if no program made it."""
        try:
            return cls.from_said(json.loads(run.tags[Tag.PROGRAM]))
        except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
            raise UsageError(f"run {run.described} was not made by expctl run", hint="expctl list") from None

    @classmethod
    def from_said(cls, said: Mapping[str, Any]) -> ProgramRequest:
        """What `to_json` has written down. Raises KeyError, TypeError, AttributeError or UsageError for any other."""
        words = [*said["command"], *said.get("params", {}).values()]
        if not isinstance(said["command"], list) or not all(isinstance(word, str) for word in words):
            raise TypeError
        columns = PredictionColumns(
            said.get("target"),
            said.get("prediction"),
            tuple(said.get("ids", ())),
            said.get("text_column"),
            said.get("task"),
        )
        return cls(
            tuple(said["command"]), RunMetadata(), said.get("params", {}), said.get("metrics", {}),
            tuple(said.get("artifacts", ())), said.get("data"), said.get("predictions"), columns,
            said.get("timeout"),
        )  # fmt: skip

    def line(self) -> str:
        """The `expctl run` line that does the same."""
        return shlex.join(["expctl", "run", *self.option_words(), "--", *self.command])

    def option_words(self, *, timeout: str = "--timeout") -> list[str]:
        """The options of a command line that say all but the program itself."""
        words = [part for key, value in self.params.items() for part in ("--param", f"{key}={value}")]
        words += [part for key, text in self.patterns.items() for part in ("--metric", f"{key}={text}")]
        words += [part for pattern in self.artifacts for part in ("--artifact", pattern)]
        columns = self.columns
        said = {
            "--data": self.data, "--predictions": self.predictions, "--target": columns.target,
            "--prediction": columns.prediction, "--text-column": columns.text, "--task": columns.task,
        }  # fmt: skip
        words += [part for option, value in said.items() if value for part in (option, value)]
        words += [part for one in columns.ids for part in ("--id", one)]
        if self.timeout_seconds:
            words += [timeout, f"{self.timeout_seconds:g}s"]
        return words


def _check_pattern(key: str, text: str) -> None:
    check_key("--metric", key)
    try:
        pattern = re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise UsageError(f"--metric {key}: not a regular expression ({error})", hint=_metric_hint(key)) from error
    try:
        value_group(pattern)
    except ValueError as error:
        raise UsageError(f"--metric {key}: {error}", hint=_metric_hint(key)) from error


def _metric_hint(key: str) -> str:
    return f"for example --metric '{key}={key}: ([0-9.e+-]+)'"
