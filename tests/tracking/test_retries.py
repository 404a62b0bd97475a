"""How patient MLflow's client is: what the user says wins where it is more hurried, and nothing is left behind."""

from __future__ import annotations

import os

import pytest

from expctl.tracking.retries import limited_retries, usual

RETRIES, TIMEOUT = "MLFLOW_HTTP_REQUEST_MAX_RETRIES", "MLFLOW_HTTP_REQUEST_TIMEOUT"


def said() -> tuple[str | None, str | None]:
    return os.environ.get(RETRIES), os.environ.get(TIMEOUT)


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch):
    for name in (RETRIES, TIMEOUT, "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR"):
        monkeypatch.setenv(name, "")  # so that it is gone again after the test
        monkeypatch.delenv(name)


def test_a_server_that_is_away_for_a_minute_is_waited_for_unless_the_user_says_otherwise(monkeypatch):
    monkeypatch.setenv(TIMEOUT, "7")
    usual()
    assert said() == ("5", "7")


def test_calls_of_a_block_are_hurried_and_then_as_before():
    with limited_retries(2):
        assert said() == ("2", "10")
    assert said() == (None, None)


def test_who_is_more_hurried_already_stays_so(monkeypatch):
    monkeypatch.setenv(RETRIES, "1")
    monkeypatch.setenv(TIMEOUT, "60")
    with limited_retries(2):
        assert said() == ("1", "10")
    assert said() == ("1", "60")


def test_blocks_stand_in_each_other_and_an_error_leaves_nothing_behind():
    def fail() -> None:
        with limited_retries(2), limited_retries(0):
            assert said() == ("0", "10")
            raise ValueError("out of luck")

    with pytest.raises(ValueError, match="out of luck"):
        fail()
    assert said() == (None, None)


def test_two_threads_whose_blocks_overlap_leave_nothing_behind():
    one, other = limited_retries(2), limited_retries(0)
    one.__enter__()
    other.__enter__()
    one.__exit__(None, None, None)
    assert said() == ("0", "10")
    other.__exit__(None, None, None)
    assert said() == (None, None)
