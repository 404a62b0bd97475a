"""Options that several commands share, declared once as types, and the command class that groups them in --help."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperCommand

from expctl.cli.options import completion
from expctl.durations import duration
from expctl.errors import UsageError, closest
from expctl.metrics import METRICS
from expctl.render.formats import FORMATS, Format
from expctl.settings import read_margin

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_COMMON = "Common"
# Options whose empty text says something: no filter, no note.
_MAY_BE_EMPTY: Final = ("filter", "note")
# Options that ask a question of their own each time: of two, the last must not answer for both.
_ONCE: Final = ("by",)


@dataclass(frozen=True)
class Entry:
    """A command as it is typed, the function that it is, and the topic of `expctl help` that tells more.

    Of one that takes a program, all that stands behind the program's name is the program's.
    """

    name: str
    function: Callable[..., None]
    topic: str | None = None
    takes_program: bool = False


class Command(TyperCommand):
    """A command whose --help groups options under their headings, without loading Rich for it."""

    def make_parser(self, ctx: Any) -> Any:
        """The parser of the command. It refuses an option with an empty text, mostly a shell's unset variable, and a
        second one of those that are given once.
        """
        parser: Any = super().make_parser(ctx)
        parse = parser.parse_args

        def parsed(args: list[str]) -> Any:
            found = parse(args)
            if ctx.resilient_parsing:  # a shell that completes
                return found
            for option in self.get_params(ctx):
                typed = found[0].get(option.name)
                if option.param_type_name == "option" and option.name not in _MAY_BE_EMPTY and typed in ("", [""]):
                    raise UsageError(f"{option.opts[0]} is empty", hint="give it a value, or leave it out")
                if option.name in _ONCE and found[2].count(option) > 1:
                    command, flag = ctx.command_path, option.opts[0]
                    raise UsageError(f"{flag} is given once", hint=f"{command} ... {flag} A, then {flag} B")
            return found

        parser.parse_args = parsed
        return parser

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments, then the options of each heading in the order of their first option."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            entry = param.get_help_record(ctx)
            if entry is not None:
                own = "Arguments" if param.param_type_name == "argument" else "Options"
                heading = _COMMON if param.name == "help" else getattr(param, "rich_help_panel", None) or own
                groups.setdefault(heading, []).append(entry)
        common = groups.pop(_COMMON, [])
        for heading, entries in [*groups.items(), (_COMMON, common)]:
            if entries:
                with formatter.section(heading):
                    formatter.write_dl(entries)


def split_pair(text: str, option: str) -> tuple[str, str]:
    """`KEY=VALUE` as (key, value). Raises UsageError without a key or an equals sign."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        example = {"-t": "team=nlp", "--metric": "business_value=0.93"}.get(option, "min_df=2")
        raise UsageError(f"{option} {text!r} is not KEY=VALUE", hint=f"for example {option} {example}")
    return key.strip(), value


def read_pairs(texts: Sequence[str], option: str) -> dict[str, str]:
    """`KEY=VALUE` texts as a dictionary. Raises UsageError for a key given twice."""
    pairs: dict[str, str] = {}
    for text in texts:
        key, value = split_pair(text, option)
        if key in pairs:
            raise UsageError(f"{option} gives {key!r} twice", hint="give it once")
        pairs[key] = value
    return pairs


def read_format(text: str, allowed: Sequence[Format] = (), *, without: Sequence[Format] = ()) -> Format:
    """A format's name: of those `allowed`, or any but some. Raises UsageError, listing those the command has."""
    known = [one for one in allowed or FORMATS if one not in without]
    if text in known:
        return text
    raise UsageError(f"unknown format {text!r}", hint=f"--format {' | '.join(known)}")


def format_reader(allowed: Sequence[Format] = (), *, without: Sequence[Format] = ()) -> Callable[[str], Format]:
    """Reads a format by `read_format`. A function of its own: Typer 0.20 asks for the name of what reads."""

    def read(text: str) -> Format:
        return read_format(text, allowed, without=without)

    return read


def seconds(text: str) -> int:
    """The seconds of a --timeout. Raises UsageError for anything else."""
    found = duration(text, short=True)
    if not found:
        raise UsageError(f"invalid --timeout: {text!r}", hint="for example 90s, 30m or 2h")
    return found


