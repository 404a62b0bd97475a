"""The life of a run, and the one interpreter that writes log items to MLflow.

A run is created RUNNING with host and pid; whatever happens short of SIGKILL it ends FINISHED, FAILED or KILLED with a
reason. The completion mark is written last: a run without it is not complete, whatever its status says.
"""

from __future__ import annotations

import json
import signal
import tempfile
import threading
import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from expctl.errors import ExpctlError, Stopped, UsageError, mask_secrets
from expctl.records import Tag
from expctl.tracking import provenance
from expctl.tracking.failures import translated
from expctl.tracking.items import DatasetInput, File, Item, MetricValue, ModelItem, Param, TagValue, items
from expctl.tracking.models import save_model
from expctl.tracking.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from sklearn.pipeline import Pipeline

    from expctl.recipe import Recipe
    from expctl.records import RunRecord
    from expctl.training.core import TrainResult
    from expctl.training.dataset import Split

# MLflow cuts longer ones with no more than a warning; expctl refuses them instead.
PARAM_LIMIT: Final = 6000
TAG_LIMIT: Final = 8000


_OWN_TAGS: Final = frozenset(
    {Tag.GIT_COMMIT, Tag.GIT_BRANCH, Tag.GIT_REMOTE, Tag.GIT_DIRTY, "python", "platform", "cpus"}
)


@dataclass(frozen=True)
class Labels:
    """What a person says of a run besides its recipe."""

    name: str | None = None
    tags: Mapping[str, str] | None = None
    note: str | None = None
    data_version: str | None = None


def record_training(
    store: Store,
    recipe: Recipe,
    split: Split,
    pipeline: Pipeline,
    labels: Labels,
    *,
    autolog: bool = False,
    progress: Callable[[str], None] = lambda stage: None,
) -> tuple[RunRecord, TrainResult]:
    """Train and record: the run is created first, so that a training that fails or is stopped leaves its trace.

    Raises TrainingFailed (the run is then FAILED), StoreError.
    """
    from expctl.training.core import train

    code = provenance.read_code()
    packages = provenance.packages()
    with recording(store, labels, recipe, code) as run_id:
        with _autologging(store, run_id) if autolog else nullcontext():
            result = train(recipe, split, pipeline, progress=progress)
        progress("recording")
        write(
            store,
            run_id,
            items(result, requirements=provenance.requirements(packages), patch=code.patch if code else None),
        )
        if labels.data_version:
            write(store, run_id, [Param("data_version", labels.data_version)])
    return store.get(run_id), result


@contextmanager
def recording(store: Store, labels: Labels, recipe: Recipe, code: provenance.Code | None) -> Iterator[str]:
    """Create a run and give its id; end it FINISHED, FAILED or KILLED by how the block ends."""
    from mlflow.entities import RunStatus

    experiment = store.ensure_experiment()
    tags = _tags(store, labels, recipe, code)
    client = store.client
    run_id: str | None = None
    finished = False
    try:
        with shielded(), translated(store.settings):
            run_id = str(client.create_run(experiment, run_name=labels.name, tags=tags).info.run_id)
        yield run_id
        with shielded(), translated(store.settings):
            client.set_tag(run_id, Tag.COMPLETE, "true")
            client.set_terminated(run_id, RunStatus.to_string(RunStatus.FINISHED))
            finished = True
    except BaseException as error:
        if run_id is None or finished:
            raise
        killed = isinstance(error, (KeyboardInterrupt, Stopped))
        status = RunStatus.KILLED if killed else RunStatus.FAILED
        with shielded(), translated(store.settings):
            client.set_tag(run_id, Tag.REASON, _reason(error)[:TAG_LIMIT])
            client.set_terminated(run_id, RunStatus.to_string(status))
        raise


def _reason(error: BaseException) -> str:
    if isinstance(error, Stopped):
        return f"stopped by {error.signal_name}"
    if isinstance(error, KeyboardInterrupt):
        return "interrupted (Ctrl-C)"
    return mask_secrets(error.message if isinstance(error, ExpctlError) else f"{type(error).__name__}: {error}")


