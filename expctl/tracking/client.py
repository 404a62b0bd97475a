"""MLflow's own client of a store, made so that it is silent, patient, and opens a database the way it should be.

Knows nothing of runs.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from expctl import compat
from expctl.tracking import bounded_calls, retries, uris
from expctl.tracking.database.create import create_file
from expctl.tracking.database.first_use import opening
from expctl.tracking.errors import store_errors

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from expctl.settings import Settings


def client_of(settings: Settings, *, create: bool) -> MlflowClient | None:
    """MLflow's client, the store opened; None for a store without MLflow's schema, unless that may be made."""
    import mlflow

    uri = settings.tracking_uri
    patient = prepare(settings)
    path = uris.sqlite_path(uri)
    with store_errors(settings), opening(uri, create=create) as made:
        if not (made or create):
            return None
        if create and path is not None and not path.exists():
            create_file(path)
        client = mlflow.MlflowClient(tracking_uri=patient)
        if not uris.is_server(uri):
            client.search_experiments(max_results=1)  # opens the database: migrations and refusals happen here
    return client


def prepare(settings: Settings) -> str:
    """Have MLflow be silent and patient with a store, which it need not open to fetch files from elsewhere.

    Gives the address by which MLflow knows it, the same for each (Store.uri): one address, one engine of MLflow's.
    """
    import logging

    import mlflow

    level = os.environ["MLFLOW_LOGGING_LEVEL"]
    logging.getLogger("alembic").setLevel(level)
    # It prints the whole traceback of every database error before it raises it, which we then tell in one line.
    logging.getLogger(compat.DATABASE_LOGGER).setLevel("CRITICAL" if level == "ERROR" else level)
    retries.usual()
    if uris.is_server(settings.tracking_uri):
        bounded_calls.bound()
    patient = uris.patient(uris.absolute(settings.tracking_uri))
    mlflow.set_tracking_uri(patient)
    return patient


def quieten(verbose: bool) -> None:
    """Before MLflow is imported: it talks, shows progress bars and reports its use, unless told otherwise."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "INFO" if verbose else "ERROR")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
