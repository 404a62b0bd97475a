"""What a run holds, as data: a training result becomes small log items. Knows nothing of MLflow's calls.

To record something more: one more item here. `writer.py` is the one interpreter that writes them.
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import PurePath
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Final

from expctl import __version__
from expctl.data_issues import counts, messages
from expctl.encoding import csv_text
from expctl.errors import mask_secrets
from expctl.metrics import METRICS
from expctl.records import Tag, Value
from expctl.tracking.runs import resamples
from expctl.training.data.kinds import features_of
from expctl.training.fit.skops_file import dumped, trusted_types
from expctl.training.models.factory import read_source
from expctl.training.models.families import needed_packages
from expctl.training.tasks import task_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import numpy as np
    import pandas as pd

    from expctl.recipe import Recipe
    from expctl.training.data.dataset import RowDigests, Split
    from expctl.training.fit.trainer import TrainResult
    from expctl.training.tasks.protocol import Evaluation


_TYPES: Final = 1000  # characters of the names of a model's types: to be told, not to be loaded by


@dataclass(frozen=True, slots=True)
class Param:
    key: str
    value: Value


@dataclass(frozen=True, slots=True)
class MetricValue:
    key: str
    value: float
    step: int = 0


@dataclass(frozen=True, slots=True)
class TagValue:
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class File:
    """A small artifact, whole."""

    path: str
    content: bytes


@dataclass(frozen=True, slots=True)
class DatasetInput:
    """What MLflow shows as the run's dataset. `profile` and `schema` are JSON."""

    name: str
    digest: str
    source: str
    context: str
    profile: str
    schema: str


@dataclass(frozen=True, slots=True)
class ModelItem:
    """A fitted pipeline as skops bytes, the types in it that skops does not know, and what MLflow calls its kind.

    Its signature is made from the columns of `example` and the type of `labels`, of which there need not be any.
    `packages` are those that it needs besides those of every model.
    """

    content: bytes
    unusual: list[str] | None
    example: pd.DataFrame
    labels: Any
    model_type: str
    packages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder whose files become artifacts, at their places below it."""

    path: Path


@dataclass(frozen=True, slots=True)
class RemovedTag:
    """A tag that the run loses."""

    key: str


@dataclass(frozen=True, slots=True)
class RecordedParam:
    """A parameter as another store recorded it, to the letter."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class RecordedMetric:
    """A value of a metric as another store recorded it, at so many milliseconds since 1970.

    `model` is the number of the model that it was measured of, among those that the writer has logged; `dataset` the
    name and digest of what it was measured on.
    """

    key: str
    value: float
    timestamp: int
    step: int
    model: int | None = None
    dataset: tuple[str | None, str | None] = (None, None)


@dataclass(frozen=True, slots=True)
class RecordedDataset:
    """A data set as another store recorded it, with the tags of its being an input."""

    name: str
    digest: str
    source_type: str
    source: str
    schema: str | None
    profile: str | None
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RecordedModel:
    """A logged model as another store recorded it, its files in `folder`; its status is not changed."""

    name: str
    model_type: str | None
    status: str
    step: int
    tags: dict[str, str]
    params: dict[str, str]
    folder: Path


Item = (
    Param | MetricValue | TagValue | File | DatasetInput | ModelItem
    | Folder | RemovedTag | RecordedParam | RecordedMetric | RecordedDataset | RecordedModel
)  # fmt: skip


def items(
    result: TrainResult, *, requirements: str, patch: bytes | None, data_version: str | None = None, kept: bool = True
) -> Iterator[Item]:
    """Everything that is recorded of a training, the metrics last."""
    yield from given(result.recipe, result.split, requirements=requirements, patch=patch, data_version=data_version)
    yield from outcome(result, kept=kept)


def given(
    recipe: Recipe, split: Split, *, requirements: str, patch: bytes | None, data_version: str | None = None
) -> Iterator[Item]:
    """What is known before the fitting, so that a training that fails has it too: recipe, data, packages and code."""
    yield from parameters(recipe, split)
    if data_version:
        yield Param("data_version", data_version)
    yield from datasets(recipe, split)
    yield from factory(recipe)
    yield File("requirements.txt", requirements.encode())
    if patch is not None:
        yield File("source.patch", patch)


def outcome(result: TrainResult, *, kept: bool = True) -> Iterator[Item]:
    """What came of it, the model first and the metrics last. Without `kept` all but the model and its pictures."""
    if kept:
        model_type = task_of(result.recipe).MODEL_TYPE
        content, unusual = dumped(result.pipeline)
        packages = needed_packages(result.recipe)
        yield ModelItem(content, unusual, result.example, result.split.train.labels[:0], model_type, packages)
        untrusted = sorted(set(unusual or ()) - set(trusted_types()))
        if untrusted:
            yield TagValue(Tag.UNTRUSTED, ", ".join(untrusted)[:_TYPES])
        yield from figures(result.evaluation)
    before = counts(result.split.data_issues)
    yield from (Param(key, count) for key, count in counts(result.data_issues).items() if key not in before)
    yield from artifacts(result)
    yield from tags(result)
    yield from metrics(result)


def parameters(recipe: Recipe, split: Split) -> Iterator[Param]:
    """The recipe, and what it met: hash and size of the data, rows on each side of the split, what the guard found."""
    yield from (Param(key, value) for key, value in recipe.logged().items())
    yield Param("data_hash", split.data_hash)
    yield Param("data_fingerprint", split.data_fingerprint)
    if split.test_data_hash is not None:
        yield Param("test_data_hash", split.test_data_hash)
    yield Param("dataset_size", split.dataset_size)
    yield Param("train_rows", len(split.train))
    yield Param("test_rows", len(split.test))
    yield from (Param(key, count) for key, count in counts(split.data_issues).items())


