"""The words of a program's command line as parameters, and as they are stored."""

from __future__ import annotations

import pytest

from expctl.programs.arguments import parameters, without_secret_words


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--lr", "0.1"], {"lr": "0.1"}),
        (["--lr=0.1"], {"lr": "0.1"}),
        (["lr=0.1", "model.depth=3", "+seed=1"], {"lr": "0.1", "model.depth": "3", "seed": "1"}),
        (["--max-depth", "3"], {"max_depth": "3"}),
        (["--verbose", "--lr", "-0.1"], {"verbose": "True", "lr": "-0.1"}),
        (["--verbose"], {"verbose": "True"}),
        (["--verbose", "-q"], {"verbose": "True"}),
        (["--layers", "64", "32", "data.csv"], {"layers": "64 32"}),
        (["--data", "a.csv", "b.csv"], {"data": "a.csv"}),
        (["--lr", "0.1", "--lr", "0.2"], {"lr": "0.2"}),
        (["--multirun", "lr=0.1"], {"multirun": "True", "lr": "0.1"}),
        (["--text=a=b c"], {"text": "a=b c"}),
        (["--empty="], {"empty": ""}),
        (["train.py", "-m", "module", "-x", "=1", "--", "a/b=c", "1=2"], {}),
    ],
)
def test_what_the_words_say(words, expected):
    assert parameters(["python", *words]) == expected


def test_secrets_are_neither_parameters_nor_stored():
    command = ["prog", "--api-key", "abc", "--token=def", "password=ghi", "--url", "http://u:pw@host/x?k=v", "hunter22"]
    assert parameters(command, ["hunter22"]) == {
        "api_key": "***", "token": "***", "password": "***", "url": "http://***@host/x?***"
    }  # fmt: skip
    stored = without_secret_words(command, ["hunter22"])
    assert stored == [
        "prog", "--api-key", "***", "--token=***", "password=***", "--url", "http://***@host/x?***", "***",
    ]  # fmt: skip


def test_names_that_only_sound_like_secrets_are_kept():
    command = [
        "prog", "--tokenizer", "word", "--max-tokens=512", "--author", "me", "token=3", "--auth", "2", "--token", "x",
    ]  # fmt: skip
    assert parameters(command) == {
        "tokenizer": "word", "max_tokens": "512", "author": "me", "auth": "2", "token": "***"
    }  # fmt: skip
    assert without_secret_words(command, []) == [*command[:-1], "***"]
