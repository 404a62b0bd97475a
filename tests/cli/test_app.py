"""The boundary: exit codes, the two streams, and what a terminal, a pipe, a full disk or a closed stream get."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
import typer

from expctl import __version__
from expctl.cli.app import app_of, app_with, command_entries
from expctl.cli.overview import GROUPS
from expctl.errors import MEANINGS, ExitCode, ExpctlError
from tests.tracking.recorded import statuses, store_of
from tests.warm import Process

COMMAND = [sys.executable, "-m", "expctl"]


def test_the_version_is_a_line(cli):
    done = cli("--version")
    assert (done.exit_code, done.stdout, done.stderr) == (0, f"expctl {__version__}\n", "")


def test_help_lists_every_command_once_in_groups_and_every_exit_code_on_one_screen(run_command, folder):
    done = run_command("--help", env={"COLUMNS": "80"})
    assert (done.exit_code, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert 24 <= len(lines) <= 43
    assert max(map(len, lines)) <= 80
    assert re.findall(r"^  ([a-z-]+)  ", done.stdout, re.MULTILINE) == [one.name for one in command_entries()]
    assert [line.rstrip(":") for line in lines if re.fullmatch(r"[A-Z][a-z ]+:", line)] == list(GROUPS)
    assert "..." not in done.stdout.partition("Train:")[2]  # each in a whole sentence
    told = " ".join(done.stdout.partition("Exit codes (expctl help exit-codes): ")[2].split())
    for code, meaning in MEANINGS.items():
        assert f"{code.value} {re.split(' ?[:,(]', meaning)[0]}" in told, code
    assert run_command(env={"COLUMNS": "80"}).stdout == done.stdout


def test_help_of_a_narrow_terminal_is_wrapped_and_no_word_is_lost(run_command, folder):
    narrow, wide = (run_command("--help", env={"COLUMNS": width}).stdout for width in ("40", "110"))
    assert narrow.split() == wide.split()


@pytest.mark.parametrize("words", [["--help"], ["-h"]])
def test_a_help_of_all_names_them_without_reading_their_options(words):
    shown, whole = (typer.main.get_command(one).commands for one in (app_of(words), app_with(command_entries())))
    assert [(name, one.get_short_help_str(200)) for name, one in shown.items()] == [
        (name, one.get_short_help_str(200)) for name, one in whole.items()
    ]
    assert sum(len(one.params) for one in whole.values()) > 300
    assert {len(one.params) for one in shown.values()} <= {0, 1}  # --help itself


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["--version"], []),
        (["ls", "-n", "1"], ["list"]),
        (["learning-curve"], ["learning-curve"]),
        (["restore", "x"], ["restore"]),
        (["delete"], ["delete"]),
        (["lst"], None),
        (["--nonsense"], None),
        (["help"], None),
        ([], None),
    ],
)
def test_a_line_reads_the_options_of_its_own_command_and_of_no_other(words, names):
    every = [one.name for one in command_entries()]
    assert [one.name for one in app_of(words).registered_commands] == (every if names is None else names)


def test_every_command_has_a_group():
    assert {one.name for one in command_entries()} == {name for names in GROUPS.values() for name in names}


def test_ls_is_list(cli, runs):
    assert cli("ls", "-n", "1", "--format", "id").stdout == cli("list", "--limit", "1", "--format", "id").stdout
    assert cli("ls", "--help").stdout.startswith("Usage: expctl ls ")
    assert cli("best", "-n", "2", "--format", "id").stdout == cli("best", "--top", "2", "--format", "id").stdout
    assert cli("best", "-n", "2", "--format", "id").stdout.count("\n") == 2


def test_an_empty_folder_is_told_how_to_begin(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = cli()
    assert (done.exit_code, done.stderr) == (0, "")
    commands = re.findall(r"^  (expctl .*?)  ", done.stdout, re.MULTILINE)
    assert commands == ["expctl train --data FILE.csv", "expctl show latest", 'expctl predict "some text"']
    assert done.stdout.endswith("All commands: expctl --help\n")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "reviews.csv").touch()
    assert "  expctl train  " in cli().stdout
    help_page = cli("--help").stdout
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert cli().stdout == help_page
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    monkeypatch.setenv("EXPCTL_CSV_FORMULAS", "wrong")
    assert cli().stdout == help_page


@pytest.mark.parametrize("command", ["train", "list", "show", "compare", "best", "predict"])
def test_every_command_explains_its_options(cli, command):
    done = cli(command, "--help")
    assert (done.exit_code, done.stderr) == (0, "")
    for option in ("--experiment", "--tracking-uri", "--verbose", "--quiet", "--format"):
        assert option in done.stdout, option
    assert cli(command, "-h").stdout == done.stdout


@pytest.mark.parametrize(
    ("words", "word"),
    [
        (["lst"], "No such command 'lst'"),
        (["list", "--limt", "3"], "No such option"),
        (["list", "--limit"], "requires an argument"),
        (["--nope"], "--nope"),
    ],
)
def test_a_usage_error_is_one_line_with_the_help_to_ask_for(cli, folder, words, word):
    done = cli(*words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("expctl: ")
    assert word in done.stderr
    assert "--help)" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_every_error_has_a_documented_exit_code():
    def family(kind: type[ExpctlError]) -> list[type[ExpctlError]]:
        return [kind, *(one for child in kind.__subclasses__() for one in family(child))]

    assert {kind.exit_code for kind in family(ExpctlError)} <= set(MEANINGS)
    assert set(MEANINGS) == set(ExitCode)


def test_a_bug_keeps_its_traceback_and_asks_for_a_report(cli, folder, monkeypatch):
    def broken(*args: object, **kwargs: object) -> None:
        raise ZeroDivisionError("at https://ada:s3cr3t@host/x?sig=s3cr3t")

    monkeypatch.setattr("expctl.cli.streams.load_settings", broken)
    done = cli("list")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "Traceback (most recent call last)" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("expctl: this is a bug in expctl: please report it")
    assert "s3cr3t" not in done.stderr


def test_verbose_tells_the_cause_of_an_error_and_quiet_keeps_the_error(cli, folder):
    plain = cli("list", "--tracking-uri", "http://ada:s3cr3t@127.0.0.1:9")
    told = cli("list", "--tracking-uri", "http://ada:s3cr3t@127.0.0.1:9", "--verbose")
    assert "ConnectionRefusedError" in told.stderr
    assert "s3cr3t" not in told.stderr
    assert told.stderr.endswith(plain.stderr)
    assert len(plain.stderr.splitlines()) == 1
    assert cli("list", "--tracking-uri", "http://ada:s3cr3t@127.0.0.1:9", "-q").stderr == plain.stderr


def test_mlflow_says_nothing_unless_asked(cli, runs, caplog):
    for words in (["list"], ["show", "strong"], ["compare", "weak", "strong"]):
        said = cli(*words).stderr.splitlines()
        ours = ("expctl: 30 parameters and 1 metric are the same", "expctl: f1_score: these 40 rows show")
        assert [line for line in said if not line.startswith(ours)] == [], words


def test_settings_come_from_flag_then_environment_then_env_file(cli, runs, monkeypatch):
    for name in ("flag", "variable", "file"):
        store = store_of(runs, experiment=name)
        store.client.create_run(store.ensure_experiment(), run_name=f"run of {name}")
    Path(".env").write_text("MLFLOW_EXPERIMENT_NAME=file\n")

    def found(*words: str) -> str:
        return json.loads(cli("list", "--format", "json", *words).stdout)["rows"][0]["name"]

    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "variable")
    assert found() == "run of variable"
    assert found("-e", "flag") == "run of flag"
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME")
    assert found() == "run of file"
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME")


def test_a_wrong_setting_is_a_usage_error_that_names_its_variable(cli, runs, monkeypatch):
    monkeypatch.setenv("EXPCTL_CSV_FORMULAS", "maybe")
    done = cli("list")
    assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert "EXPCTL_CSV_FORMULAS is 'maybe'" in done.stderr


def shell(line: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    """A line for bash, where `expctl` is the command; with the exit code of the first of a pipe."""
    script = f'expctl() {{ "{sys.executable}" -m expctl "$@"; }}; set -o pipefail; {line}'
    return subprocess.run(["bash", "-c", script], capture_output=True, env={**os.environ, **env}, check=False)


@pytest.fixture
def long_list(folder):
    """A list that no pipe holds: 40 runs with a parameter of 6,000 characters."""
    from mlflow.entities import Param

    store = store_of(folder)
    experiment = store.ensure_experiment()
    for i in range(40):
        run_id = store.client.create_run(experiment, run_name=f"n{i}").info.run_id
        store.client.log_batch(run_id, params=[Param("long", "x" * 6000)])
    return folder


def test_a_reader_that_has_enough_is_no_error(long_list):
    done = shell("expctl list --format jsonl --limit 0 --columns name,long | head -c 100")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b'{"name": "n')
    done = shell("expctl predict --help | head -1")
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("words", ["list", "predict --quiet --run strong --input small.csv", "--help"])
def test_a_full_disk_behind_stdout_is_one_line_and_no_success(runs, words):
    done = shell(f"expctl {words} > /dev/full")
    assert done.returncode == 1
    assert done.stderr == b"expctl: cannot write to stdout: No space left on device\n"


def test_a_closed_stdout_is_no_success_and_nothing_is_trained(runs):
    done = shell("expctl train --data small.csv >&-")
    assert (done.returncode, done.stderr) == (1, b"expctl: cannot write to stdout: it is closed\n")
    assert len(statuses(runs)) == 4


def test_a_closed_or_full_stderr_changes_neither_data_nor_exit_code(runs):
    with ThreadPoolExecutor() as at_once:
        endings = ["2>&-", "2>/dev/full"]
        done = list(at_once.map(lambda end: shell(f"expctl list --limit 1 --columns name {end}"), endings))
    assert [(one.returncode, one.stdout) for one in done] == [(0, b"name\nbroken\n")] * 2
    assert shell("expctl lst 2>&-").returncode == 2


@pytest.mark.parametrize("env", [{"LC_ALL": "C", "PYTHONUTF8": "0"}, {"PYTHONIOENCODING": "ascii"}], ids=["C", "ascii"])
def test_a_poor_encoding_escapes_what_it_cannot_write(folder, run_command, env):
    store = store_of(folder)
    store.client.create_run(store.ensure_experiment(), run_name="日本 🚀 ü")
    done = run_command("list", "--columns", "name,f1_score", env={**env, "PYTHONCOERCECLOCALE": "0"})
    assert (done.exit_code, done.stderr) == (0, "")
    assert "\\u65e5\\u672c \\U0001f680 \\xfc" in done.stdout
    done = run_command("lßt", env={**env, "PYTHONCOERCECLOCALE": "0"})
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1


def on_terminal(*words: str, **env: str) -> str:
    """What a command writes when both its streams are one terminal."""
    import fcntl
    import struct
    import termios

    screen, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    settings = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS", "FORCE_COLOR")}
    process = Process(
        [*COMMAND, *words], stdin=terminal, stdout=terminal, stderr=terminal, env={**settings, "TERM": "xterm", **env}
    )
    os.close(terminal)
    seen = io.BytesIO()
    try:
        while piece := os.read(screen, 65536):
            seen.write(piece)
    except OSError:  # the other side is closed: the command has ended
        pass
    os.close(screen)
    assert process.wait(30) == 0, seen.getvalue()
    return seen.getvalue().decode()


def test_a_watched_list_shows_what_comes_and_ends_by_ctrl_c_with_what_there_is(runs, run_command):
    screen, terminal = pty.openpty()
    process = Process(
        [*COMMAND, "list", "--watch", "--columns", "name"],
        stdin=terminal, stdout=terminal, stderr=terminal, env={**os.environ, "TERM": "xterm"},
    )  # fmt: skip
    os.close(terminal)
    seen = b""
    while b"strong" not in seen:
        seen += os.read(screen, 65536)
    assert b"newcomer" not in seen
    assert run_command("edit", "strong", "--name", "newcomer").exit_code == 0
    while b"newcomer" not in seen:
        seen += os.read(screen, 65536)
    process.send_signal(signal.SIGINT)
    last = b""
    with suppress(OSError):  # the other side is closed: the command has ended
        while piece := os.read(screen, 65536):
            last += piece
    os.close(screen)
    assert process.wait(600) == 0, last
    assert b"newcomer" in last.rpartition(b"\x1b[?1049l")[2]


@pytest.mark.parametrize("words", [(), ("--format", "json")])
def test_only_a_table_on_a_terminal_is_watched(cli, runs, words):
    done = cli("list", "--watch", *words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--watch needs a terminal" in done.stderr


COLOURS = re.compile(r"\x1b\[[0-9;]*(?:3[0-7]|38|9[0-7])[;m]")


def test_a_terminal_gets_colours_unless_it_says_no_and_nothing_else_gets_escapes(runs, run_command):
    with ThreadPoolExecutor() as at_once:
        plain = at_once.submit(on_terminal, "list")
        colourless = at_once.submit(on_terminal, "list", NO_COLOR="1")
        dumb = at_once.submit(on_terminal, "list", TERM="dumb")
        piped = at_once.submit(run_command, "list", env={"TERM": "xterm-256color", "FORCE_COLOR": "1"})
    assert COLOURS.search(plain.result())
    assert not COLOURS.search(colourless.result())
    assert "\x1b" not in dumb.result()
    assert "\x1b" not in piped.result().stdout


@pytest.mark.slow
def test_a_terminal_gets_hostile_names_as_text(folder):
    store = store_of(folder)
    experiment = store.ensure_experiment()
    for name in ("[red]x[/red]", "[/red]", ":skull:", "\x1b]0;title\x07", "one\ntwo", "x" * 300):
        store.client.create_run(experiment, run_name=name)
    seen = on_terminal("list", "--columns", "name,status")
    for text in ("[red]x[/red]", "[/red]", ":skull:", "\\x1b]0;title\\x07", "one\\ntwo"):
        assert text in seen, text
    assert "\x07" not in seen
    for format in ("csv", "json", "jsonl"):
        seen = on_terminal("list", "--columns", "name", "--format", format, "--filter", "name like '%title%'")
        assert "title" in seen
        assert "\x1b]" not in seen
        assert "\x07" not in seen


def test_a_training_on_a_terminal_ends_with_its_table_and_the_next_command(small):
    seen = on_terminal("train", "--data", "small.csv", "--run-name", "seen")
    assert "f1_score" in seen
    assert "next: expctl show" in seen
    assert statuses(small.parent) == ["FINISHED"]


def test_the_command_works_optimised_and_without_a_home(runs, run_command):
    done = run_command("list", "--format", "id", env={"PYTHONOPTIMIZE": "2", "HOME": "/nonexistent"})
    assert done.exit_code == 0, done.stderr  # there MLflow warns of its own missing docstrings
    assert len(done.stdout.split()) == 4
