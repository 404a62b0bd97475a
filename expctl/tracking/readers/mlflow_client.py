"""Runs read through MLflow's own client: works with every store that MLflow knows, and is what other readers equal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from expctl.errors import RunNotFound
from expctl.records import Dataset, RunRecord, Status
from expctl.tracking.errors import lacks_endpoint, store_errors
from expctl.tracking.readers.mlflow_search import PAGE, find_by_pages, keys_of, spaces_of
from expctl.tracking.readers.protocol import Experiment, HistoryPoint, datasets_in, moment, stored_number

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from mlflow import MlflowClient
    from mlflow.entities import Run

    from expctl.filters.expression import FieldKind
    from expctl.settings import Settings
    from expctl.tracking.readers.protocol import Query


class ClientReader:
    """The runs of any store."""

    def __init__(self, client: MlflowClient, settings: Settings) -> None:
        self._client = client
        self._settings = settings

    def experiments(self) -> list[Experiment]:
        """See Reader."""
        from mlflow.entities import ViewType

        found: list[Experiment] = []
        token = None
        with store_errors(self._settings):
            while True:
                page = self._client.search_experiments(view_type=ViewType.ALL, max_results=PAGE, page_token=token)
                found.extend(
                    Experiment(str(one.experiment_id), one.name, one.lifecycle_stage == "deleted") for one in page
                )
                token = page.token
                if not token:
                    return sorted(found, key=lambda one: (len(one.experiment_id), one.experiment_id))

    def find(self, query: Query) -> list[RunRecord]:
        """See Reader."""
        from mlflow.entities import ViewType

        def fetch(filter: str, order: list[str], most: int, token: str | None) -> tuple[list[RunRecord], str | None]:
            with store_errors(self._settings):
                page = self._client.search_runs(
                    list(query.experiments),
                    filter,
                    run_view_type=ViewType.DELETED_ONLY if query.deleted else ViewType.ACTIVE_ONLY,
                    max_results=most,
                    order_by=order,
                    page_token=token,
                )
            return [record(run) for run in page], page.token or None

        return find_by_pages(fetch, query) if query.experiments else []

    def count(self, query: Query) -> int | None:
        """See Reader."""
        return None

    def tally(self, query: Query, metric: str) -> Mapping[tuple[str, str], int] | None:
        """See Reader."""
        return None

    def get(self, run_id: str) -> RunRecord | None:
        """See Reader."""
        try:
            with store_errors(self._settings):
                return record(self._client.get_run(run_id))
        except RunNotFound:
            return None

    def history(self, run_id: str, metric: str) -> list[HistoryPoint]:
        """See Reader."""
        with store_errors(self._settings):
            found = self._client.get_metric_history(run_id, metric)
        found.sort(key=lambda one: (one.step, one.timestamp, one.value != one.value, one.value))
        return [HistoryPoint(stored_number(one.value), one.step, moment(one.timestamp)) for one in found]

    def spaces(self, key: str, experiments: Sequence[str]) -> Collection[FieldKind]:
        """See Reader. Looks at the newest runs only."""
        return spaces_of(self._newest(experiments), key)

    def keys(self) -> Mapping[FieldKind, Sequence[str]]:
        """See Reader. Looks at the newest runs only."""
        return keys_of(self._newest([one.experiment_id for one in self.experiments() if not one.deleted]))

    def _newest(self, experiments: Sequence[str]) -> list[RunRecord]:
        from mlflow.entities import ViewType

        with store_errors(self._settings):
            return [
                record(run)
                for run in self._client.search_runs(list(experiments), run_view_type=ViewType.ALL, max_results=PAGE)
            ]

    def folders(self, run: RunRecord) -> list[tuple[str, str]]:
        """See Reader."""
        with store_errors(self._settings):
            outputs: Any = self._client.get_run(run.run_id).outputs
            models = [self._model(one.model_id) for one in (outputs.model_outputs if outputs else ())]
        return [
            ("", run.artifact_uri),
            *((str(one.name), str(one.artifact_location)) for one in models if one is not None),
        ]

    def _model(self, model_id: str) -> Any:
        """A logged model; None where the server cannot tell of it."""
        from mlflow.exceptions import MlflowException

        try:
            return self._client.get_logged_model(model_id)
        except MlflowException as error:
            if not lacks_endpoint(error):
                raise
            return None


def record(run: Run) -> RunRecord:
    """MLflow's run as a record."""
    info = run.info
    inputs = run.inputs.dataset_inputs if run.inputs is not None else []
    datasets = [
        Dataset(
            one.dataset.name,
            one.dataset.digest,
            next((tag.value for tag in one.tags if tag.key == "mlflow.data.context"), None),
        )
        for one in inputs
    ]
    tags = dict(run.data.tags)
    datasets = datasets or datasets_in(tags)
    return RunRecord(
        run_id=info.run_id,
        name=info.run_name or "",
        status=cast(Status, str(info.status).lower()),
        experiment_id=str(info.experiment_id),
        started=moment(info.start_time),
        ended=moment(info.end_time),
        params=dict(run.data.params),
        metrics={key: stored_number(value) for key, value in run.data.metrics.items()},
        tags=tags,
        deleted=info.lifecycle_stage == "deleted",
        artifact_uri=info.artifact_uri or "",
        user_id=info.user_id or "",
        datasets=tuple(sorted(datasets, key=lambda one: (one.name, one.digest, one.context or ""))),
    )
