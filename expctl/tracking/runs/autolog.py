"""MLflow's own autologging for a training of ours, without a second model. Knows nothing of what else is recorded."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from expctl.tracking.errors import store_errors
from expctl.tracking.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def autologging(store: Store, run_id: str) -> Iterator[None]:
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
    with store_errors(store.settings):
        store.client.update_run(run_id, status="RUNNING")
