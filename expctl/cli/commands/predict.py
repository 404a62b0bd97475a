"""`expctl predict`: labels for texts, by the model of a run. Owns its arguments and both streams."""

from __future__ import annotations

import os
import shlex
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from expctl.cli.options import common, completion
from expctl.cli.options.common import Entry, format_reader
from expctl.cli.streams import Streams, fancy, harmless, opened, piped, stdout_is_ours
from expctl.errors import DataError, ExpctlError, UsageError
from expctl.render.formats import Format
from expctl.render.sheet import Column, Sheet
from expctl.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from io import BufferedReader
    from typing import BinaryIO

    from expctl.records import RunRecord
    from expctl.render.rows import RowFormat
    from expctl.settings import Settings
    from expctl.training.data.table_formats import TableColumns
    from expctl.workflows.predict import PredictRequest


def predict(
    texts: Annotated[
        list[str] | None, typer.Argument(metavar="[TEXT...]", help="Texts to label.", show_default=False)
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help="The run whose model predicts.  [default: the best f1_score]",
            autocompletion=completion.runs,
        ),
    ] = None,
    input: Annotated[
        str | None,
        typer.Option(
            "--input", "-i", metavar="FILE", help="A table with the text column, or - for CSV or JSONL on stdin."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write to .csv, .tsv, .jsonl or .parquet, atomically."),
    ] = None,
    text_column: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Column of the texts.  [default: as in training]",
            autocompletion=completion.data_columns,
        ),
    ] = None,
    encoding: Annotated[str, typer.Option(metavar="NAME", help="Encoding of the input.")] = "utf-8",
    delimiter: Annotated[
        Literal[",", ";", "|", ":", "tab", "whitespace"] | None,
        typer.Option(metavar="SIGN", help="What separates the input's columns, if not what training's data have."),
    ] = None,
    names: Annotated[
        list[str] | None,
        typer.Option(metavar="NAMES", help="The input has no header: its columns are called so."),
    ] = None,
    proba: Annotated[bool, typer.Option("--proba", help="Add one probability column per class.")] = False,
    oov: Annotated[
        bool, typer.Option("--oov", help="Add a column with the share of terms that the model does not know.")
    ] = False,
    isolated: Annotated[
        bool, typer.Option("--isolated", help="Use a fresh environment with the run's requirements.txt.")
    ] = False,
    trust: common.Trust = False,
    experiment: common.Experiment = None,
    tracking_uri: common.TrackingUri = None,
    format: Annotated[
        Format | None,
        typer.Option(
            "--format",
            "-f",
            metavar="FORMAT",
            help="table, json, jsonl, csv or md.  [default: table for texts, csv for a file]",
            rich_help_panel="Common",
            parser=format_reader(without=["id"]),
        ),
    ] = None,
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
) -> None:
    """Predict labels with the model of a run. Keeps the input's columns and adds `prediction`."""
    _check_given(texts, input, output, format)
    row_format = None if output is None else _row_format(output)
    streams = Streams(quiet=quiet)
    settings = load_settings(experiment=experiment, tracking_uri=tracking_uri)

    from expctl.training.data.class_folders import is_class_folder
    from expctl.workflows.predict import Predictions, PredictRequest, run_to_use, usable_model

    called = None if names is None else ",".join(names)
    request = PredictRequest(texts or (), input, text_column, encoding, proba, oov, delimiter, called)
    with ExitStack() as stack:
        source = stack.enter_context(_opened(input)) if input is not None and not is_class_folder(input) else None
        with stdout_is_ours():
            store = opened(settings, streams, verbose=verbose)
            found = run_to_use(store, run, streams.note)
        if isolated:
            from expctl.workflows.environments import isolated as environment_of

            given = {"output": output, "format": format, "trust": trust, "verbose": verbose, "quiet": quiet}
            with streams.stages() as stage:
                environment = stack.enter_context(environment_of(store, found, stage))
            raise typer.Exit(environment.run(_command(found, request, given)))
        with stdout_is_ours():
            model = usable_model(store, found, trust=trust, note=streams.note)
        predictions = Predictions(found, model, request, source)
        pieces = predictions.pieces(stack.enter_context(_progress(streams, source, input)))
        for text in _files_among(texts or ()):
            streams.note(f"{text} is a file: --input {shlex.quote(text)} labels its rows")
        if output is not None and row_format is not None:
            _to_file(pieces, output, row_format, settings)
        elif source is not None and format in (None, "csv", "jsonl"):
            _to_pipe(pieces, "jsonl" if format == "jsonl" else "csv", settings)
        else:
            streams.write(_sheet(pieces, oov=oov), format or "table", settings)
    for line in predictions.warnings():
        streams.note(f"warning: {line}")
    if output is not None:
        streams.note(f"{predictions.rows:,} predictions of {found.label} in {output}")


