"""A forked command is what a fresh one is: its streams, its end, its folder and environment, and who may stop it."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys

import pytest

from tests.warm import Process, script

COMMAND = [sys.executable, "-m", "expctl"]
KINDS = pytest.mark.parametrize("kind", [subprocess.Popen, Process])


@pytest.mark.parametrize("words", [["--version"], ["lst"], ["list", "--format", "id"]], ids=" ".join)
def test_the_same_words_end_alike(runs, words):
    ends = []
    for kind in (subprocess.Popen, Process):
        with kind([*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            ends.append((*process.communicate(timeout=600), process.returncode))
    assert ends[0] == ends[1]


@KINDS
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_it_is_our_child_with_a_session_of_its_own_if_that_is_said(kind, number):
    code = (
        "import os, signal; signal.signal(2, 0); print(os.getppid(), os.getsid(0) == os.getpid(), flush=True); input()"
    )
    words = [sys.executable, "-c", code]
    pipe = subprocess.PIPE
    with kind(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as process:
        assert process.stdout.readline() == f"{os.getpid()} True\n"
        assert process.poll() is None
        process.send_signal(number)
        assert (process.communicate()[1], process.returncode) == ("", -number)


@KINDS
def test_words_folder_and_environment_are_its_own(kind, tmp_path):
    code = "from os import *; import json, sys; from tempfile import gettempdir as temporary"
    code += "; print(json.dumps([sys.argv, getcwd(), temporary(), {**environ}]))"
    env = {**os.environ, "TMPDIR": str(tmp_path), "HERE": "1"}
    words = [sys.executable, "-c", code, "one", "two"]
    with kind(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=env) as process:
        assert json.loads(process.communicate()[0]) == [["-c", "one", "two"], str(tmp_path), str(tmp_path), env]


@KINDS
def test_a_terminal_is_one(kind):
    screen, terminal = pty.openpty()
    code = "import sys; print(*(one.isatty() for one in (sys.stdin, sys.stdout, sys.stderr)))"
    with kind([sys.executable, "-c", code], stdin=terminal, stdout=terminal, stderr=terminal) as process:
        os.close(terminal)
        assert process.wait(600) == 0
        assert os.read(screen, 100) == b"True True True\r\n"
    os.close(screen)


@KINDS
def test_files_of_ours_are_not_its(kind):
    code = "import os; print(len(os.listdir('/proc/self/fd')) - 4)"
    with kind([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert int(process.communicate()[0]) <= 2


def test_a_shell_has_its_end_too(runs):
    done = subprocess.run(
        ["bash", "-c", f"{script()} list --format id | wc -l; {script()} lst 2>/dev/null"], capture_output=True
    )
    assert (done.returncode, done.stdout.split()) == (2, [b"4"])