def _confidence(text: str | float) -> float:
    try:
        confidence = float(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a valid float.") from None
    if not 0.5 <= confidence <= 0.999:
        raise UsageError(f"--confidence {confidence:g} must be from 0.5 to 0.999", hint="--confidence 0.95")
    return confidence


Run = Annotated[
    str, typer.Argument(metavar="RUN", help="The run. See expctl show --help.", autocompletion=completion.runs)
]
Runs = Annotated[
    list[str] | None,
    typer.Argument(metavar="RUN", help="Runs, globs over names ('old-*') or filters.", autocompletion=completion.runs),
]
MOST: Final = 10**9  # of rows that are asked for: more than any store has, and no more than any takes for a number


BY_TASK: Final = "  [default: f1_score; of regression r2]"


def quality_metric(refusal: str, *, own: bool = False) -> Callable[[str], str]:
    """What reads the name of a metric to decide by. Raises UsageError, listing them, for any other.

    With `own`, names that are not in the table pass: they may be metrics of the user's own, which only the runs tell.
    """

    def read(text: str) -> str:
        known = [key for key, one in METRICS.items() if one.is_quality_metric]
        if text not in known and not (own and text not in METRICS and text.isidentifier()):
            raise UsageError(f"{refusal} {text!r}{closest(text, known)}", hint=f"--metric {', '.join(known)}")
        return text

    return read


def age_option(name: str, help: str) -> Any:
    """An option that takes an age (12h, 2d) or a date, as milliseconds since 1970. Anything else is a UsageError."""

    def read(text: str) -> int:
        from datetime import UTC, datetime

        from expctl.filters.resolve import moment

        found = moment(text, datetime.now(UTC))
        if found is None:
            raise UsageError(f"invalid {name}: {text!r}", hint="for example 30m, 12h, 2d, 1w, yesterday or 2026-03-01")
        return found

    return typer.Option(name, parser=read, metavar="AGE", help=help)


Experiment = Annotated[
    str | None,
    typer.Option(
        "--experiment", "-e", metavar="NAME", help="The experiment.  [MLFLOW_EXPERIMENT_NAME, else expctl]",
        rich_help_panel=_COMMON, autocompletion=completion.experiments,
    ),
]  # fmt: skip
Experiments = Annotated[
    list[str] | None,
    typer.Option(
        "--experiment", "-e", metavar="NAME", rich_help_panel=_COMMON, autocompletion=completion.experiments,
        help="The experiment, or each of several.  [MLFLOW_EXPERIMENT_NAME, else expctl]", show_default=False,
    ),
]  # fmt: skip
AllExperiments = Annotated[bool, typer.Option("--all-experiments", help="Every experiment.", rich_help_panel=_COMMON)]
TrackingUri = Annotated[
    str | None,
    typer.Option(
        metavar="URI", help="The store.  [MLFLOW_TRACKING_URI, else sqlite:///mlflow.db]", rich_help_panel=_COMMON
    ),
]
Verbose = Annotated[
    bool,
    typer.Option("--verbose", "-v", help="More detail on stderr; errors with a traceback.", rich_help_panel=_COMMON),
]
Summary = Annotated[
    bool, typer.Option("--summary", help="Append Markdown to $GITHUB_STEP_SUMMARY too, which GitHub Actions shows.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Nothing on stderr but errors.", rich_help_panel=_COMMON)]


def any_of(words: Sequence[str]) -> str:
    """`a, b or c`."""
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def format_option(*allowed: Format, without: Sequence[Format] = ()) -> Any:
    """The option --format of a command that has these, or all but some."""
    known = [one for one in allowed or FORMATS if one not in without]
    return typer.Option(
        "--format",
        "-f",
        metavar="FORMAT",
        help=any_of(known) + ".",
        rich_help_panel=_COMMON,
        autocompletion=completion.one_of(known),
        parser=format_reader(allowed, without=without),
    )


FormatOption = Annotated[Format, format_option()]
Filter = Annotated[
    str,
    typer.Option(
        metavar="EXPR", help="Which runs (expctl help filters): \"f1_score > 0.8 and c = 1 or team = 'nlp'\".",
        show_default=False,
    ),
]  # fmt: skip
Confidence = Annotated[
    float,
    typer.Option(
        "--confidence", metavar="P", help="Confidence of the intervals and verdicts, 0.5 to 0.999.", parser=_confidence
    ),
]


def _margin(text: str) -> str:
    read_margin(text, "--margin")
    return text


Margin = Annotated[
    str | None,
    typer.Option(
        metavar="X", parser=_margin,
        help="Differences surely smaller than this count as equal.  [EXPCTL_MARGIN, else 0]",
    ),
]  # fmt: skip
HigherIsBetter = Annotated[
    bool | None,
    typer.Option(
        "--higher-is-better/--lower-is-better", help="Which way a metric goes, if its name does not say so rightly."
    ),
]
Trust = Annotated[bool, typer.Option("--trust", help="Load models with code or types that are not known to be safe.")]
