"""Words that bash broke are whole again, and what it is told of one begins where it wants it."""

from __future__ import annotations

import sys

import pytest

from expctl.cli.options.typed_words import mended, typed_words, whole_words


@pytest.mark.parametrize(
    ("words", "current", "expected"),
    [
        (["x", "-p", "c", "=", "1"], 4, (["x", "-p", "c=1"], 2)),
        (["x", "-p", "c", "="], 3, (["x", "-p", "c="], 2)),
        (["x", "-p", "c", "=", "1", "-t"], 5, (["x", "-p", "c=1", "-t"], 3)),
        (["x", "-p", "c", "=", "1"], 5, (["x", "-p", "c=1"], 3)),  # behind a blank: the next word
        (["x", "models", ":", "/r", "@", "a"], 5, (["x", "models:/r@a"], 1)),
        (
            ["x", "--uri", "sqlite", ":", "///a.db", "show", "st"],
            6,
            (["x", "--uri", "sqlite:///a.db", "show", "st"], 4),
        ),
        (["x", "show", "st"], 2, (["x", "show", "st"], 2)),
    ],
)
def test_broken_words_are_put_together(words, current, expected):
    assert mended(words, current) == expected


def test_bash_is_told_the_rest_of_a_word_and_others_the_whole(monkeypatch, capsys):
    monkeypatch.setenv("COMP_WORDS", "expctl\n-p\nsolver\n=\nli")
    monkeypatch.setenv("COMP_CWORD", "4")
    for kind, told in (("complete_bash", "liblinear\n"), ("complete_zsh", "solver=liblinear\n")):
        monkeypatch.setenv("_EXPCTL_COMPLETE", kind)
        with whole_words():
            sys.stdout.write("solver=liblinear\n")
        assert capsys.readouterr().out == told


def test_the_words_before_the_one_that_is_completed_are_known_of_every_shell(monkeypatch):
    monkeypatch.setattr("sys.argv", ["expctl", "list", "-n", "1"])
    assert typed_words() == ["list", "-n", "1"]
    monkeypatch.setenv("_EXPCTL_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "expctl\nli")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert typed_words() == []
    monkeypatch.setenv("_EXPCTL_COMPLETE", "complete_fish")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "expctl show ")
    assert typed_words() == ["show"]
