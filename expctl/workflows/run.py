"""`run`: a program as a run. It is begun, watched and ended; what it says and leaves is recorded, whatever ends it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from expctl import __version__
from expctl.errors import ExpctlError, StoreError, UsageError
from expctl.programs.arguments import parameters
from expctl.programs.output import MOST_READINGS, Output, secrets_of
from expctl.programs.placeholders import RUN_DIR, RUN_ID, filled, placeholders
from expctl.records import Tag
from expctl.temporary import temporary_folder
from expctl.tracking import uris
from expctl.tracking.runs import provenance
from expctl.tracking.runs.items import File, Param, RecordedMetric, RemovedTag
from expctl.tracking.runs.metadata import PARAM_LIMIT, check_key, run_tags, with_data_version
from expctl.tracking.runs.program_runs import close_runs, environment_of, runs_below
from expctl.tracking.runs.writer import STOPPING, Abandoned, RunWriter, reason_of, recording
from expctl.tracking.store import Store, open_store, silent
from expctl.workflows import log_predictions, program_outcome
from expctl.workflows.program_outcome import METRICS_FILE, Before
from expctl.workflows.program_sources import data_path, sources_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from expctl.programs.leash import Leash
    from expctl.programs.output import Ended, Reading
    from expctl.records import RunRecord
    from expctl.settings import Settings
    from expctl.tracking.runs.items import Item
    from expctl.workflows.program_request import ProgramRequest


_EVERY: Final = 5.0  # seconds between two writings of the metrics in the output


class ProgramFailed(ExpctlError):
    """The program ended with an error, or could not be started."""


@dataclass(frozen=True)
class RanProgram:
    """A program that ended well: where it is recorded and its run; `below` are runs that it made with MLflow."""

    store: Store
    run: RunRecord
    below: Sequence[RunRecord] = ()


@dataclass
class Context:
    """Where and how programs are run: the environment they get, what is known of code and packages, what is shown.

    `show` is given their output as it comes; with `terminal` they have one of their own, without `input` they read
    nothing. `heard` is told each value of a metric in the output. They are stopped by the `leash`.
    """

    settings: Settings
    environment: Mapping[str, str]
    show: Callable[[bytes], None] | None = None
    terminal: bool = False
    note: Callable[[str], None] = silent
    folder: Path = field(default_factory=Path.cwd)
    input: bool = True
    heard: Callable[[Reading], None] | None = None
    leash: Leash | None = None

    @property
    def secrets(self) -> list[str]:
        """What must not be kept of outputs and arguments."""
        return secrets_of(self.environment)


def run(request: ProgramRequest, context: Context, *, verbose: bool = False) -> RanProgram:
    """Run a program and record it. Raises UsageError, DataError or StoreError before there is a run.

    ProgramFailed, Abandoned, DataError for its predictions, KeyboardInterrupt or Stopped are raised when the run has
    been ended by them.
    """
    check_program(request.command[0], context)
    uris.check(context.settings.tracking_uri, create=True)
    tags, given = known_before(request, context)
    store = open_store(context.settings, create=True, verbose=verbose, note=context.note)
    ran = record_program(store, request, context, tags, given, name=request.metadata.name)
    store.refresh_planner_stats()
    return ran


def known_before(request: ProgramRequest, context: Context) -> tuple[dict[str, str], list[Item]]:
    """The tags and items of a program's run that are known before it begins. Raises DataError for its data."""
    path = None if request.data is None else data_path(request.data, context)
    metadata = request.metadata if path is None else with_data_version(request.metadata, path)
    code = provenance.read_code()
    sources = sources_of(request, context, code.patch if code else None, metadata.data_version)
    tags = run_tags(
        metadata, request.command_words(context.secrets), code, developer=context.settings.developer, computes=False
    )
    return tags, [*said_params(request, context), *sources.items()]


def check_program(program: str, context: Context) -> None:
    """Raise UsageError for a program that is not there, or cannot be run as one."""
    if os.name == "nt":
        raise UsageError("expctl run is not for Windows", hint="it runs in WSL")
    place = str(context.folder / program) if "/" in program else program
    found = shutil.which(place, path=context.environment.get("PATH"))
    if found is not None:
        _check_first_line(program, Path(found))
        return
    path = context.folder / program
    told = "is a folder" if path.is_dir() else "is not executable" if path.is_file() else "is not there"
    hint = "is it installed, and on PATH?"
    if " " in program:
        hint = "its arguments follow it as words of their own, without quotes around all"
    elif path.is_dir():
        hint = "name a file in it"
    elif program.endswith(".py"):
        hint = f"python {program}"
    elif path.is_file():
        hint = f"./{program}" if os.access(path, os.X_OK) else f"sh {program}"
        told = "is not on PATH" if os.access(path, os.X_OK) else told
    raise UsageError(f"the program {program!r} {told}", hint=hint)


