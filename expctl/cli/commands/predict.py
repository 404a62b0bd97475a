"""`expctl predict`: labels for texts, by the model of a run. Owns its arguments and both streams."""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from expctl.cli.options import common, completion
from expctl.cli.options.common import read_format
from expctl.cli.streams import Streams, fancy, harmless, opened, piped, stdout_is_ours
from expctl.errors import DataError, ExpctlError, UsageError
from expctl.render.sheet import Column, Sheet
from expctl.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from io import BufferedReader
    from typing import BinaryIO

    from expctl.records import RunRecord
    from expctl.render.formats import Format
    from expctl.render.rows import RowFormat
    from expctl.settings import Settings
    from expctl.tracking.models.storage import LoadedModel
    from expctl.tracking.store import Store
    from expctl.training.data.tables import FileFormat, TableColumns

_FORMATS: tuple[Format, ...] = ("table", "json", "jsonl", "csv", "md")


def predict(
    texts: Annotated[
        list[str] | None, typer.Argument(metavar="[TEXT...]", help="Texts to label.", show_default=False)
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help="Whose model.  [default: the run with the best f1_score]",
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
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write to .csv, .tsv, .jsonl or .parquet; whole or not at all."
        ),
    ] = None,
    text_column: Annotated[
        str | None, typer.Option(metavar="NAME", help="Column of the texts.  [default: as in training]")
    ] = None,
    encoding: Annotated[str, typer.Option(metavar="NAME", help="Encoding of the input.")] = "utf-8",
    proba: Annotated[bool, typer.Option("--proba", help="Add a column a class with its probability.")] = False,
    oov: Annotated[
        bool, typer.Option("--oov", help="Add a column with the share of terms that the model does not know.")
    ] = False,
    isolated: Annotated[
        bool, typer.Option("--isolated", help="Do it in a fresh environment of the run's requirements.txt.")
    ] = False,
    trust: common.Trust = False,
    experiment: common.Experiment = None,
    tracking_uri: common.TrackingUri = None,
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            metavar="FORMAT",
            help="table, json, jsonl, csv or md.  [default: table for texts, csv for a file]",
            rich_help_panel="Common",
        ),
    ] = None,
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
) -> None:
    """Predict labels with the model of a run. Keeps the input's columns and adds `prediction`."""
    if bool(texts) == (input is not None):
        raise UsageError(
            "give texts, or --input FILE (- is standard input)" + (", not both" if texts else ""),
            hint='expctl predict "a great film"',
        )
    chosen = None if format is None else read_format(format, _FORMATS)
    if output is not None and chosen is not None:
        raise UsageError("--output takes its format from the file's ending", hint="leave out --format")
    row_format = _row_format(output) if output is not None else None
    if output is not None and input is not None and input != "-" and _same_file(Path(input), output):
        raise UsageError(f"--output {output} is the input", hint="write to another file")
    streams = Streams(quiet=quiet)
    settings = load_settings(experiment=experiment, tracking_uri=tracking_uri)
    name = "standard input" if input == "-" else input or "the arguments"
    with ExitStack() as stack:
        source = stack.enter_context(_opened(input)) if input is not None else None
        with stdout_is_ours():
            store = opened(settings, streams, verbose=verbose)
            found = _find(store, run, streams)
        if isolated:
            given = {"--input": input, "--output": output, "--text-column": text_column, "--format": format}
            flags = {"--proba": proba, "--oov": oov, "--trust": trust, "--verbose": verbose, "--quiet": quiet}
            words = [f"{key}={value}" for key, value in given.items() if value is not None]
            words += [flag for flag, wanted in flags.items() if wanted]
            words = ["predict", f"--run={found.run_id}", f"--encoding={encoding}", *words, "--", *(texts or [])]
            from expctl.workflows.environments import isolated as environment_of

            with streams.stages() as stage:
                environment = stack.enter_context(environment_of(store, found, stage))
            raise typer.Exit(environment.run(words))
        with stdout_is_ours():
            model = _load(store, found, streams, trust=trust)

        from expctl.training.fit.oov import Seen
        from expctl.training.fit.predict_batches import predicted_chunks

        usual, tested = found.metrics.get("oov"), found.typed_params.get("test_rows")
        seen = Seen() if usual is not None else None
        if source is None:
            pieces = _from_arguments(texts or [], model, text_column)
        else:
            pieces = _from_stream(source, input or "", encoding, name)
        results = predicted_chunks(
            model.estimator, model.inputs, pieces, name=name, text_column=text_column, proba=proba, oov=oov, seen=seen
        )
        tally = Tally()
        advance = stack.enter_context(_progress(streams, source, input))
        counted = tally.count(results, advance)
        if output is not None and row_format is not None:
            _to_file(counted, output, row_format, settings)
        elif source is not None and chosen in (None, "csv", "jsonl"):
            _to_pipe(counted, "jsonl" if chosen == "jsonl" else "csv", settings)
        else:
            streams.write(_sheet(counted, oov=oov), chosen or "table", settings)
    if tally.missing:
        streams.note(f"warning: {tally.missing:,} of {tally.rows:,} rows have no text and got no prediction")
    if seen is not None and usual is not None and isinstance(tested, int) and seen.is_far_above(usual, tested):
        streams.note(
            f"warning: {seen.mean:.0%} of a text's terms are unknown to the model, {usual:.0%} in its test rows:"
            " texts of another kind, for which its metrics say little"
        )
    if output is not None:
        streams.note(f"{tally.rows:,} predictions of {found.label} in {output}")


