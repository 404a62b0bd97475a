"""An old file store of MLflow's (`./mlruns`) beside an SQLite store that has no run yet. Knows files; reads none.

MLflow no longer opens such a store, and made one wherever it was used until version 3.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from expctl.tracking import uris
from expctl.tracking.readers.protocol import BARE, Query

if TYPE_CHECKING:
    from expctl.tracking.store import Store


def left_behind(store: Store) -> str | None:
    """What to tell where runs lie in a file store here and the store has none; else None."""
    uri = store.settings.tracking_uri
    folder = Path("mlruns")  # since 3 it may hold the files of runs alone, which have no meta.yaml
    if uris.sqlite_path(uri) is None or next(folder.glob("*/*/meta.yaml"), None) is None or _has_runs(store):
        return None
    command = shlex.join(["mlflow", "migrate-filestore", "--source", str(folder), "--target", uri])
    return f"there is no run in {uri} yet, and {folder} is a file store of MLflow's (to take its runs over: {command})"


def _has_runs(store: Store) -> bool:
    """Whether a store has any run, deleted or not."""
    if not store.exists:
        return False
    experiments = tuple(one.experiment_id for one in store.reader.experiments())
    return any(store.search(Query(experiments, limit=1, columns=BARE, deleted=deleted)) for deleted in (False, True))