def _check_first_line(program: str, path: Path) -> None:
    """Raise UsageError for a script whose first line names a program that is not there."""
    with suppress(OSError), path.open("rb") as file:
        line = file.readline(500)
        named = os.fsdecode(re.split(rb"[ \t\n]", line[2:].lstrip(b" \t"))[0])  # as the system reads it
        if line.startswith(b"#!") and not os.path.exists(named):  # noqa: PTH110 (which takes any name)
            hint = (
                "its lines end as those of Windows: dos2unix" if named.endswith("\r") else "is it installed elsewhere?"
            )
            raise UsageError(f"the first line of {program!r} names {named!r}, which is not there", hint=hint)


def said_params(request: ProgramRequest, context: Context) -> Iterator[Param]:
    """The parameters that a program is given, by its arguments and besides."""
    for key, value in {
        **parameters(request.command, context.secrets),
        **request.params_told(context.secrets),
    }.items():
        try:
            check_key("parameter", key)
        except UsageError:
            continue  # --param has been checked: it is an argument that no store takes for a name
        if len(value) > PARAM_LIMIT:
            context.note(f"warning: {key} has {len(value):,} characters and is not recorded as a parameter")
            continue
        yield Param(key, value)


def record_program(
    store: Store,
    request: ProgramRequest,
    context: Context,
    tags: Mapping[str, str],
    given: Sequence[Item],
    *,
    name: str | None = None,
) -> RanProgram:
    """Run a program in a run of its own, which has these tags and items from its beginning. Raises as `run` does."""
    tags = {**tags, Tag.PROGRAM: request.to_json(context.secrets), Tag.VERSION: __version__}
    output = Output(context.show, patterns=request.expressions, secrets=context.secrets, heard=context.heard)
    with temporary_folder() as scratch, recording(store, name, tags) as writer:
        writer.write(given)
        handed = scratch / "predictions.parquet"
        environment = {
            **environment_of(store, writer.run, tags, context.environment),
            "EXPCTL_RUN_ID": writer.run_id,
            log_predictions.FILE: str(handed),
        }
        folder = _folder(request, context, scratch)
        before = Before.of(*(folder / name for name in (METRICS_FILE, request.predictions) if name is not None))
        command = filled(request.command, {RUN_ID: writer.run_id, RUN_DIR: str(folder)}, others=False)
        with _live(writer, output, wanted=bool(request.patterns)) as live:
            ended = _executed(command, request.timeout_seconds, context, output, environment)
        for key, more in output.left_out().items():
            context.note(f"warning: {key} has {more:,} values more than the {MOST_READINGS:,} that are recorded")
        for key, why in output.given_up.items():
            context.note(f"warning: {key} is not read to the end: {why} (--metric)")
        failure = failure_of(ended, output, request.timeout_seconds)
        if failure is None:
            for key in sorted(set(request.patterns) - {one.key for one in output.readings} - set(output.given_up)):
                context.note(f"nothing in the output is a value of {key} (--metric)")
        outcome = _Outcome(request, context, output, before, handed, scratch, folder)
        reason = None if failure is None else reason_of(failure)
        with outcome.kept_aside(writer.run_id):
            close_runs(store, writer.run_id, reason, killed=isinstance(failure, STOPPING))
            below = runs_below(store, writer.run_id)
        if len(below) != 1:
            _record(writer, outcome, live.rest(), failure, ended)
            return RanProgram(store, store.get(writer.run_id), below)
        # The usual script: one run of MLflow's, which has the model and what autolog found. That is the run then.
        (own,) = below
        context.note(f"recorded as {own.described}, the run that the program itself began")
        with recording(store.among([own.experiment]), None, tags, run_id=own.run_id) as joined:
            with outcome.kept_aside(own.run_id):
                joined.write(one for one in given if not (isinstance(one, Param) and one.key in own.params))
                if name is not None:
                    joined.rename(name)
                if Tag.PARENT not in tags:
                    joined.write([RemovedTag(Tag.PARENT)])
                writer.discard()
            _record(joined, outcome, as_items(output.readings), failure, ended)
        return RanProgram(store, store.get(own.run_id))


def _folder(request: ProgramRequest, context: Context, scratch: Path) -> Path:
    """Where the files of a program are: the folder of the run, if the command names that, else the current one."""
    if RUN_DIR not in placeholders(request.command):
        return context.folder
    folder = scratch / "run"
    folder.mkdir()
    return folder


