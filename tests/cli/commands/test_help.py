"""`expctl help`: topics listed and shown, commands explained, on a terminal, in a pipe and for a wrong word."""

from __future__ import annotations

import pytest

from expctl import docs
from expctl.cli.app import command_entries
from tests.cli.test_app import on_terminal, shell


def test_the_topics_are_listed_with_what_they_are_about(cli):
    done = cli("help")
    assert (done.exit_code, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["topic", *docs.names()]
    for line, topic in zip(lines[1:], docs.topics(), strict=True):
        assert line.endswith(topic.summary)


@pytest.mark.parametrize("name", docs.names())
def test_a_pipe_gets_a_topic_as_it_is_written(cli, name):
    done = cli("help", name)
    assert (done.exit_code, done.stdout, done.stderr) == (0, docs.read(name).text, "")


def test_a_topic_of_two_words_is_found_with_a_blank_too(cli):
    assert cli("help", "Learning", "curve").stdout == docs.read("learning-curve").text


def test_a_command_that_is_no_topic_gets_its_own_help(cli):
    commands = [one.name for one in command_entries() if one.name not in docs.names()]
    assert {"train", "list", "help"} <= set(commands)
    for command in commands:
        done = cli("help", command)
        assert (done.exit_code, done.stderr) == (0, "")
        assert done.stdout == cli(command, "--help").stdout


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("filers", "no topic 'filers', did you mean 'filters'? (try: expctl help)"),
        ("trian", "no topic 'trian', did you mean 'train'? (try: expctl help)"),
        ("xyzzy", "no topic 'xyzzy' (try: expctl help)"),
        ("../docs/filters", "no topic '../docs/filters', did you mean 'filters'? (try: expctl help)"),
        ("", "no topic '' (try: expctl help)"),
    ],
)
def test_an_unknown_topic_is_a_usage_error_with_the_closest(cli, word, said):
    done = cli("help", word)
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", f"expctl: {said}\n")


@pytest.mark.parametrize(("word", "topic"), [("margin", "compare"), ("api", "python"), ("significance", "compare")])
def test_a_word_of_the_topics_names_those_that_speak_of_it(cli, word, topic):
    done = cli("help", word)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"expctl: no topic {word!r} (try: expctl help {topic} or expctl help ")


def test_a_terminal_gets_a_topic_drawn_within_its_width():
    for settings in ({}, {"NO_COLOR": "1"}, {"COLUMNS": "60"}):
        seen = on_terminal("help", "filters", **settings)
        assert ("\x1b" in seen) is ("NO_COLOR" not in settings)
        assert "# Filters" not in seen
        assert "| ---" not in seen
    assert on_terminal("help", "filters", TERM="dumb").replace("\r", "") == docs.read("filters").text


def test_a_reader_that_has_enough_is_no_error():
    for words in ("help", "help predictions", "help train"):
        done = shell(f"expctl {words} | head -1")
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout


def test_topics_and_commands_are_completed(run_command):
    env = {"_EXPCTL_COMPLETE": "complete_bash", "COMP_WORDS": "expctl help re", "COMP_CWORD": "2"}
    assert {"references", "report", "reproduce", "restore"} <= set(run_command(env=env).stdout.split())
