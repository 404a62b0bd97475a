"""README and topics hang together: short, linked, with options that exist, in the package, installed as they say."""

from __future__ import annotations

import re
import subprocess
import tomllib
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import typer.main

from expctl import docs
from expctl.cli.app import app_with, command_entries
from tests.conftest import ROOT
from tests.docs.pages import README, TOPICS, Page

PAGES = [README, *TOPICS, Page(ROOT / "tests" / "README.md")]
GROUP: Any = typer.main.get_command(app_with(command_entries()))
COMMANDS: dict[str, Any] = GROUP.commands

named = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.path.relative_to(ROOT)))


@named
def test_a_page_is_short_enough_to_be_read(page: Page):
    lines = [line for line in page.text.splitlines() if page.name != "statistics" or not line.startswith("|")]
    assert len(lines) <= (300 if page == README else 250)  # the tables of simulations are looked up, not read
    wide = [line for line in page.prose.splitlines() if len(line) > 140 and not line.startswith(("|", "`"))]
    assert wide == []


@pytest.mark.parametrize("page", TOPICS, ids=lambda page: page.name)
def test_a_topic_opens_with_its_heading_and_says_in_a_sentence_what_it_is_about(page: Page):
    topic = docs.read(page.name)
    assert page.text.startswith(f"# {topic.title}\n\n")
    assert topic.summary.endswith(".")
    assert len(topic.summary) <= 120
    assert "](" not in topic.summary
    assert not re.search(r"^\$ ", page.prose, re.M), "a command outside of its block"


@named
def test_every_link_leads_somewhere(page: Page):
    anchors = {other.path: other.anchors for other in PAGES}
    for target, anchor in page.links():
        if isinstance(target, Path):
            assert target.exists(), target
            assert not anchor or anchor in anchors[target], (target, anchor)


def test_every_topic_is_found_from_the_readme():
    reached, pages = {README.path}, {page.path: page for page in PAGES}
    waiting = [README]
    while waiting:
        for target, _ in waiting.pop().links():
            if isinstance(target, Path) and target in pages and target not in reached:
                reached.add(target)
                waiting.append(pages[target])
    assert {page.path for page in TOPICS} <= reached


def test_every_command_has_a_topic_that_its_help_names(cli):
    entries = {entry.name: entry for entry in command_entries()}
    assert set(COMMANDS) == set(entries)
    for command, entry in entries.items():
        if command != "help":
            assert entry.topic is not None, command
            assert f"expctl {command}" in docs.read(entry.topic).text or command in ("list", "show")
            assert cli(command, "--help").stdout.splitlines()[-1] == f"  Topic: expctl help {entry.topic}"


@named
def test_every_command_line_has_a_command_and_options_that_exist(page: Page):
    for words in page.command_lines():
        if not words or words[0].startswith("-") or words[0].isupper():
            continue
        assert words[0] in COMMANDS, words
        options = {name for param in COMMANDS[words[0]].params for name in (*param.opts, *param.secondary_opts)}
        for word in takewhile("--".__ne__, words[1:]):  # behind it stands a program of the user's
            if re.match(r"--?[a-z]", word):
                assert word.partition("=")[0] in {*options, "--help"}, words


def test_there_are_command_lines_to_check():
    lines = [" ".join(words) for page in PAGES for words in page.command_lines()]
    assert len(lines) > 100
    for known in ("predict --input new.csv --output labelled.csv --run", "train --c 1.0 --format id", "list"):
        assert known in lines
    assert {line.split()[0] for line in lines if line} >= set(COMMANDS)


def test_every_topic_is_packaged():
    """Hatchling takes what lies in the package and is not ignored by Git; what is installed is read by resources."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert settings["project"]["name"] == "expctl-mlflow"
    assert settings["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["expctl"]
    ignored = ["git", "check-ignore", *(str(page.path) for page in TOPICS)]
    assert subprocess.run(ignored, cwd=ROOT, capture_output=True, text=True, check=False).stdout == ""
    assert docs.names() == sorted(page.name for page in TOPICS)


# On the package index `expctl` is somebody else's project. An install command, up to the name; extras; pins.
_STRANGER = re.compile(
    r"""(?:\b(?:pip3?|pipx|conda|mamba|tool|pip)\s+(?:install|run)|\b(?:uv|poetry|pdm)\s+add|\buvx)
        (?:\s+-[\w=-]+)*\s+['"`]?expctl(?![\w-])
        |expctl\[\w|\bexpctl\s*[=~<>]=\s*\d""",
    re.VERBOSE,
)


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("pip install {}", True),
        ("pip install -U --quiet {}", True),
        ("pip install '{}[dask]'", True),
        ("uv add {}", True),
        ("uv pip install {}", True),
        ("uvx {} list", True),
        ("pipx install {}", True),
        ('"{}[dask]"', True),
        ("{}==0.1.0", True),
        ("pip install {}-mlflow", False),
        ("pip install '{}-mlflow[dask] @ git+ssh://git@example.org/team/{}'", False),
        ("pip install -q . && .venv/bin/{} train", False),
    ],
)
def test_a_line_that_installs_a_stranger_is_known(line, wrong):
    assert bool(_STRANGER.search(line.format("expctl", "expctl"))) is wrong


def test_no_file_says_to_install_a_stranger():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a checkout")
    wrong = []
    for name in filter(None, listed.stdout.split("\0")):
        try:
            lines = (ROOT / name).read_text("utf-8").splitlines()
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        wrong += [f"{name}:{number}: {line}" for number, line in enumerate(lines, 1) if _STRANGER.search(line)]
    assert wrong == []
