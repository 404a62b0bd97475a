"""Git, asked without anything that a repository could have run: the one place that starts it.

A clone brings no configuration, but an unpacked archive does, and a bare repository among the files of a clone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PATIENCE: Final = 20.0  # seconds for git to answer
# Whatever git would start by a single name of its configuration. Those with names of their own: see `_without_filters`.
_OFF: Final = (
    "core.fsmonitor=false", f"core.hooksPath={os.devnull}", "core.pager=cat", "core.sshCommand=false", "core.askPass=",
    "core.gitProxy=", "core.editor=false", "core.alternateRefsCommand=false", "credential.helper=", "gpg.program=false",
    "gpg.ssh.program=false", "gpg.x509.program=false", "log.showSignature=false",
    "safe.bareRepository=explicit", "submodule.recurse=false", "protocol.allow=never",
)  # fmt: skip
_PLAIN: Final = ("--no-pager", *(word for one in _OFF for word in ("-c", one)))
# Of diffs: drivers of a repository's own, and looking into submodules, whose configuration is another one.
_DIFF: Final = ("--no-ext-diff", "--no-textconv", "--submodule=short", "--ignore-submodules=dirty")
_ALONE: Final = {
    "GIT_ALLOW_PROTOCOL": "none",  # the name of no transport
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
}
_NOTHING: Final = "EXPCTL_NOTHING"  # a variable that is empty


def git(*words: str, most: int | None = None) -> bytes | None:
    """What git says in the current folder, `most` bytes of it; None where it fails, or there is none.

    Nothing that a repository names is run: no hooks, no file system monitor, no pager, no external difference or
    conversion, no filter, no transport that would fetch what is missing, and no git that lies in the current folder.
    """
    program, command = _program(), words[0]
    if program is None:
        return None
    options: Sequence[str] = _PLAIN
    if command.startswith("diff"):
        words = (command, *_DIFF, *words[1:])
    if command == "diff":  # alone it reads files of the working tree, through filters
        off = _without_filters(program)
        if off is None or not _is_its_own_tree(program):
            return None
        options = (*options, *off)
    return _asked([program, *options, *words], most)


def _program() -> str | None:
    """The git of a folder of PATH; never that of the current folder, where Windows looks first."""
    places = (place for place in os.get_exec_path() if os.path.isabs(place))  # noqa: PTH117
    return next((found for place in places if (found := shutil.which(str(Path(place, "git"))))), None)


def _without_filters(program: str) -> list[str] | None:
    """Options that switch off the filters which the repository's own configuration has; None if git cannot say.

    Those of the person's configuration, as that of Git LFS, stay.
    """
    told = _asked([program, *_PLAIN, "config", "--list", "--includes", "--show-scope", "--name-only", "-z"], None)
    if told is None:
        return None
    words = os.fsdecode(told).split("\0")
    names = {
        name.rpartition(".")[0]
        for scope, name in zip(words[::2], words[1::2], strict=False)
        if scope not in ("system", "global", "command") and name.startswith("filter.")
    }
    off = [f"--config-env={name}.{key}={_NOTHING}" for name in sorted(names) for key in ("clean", "smudge", "process")]
    return [*off, *(f"--config-env={name}.required={_NOTHING}" for name in sorted(names))]


def _is_its_own_tree(program: str) -> bool:
    """Whether the files that git would read lie in the repository's own folder: `core.worktree` can name any other."""
    told = _asked([program, *_PLAIN, "rev-parse", "--show-toplevel", "--absolute-git-dir"], None)
    if told is None:
        return False
    tree, _, folder = os.fsdecode(told).rstrip("\n").partition("\n")
    link = Path(tree, ".git")
    try:
        if link.is_file():  # of a submodule, or of a further working tree
            return Path(tree, link.read_text(encoding="utf-8").partition("gitdir:")[2].strip()).samefile(folder)
        return link.samefile(folder)
    except (OSError, ValueError):
        return "GIT_DIR" in os.environ or "GIT_WORK_TREE" in os.environ


def _asked(command: Sequence[str], most: int | None) -> bytes | None:
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **_ALONE, _NOTHING: ""},
        )
    except (OSError, ValueError):
        return None
    with process, _within(process, _PATIENCE):
        assert process.stdout is not None
        content = process.stdout.read(-1 if most is None else most)
        cut = most is not None and process.stdout.read(1) != b""
        if cut:
            process.kill()
    return content if cut or process.returncode == 0 else None


@contextmanager
def _within(process: subprocess.Popen[bytes], seconds: float) -> Iterator[None]:
    """Kill a process that takes longer."""
    timer = Timer(seconds, process.kill)
    timer.start()
    try:
        yield
        process.wait()
    finally:
        timer.cancel()
