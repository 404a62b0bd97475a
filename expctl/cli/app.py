"""The `expctl` command: its subcommands, and the one boundary where an error becomes a line and an exit code."""

from __future__ import annotations

import gc
import os
import re
import signal
import sys
from contextlib import suppress
from copy import copy
from dataclasses import replace
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import typer

from expctl import __version__, compat
from expctl.cli import commands
from expctl.cli.options.common import Command, Entry
from expctl.cli.options.training import parameter_meant
from expctl.cli.options.typed_words import typed_words, whole_words
from expctl.cli.overview import ALIASES, Group, first_steps, place
from expctl.cli.streams import ReaderGone, point, say, trace
from expctl.errors import ExitCode, ExpctlError, Stopped, mask_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import FrameType

app = typer.Typer(
    name="expctl",
    cls=Group,
    help="Train and compare scikit-learn models, or any program, over MLflow.",
    rich_markup_mode=None,  # help without Rich answers in half the time
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"expctl {__version__}\n")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    _version_wanted: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        sys.stdout.write(first_steps() or context.get_help() + "\n")


def command_entries(module: str | None = None) -> list[Entry]:
    """What the files of `commands` have in their COMMANDS, in the order of their groups (`overview.GROUPS`).

    Or one of them: none where there is no such file.
    """
    names = [one.name for one in iter_modules(commands.__path__) if module in (None, one.name)]
    found = [entry for name in names for entry in import_module(f"{commands.__name__}.{name}").COMMANDS]
    return sorted(found, key=lambda one: place(one.name))


def app_with(entries: Iterable[Entry]) -> typer.Typer:
    """The command line with these commands."""
    found = copy(app)
    found.registered_commands = []
    for one in entries:
        topic = None if one.topic is None else f"Topic: expctl help {one.topic}"
        settings = {"allow_interspersed_args": not one.takes_program}
        found.command(one.name, cls=Command, epilog=topic, context_settings=settings)(one.function)
    return found


_TyperUsageError: Any = compat.typer_usage_error()


_STOPPING: Final = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


def main() -> NoReturn:
    """Run the command line and exit."""
    # A command lives for seconds and what it allocates are mostly modules, which stay: collecting garbage among them
    # again and again cost 10 % of a `train`, and once more at the end of the process 1.1 s of its 4.6 s.
    gc.set_threshold(100_000, 50, 100)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure") and stream.encoding.lower().replace("-", "") != "utf8":
            stream.reconfigure(errors="backslashreplace")  # LC_ALL=C: readable, and never a UnicodeError
    _listen()
    code = _run()
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        _discard_stdout()
    except OSError as error:
        say(f"cannot write to stdout: {error.strerror}")
        _discard_stdout()
        code = code or ExitCode.WORK_FAILED
    if "expctl.temporary" in sys.modules:  # as of every command on a store; `--help` has no reason to load it
        with suppress(OSError):
            sys.modules["expctl.temporary"].remove_left_ones()
    gc.freeze()
    for number in _STOPPING:  # there is nothing left to close, and Python would tell of a signal by a traceback
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    sys.exit(code)


def _run() -> int:
    try:
        if sys.stdout is None:
            raise OSError(0, "it is closed")
        with whole_words():
            return _ended(app_of(typed_words())(prog_name="expctl", standalone_mode=False))
    except ExpctlError as error:
        _explain(error)
        return error.exit_code
    except _TyperUsageError as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "expctl"
        meant = None if context is None else parameter_meant(context, getattr(error, "option_name", ""), sys.argv[1:])
        told = error.format_message() if meant is None else error.message
        say(f"{told.rstrip('.')} (try: {f'{command} {meant}' if meant else f'{command} --help'})")
        return ExitCode.USAGE
    except ReaderGone:
        _discard_stdout()
        return ExitCode.DONE
    except Stopped as stopped:
        say(f"stopped by {stopped.signal_name}")
        return stopped.exit_code
    except KeyboardInterrupt:
        return _ended(ExitCode.INTERRUPTED)
    except OSError as error:
        if error.filename is not None or error.errno is None:
            return _bug(error)
        say(f"cannot write to stdout: {error.strerror}")
        _discard_stdout()
        return ExitCode.WORK_FAILED
    except SystemExit as error:  # Typer's answer to a closed pipe
        if isinstance(error.__context__, BrokenPipeError):
            _discard_stdout()
            return ExitCode.DONE
        raise
    except Exception as error:
        return _bug(error)


def app_of(words: Sequence[str]) -> typer.Typer:
    """The app with as many commands as these words need: importing all takes 70 ms, and Typer 60 to read their options.

    The one that the first word names; for the version none; for a --help of all no more than their names.
    """
    if list(words) == ["--version"]:
        return app_with([])
    if list(words) in (["--help"], ["-h"]):
        return app_with([replace(one, function=_named_only(one.function)) for one in command_entries()])
    name = ALIASES.get(words[0], words[0]) if words else ""
    entries = command_entries(name.replace("-", "_")) or command_entries()
    named = [one for one in entries if one.name == name and name != "help"]  # which tells of all
    return app_with(named or command_entries())


def _named_only(function: Callable[..., None]) -> Callable[..., None]:
    """A function that says the same of itself, and takes nothing."""

    def nothing() -> None:
        raise AssertionError("it is not called")

    nothing.__doc__ = function.__doc__
    return nothing


def _ended(code: object) -> int:
    """The exit code of a command that came to its end; Typer turns Ctrl-C into 130 by itself."""
    if code == ExitCode.INTERRUPTED:
        say("interrupted")
    return code if isinstance(code, int) else ExitCode.DONE


def _explain(error: ExpctlError) -> None:
    if any(word == "--verbose" or re.fullmatch("-[qv]*v[qv]*", word) for word in sys.argv[1:]):
        trace(error)
    hint = error.hint or ""
    typed = hint.startswith("expctl ")
    say(mask_secrets(error.message) + (f" ({'try: ' if typed else ''}{hint})" if hint else ""))
    if error.excerpt is not None:
        point(*error.excerpt)


def _bug(error: BaseException) -> int:
    trace(error)
    say("this is a bug in expctl: please report it with the lines above and `expctl --version`")
    return ExitCode.WORK_FAILED


def _discard_stdout() -> None:
    """Let the interpreter's last flush go nowhere, in place of complaining about the closed pipe."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _listen() -> None:
    """Turn SIGTERM and SIGHUP into exceptions, so that a stopped run is closed like an interrupted one."""

    def stop(number: int, _frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        raise Stopped(name, ExitCode.HANGUP if name == "SIGHUP" else ExitCode.TERMINATED)

    signal.signal(signal.SIGTERM, stop)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, stop)  # under nohup it is ignored, and stays so