def metrics(result: TrainResult) -> Iterator[MetricValue]:
    """Metrics, the 95% limits of those that have some, and of cross-validation mean, deviation and each fold."""
    import numpy as np

    yield from (MetricValue(key, value) for key, value in result.metrics.items())
    yield from limits(result.evaluation)
    for key in dict.fromkeys([*METRICS, *(key for fold in result.folds for key in fold)]):
        folds = [fold[key] for fold in result.folds if key in fold]
        if folds:
            yield MetricValue(f"cv_{key}_mean", float(np.mean(folds)))
            yield MetricValue(f"cv_{key}_std", float(np.std(folds, ddof=1)) if len(folds) > 1 else 0.0)
            yield from (MetricValue(f"cv_{key}", value, step) for step, value in enumerate(folds))


def limits(evaluation: Evaluation) -> Iterator[MetricValue]:
    """The 95 % limits of the metrics that have some."""
    for key, (low, high) in evaluation.limits.items():
        yield MetricValue(f"{key}_low", low)
        yield MetricValue(f"{key}_high", high)


def tags(result: TrainResult) -> Iterator[TagValue]:
    """What identifies the run's making, and what was noticed on the way."""
    yield TagValue(Tag.VERSION, __version__)
    yield TagValue(Tag.TEST_SET, result.test_set)
    yield TagValue(Tag.STAGE, "finished")
    noticed = [*messages(result.data_issues), *result.warnings]
    if noticed:
        yield TagValue(Tag.WARNINGS, json.dumps([line[:300] for line in noticed[:10]], ensure_ascii=False))


def datasets(recipe: Recipe, split: Split) -> Iterator[DatasetInput]:
    """The data file, and the test file where it is another one, as MLflow's dataset entities."""
    profile = json.dumps({"num_rows": split.dataset_size, "bytes": split.data_bytes})
    described = task_of(recipe).schema(split.train.labels)
    schema = json.dumps({**features_of(recipe).schema(recipe), "label": recipe.target, **described})
    yield DatasetInput(_file_name(recipe.data), split.data_hash, recipe.data, "training", profile, schema)
    if recipe.test_data is not None and split.test_data_hash is not None:
        profile = json.dumps({"num_rows": len(split.test)})
        name = _file_name(recipe.test_data)
        yield DatasetInput(name, split.test_data_hash, recipe.test_data, "testing", profile, schema)


def _file_name(path: str) -> str:
    return PurePath(mask_secrets(path)).name  # in this order: a query alone is not known as one


def figures(evaluation: Evaluation) -> Iterator[File]:
    """The pictures of the predictions, drawn."""
    for figure in evaluation.figures:
        yield File(figure.path, resolve_name(figure.draw)(*figure.arguments))


def artifacts(result: TrainResult) -> Iterator[File | TagValue]:
    """The files of a run, besides the model and its pictures, and the digest of the one that tests stand on."""
    predictions = parquet(result)
    yield File("predictions.parquet", predictions)
    yield TagValue(Tag.PREDICTIONS_DIGEST, hashlib.sha256(predictions).hexdigest())
    if result.extra.resamples:
        content = resamples.written(result.extra.resamples, result.extra.sources)
        yield File(resamples.PATH, content)
        yield TagValue(Tag.RESAMPLES_DIGEST, hashlib.sha256(content).hexdigest())
    yield from (File(path, text.encode()) for path, text in result.evaluation.files.items())
    yield File("sample_predictions.csv", _csv(result.sample))


def data_rows(data: RowDigests) -> File:
    """data_rows.parquet: number, text hash and label of each usable row of the data file, in the file's order.

    A column `rest_hash` more where the recipe reads more. By it, when the file has changed, a reproduction says which
    rows did.
    """
    import pyarrow as pa

    columns: dict[str, Any] = {"row": data.rows, "text_hash": _digests(data.hashes), "label": data.labels}
    if data.rest is not None:
        columns["rest_hash"] = _digests(data.rest)
    return File("data_rows.parquet", _parquet(pa.table(columns)))


def _digests(hashes: np.ndarray) -> Any:
    import pyarrow as pa

    return pa.array([bytes.fromhex(one.decode()) for one in hashes.tolist()], pa.binary(16))


def _parquet(table: Any) -> bytes:
    """With checksums: a damaged file is known as one, rather than read as other numbers."""
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(table, buffer, write_page_checksum=True)
    return buffer.getvalue()


def factory(recipe: Recipe) -> Iterator[File]:
    """The source files of the user's own model, if it is one, and of their metrics."""
    for path in recipe.own_code:
        source = read_source(path)
        if source is not None:
            module = path.partition(":")[0]
            yield File("factory.py" if path == recipe.model else f"extra_metric.{module}.py", source)


def _csv(frame: pd.DataFrame) -> bytes:
    """A table for people: what a spreadsheet would run as a formula is escaped."""
    rows = [list(frame.columns), *frame.to_numpy(dtype=object).tolist()]
    return csv_text(rows, formulas="escape").encode("utf-8", "surrogatepass")


def parquet(result: TrainResult) -> bytes:
    """The predictions.parquet of a training."""
    described = task_of(result.recipe).prediction_metadata(result.evaluation.predictions)
    return predictions_parquet(result.predictions, described)


def predictions_parquet(frame: pd.DataFrame, described: Mapping[str, str]) -> bytes:
    """predictions.parquet: see `predictions_frame`. What the task says of its scores is in the metadata."""
    import pyarrow as pa

    table = pa.Table.from_pandas(frame, preserve_index=False)
    return _parquet(table.replace_schema_metadata({**(table.schema.metadata or {}), **described}))
