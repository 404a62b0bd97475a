"""The options of `sweep` that are of programs only, as a request; and those that are of models only, refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from expctl.cli.options.common import read_pairs
from expctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from expctl.workflows.program_request import ProgramRequest

# Options of training that say something of a program, too: of its run, of its data, how a sampler draws.
_SHARED: Final = ("run_name", "tag", "note", "data_version", "experiment", "random_state")
_TAKEN: Final = ("data", "param", "text_column", "target", "task")  # these the program's request has


def divided_metrics(values: Sequence[str]) -> tuple[str | None, dict[str, str]]:
    """What --metric says: the metric to rank by, None if none, and expressions for metrics, by name.

    Raises UsageError where two are said to rank by.
    """
    names = [value for value in values if "=" not in value]
    if len(names) > 1:
        raise UsageError(f"--metric {names[0]} and --metric {names[1]}: trials are ranked by one", hint="give one")
    return next(iter(names), None), read_pairs([value for value in values if "=" in value], "--metric")


def read_patterns(values: Sequence[str]) -> dict[str, str]:
    """What --metric says where all are expressions. Raises UsageError, with an example, for a name alone."""
    for value in values:
        if "=" not in value:
            example = f"for example --metric '{value}={value}: ([0-9.e+-]+)'"
            raise UsageError(f"--metric {value!r} is not NAME=REGEX", hint=example)
    return read_pairs(values, "--metric")


def program_of(
    command: Sequence[str],
    flags: Mapping[str, Any],
    patterns: Mapping[str, str],
    of_program: Mapping[str, Any],
    of_model: Mapping[str, Any],
) -> tuple[ProgramRequest, dict[str, Any]]:
    """The program of a sweep, and what is left of the flags. Raises UsageError for options of models."""
    from expctl.tracking.runs.metadata import RunMetadata
    from expctl.training.data.predictions_table import PredictionColumns
    from expctl.workflows.program_request import ProgramRequest

    others = {key: value for key, value in flags.items() if key not in (*_SHARED, *_TAKEN)}
    refuse_options({**others, **of_model}, "is for models, not programs", "expctl help program-sweeps")
    columns = PredictionColumns(
        flags.get("target"),
        of_program["prediction"],
        tuple(of_program["id"] or ()),
        flags.get("text_column"),
        flags.get("task"),
    )
    program = ProgramRequest(
        tuple(command), RunMetadata(), read_pairs(flags.get("param") or [], "--param"), patterns,
        tuple(of_program["artifact"] or ()), flags.get("data"), of_program["predictions"], columns,
        of_program["trial_timeout"],
    )  # fmt: skip
    return program, {key: None if key in _TAKEN else value for key, value in flags.items()}


def refuse_options(options: Mapping[str, Any], why: str, hint: str) -> None:
    """Raise UsageError for the first of some options that was given."""
    for key, value in options.items():
        if value not in (None, [], {}):
            raise UsageError(f"--{key.replace('_', '-')} {why}", hint=hint)
