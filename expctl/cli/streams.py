"""The two streams of a command: stdout gets data, stderr gets talk. Knows nothing of what is written."""

from __future__ import annotations

import os
import sys
import time
import traceback
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from expctl.errors import ExpctlError, UsageError, mask_secrets
from expctl.render.formats import FORMATS, Format, as_csv
from expctl.render.text import pointed, visible
from expctl.settings import load_settings
from expctl.wording import agree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TextIO

    from expctl.render.sheet import Sheet
    from expctl.settings import Settings
    from expctl.tracking.store import Store
    from expctl.workflows.sweep_board import Progress

_PAUSE: Final = 2.0  # seconds between two looks of `watch`


class ReaderGone(BaseException):
    """Whoever reads our stdout closed it (`| head`): there is nothing left to do, and nothing wrong."""


def fancy(stream: TextIO) -> bool:
    """Whether a stream is a terminal that can show colours and movement."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def harmless(text: str) -> str:
    """Lines as a terminal may show them, with every character that it would obey as an escape."""
    return "\n".join(map(visible, text.split("\n")))


def say(text: str) -> None:
    """One line of talk."""
    _talk(f"expctl: {visible(text)}\n")


def point(text: str, position: int) -> None:
    """Show where in a text something went wrong: the text, and a caret below the character."""
    _talk("".join(f"  {line}\n" for line in pointed(text, position)))


def trace(error: BaseException) -> None:
    """Where an error comes from, for people who look for its cause."""
    lines = mask_secrets("".join(traceback.format_exception(error))).splitlines()
    _talk("".join(f"{visible(line)}\n" for line in lines))


def _talk(text: str) -> None:
    """Write to stderr. Nobody there to hear it is no error."""
    if sys.stderr is not None:
        with suppress(OSError):
            sys.stderr.write(text)


class Streams:
    """Where a command writes. `quiet` keeps stderr for errors; with `summary` GitHub Actions shows what is written.

    Raises UsageError, before any work, for a summary that is no step's of GitHub Actions.
    """

    def __init__(self, *, quiet: bool = False, summary: bool = False) -> None:
        self.quiet = quiet
        self._summary = os.environ.get("GITHUB_STEP_SUMMARY", "") if summary else None
        if self._summary == "":
            raise UsageError("--summary is for GitHub Actions: GITHUB_STEP_SUMMARY is not set", hint="--format md")

    def note(self, text: str) -> None:
        """Tell something on stderr."""
        if not self.quiet:
            say(text)

    def confirmed(self, question: str, *, instead: str) -> bool:
        """Whether somebody at the terminal says yes. Raises UsageError, with what to type `instead`, without one."""
        if sys.stdin is None or sys.stderr is None or not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise UsageError(f"no terminal to confirm on: {question}", hint=instead)
        _talk(f"expctl: {visible(question)} [y/N] ")
        sys.stderr.flush()
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    def write(self, sheet: Sheet, format: Format, settings: Settings) -> None:
        """Write a sheet to stdout: a framed table if that is a terminal, plain text if it is a pipe.

        Raises ExpctlError where the summary cannot be written.
        """
        if self._summary is not None:
            _append(self._summary, FORMATS["md"](sheet) + "\n")
        if format == "table" and fancy(sys.stdout):
            from expctl.render.terminal import print_table

            with piped():
                left_out = print_table(sheet, sys.stdout)
            if left_out:
                all_of_them = "--wide" if sheet.kind == "runs" else "--format csv has all"
                self.note(f"{left_out} more {agree(left_out, 'column')} in a wider terminal ({all_of_them})")
        else:
            text = as_csv(sheet, formulas=settings.csv_formulas) if format == "csv" else FORMATS[format](sheet)
            with piped():
                sys.stdout.write(harmless(text) if sys.stdout.isatty() else text)

    def watch(self, look: Callable[[], Sheet]) -> None:
        """Show what is there now, on a screen of its own, every two seconds until Ctrl-C."""
        from expctl.render.terminal import screen

        with piped(), suppress(KeyboardInterrupt), screen(sys.stdout) as show:
            while True:
                show(look())
                time.sleep(_PAUSE)

    @contextmanager
    def stages(self) -> Iterator[Callable[[str], None]]:
        """A function that tells the present stage: a spinner on a terminal, nothing in a log."""
        if self.quiet or not fancy(sys.stderr):
            yield lambda stage: None
            return
        from expctl.render.terminal import status

        with status(sys.stderr) as update:
            yield lambda stage: update(mask_secrets(stage))

    @contextmanager
    def trials(self, metric: str) -> Iterator[Callable[[Progress], None]]:
        """A function that tells how far a sweep is: a bar on a terminal, a line a trial in a log."""
        if self.quiet:
            yield lambda progress: None
        elif fancy(sys.stderr):
            from expctl.render.terminal import trial_bar

            with trial_bar(sys.stderr, metric) as update:
                yield update
        else:
            from expctl.render.sweeps import trial_line

            yield lambda progress: self.note(trial_line(progress, metric))


def _append(path: str, text: str) -> None:
    try:
        with Path(path).open("a", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise ExpctlError(f"cannot write {path}: {error.strerror}", hint="check GITHUB_STEP_SUMMARY") from error


@contextmanager
def stdout_is_ours() -> Iterator[None]:
    """Send what others write to stdout in the block (a user's factory, a solver written in C) to stderr."""
    sys.stdout.flush()
    saved = os.dup(1)
    try:
        with open(os.devnull if sys.stderr is None else 2, "wb", closefd=sys.stderr is None) as talk:
            os.dup2(talk.fileno(), 1)
        yield
    finally:
        sys.stdout.flush()
        os.dup2(saved, 1)
        os.close(saved)


@contextmanager
def piped() -> Iterator[None]:
    """Write to stdout in the block, and flush. Raises ReaderGone where nobody reads any more."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError as error:
        raise ReaderGone from error


def opened_among(
    experiments: Sequence[str] | None,
    tracking_uri: str | None,
    streams: Streams,
    *,
    everywhere: bool,
    verbose: bool,
    margin: str | None = None,
) -> Store:
    """The store, to be looked through in several experiments or `everywhere`. Raises UsageError for both at once."""
    names = [name for name in experiments or () if name]  # an empty one is none, as of every setting
    if names and everywhere:
        raise UsageError("--all-experiments and --experiment exclude each other", hint="leave out one of them")
    store = opened(load_settings(tracking_uri=tracking_uri, margin=margin), streams, verbose=verbose)
    return store.among(names or None) if names or everywhere else store


def opened(settings: Settings, streams: Streams, *, verbose: bool) -> Store:
    """The store of the settings. Tells of an old file store that lies here while it is empty.

    With `verbose`, says why it is not read directly where it could have been.
    """
    from expctl.tracking.file_store import left_behind
    from expctl.tracking.store import open_store

    store = open_store(settings, verbose=verbose, note=streams.note)
    if verbose and store.aside is not None:
        streams.note(store.aside)
    files = left_behind(store)
    if files is not None:
        streams.note(files)
    return store


def tell_page(store: Store, streams: Streams, experiment_id: str, run_id: str | None = None) -> None:
    """Tell where an experiment or a run can be looked at, if the store is a server."""
    from expctl.tracking.uris import page, server_of

    server = server_of(store.settings.tracking_uri)
    if server is not None:
        streams.note(f"page: {page(server, experiment_id, run_id)}")
