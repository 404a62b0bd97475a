"""The words of a program's command line as parameters, and as they are stored."""

from __future__ import annotations

import pytest

from expctl.programs.arguments import parameters, without_secret_value, without_secret_words


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


def test_what_is_called_like_a_secret_is_hidden_in_the_ways_of_all_programs():
    words = ["x", "-token", "leak12345", "-password=leak2", "api-key=leak3", "--max-tokens", "512", "-v", "run"]
    assert without_secret_words(words, []) == [
        "x", "-token", "***", "-password=***", "api-key=***", "--max-tokens", "512", "-v", "run",
    ]  # fmt: skip
    header = without_secret_words(["curl", "--header", "Authorization: Bearer leak88", "Basic ideas"], [])
    assert header == ["curl", "--header", "Authorization: Bearer ***", "Basic ideas"]


def test_secrets_in_a_line_for_a_shell_are_hidden_and_names_of_variables_are_not():
    line = "cd x; API_TOKEN='leak 1' python x.py --password leak22 --api-key=leak3 --token $TOKEN --secret \"$S\"; wc"
    told = 'cd x; API_TOKEN=*** python x.py --password *** --api-key=*** --token $TOKEN --secret "$S"; wc'
    assert without_secret_words(["sh", "-c", line], []) == ["sh", "-c", told]
    prose = "the password is kept, token=$(cat f) and max_tokens=512"
    assert without_secret_words(["echo", prose], []) == ["echo", prose]


def test_a_parameter_is_stored_without_secrets_too():
    assert without_secret_value("api_key", "leak99", []) == "***"
    assert without_secret_value("note", "with leak99", ["leak99"]) == "with ***"
    assert without_secret_value("lr", "0.1", []) == "0.1"
