"""The `expctl` command: its subcommands, and the one boundary where an error becomes a line and an exit code."""

from __future__ import annotations

import gc
import os
import re
import signal
import sys
from contextlib import suppress
from copy import copy
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
    from collections.abc import Sequence
    from types import FrameType

app = typer.Typer(
    name="expctl",
    cls=Group,
    help="Train and compare scikit-learn models, or any program, over MLflow.",
    rich_markup_mode=None,  # help without Rich answers in half the time
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def command_entries() -> list[Entry]:
    """What the files of `commands` have in their COMMANDS, in the order of their groups (`overview.GROUPS`)."""
    modules = [import_module(f"{commands.__name__}.{one.name}") for one in iter_modules(commands.__path__)]
    found = [entry for module in modules for entry in module.COMMANDS]
    return sorted(found, key=lambda one: place(one.name))


for _one in command_entries():
    _topic = None if _one.topic is None else f"Topic: expctl help {_one.topic}"
    _settings = {"allow_interspersed_args": not _one.takes_program}
    app.command(_one.name, cls=Command, epilog=_topic, context_settings=_settings)(_one.function)


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
            return _ended(_with_one(typed_words())(prog_name="expctl", standalone_mode=False))
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


def _with_one(words: Sequence[str]) -> typer.Typer:
    """The app with the one command that the first of the words names: Typer takes 35 ms to make all of them."""
    name = ALIASES.get(words[0], words[0]) if words else ""
    named = [one for one in app.registered_commands if one.name == name and name != "help"]  # which tells of all
    if not named:
        return app
    found = copy(app)
    found.registered_commands = named
    return found


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
