"""A store with a few real runs: made once a session and copied, which takes milliseconds."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from expctl.settings import Settings
from expctl.tracking.store import Store, open_store
from tests.conftest import ROOT, write_reviews
from tests.tracking.kinds import local_folder, server_now

if TYPE_CHECKING:
    from collections.abc import Mapping

    from expctl.records import RunRecord

# A module as a user writes it, for `--model own_models:...`.
OWN_MODELS = '''
import os, pathlib, time

from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier


class Broken(ClassifierMixin, BaseEstimator):
    def __init__(self, reason="the moon is full"):
        self.reason = reason

    def fit(self, X, y):
        raise ValueError(self.reason)

    def predict(self, X):
        raise AssertionError


class Sleepy(Broken):
    """Says by a file that it is being fitted, and goes on for a minute."""

    def fit(self, X, y):
        pathlib.Path(self.reason).touch()
        time.sleep(60)
        os._exit(99)


def broken(reason="the moon is full"):
    return Broken(reason)


def sleepy(mark):
    return Sleepy(mark)


def counted(c=1.0, **anything):
    return make_pipeline(CountVectorizer(), LogisticRegression(C=c))


def tree():
    return make_pipeline(CountVectorizer(), DecisionTreeClassifier(random_state=0))
'''


def settings_of(folder: Path, **given: str) -> Settings:
    """The settings of the server that a test runs on, else of a store in `folder`, wherever the current folder is."""
    server = server_now()
    return Settings(tracking_uri=server.address if server else f"sqlite:///{folder / 'mlflow.db'}", **given)


def store_of(folder: Path, **given: str) -> Store:
    return open_store(settings_of(folder, **given))


def train(
    folder: Path,
    name: str | None = None,
    *,
    tags: Mapping[str, str] | None = None,
    note: str | None = None,
    data: str = "small.csv",
    **given: Any,
) -> RunRecord:
    """Train on `small.csv` of `folder`, which must be the current one, and record it there."""
    from expctl.tracking.runs.metadata import RunMetadata
    from expctl.training.data.dataset import load_split
    from expctl.training.models.configure import configure
    from expctl.training.models.families import is_factory
    from expctl.training.models.pipeline import build_pipeline
    from expctl.workflows.train import record_training

    recipe = configure({"data": data, **given})
    split = load_split(recipe, all_columns=is_factory(recipe.model))
    labels = RunMetadata(name, tags, note)
    return record_training(store_of(folder), recipe, split, build_pipeline(recipe), labels)[0]


def make_nothing(folder: Path) -> None:
    """A store without a run."""


def make_runs(folder: Path) -> None:
    """`small.csv`, `own_models.py` and four runs, oldest first: weak, strong, bayes; broken, which failed."""
    from expctl.errors import TrainingFailed

    write_reviews(folder / "small.csv", 200)
    (folder / "own_models.py").write_text(OWN_MODELS)
    train(folder, "weak", c=0.01, max_features=50)
    train(folder, "strong", tags={"team": "nlp", "stage": "test"}, note="the one to beat", c=10.0)
    train(folder, "bayes", model="naive_bayes", tags={"team": "web"})
    with contextlib.suppress(TrainingFailed):
        train(folder, "broken", model="own_models:broken")


def make_houses(folder: Path) -> None:
    """`houses.csv` and four runs, oldest first: flat, close, near, regressions of price; quick, of classes."""
    from expctl.training.data.column_kinds import decided

    shutil.copy(ROOT / "data" / "houses.csv", folder)
    price = decided({"data": "houses.csv", "target": "price", "drop": "listing,quick", "test_size": 0.4})
    for name, alpha in (("flat", 1000.0), ("close", 0.1), ("near", 0.3)):
        train(folder, name, **price, alpha=alpha, slice="town")
    train(folder, "quick", **decided({"data": "houses.csv", "target": "quick", "drop": "listing,price"}))


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def execute(folder: Path, sql: str) -> list[Any]:
    """The rows of a statement on the store's database, past MLflow and us."""
    server = server_now()
    if server is not None:
        return server.execute(sql)
    with closing(sqlite3.connect(folder / "mlflow.db")) as database, database:
        return database.execute(sql).fetchall()


def statuses(folder: Path) -> list[str]:
    """The status of every run of a store."""
    return [status for (status,) in execute(folder, "SELECT status FROM runs ORDER BY start_time")]


def model_folder(run: RunRecord) -> Path:
    """Where a run keeps its model."""
    import mlflow

    client = mlflow.MlflowClient(settings_of(Path.cwd()).tracking_uri)
    (output,) = client.get_run(run.run_id).outputs.model_outputs
    return local_folder(client.get_logged_model(output.model_id).artifact_location)
