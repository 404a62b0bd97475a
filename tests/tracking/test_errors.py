"""What the libraries below raise, told in one line; and a signal that stays a signal whatever they make of it."""

from __future__ import annotations

import pytest
import sqlalchemy.exc

from expctl.errors import ExitCode, Stopped, StoreError
from expctl.settings import Settings
from expctl.tracking.errors import store_errors

SETTINGS = Settings()
STOPPED = Stopped("SIGTERM", ExitCode.TERMINATED)


def interrupted(stop: BaseException) -> None:
    """What SQLAlchemy does when a signal comes while it ends a transaction."""
    with store_errors(SETTINGS):
        try:
            raise stop
        finally:
            raise sqlalchemy.exc.InvalidRequestError("This transaction is closed")


@pytest.mark.parametrize("stop", [STOPPED, KeyboardInterrupt()])
def test_a_signal_is_not_lost_in_what_a_library_raises_on_its_way_out(stop: BaseException) -> None:
    with pytest.raises(type(stop)) as raised:
        interrupted(stop)
    assert raised.value is stop


def locked() -> None:
    """A store that nobody can write to."""
    with store_errors(SETTINGS):
        raise sqlalchemy.exc.OperationalError("update", {}, Exception("database is locked"))


def test_a_store_that_fails_while_a_stop_is_dealt_with_is_told_as_such() -> None:
    try:
        raise STOPPED
    except Stopped:
        with pytest.raises(StoreError, match="locked"):
            locked()
