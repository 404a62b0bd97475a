"""The one interpreter that writes log items to MLflow, and the recording of a single training."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from expctl.errors import mask_secrets
from expctl.records import Tag
from expctl.tracking.errors import store_errors
from expctl.tracking.models.storage import write_model
from expctl.tracking.runs.items import (
    DatasetInput,
    File,
    Item,
    MetricValue,
    ModelItem,
    Param,
    TagValue,
)
from expctl.tracking.runs.lifecycle import defer_signals_if_local
from expctl.tracking.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def write(store: Store, run_id: str, log: Iterable[Item], *, scratch: Path | None = None) -> None:
    """Write log items to a run: files in one upload, parameters, metrics and tags in one batch, in that order.

    `scratch` is a folder for temporary files that somebody else removes, None the system's.
    """
    from mlflow.entities import Metric, RunTag
    from mlflow.entities import Param as MlflowParam

    now = time.time_ns() // 1_000_000
    batch: dict[type, list[Any]] = {Param: [], MetricValue: [], TagValue: []}
    model_id: str | None = None
    with tempfile.TemporaryDirectory(prefix="expctl-", dir=scratch) as folder:
        files = Path(folder, "files")
        files.mkdir()
        for item in log:
            match item:
                case Param(key, value):
                    batch[Param].append(MlflowParam(key, mask_secrets(str(value))))
                case MetricValue(key, value, step):
                    batch[MetricValue].append(Metric(key, value, now, step, model_id=model_id, run_id=run_id))
                case TagValue(key, value):
                    batch[TagValue].append(RunTag(key, value))
                case File(path, content):
                    (files / path).write_bytes(content)
                case DatasetInput():
                    _log_dataset(store, run_id, item)
                case ModelItem():
                    model_id, digest = _log_model(store, run_id, item, Path(folder, "model"))
                    batch[TagValue].append(RunTag(Tag.MODEL_DIGEST, digest))
        with store_errors(store.settings):
            if any(files.iterdir()):
                store.client.log_artifacts(run_id, str(files))
            for params, metrics, tags in _batches(batch[Param], batch[MetricValue], batch[TagValue]):
                with defer_signals_if_local(store):
                    store.client.log_batch(run_id, metrics=metrics, params=params, tags=tags)


def _batches(params: list[Any], metrics: list[Any], tags: list[Any]) -> Iterator[tuple[list[Any], ...]]:
    """MLflow takes 100 parameters, 1000 metrics and 100 tags at once, 1000 in all."""
    while params or metrics or tags:
        yield params[:100], metrics[:800], tags[:100]
        params, metrics, tags = params[100:], metrics[800:], tags[100:]


def _log_dataset(store: Store, run_id: str, item: DatasetInput) -> None:
    from mlflow.entities import Dataset, InputTag
    from mlflow.entities import DatasetInput as MlflowInput
    from mlflow.exceptions import MlflowException

    source = json.dumps({"uri": mask_secrets(item.source)})
    dataset = Dataset(
        mask_secrets(item.name)[:500], item.digest[:36], "local", source, schema=item.schema, profile=item.profile
    )
    given = [MlflowInput(dataset, [InputTag("mlflow.data.context", item.context)])]
    with store_errors(store.settings), defer_signals_if_local(store):
        try:
            store.client.log_inputs(run_id, given)
        except MlflowException as error:
            # Of two that log a data set for the first time at once, MLflow fails the one that finds it in its way.
            if error.error_code != "BAD_REQUEST":
                raise
            store.client.log_inputs(run_id, given)


def _log_model(store: Store, run_id: str, item: ModelItem, folder: Path) -> tuple[str, str]:
    """Log a model as the run's logged model `model`; returns its id and the sha256 of its file.

    Done in the steps that mlflow.sklearn.log_model takes, with explicit ids: it would file the model under the active
    experiment, from where `runs:/ID/model` does not find it.
    """
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus
    from mlflow.models import Model

    client = store.client
    with store_errors(store.settings):
        experiment = client.get_run(run_id).info.experiment_id
        with defer_signals_if_local(store):
            logged = client.create_logged_model(
                experiment, name="model", source_run_id=run_id, model_type=item.model_type
            )
            client.log_outputs(run_id, models=[LoggedModelOutput(logged.model_id, step=0)])
        meta = Model(
            artifact_path=logged.artifact_location, model_uuid=logged.model_id, run_id=run_id, model_id=logged.model_id
        )
        digest = write_model(item, folder, meta)
        client.log_model_artifacts(logged.model_id, str(folder))
        with defer_signals_if_local(store):
            client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
    return str(logged.model_id), digest
