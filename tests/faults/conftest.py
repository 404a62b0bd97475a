"""What every fault is tried on: a fresh folder, one with four runs, and a tracking server."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.conftest import write_reviews
from tests.faults.bench import Bench
from tests.tracking.recorded import OWN_MODELS, make_runs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.tracking.kinds import Kinds


@pytest.fixture
def bench_in(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Bench]:
    """A bench in a folder of one's choice, with data of 60 rows and models of one's own."""

    def make(folder: Path) -> Bench:
        folder.mkdir(exist_ok=True)
        write_reviews(folder / "small.csv", 60)
        (folder / "own_models.py").write_text(OWN_MODELS)
        return Bench(folder, tmp_path_factory.mktemp("tmpdir"))

    return make


@pytest.fixture
def fresh(bench_in: Callable[[Path], Bench], tmp_path: Path) -> Bench:
    """A bench without a store."""
    return bench_in(tmp_path / "fresh")


@pytest.fixture
def empty(fresh: Bench, migrated_store: Path) -> Bench:
    """A bench with a store without runs."""
    shutil.copy(migrated_store, fresh.folder / "mlflow.db")
    return fresh


@pytest.fixture
def recorded(tmp_path: Path, kinds: Kinds, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A bench with the runs weak, strong, bayes and broken (failed)."""
    folder = tmp_path / "recorded"
    kinds.fill("sqlite", folder, make_runs)
    return Bench(folder, tmp_path_factory.mktemp("tmpdir"))
