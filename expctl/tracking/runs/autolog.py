"""MLflow's own autologging for a training of ours, without a second model. Knows nothing of what else is recorded."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from expctl.tracking.runs.writer import RunWriter


@contextmanager
def autologging(writer: RunWriter) -> Iterator[None]:
    """MLflow's scikit-learn autologging for the training in the block, without a second model.

    The run is made MLflow's active run for the time; ending it there marks it finished, which `recording` overrides.
    """
    import mlflow
    import mlflow.sklearn

    mlflow.sklearn.autolog(log_models=False, log_datasets=False, log_post_training_metrics=False, silent=True)
    try:
        with mlflow.start_run(run_id=writer.run_id):
            yield
    finally:
        mlflow.sklearn.autolog(disable=True, silent=True)
    writer.keep_running()
