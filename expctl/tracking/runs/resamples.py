"""resamples.parquet: what a run's own metrics were on resampled test rows. Written and read here alone."""

from __future__ import annotations

import hashlib
import io
import json
from typing import TYPE_CHECKING, Final

from expctl.analysis.resampled import Resamples
from expctl.records import Tag
from expctl.tracking.errors import damaged

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from expctl.records import RunRecord
    from expctl.tracking.store import Store

PATH: Final = "resamples.parquet"
_SOURCES: Final = b"expctl.sources"


def written(resamples: Mapping[str, np.ndarray], sources: Mapping[str, str]) -> bytes:
    """The file: a column a metric, a row a resample. With checksums, as predictions.parquet.

    `sources` says what measured each: it is in the metadata, as JSON.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    table = pa.table({key: pa.array(values) for key, values in resamples.items()})
    pq.write_table(table.replace_schema_metadata({_SOURCES: json.dumps(sources)}), buffer, write_page_checksum=True)
    return buffer.getvalue()


def read_resamples(store: Store, run: RunRecord) -> Resamples | None:
    """The resamples of a run; None of a run without metrics of its own.

    Raises DataError if the file is damaged, or not the one whose digest the run has.
    """
    recorded = run.tags.get(Tag.RESAMPLES_DIGEST)
    content = None if recorded is None else store.read_artifact(run, PATH)
    if content is None:
        return None
    if hashlib.sha256(content).hexdigest() != recorded:
        raise damaged(run, PATH, "it has changed since it was recorded")
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(io.BytesIO(content), page_checksum_verification=True).read(use_threads=False)
        drawn = {name: table[name].to_numpy() for name in table.column_names}
        sources = json.loads((table.schema.metadata or {}).get(_SOURCES, b"{}"))
    except (pa.ArrowException, ValueError, OSError) as error:
        raise damaged(run, PATH) from error
    return Resamples(run.metrics, drawn, sources)
