"""Where the code of a user's own model is found, without running it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from expctl.training.models.factory import source_file

if TYPE_CHECKING:
    from pathlib import Path

BOMB = "raise RuntimeError('nobody may import this')\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for path in ("alone.py", "package/__init__.py", "package/inside.py", "package/deep/most.py", "bare/inside.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(BOMB)


@pytest.mark.parametrize(
    ("model", "file"),
    [
        ("alone:make", "alone.py"),
        ("package:make", "package/__init__.py"),
        ("package.inside:make", "package/inside.py"),
        ("package.deep.most:make", "package/deep/most.py"),
        ("bare.inside:make", "bare/inside.py"),
    ],
)
def test_a_factory_is_found_where_an_import_would_find_it_and_not_run(model: str, file: str, tmp_path: Path) -> None:
    before = set(sys.modules)
    assert source_file(model) == tmp_path / file
    assert set(sys.modules) == before


@pytest.mark.parametrize(
    "model", ["none:make", "package.none:make", "alone.none:make", "sys:exit", "math:sqrt", ":make", "bare:make"]
)
def test_what_has_no_file_of_python_has_none(model: str) -> None:
    assert source_file(model) is None
