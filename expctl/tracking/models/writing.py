"""Models into a store: written as skops without pickle, logged by themselves or, where the server has no logged models,
among the files of their run; and dropped again.

Knows nothing of what else a run holds.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final, Protocol

from expctl import compat
from expctl.records import Tag
from expctl.tracking.errors import lacks_endpoint, store_errors
from expctl.tracking.lacks import Lack
from expctl.tracking.runs.artifacts import delete_files, send_folder
from expctl.tracking.runs.items import RecordedModel
from expctl.tracking.runs.lifecycle import defer_signals_if_local

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd
    from mlflow.models import Model, ModelSignature

    from expctl.tracking.runs.items import ModelItem
    from expctl.tracking.store import Store

# What a recorded model needs wherever it is loaded; versions are those installed.
_REQUIREMENTS: Final = ("scikit-learn", "skops", "numpy", "scipy", "pandas")

MLMODEL_LIMIT: Final = 2**20  # bytes; a larger one is kept as it is, for reading YAML takes its time


class WrittenRun(Protocol):
    """The run that is written: an `mlflow.entities.RunInfo`, or a record of one that ended before."""

    @property
    def run_id(self) -> str: ...
    @property
    def experiment_id(self) -> str: ...
    @property
    def artifact_uri(self) -> str: ...


def log_model(
    store: Store, run: WrittenRun, item: ModelItem | RecordedModel, folder: Path, number: int
) -> tuple[str | None, list[tuple[str, str]]]:
    """Log a model as the run's own, its `number` in that run. `folder` has its files, or will: of a new one it is not
    there yet.

    Gives its id and the tags that the run gets for it. A server without logged models, an MLflow before 3, gets it
    among the run's files, as MLflow 2 had it: then there is no id.
    """
    from mlflow.exceptions import MlflowException

    with store_errors(store.settings):
        try:
            if Lack.MODELS not in store.lacks:
                return _log_by_itself(store, run, item, folder)
        except MlflowException as error:
            if not lacks_endpoint(error):
                raise
            store.lacks.add(Lack.MODELS)
            if not isinstance(item, RecordedModel):
                shutil.rmtree(folder, ignore_errors=True)
        return None, _log_among_files(store, run, item, folder, number)


def _log_by_itself(
    store: Store, run: WrittenRun, item: ModelItem | RecordedModel, folder: Path
) -> tuple[str, list[tuple[str, str]]]:
    """Done in the steps that mlflow.sklearn.log_model takes, with explicit ids: it would file the model under the
    active experiment, from where `runs:/ID/model` does not find it.
    """
    from mlflow.models import Model

    if isinstance(item, RecordedModel):
        with _created(store, run, item.name, item.model_type, item.step, item.tags, item.params) as logged:
            readdress(folder / "MLmodel", run.run_id, logged.artifact_location, logged.model_id)
            _upload(store, logged, folder, item.status)
        return str(logged.model_id), []
    with _created(store, run, "model", item.model_type, 0) as logged:
        model_id = logged.model_id
        meta = Model(artifact_path=logged.artifact_location, model_uuid=model_id, run_id=run.run_id, model_id=model_id)
        digest = write_model(item, folder, meta)
        _upload(store, logged, folder, "READY")
    return str(model_id), [(Tag.MODEL_DIGEST, digest)]


def _log_among_files(
    store: Store, run: WrittenRun, item: ModelItem | RecordedModel, folder: Path, number: int
) -> list[tuple[str, str]]:
    from mlflow.models import Model

    tags: list[tuple[str, str]] = []
    if isinstance(item, RecordedModel):
        place = item.name if number == 0 else f"{item.name}_{number}"
        readdress(folder / "MLmodel", run.run_id, place, None)
    else:
        place = "model"
        meta = Model(artifact_path=place, run_id=run.run_id)
        tags = [(Tag.MODEL_DIGEST, write_model(item, folder, meta))]
        tags += [(Tag.MODEL_HISTORY, json.dumps([meta.get_tags_dict()]))]
    send_folder(store, folder, run.artifact_uri, place)
    return tags


@contextmanager
def _created(
    store: Store,
    run: WrittenRun,
    name: str,
    model_type: str | None,
    step: int,
    tags: dict[str, str] | None = None,
    params: dict[str, str] | None = None,
) -> Iterator[Any]:
    """A new logged model of a run. Where the server cannot go through with it, it is taken back."""
    from mlflow.entities import LoggedModelOutput
    from mlflow.exceptions import MlflowException

    client = store.client
    logged = None
    try:
        with defer_signals_if_local(store):
            logged = client.create_logged_model(run.experiment_id, name, run.run_id, tags, params, model_type)
            client.log_outputs(run.run_id, models=[LoggedModelOutput(logged.model_id, step)])
        yield logged
    except MlflowException as error:
        if logged is not None and lacks_endpoint(error):
            with suppress(MlflowException):  # it may lack this too
                client.delete_logged_model(logged.model_id)
        raise


def _upload(store: Store, logged: Any, folder: Path, status: str) -> None:
    from mlflow.entities import LoggedModelStatus

    send_folder(store, folder, logged.artifact_location)
    if status != "PENDING":
        with defer_signals_if_local(store):
            store.client.finalize_logged_model(logged.model_id, LoggedModelStatus(status))


def write_model(item: ModelItem, folder: Path, meta: Model) -> str:
    """Write a model as an MLflow model into `folder` (which must not exist) and return the sha256 of its file, in hex.

    MLflow writes the folder around a classifier that stands for ours, whose bytes were made where it was fitted. The
    requirements are stated from what is installed: letting MLflow infer them costs 5 s a model.
    """
    import mlflow.sklearn
    from sklearn.dummy import DummyClassifier

    compat.skops_io()  # before MLflow imports it

    with compat.without_package_warnings():
        mlflow.sklearn.save_model(
            DummyClassifier(),
            str(folder),
            mlflow_model=meta,
            serialization_format="skops",
            skops_trusted_types=item.unusual,
            pip_requirements=[_installed(name) for name in (*_REQUIREMENTS, *item.packages)],
            signature=signature(item.example, item.labels),
            input_example=item.example,
        )
    file = folder / "model.skops"
    meta.model_size_bytes = (meta.model_size_bytes or 0) + len(item.content) - file.stat().st_size
    meta.save(str(folder / "MLmodel"))
    file.write_bytes(item.content)
    return hashlib.sha256(item.content).hexdigest()


@cache
def _installed(name: str) -> str:
    """A package as a requirement of its installed version. It is looked up once: that reads all that the package says
    of itself, milliseconds each, and a sweep writes a model a trial.
    """
    return f"{name}=={version(name)}"


def readdress(file: Path, run_id: str, place: str, model_id: str | None) -> None:
    """Have an MLmodel file say which model of which run it is now, `model_id` None: one among the run's files.

    One that says nothing of the kind is left alone.
    """
    import yaml

    if not file.is_file() or file.stat().st_size > MLMODEL_LIMIT:
        return
    with suppress(yaml.YAMLError, UnicodeDecodeError, RecursionError):
        described = yaml.safe_load(file.read_text("utf-8"))
        if isinstance(described, dict) and "model_id" in described:
            now = {"run_id": run_id, "model_id": model_id, "model_uuid": model_id, "artifact_path": place}
            described |= {key: value for key, value in now.items() if key in described}
            file.write_text(yaml.safe_dump(described, default_flow_style=False), "utf-8")


def drop_model(store: Store, run_id: str) -> None:
    """Delete the model of a run, its files too. The run then says that it has none."""
    client = store.client
    with store_errors(store.settings):
        client.delete_tag(run_id, Tag.MODEL_DIGEST)
        run = client.get_run(run_id)
        outputs = run.outputs.model_outputs if run.outputs is not None else ()
        if not outputs:
            delete_files(store, f"{run.info.artifact_uri}/model")
        for output in outputs:
            logged = client.get_logged_model(output.model_id)
            delete_files(store, logged.artifact_location)
            client.delete_logged_model(output.model_id)


def signature(example: pd.DataFrame, labels: Any) -> ModelSignature:
    """Columns in, label out, in MLflow's types."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    inputs: list[Any] = [
        ColSpec("double" if example[name].dtype == "float64" else "string", str(name)) for name in example.columns
    ]
    output = {"i": "long", "b": "boolean", "f": "double"}.get(labels.dtype.kind, "string")
    outputs: list[Any] = [ColSpec(output)]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema(outputs))