@dataclass(frozen=True)
class _Outcome:
    """What a program left in its folder, to be read when it has ended; `handed` is what `log_predictions` wrote, if it
    did.
    """

    request: ProgramRequest
    context: Context
    output: Output
    before: Before
    handed: Path
    scratch: Path
    folder: Path

    def items(self) -> Iterator[Item]:
        """All but the predictions."""
        yield File("output.log", self.output.log())
        note, folder = self.context.note, self.folder
        kept = self.scratch / "kept"
        kept.mkdir()
        own = folder != self.context.folder
        yield from program_outcome.files(self.request, folder, kept, note, own=own)
        if self.before.written(folder / METRICS_FILE):
            yield from program_outcome.metrics_file(folder / METRICS_FILE, note)

    def predictions(self, run: RunRecord) -> list[Item]:
        """The predictions, if there are to be some. Raises DataError where they are missing or malformed."""
        request = self.request
        if request.predictions is not None:
            path = self.folder / request.predictions
            program_outcome.check_written(self.before, path)
        elif self.handed.exists():
            path = self.handed
        else:
            return []
        data = None if request.data is None else data_path(request.data, self.context)
        return list(program_outcome.predictions(path, request.columns, run, self.context.note, data))

    @contextmanager
    def kept_aside(self, run_id: str) -> Iterator[None]:
        """Where the store fails in the block, all of it is kept in the current folder, and the error says where."""
        try:
            yield
        except StoreError as error:
            place, name = self.context.folder, run_id[:8]
            log, files = place / f"output-{name}.log", place / f"files-{name}"
            try:
                log.write_bytes(self.output.log())
                if self.handed.exists():
                    files.mkdir()
                    shutil.copyfile(self.handed, files / self.handed.name)
                if self.folder != place and any(self.folder.iterdir()):
                    shutil.copytree(self.folder, files, symlinks=True, dirs_exist_ok=True)
            except OSError:  # there is no room for it, or no right
                raise error from None
            told = f"its output is in {log.name}: expctl log {name} --artifact {log.name}"
            more = f", its files in {files.name}" if files.exists() else ""
            raise StoreError(error.message, hint=told + more) from error


def _record(
    writer: RunWriter, outcome: _Outcome, readings: Sequence[Item], failure: BaseException | None, ended: Ended
) -> None:
    """Write what a program left; raises what ended it, if it did not end well."""
    with outcome.kept_aside(writer.run_id):
        writer.write([*outcome.items(), *readings])
    if ended.stopped is not None:
        raise ended.stopped
    if failure is not None:
        if isinstance(failure, ExpctlError):
            failure.hint = f"expctl show {writer.run_id[:8]}"
        raise failure
    with outcome.kept_aside(writer.run_id):
        writer.write(outcome.predictions(writer.store.get(writer.run_id)), last=True)


def _executed(
    command: Sequence[str], timeout: float | None, context: Context, output: Output, environment: Mapping[str, str]
) -> Ended:
    if sys.platform != "win32":
        from expctl.programs.process import Program

        with Program(
            command, output, environment, folder=context.folder, terminal=context.terminal, input=context.input,
            leash=context.leash,
        ) as program:  # fmt: skip
            return program.wait(timeout)
    raise AssertionError("`check_program` has told")


def failure_of(ended: Ended, output: Output, timeout: float | None) -> BaseException | None:
    """Why a program did not end well; None if it did."""
    last = output.last_line()
    told = "" if last is None else f": {last}"
    if ended.stopped is not None:
        return ended.stopped
    if ended.timed_out:
        return Abandoned(f"stopped after {timeout:g} s (--timeout)")
    if ended.error is not None:
        return ProgramFailed(f"the program cannot be started: {ended.error}")
    if ended.code is None:
        return Abandoned("the program was lost: the process that watches it was killed")
    if ended.code == -signal.SIGINT:
        return KeyboardInterrupt()
    if ended.code < 0:
        return Abandoned(f"the program was killed by {_signal_name(-ended.code)}{told}")
    if ended.code > 0:
        return ProgramFailed(f"the program ended with exit status {ended.code}{told}")
    return None


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def as_items(readings: Sequence[Reading]) -> list[Item]:
    """Values that stood in the output, as log items."""
    return [RecordedMetric(one.key, one.value, one.moment, one.step) for one in readings]


class _Live:
    """Writes metrics while the program runs, so that they can be watched. Where the store fails they wait."""

    def __init__(self, writer: RunWriter, output: Output) -> None:
        self._writer, self._output, self._written = writer, output, 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._write_on, daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Let what is being written be written, and end."""
        self._ended.set()
        self._thread.join()

    def rest(self) -> list[Item]:
        """What has not been written."""
        return as_items(self._output.readings[self._written :])

    def _write_on(self) -> None:
        while not self._ended.wait(_EVERY):
            size = len(self._output.readings)
            with suppress(StoreError):
                if size > self._written:
                    self._writer.write(as_items(self._output.readings[self._written : size]))
                    self._written = size


@contextmanager
def _live(writer: RunWriter, output: Output, *, wanted: bool) -> Iterator[_Live]:
    live = _Live(writer, output)
    if wanted:
        live.start()
    try:
        yield live
    finally:
        if wanted:
            live.stop()