@contextmanager
def shielded() -> Iterator[None]:
    """Hold back the first Ctrl-C, SIGTERM or SIGHUP until the block is done; a second one gets through at once.

    Between the store's making a run and our knowing its id, a signal would leave it RUNNING for ever.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[int] = []
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def hold(number: int, _frame: Any) -> None:
        if caught:
            restore()
            signal.raise_signal(number)
        caught.append(number)

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in before:
        signal.signal(number, hold)
    try:
        yield
    finally:
        restore()
        if caught:
            signal.raise_signal(caught[0])


_SIGNALS: Final = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


def _check_encodable(what: str, text: str) -> None:
    """Bytes of the command line that are no text (in another encoding than the terminal's) cannot be stored."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise UsageError(f"{what} is not UTF-8: {text!r}", hint="is the terminal's encoding another one?") from error


def check_labels(labels: Labels) -> None:
    """Raise UsageError for names, tags and notes that MLflow would cut or refuse, before any run is made."""
    for what, text in (("--run-name", labels.name), ("--note", labels.note), ("--data-version", labels.data_version)):
        limit = PARAM_LIMIT if what == "--data-version" else TAG_LIMIT
        _check_encodable(what, text or "")
        if text is not None and len(text) > limit:
            raise UsageError(f"{what} has {len(text):,} characters, the store takes {limit:,}")
    if labels.name is not None and not labels.name.strip():
        raise UsageError("--run-name is empty", hint="leave it out and the run gets a name")
    for key, value in (labels.tags or {}).items():
        _check_encodable(f"tag {key!r}", key + value)
        if key.startswith(("mlflow.", "expctl.")):
            raise UsageError(f"tag {key!r}: mlflow. and expctl. are reserved", hint="choose another first word")
        if key in _OWN_TAGS:
            raise UsageError(f"tag {key!r} is recorded from the environment", hint="choose another key")
        if not key or len(key) > 250 or not all(char.isalnum() or char in "_-. /:" for char in key):
            raise UsageError(f"tag {key!r}: a key has letters, digits, _ - . / : and blanks, at most 250")
        if len(value) > TAG_LIMIT:
            raise UsageError(f"tag {key} has {len(value):,} characters, the store takes {TAG_LIMIT:,}")


def check_recipe(recipe: Recipe) -> None:
    """Raise UsageError for a recipe that the store could not hold whole."""
    for key, value in recipe.logged().items():
        _check_encodable(key, str(value))
        if len(str(value)) > PARAM_LIMIT:
            raise UsageError(f"{key} has {len(str(value)):,} characters, the store takes {PARAM_LIMIT:,}")
    if len(recipe.to_json()) > TAG_LIMIT:
        raise UsageError(f"the recipe has {len(recipe.to_json()):,} characters, the store takes {TAG_LIMIT:,}")


def _tags(store: Store, labels: Labels, recipe: Recipe, code: provenance.Code | None) -> dict[str, str]:
    tags = {
        **provenance.machine_tags(),
        **(code.tags() if code else {}),
        Tag.DEVELOPER: provenance.developer(store.settings.developer),
        **(labels.tags or {}),
        Tag.RECIPE: mask_secrets(recipe.to_json()),
        "mlflow.user": provenance.login_name(),
        "mlflow.source.name": "expctl train",
        "mlflow.source.type": "LOCAL",
    }
    if code:
        tags["mlflow.source.git.commit"] = code.commit
    if labels.note:
        tags[Tag.NOTE] = labels.note
    if labels.data_version:
        tags[Tag.DATA_VERSION] = labels.data_version
    return tags


@contextmanager
def _autologging(store: Store, run_id: str) -> Iterator[None]:
    """MLflow's scikit-learn autologging for the training in the block, without a second model.

    The run is made MLflow's active run for the time; ending it there marks it finished, which `recording` overrides.
    """
    import mlflow
    import mlflow.sklearn

    mlflow.sklearn.autolog(log_models=False, log_datasets=False, log_post_training_metrics=False, silent=True)
    try:
        with mlflow.start_run(run_id=run_id):
            yield
    finally:
        mlflow.sklearn.autolog(disable=True, silent=True)
    with translated(store.settings):
        store.client.update_run(run_id, status="RUNNING")


def write(store: Store, run_id: str, log: Iterable[Item]) -> None:
    """Write log items to a run: files in one upload, parameters, metrics and tags in one batch, in that order."""
    from mlflow.entities import Metric, RunTag
    from mlflow.entities import Param as MlflowParam

    now = time.time_ns() // 1_000_000
    batch: dict[type, list[Any]] = {Param: [], MetricValue: [], TagValue: []}
    model_id: str | None = None
    with tempfile.TemporaryDirectory(prefix="expctl-") as folder:
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
        with translated(store.settings):
            if any(files.iterdir()):
                store.client.log_artifacts(run_id, str(files))
            for params, metrics, tags in _batches(batch[Param], batch[MetricValue], batch[TagValue]):
                store.client.log_batch(run_id, metrics=metrics, params=params, tags=tags)


def _batches(params: list[Any], metrics: list[Any], tags: list[Any]) -> Iterator[tuple[list[Any], ...]]:
    """MLflow takes 100 parameters, 1000 metrics and 100 tags at once, 1000 in all."""
    while params or metrics or tags:
        yield params[:100], metrics[:800], tags[:100]
        params, metrics, tags = params[100:], metrics[800:], tags[100:]


def _log_dataset(store: Store, run_id: str, item: DatasetInput) -> None:
    from mlflow.entities import Dataset, InputTag
    from mlflow.entities import DatasetInput as MlflowInput

    source = json.dumps({"uri": mask_secrets(item.source)})
    dataset = Dataset(
        mask_secrets(item.name)[:500], item.digest[:36], "local", source, schema=item.schema, profile=item.profile
    )
    with translated(store.settings):
        store.client.log_inputs(run_id, [MlflowInput(dataset, [InputTag("mlflow.data.context", item.context)])])


def _log_model(store: Store, run_id: str, item: ModelItem, folder: Path) -> tuple[str, str]:
    """Log a pipeline as the run's logged model `model`; returns its id and the sha256 of its file.

    Done in the steps that mlflow.sklearn.log_model takes, with explicit ids: it would file the model under the active
    experiment, from where `runs:/ID/model` does not find it.
    """
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus
    from mlflow.models import Model

    client = store.client
    with translated(store.settings):
        experiment = client.get_run(run_id).info.experiment_id
        logged = client.create_logged_model(experiment, name="model", source_run_id=run_id, model_type="classifier")
        client.log_outputs(run_id, models=[LoggedModelOutput(logged.model_id, step=0)])
        meta = Model(
            artifact_path=logged.artifact_location, model_uuid=logged.model_id, run_id=run_id, model_id=logged.model_id
        )
        digest = save_model(item.pipeline, folder, labels=item.labels, example=item.example, meta=meta)
        client.log_model_artifacts(logged.model_id, str(folder))
        client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
    return str(logged.model_id), digest
