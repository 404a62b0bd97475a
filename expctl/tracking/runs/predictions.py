"""predictions.parquet back from a run, as the arrays that the statistics stand on. Knows the file's layout only."""

from __future__ import annotations

import hashlib
import io
import json
from typing import TYPE_CHECKING, Any, Final, cast

from expctl.analysis.predictions import RunPredictions, ScoreKind
from expctl.records import Tag
from expctl.tracking.errors import damaged

ROWS_OF: Final = "expctl.rows_of"  # of a program's predictions.parquet: the hash of the file that `row` numbers
_SLICE: Final = "slice."

if TYPE_CHECKING:
    import numpy as np

    from expctl.records import RunRecord
    from expctl.tracking.store import Store


def read_predictions(store: Store, run: RunRecord) -> RunPredictions | None:
    """The test-set predictions of a run; None if it has none.

    Raises DataError if the file is damaged, or not the one whose digest the run has.
    """
    content = store.read_artifact(run, "predictions.parquet")
    if content is None:
        return None
    recorded = run.tags.get(Tag.PREDICTIONS_DIGEST)
    if recorded is not None and hashlib.sha256(content).hexdigest() != recorded:
        raise damaged(run, "predictions.parquet", "it has changed since it was recorded")
    import pyarrow as pa

    try:
        source = run.params.get("test_data_hash") or run.params.get("data_hash")
        return predictions_in(content, None if Tag.PROGRAM in run.tags else source)
    except (pa.ArrowException, KeyError, ValueError, OSError) as error:
        raise damaged(run, "predictions.parquet") from error


def predictions_in(content: bytes, source: str | None = None) -> RunPredictions:
    """What a predictions.parquet says, of rows of a file with this hash, or with the one that it names itself.

    Raises whatever pyarrow raises for one that is damaged.
    """
    import pyarrow.parquet as pq

    table = pq.ParquetFile(io.BytesIO(content), page_checksum_verification=True).read(use_threads=False)
    described = table.schema.metadata or {}
    score_classes = json.loads(described.get(b"expctl.classes", b"[]"))
    score_kind = cast(ScoreKind, described.get(b"expctl.scores", b"none").decode())
    task = described.get(b"expctl.task", b"classification").decode()
    measured = task == "regression"
    values, labels, predicted = (_values if measured else _codes)(table["label"], table["prediction"])
    return RunPredictions(
        rows=_numbers(table["row"]),
        keys=_hashes(table["text_hash"]),
        labels=labels,
        predicted=predicted,
        classes=[str(value) for value in values],
        scores=_scores(table["scores"]) if "scores" in table.column_names else None,
        score_kind=score_kind,
        score_classes=score_classes,
        groups=_hashes(table["group_hash"]) if "group_hash" in table.column_names else None,
        slices={
            name.removeprefix(_SLICE): _cells(table[name]) for name in table.column_names if name.startswith(_SLICE)
        },
        values=values,
        task=task,
        source=described[ROWS_OF.encode()].decode() if ROWS_OF.encode() in described else source,
    )


def _cells(column: Any) -> np.ndarray:
    """The cells of a recorded column, as `analysis.slices` takes them, whoever wrote them."""
    import numpy as np
    import pyarrow as pa

    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        return np.array([np.nan if cell is None else cell for cell in column.to_pylist()], dtype=np.float64)
    return np.array(["" if cell is None else str(cell) for cell in column.to_pylist()], dtype=object)


def _codes(labels: Any, predicted: Any) -> tuple[list[str | float], np.ndarray, np.ndarray]:
    """Two columns of labels as positions in one list of them."""
    import pyarrow as pa

    if predicted.type != labels.type:  # an estimator that says 1 as int32, or as a float, for the label 1
        predicted = predicted.cast(labels.type)
    both = pa.chunked_array([*labels.chunks, *predicted.chunks]).combine_chunks().dictionary_encode()
    if both.null_count:
        raise ValueError("a label or prediction is missing")
    codes = _numbers(both.indices).astype("int64")
    return both.dictionary.to_pylist(), codes[: len(labels)], codes[len(labels) :]


def _values(labels: Any, predicted: Any) -> tuple[list[str | float], np.ndarray, np.ndarray]:
    """Two columns of numbers as they are, and no classes. Raises ValueError for one that is missing or not finite."""
    import numpy as np

    known = [np.asarray(_numbers(part), dtype=np.float64) for part in (labels, predicted)]
    if not all(np.isfinite(part).all() for part in known):
        raise ValueError("a label or prediction is missing, or not finite")
    return [], known[0], known[1]


def _scores(column: Any) -> np.ndarray:
    values = column.combine_chunks()
    return _numbers(values.flatten()).reshape(len(values), -1)


def _numbers(column: Any) -> np.ndarray:
    """A column as an array, without `to_numpy`, which imports pandas (a fifth of a `compare`)."""
    import numpy as np

    return np.from_dlpack(column.combine_chunks() if hasattr(column, "chunks") else column)


def _hashes(column: Any) -> np.ndarray:
    """A column of hashes, 32 characters each."""
    import numpy as np
    import pyarrow as pa

    if column.null_count:
        raise ValueError("a hash is missing")
    known = column.combine_chunks().cast(pa.binary(32))
    return np.frombuffer(known.buffers()[1], dtype="S32", count=len(known), offset=32 * known.offset)
