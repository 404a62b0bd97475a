"""A leash: who waits is woken, and told each cause once. What a program makes of it: test_process.py."""

from __future__ import annotations

from expctl.errors import DataError
from expctl.programs.leash import Leash


def test_a_pull_wakes_and_is_told_once():
    leash, cause = Leash(), DataError("enough")
    assert leash.pulled() is None
    leash.pull(cause)
    assert leash.woken.is_set()
    assert [leash.pulled(), leash.pulled(), leash.woken.is_set()] == [cause, None, False]