def _check_given(texts: list[str] | None, input: str | None, output: Path | None, format: Format | None) -> None:
    """Raise UsageError for options that do not go together."""
    if bool(texts) == (input is not None):
        raise UsageError(
            "give texts, or --input FILE (- is standard input)" + (", not both" if texts else ""),
            hint='expctl predict "a great film"',
        )
    if output is not None and format is not None:
        raise UsageError("--output takes its format from the file extension", hint="leave out --format")
    if output is not None and input is not None and input != "-" and _same_file(Path(input), output):
        raise UsageError(f"--output {output} is the input", hint="write to another file")


def _files_among(texts: Sequence[str]) -> list[str]:
    """The texts that are names of tables which are there."""
    from expctl.training.data.tables import KINDS

    endings = tuple(KINDS) + tuple(f"{ending}.gz" for ending in KINDS)
    return [text for text in texts if text.lower().endswith(endings) and os.path.isfile(text)]  # noqa: PTH113 (of any text)


def _command(run: RunRecord, request: PredictRequest, given: Mapping[str, object]) -> list[str]:
    """The words by which another expctl does the same, with the model of this run."""
    said = {"input": request.input, "text-column": request.text_column, "proba": request.proba, "oov": request.oov}
    said |= {"delimiter": request.delimiter, "names": request.names}
    words = ["predict", f"--run={run.run_id}", f"--encoding={request.encoding}"]
    for key, value in {**said, **given}.items():
        if value is True:
            words.append(f"--{key}")
        elif value is not None and value is not False:
            words.append(f"--{key}={value}")
    return [*words, "--", *request.texts]


def _row_format(output: Path) -> RowFormat:
    from expctl.render.rows import ENDINGS

    if output.suffix.lower() not in ENDINGS:
        raise UsageError(f"--output {output}: unknown extension", hint=f"use {', '.join(ENDINGS)}")
    if output.is_dir():
        raise UsageError(f"--output {output} is a folder", hint="name a file")
    return ENDINGS[output.suffix.lower()]


def _same_file(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


@contextmanager
def _opened(input: str) -> Iterator[BufferedReader]:
    from expctl.training.data.tables import check_file, kind_of

    if input == "-":
        if sys.stdin is None:
            raise UsageError("--input -: standard input is closed", hint="--input FILE reads a file")
        yield cast("BufferedReader", sys.stdin.buffer)
        return
    kind_of(input)
    check_file(input)
    try:
        stream = Path(input).open("rb")  # noqa: SIM115 (closed below; only its opening is guarded)
    except OSError as error:
        raise DataError(f"cannot read {input}: {error.strerror}") from error
    with stream:
        yield stream


@contextmanager
def _progress(streams: Streams, source: BufferedReader | None, input: str | None) -> Iterator[Callable[[int], None]]:
    """Tell how far a file is read: a bar on a terminal, nothing elsewhere."""
    if source is None or streams.quiet or not fancy(sys.stderr) or fancy(sys.stdout):
        yield lambda rows: None
        return
    from expctl.render.terminal import row_counter

    total = Path(input).stat().st_size if input is not None and input != "-" else None
    with row_counter(sys.stderr, total) as update:
        yield lambda rows: update(rows, source.tell() if total is not None else 0)


def _to_file(pieces: Iterator[TableColumns], output: Path, format: RowFormat, settings: Settings) -> None:
    from expctl.render.rows import row_writer, whole_file

    try:
        with whole_file(output) as stream, row_writer(stream, format, formulas=settings.csv_formulas) as write:
            for piece in pieces:
                write(piece)
    except OSError as error:
        raise ExpctlError(f"cannot write {output}: {error.strerror}", hint="no partial file was left") from error


def _to_pipe(pieces: Iterator[TableColumns], format: RowFormat, settings: Settings) -> None:
    from expctl.render.rows import row_writer

    shown = cast("BinaryIO", _Terminal()) if sys.stdout.isatty() else sys.stdout.buffer
    with piped(), row_writer(shown, format, formulas=settings.csv_formulas) as write:
        for piece in pieces:
            write(piece)


class _Terminal:
    """The standard output, as a file of bytes, where it is a terminal: texts of others must not command that."""

    def write(self, content: bytes) -> None:
        sys.stdout.write(harmless(content.decode("utf-8", "surrogatepass")))


def _sheet(pieces: Iterator[TableColumns], *, oov: bool) -> Sheet:
    """All pieces as one sheet: these formats need every row before the first is written."""
    columns: list[Column] = []
    rows: list[tuple[object, ...]] = []
    for piece in pieces:
        numbers = {key for key in piece if key.startswith("proba_") or (oov and key == "oov")}
        columns = [Column(key, kind="number" if key in numbers else "text") for key in piece]
        rows.extend(zip(*piece.values(), strict=True))
    return Sheet("predictions", columns, rows)  # type: ignore[arg-type]


COMMANDS = [Entry("predict", predict, topic="predict")]
