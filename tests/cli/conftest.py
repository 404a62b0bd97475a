"""Recorded runs for the tests of the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.tracking.recorded import copy_runs, make_runs

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def _runs_once(tmp_path_factory: pytest.TempPathFactory, migrated_store: Path) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    make_runs(folder, migrated_store)
    return folder


@pytest.fixture
def runs(tmp_path: Path, _runs_once: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with `small.csv`, `own_models.py` and the runs weak, strong, bayes and broken (failed)."""
    copy_runs(_runs_once, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path
