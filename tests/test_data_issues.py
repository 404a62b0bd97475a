"""A check of the data is one entry in the table: what it finds is reported, recorded and refused like any other."""

from __future__ import annotations

from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

import pytest

from expctl.data_issues import DATA_ISSUES, DataCheck
from tests.tracking.recorded import statuses, store_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WARNING = "3 texts of the test set are short"


def short_texts(split: Any) -> tuple[int, str]:
    """The check of this test."""
    assert len(split.train) > len(split.test)
    return 3, WARNING


@pytest.fixture
def one_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DATA_ISSUES, "short_texts", DataCheck("short test rows", f"{__name__}:short_texts"))


@pytest.mark.usefixtures("one_more")
def test_one_more_entry_is_warned_of_recorded_and_refused_if_strict(small: Path, cli: Callable[..., Any]) -> None:
    done = cli("train", "--data", "small.csv", "--format", "id")
    assert done.exit_code == 0
    assert f"expctl: warning: {WARNING}" in done.stderr.splitlines()
    assert store_of(small.parent).get(done.stdout.strip()).params["short_texts"] == "3"
    strict = cli("train", "--data", "small.csv", "--strict")
    assert (strict.exit_code, strict.stdout) == (5, "")
    assert WARNING in strict.stderr
    assert len(statuses(small.parent)) == 1


def test_an_entry_that_is_not_refused_is_recorded_all_the_same(
    small: Path, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    check = DataCheck("short test rows", f"{__name__}:short_texts", refused=False)
    monkeypatch.setitem(DATA_ISSUES, "short_texts", check)
    done = cli("train", "--data", "small.csv", "--strict", "--format", "id")
    assert done.exit_code == 0, done.stderr
    assert store_of(small.parent).get(done.stdout.strip()).params["short_texts"] == "3"


@pytest.mark.parametrize("key", DATA_ISSUES)
def test_every_entry_names_a_function_and_says_what_it_counts(key: str) -> None:
    check = DATA_ISSUES[key]
    assert resolve_name(check.find).__name__ == key
    assert check.counts