@dataclass
class Tally:
    """How many rows went by, and how many of them without a prediction."""

    rows: int = 0
    missing: int = 0

    def count(self, pieces: Iterable[TableColumns], advance: Callable[[int], None]) -> Iterator[TableColumns]:
        """The pieces unchanged, counted as they pass; `advance` is told the rows so far."""
        for piece in pieces:
            self.rows += len(piece["prediction"])
            self.missing += piece["prediction"].count(None)
            yield piece
            advance(self.rows)


def _row_format(output: Path) -> RowFormat:
    from expctl.render.rows import ENDINGS

    if output.suffix.lower() not in ENDINGS:
        raise UsageError(f"--output {output}: unknown ending", hint=f"use {', '.join(ENDINGS)}")
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


def _find(store: Store, reference: str | None, streams: Streams) -> RunRecord:
    from expctl.tracking.runs.references import best_run, resolve

    if reference is not None:
        return resolve(store, reference)
    found = best_run(store, "f1_score")
    streams.note(f"model of the best run: {found.described}, f1_score {found.metrics['f1_score']:.4f}")
    return found


def _load(store: Store, run: RunRecord, streams: Streams, *, trust: bool) -> LoadedModel:
    from expctl.tracking.models.storage import load_model

    model = load_model(store, run, trust=trust, warn=lambda text: streams.note(f"warning: {text}"))
    if model.is_foreign:
        from expctl.tracking.models.sample_check import check_answers

        check_answers(store, run, model)
    if not model.inputs:
        raise DataError(
            f"the model of run {run.label} does not say which columns it reads", hint="train it with expctl"
        )
    return model


def _from_arguments(texts: list[str], model: LoadedModel, text_column: str | None) -> Iterator[TableColumns]:
    if len(model.inputs) > 1:
        raise UsageError(f"the model reads the columns {', '.join(model.inputs)}", hint="give them with --input FILE")
    yield {text_column or next(iter(model.inputs)): list(texts)}


def _from_stream(source: BufferedReader, input: str, encoding: str, name: str) -> Iterator[TableColumns]:
    from expctl.training.data.tables import chunks, kind_of

    on_stdin: FileFormat = "jsonl" if input == "-" and source.peek(1)[:1] == b"{" else "csv"
    yield from chunks(source, on_stdin if input == "-" else kind_of(input), encoding=encoding, name=name)


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
        raise ExpctlError(f"cannot write {output}: {error.strerror}", hint="no part of it was left") from error


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
