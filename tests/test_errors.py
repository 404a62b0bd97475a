"""Errors carry their exit code and never a secret; a wrong word names the closest right one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expctl import errors
from expctl.errors import MEANINGS, ExitCode, ExpctlError, Stopped, closest, mask_passwords, mask_secrets


def test_exit_codes_are_those_of_the_design_and_each_is_explained() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "DONE": 0, "WORK_FAILED": 1, "USAGE": 2, "NOT_FOUND": 3, "STORE": 4, "DATA": 5, "UNDECIDED": 6, "HANGUP": 129,
        "INTERRUPTED": 130, "TERMINATED": 143,
    }  # fmt: skip
    assert list(MEANINGS) == list(ExitCode)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("ExpctlError", 1), ("TrainingFailed", 1), ("UsageError", 2), ("RunNotFound", 3), ("StoreError", 4),
        ("DataError", 5),
    ],
)  # fmt: skip
def test_an_error_carries_its_exit_code_its_message_and_what_to_do(kind: str, code: int) -> None:
    error = getattr(errors, kind)("what is wrong", hint="what to type")
    assert isinstance(error, ExpctlError)
    assert (error.exit_code, error.message, error.hint, str(error)) == (
        code,
        "what is wrong",
        "what to type",
        "what is wrong",
    )
    assert getattr(errors, kind)("x").hint is None


def test_a_signal_is_not_caught_by_accident() -> None:
    stopped = Stopped("SIGTERM", ExitCode.TERMINATED)
    assert not isinstance(stopped, Exception)
    assert (stopped.signal_name, stopped.exit_code) == ("SIGTERM", 143)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("http://ann:secret@host:5000/x", "http://***@host:5000/x"),
        ("postgresql+psycopg2://ann:secret@host/db", "postgresql+psycopg2://***@host/db"),
        ("https://token@github.com/a/b.git", "https://***@github.com/a/b.git"),
        ("https://host/a.csv?X-Amz-Signature=secret&x=1", "https://host/a.csv?***"),
        ("mssql://u:secret@h/d?password=secret", "mssql://***@h/d?***"),
        ("from http://a:secret@h, to http://b:secret@i!", "from http://***@h, to http://***@i!"),
        ("'http://h/x?sig=secret' and \"http://h/y?sig=secret\"", "'http://h/x?***' and \"http://h/y?***\""),
        ('{"data": "http://h/x?sig=secret", "c": 1}', '{"data": "http://h/x?***", "c": 1}'),
        ("http://u:secret@h\nhttp://u:secret@h", "http://***@h\nhttp://***@h"),
        ("http://ann:sec@ret@host/x", "http://***@host/x"),
        ("postgresql://ann:sec/ret@host/db", "postgresql://***@host/db"),
    ],
)
def test_secrets_of_an_address_are_masked_and_the_rest_stays_readable(text: str, masked: str) -> None:
    assert mask_secrets(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "sqlite:///mlflow.db", "sqlite:////home/ann/mlflow.db", "http://localhost:5000", "s3://bucket/a@b.csv",
        "models:/reviews@champion", "data/reviews.csv", "who? me@home.org", "is it 1?2:3", "http://localhost:5000/a@b",
        "",
    ],
)  # fmt: skip
def test_what_holds_no_secret_stays_as_it_is(text: str) -> None:
    assert mask_secrets(text) == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("see http://u:s@h/a?page=2", "see http://***@h/a?page=2"),
        ("https://h/a?page=2&access_token=s&x=1#top", "https://h/a?page=2&access_token=***&x=1#top"),
        (
            "https://h/a?X-Amz-Signature=s&X-Amz-Security-Token=t",
            "https://h/a?X-Amz-Signature=***&X-Amz-Security-Token=***",
        ),
        ("https://h/a?sig=s;key=k", "https://h/a?sig=***;key=***"),
        ("https://h/#id_token=s", "https://h/#id_token=***"),
        ("https://h/a?PASSWORD=s and ?token=kept", "https://h/a?PASSWORD=*** and ?token=kept"),
        ("https://h/a?sort=key&design=x&author=y", "https://h/a?sort=key&design=x&author=y"),
        ("token=x", "token=x"),
    ],
)
def test_a_note_keeps_its_links_without_what_is_called_a_secret(text: str, masked: str) -> None:
    assert mask_passwords(text) == masked
    assert mask_passwords(masked) == masked


@given(
    st.text()
    | st.from_regex(r"[a-z]{2,5}://[a-z]{1,5}:[^/@\s'\"]{1,9}@host(/[a-z]*)?(\?[a-z=&]{1,9})?", fullmatch=True)
)
def test_masking_twice_is_masking_once(text: str) -> None:
    assert mask_secrets(mask_secrets(text)) == mask_secrets(text)


@given(
    st.sampled_from(["http", "https", "postgresql", "mysql+pymysql", "s3"]),
    st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1),
    st.from_regex(r"SECRET[A-Za-z0-9:;,.!$%^&*()_+=~#?-]{0,12}", fullmatch=True),
)
def test_no_password_of_an_address_survives(scheme: str, user: str, password: str) -> None:
    masked = mask_secrets(f"cannot reach {scheme}://{user}:{password}@host:5432/db (refused)")
    assert masked == f"cannot reach {scheme}://***@host:5432/db (refused)"


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("max_feature", ", did you mean 'max_features'?"),
        ("C", ", did you mean 'c'?"),
        ("f1", ""),
        ("lable", ", did you mean 'label'?"),
        ("zzzz", ""),
        ("", ""),
    ],
)
def test_the_closest_word_is_offered_and_none_if_none_is_close(word: str, answer: str) -> None:
    assert closest(word, iter(["max_features", "c", "label"])) == answer


def test_the_beginning_of_a_word_means_the_shortest_and_first_that_goes_on_so() -> None:
    """`f1` is less like f1_score, by its letters, than like nothing at all."""
    known = ["accuracy", "f1_score_low", "f1_score", "f1_macro", "c"]
    assert closest("f1", known) == closest("F1", known) == ", did you mean 'f1_score'?"
    assert closest("acc", known) == ", did you mean 'accuracy'?"
    assert closest("f", ["f1_score"]) == closest("zz", known) == ""
