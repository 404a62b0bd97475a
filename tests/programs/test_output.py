"""What is kept of a program's output, what is hidden, and the metrics that are read from it."""

from __future__ import annotations

import os
import re

import pytest

from expctl.programs import output as output_module
from expctl.programs.output import Output, is_secret, secrets_of, shown_on, value_group


def read(pattern: str, *pieces: bytes) -> list[tuple[float, int]]:
    output = Output(patterns={"loss": re.compile(pattern)})
    for piece in pieces:
        output.feed("stdout", piece)
    output.close()
    return [(one.value, one.step) for one in output.readings]


def test_all_of_a_short_output_is_kept_to_the_byte():
    output = Output()
    output.feed("stdout", b"a\x00\xff\r\n")
    output.feed("stderr", b"\x1b[31mred\x1b[0m\n\n")
    assert output.log() == b"a\x00\xff\r\n\x1b[31mred\x1b[0m\n\n"
    assert output.last_line() == "red"


def test_of_a_long_output_beginning_and_end_are_kept_whatever_its_length():
    output = Output(kept=1000)
    for number in range(100_000):
        output.feed("stdout", b"line %d\n" % number)
    log = output.log()
    assert log.startswith(b"line 0\n")
    assert log.endswith(b"line 99999\n")
    assert len(log) < 2500
    (told,) = re.findall(rb"\n\[expctl: (\d+) bytes left out\]\n", log)
    whole = sum(len(b"line %d\n" % number) for number in range(100_000))
    assert int(told) == whole - (len(log) - len(b"[expctl: %d bytes left out]\n" % int(told)))


def test_one_line_without_end_is_bounded_too():
    output = Output(kept=1000, patterns={"loss": re.compile("loss (1)")})
    for _ in range(1000):
        output.feed("stdout", b"x" * 10_000)
    assert len(output.log()) < 15_000
    assert output.readings == []


def test_secrets_of_the_environment_and_of_addresses_are_not_kept():
    environment = {"MY_API_KEY": "hunter22", "HOME": "/home/x", "SOME_TOKEN": "abc", "DB_PASSWORD": "hunter22longer"}
    secrets = secrets_of(environment)
    assert secrets == ["hunter22longer", "hunter22"]
    output = Output(secrets=secrets)
    output.feed("stderr", b"\xffkey hunter22longer\nat https://me:pass@host/x\n")
    assert output.log() == b"\xffkey ***\nat https://***@host/x\n"
    assert output.last_line() == "at https://***@host/x"


@pytest.mark.parametrize(
    "name",
    [
        "api-key", "api_key", "apikey", "apiKey", "OPENAI_API_KEY", "OPENAIAPIKEY", "password", "db.password",
        "PGPASSWORD", "passwd", "MYSQL_PWD", "pwd", "secret", "clientSecret", "AWS_SECRET_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID", "private-key", "AWS_SESSION_TOKEN", "hf_token", "api-token", "token", "hfToken",
        "GH_TOKEN2", "NGROK_AUTHTOKEN", "auth", "basic-auth", "OAUTH2", "GOOGLE_CREDENTIALS",
    ],
)  # fmt: skip
def test_the_words_of_a_name_say_that_it_is_a_secret(name):
    assert is_secret(name, "x7Gh2kLm")


@pytest.mark.parametrize(
    "name",
    [
        "PWD", "OLDPWD", "tokenizer", "max-tokens", "max_tokens", "maxTokens", "num_tokens_per_batch", "token_pattern",
        "author", "authors", "GIT_AUTHOR_NAME", "XAUTHORITY", "secretary", "key", "monkey", "max_features", "",
    ],
)  # fmt: skip
def test_a_part_of_a_word_does_not_make_a_secret(name):
    assert not is_secret(name, "x7Gh2kLm")


def test_a_small_number_is_no_secret_unless_it_is_a_password():
    assert [is_secret("token", value) for value in ("512", "0.1", "1234567", "")] == [False, False, True, True]
    assert is_secret("password", "1234")
    assert is_secret("DB_PWD", "1234")


def test_where_one_is_stays_in_the_output():
    assert secrets_of({"PWD": "/home/me/work", "OLDPWD": "/home/me", "MY_PWD": "hunter22"}) == ["hunter22"]


def test_metrics_are_read_with_steps_by_their_order_or_their_own():
    assert read(r"loss=([\d.]+)", b"loss=1.5\nlo", b"ss=0.5\nother\n", b"loss=0.25") == [(1.5, 0), (0.5, 1), (0.25, 2)]
    steps = rb"epoch 3 loss 0.5" + b"\r" + b"epoch 7 loss \x1b[1m0.25\x1b[0m\n"
    assert read(r"epoch (?P<step>\d+) loss (?P<value>[\d.]+)", steps) == [(0.5, 3), (0.25, 7)]
    assert read(r"loss (\S+)", b"loss abc\nloss 1e-3\nloss nan\n")[0] == (0.001, 0)


def test_a_reader_that_has_gone_ends_nothing():
    read_end, write_end = os.pipe()
    show = shown_on(write_end)
    show(b"seen")
    assert os.read(read_end, 10) == b"seen"
    os.close(read_end)
    show(b"not seen")
    show(b"nor this")
    os.close(write_end)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        (r"epoch (?P<step>\d+) loss ([0-9.]+)", [(0.25, 3)]),
        (r"epoch (\d+) loss (?P<value>[0-9.]+)", [(0.25, 0)]),
        (r"epoch (\d+) loss", [(3.0, 0)]),
        (r"epoch (\d+) (?P<value>none)?", []),  # no other group stands in for the one that is named
    ],
)
def test_the_value_is_the_group_called_so_or_the_first_that_is_not_the_step(pattern, found):
    assert read(pattern, b"epoch 3 loss 0.25\n") == found


def test_an_expression_without_a_value_is_refused():
    with pytest.raises(ValueError, match="no group"):
        value_group(re.compile(r"epoch (?P<step>\d+)"))


@pytest.mark.parametrize("step", [b"99999999999999999999", b"1e30", b"2.5", b"inf"])
def test_a_step_that_no_store_holds_is_counted(step):
    assert read(r"(?P<step>\S+) loss (?P<value>[0-9.]+)", step + b" loss 0.25\n") == [(0.25, 0)]


def test_values_are_kept_up_to_a_limit_and_the_others_counted(monkeypatch):
    monkeypatch.setattr(output_module, "MOST_READINGS", 3)
    output = Output(patterns={"x": re.compile(r"(\d)")})
    output.feed("stdout", b"1\n2\n3\n4\n5\n")
    output.close()
    assert [one.value for one in output.readings] == [1, 2, 3]
    assert output.left_out() == {"x": 2}
