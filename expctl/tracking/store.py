"""An opened MLflow store: runs found, read and created through MlflowClient, with MLflow's failures translated.

Owns every call of the tracking API that reads. Experiments are passed by id, never through MLflow's active experiment
(setting it by name races: runs of two processes land in "Default").
"""

from __future__ import annotations

import logging
import os
import tempfile
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import unquote, urlsplit

from expctl.errors import DataError, RunNotFound, StoreError, UsageError, mask_secrets
from expctl.records import RunRecord, Status, Tag
from expctl.tracking import reachable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mlflow import MlflowClient
    from mlflow.entities import Run

    from expctl.settings import Settings

_PAGE: Final = 1000
# SQLite cannot hold infinity: MLflow stores the largest float in its place.
_STORED_INFINITY: Final = 1.797e308


@dataclass(frozen=True)
class Artifact:
    """A file of a run: its path below the run's artifacts, and its size in bytes where the store tells it."""

    path: str
    size: int | None


class Store:
    """The runs of one tracking URI. Without a client: a store that is not there yet, which reading never makes."""

    def __init__(self, settings: Settings, client: MlflowClient | None) -> None:
        self.settings = settings
        self.uri = reachable.absolute(settings.tracking_uri)
        self._client = client

    @property
    def client(self) -> MlflowClient:
        """MLflow's client. Raises RunNotFound where there is no store."""
        if self._client is None:
            uri = mask_secrets(self.settings.tracking_uri)
            raise RunNotFound(f"there is no store at {uri} yet", hint="expctl train")
        return self._client

    def experiment_id(self) -> str | None:
        """The id of the settings' experiment; None if there is none of that name.

        Raises RunNotFound, with the command that brings it back, if it has been deleted.
        """
        if self._client is None:
            return None
        name = self.settings.experiment
        with translated(self.settings):
            found = self._client.get_experiment_by_name(name)
        if found is not None and found.lifecycle_stage == "deleted":
            raise RunNotFound(
                f"experiment {name!r} has been deleted", hint=f"mlflow experiments restore -x {found.experiment_id}"
            )
        return None if found is None else str(found.experiment_id)

    def experiment_name(self, experiment_id: str) -> str:
        """The name of an experiment, deleted or not."""
        with translated(self.settings):
            return str(self.client.get_experiment(experiment_id).name)

    def ensure_experiment(self) -> str:
        """The id of the settings' experiment, created if it is not there. Safe when several processes do it at once."""
        from mlflow.exceptions import MlflowException

        found = self.experiment_id()
        if found is not None:
            return found
        location = reachable.artifact_location(self.settings.tracking_uri, self.settings.experiment)
        with translated(self.settings):
            try:
                return str(self.client.create_experiment(self.settings.experiment, artifact_location=location))
            except MlflowException as error:
                if error.error_code == "INVALID_PARAMETER_VALUE":
                    raise UsageError(f"--experiment: {reason(error)}", hint="a shorter name") from error
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
        return self.ensure_experiment()

    def find(
        self, filter: str = "", *, limit: int | None = None, deleted: bool = False, everywhere: bool = False
    ) -> list[RunRecord]:
        """Runs that match a filter in MLflow's syntax, newest first; all of them unless `limit`ed.

        `everywhere` looks through all experiments. Raises UsageError for a filter that MLflow cannot read.
        """
        from mlflow.entities import ViewType

        experiments = self._experiments(everywhere)
        if not experiments:
            return []
        found: list[RunRecord] = []
        token = None
        with translated(self.settings, filter=filter):
            while True:
                page = self.client.search_runs(
                    experiments,
                    filter,
                    run_view_type=ViewType.DELETED_ONLY if deleted else ViewType.ACTIVE_ONLY,
                    max_results=_PAGE if limit is None else min(_PAGE, limit - len(found)),
                    order_by=["attributes.start_time DESC", "attributes.run_id ASC"],
                    page_token=token,
                )
                found.extend(record(run) for run in page)
                token = page.token
                if not token or (limit is not None and len(found) >= limit):
                    return found

    def _experiments(self, everywhere: bool) -> list[str]:
        if self._client is None:
            return []
        if not everywhere:
            found = self.experiment_id()
            return [] if found is None else [found]
        experiments: list[str] = []
        token = None
        with translated(self.settings):
            while True:
                page = self._client.search_experiments(max_results=_PAGE, page_token=token)
                experiments.extend(str(experiment.experiment_id) for experiment in page)
                token = page.token
                if not token:
                    return experiments

    def get(self, run_id: str) -> RunRecord:
        """The run of a full id, deleted or not. Raises RunNotFound."""
        with translated(self.settings):
            return record(self.client.get_run(run_id))

    def artifacts(self, run: RunRecord) -> list[Artifact]:
        """All files of a run, those of its logged model under `model/`."""
        with translated(self.settings):
            return sorted(
                [*self._walk(run.run_id, None), *self._walk(run.run_id, "model")], key=lambda artifact: artifact.path
            )

    def _walk(self, run_id: str, folder: str | None) -> Iterator[Artifact]:
        for entry in self.client.list_artifacts(run_id, folder):
            if entry.is_dir:
                yield from self._walk(run_id, entry.path)
            elif folder is not None or not entry.path.startswith("model/"):
                yield Artifact(entry.path, entry.file_size)

    def read_artifact(self, run: RunRecord, path: str) -> bytes | None:
        """The content of one file of a run; None if the run has no such file.

        Raises StoreError if the folder of the files of a complete run is not there: the store has been moved.
        """
        folder_uri = run.artifact_uri
        if folder_uri.startswith("file://") and Tag.COMPLETE in run.tags:
            where = Path(unquote(urlsplit(folder_uri).path))
            if not where.is_dir():
                raise StoreError(f"the files of run {run.label} are not at {where}", hint="was the store moved?")
        from mlflow.exceptions import MlflowException

        with translated(self.settings), tempfile.TemporaryDirectory(prefix="expctl-") as folder:
            try:
                return Path(self.client.download_artifacts(run.run_id, path, folder)).read_bytes()
            except (MlflowException, OSError) as error:
                if isinstance(error, MlflowException) and error.error_code in (
                    "TEMPORARILY_UNAVAILABLE",
                    "PERMISSION_DENIED",
                ):
                    raise
                return None


def open_store(settings: Settings, *, create: bool = False, verbose: bool = False) -> Store:
    """Open the store of the settings. `create` makes one that is not there, as writing commands do.

    Raises StoreError within seconds if it cannot be reached or is no store that this MLflow can use.
    """
    uri = settings.tracking_uri
    if not reachable.check(uri, create=create):
        return Store(settings, None)
    _quiet(verbose)
    import mlflow

    mlflow.set_tracking_uri(reachable.absolute(uri))
    made = _is_made(uri)
    with nullcontext() if made else reachable.first_opening(uri, create=create), translated(settings):
        if not (made or create or _is_made(uri)):
            return Store(settings, None)
        client = mlflow.MlflowClient(tracking_uri=reachable.absolute(uri))
        client.search_experiments(max_results=1)  # opens the database: migrations and refusals happen here
    return Store(settings, client)


def _is_made(uri: str) -> bool:
    """Whether the store has MLflow's schema. Also imports what opening it takes, 0.5 s, outside of any lock."""
    if not uri.startswith("sqlite:"):
        return True
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401 (makes the tables known)
    from mlflow.store.db.base_sql_model import Base

    return reachable.is_made(uri, Base.metadata.tables)


def _quiet(verbose: bool) -> None:
    """MLflow talks, shows progress bars of its own and reports usage over the network unless told otherwise."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "INFO" if verbose else "ERROR")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    # It prints the whole traceback of every database error before it raises it, which we then tell in one line.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.INFO if verbose else logging.CRITICAL)
    logging.getLogger("alembic").setLevel(logging.INFO if verbose else logging.ERROR)


def record(run: Run) -> RunRecord:
    """MLflow's run as a record."""
    info = run.info
    return RunRecord(
        run_id=info.run_id,
        name=info.run_name or "",
        status=cast(Status, str(info.status).lower()),
        experiment_id=str(info.experiment_id),
        started=_time(info.start_time),
        ended=_time(info.end_time),
        params=dict(run.data.params),
        metrics={key: _number(value) for key, value in run.data.metrics.items()},
        tags=dict(run.data.tags),
        deleted=info.lifecycle_stage == "deleted",
        artifact_uri=info.artifact_uri or "",
    )


def _time(milliseconds: int | None) -> datetime | None:
    return None if not milliseconds else datetime.fromtimestamp(milliseconds / 1000, UTC)


def _number(value: float) -> float:
    if abs(value) >= _STORED_INFINITY:
        return float("inf") if value > 0 else float("-inf")
    return value


@contextmanager
def translated(settings: Settings, *, filter: str = "") -> Iterator[None]:
    """Turn what MLflow and the libraries below it raise into errors of ours: one line, no secret, an exit code."""
    import sqlalchemy.exc
    from mlflow.exceptions import MlflowException

    uri = mask_secrets(settings.tracking_uri)
    try:
        yield
    except MlflowException as error:
        raise _translation(error, uri, filter) from error
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise StoreError(f"the store {uri} failed: {reason(error)}", hint=_remedy(str(error))) from error
    except ModuleNotFoundError as error:  # the driver of a database
        raise StoreError(
            f"the store {uri} needs the Python package {error.name}", hint=f"install {error.name}"
        ) from error
    except OSError as error:  # requests' exceptions are OSErrors too
        raise StoreError(
            f"the store {uri} failed: {reason(error)}", hint="is there space, and the right to write?"
        ) from error


def reason(error: BaseException) -> str:
    """The first line of an error, without secrets."""
    lines: Sequence[str] = [line.strip() for line in str(error).splitlines() if line.strip()]
    return mask_secrets(lines[0]) if lines else type(error).__name__


def _translation(error: Any, uri: str, filter: str) -> Exception:
    text = reason(error)
    code = error.error_code
    if "migrate-filestore" in str(error):
        return StoreError(
            f"{uri} is MLflow's old file store, which MLflow no longer serves",
            hint="mlflow migrate-filestore copies it into an SQLite store, or set MLFLOW_ALLOW_FILE_STORE=true",
        )
    if "out-of-date database schema" in str(error) or "Can't locate revision" in str(error):
        return StoreError(
            f"the store {uri} has another schema than the installed MLflow: {text}",
            hint="older store: back it up, then mlflow db upgrade; newer store: upgrade mlflow",
        )
    if filter and code == "INVALID_PARAMETER_VALUE":
        return UsageError(
            f"filter {_cut(filter)!r}: {_cut(text)}",
            hint="for example --filter \"metrics.f1_score > 0.8 and params.c = '1.0'\"",
        )
    if code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
        return RunNotFound(text, hint="expctl list")
    if code in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
        return StoreError(
            f"the store {uri} refused: {text}",
            hint="check MLFLOW_TRACKING_USERNAME and _PASSWORD, or MLFLOW_TRACKING_TOKEN",
        )
    return StoreError(f"the store {uri} failed: {text}", hint=_remedy(str(error)))


def _cut(text: str) -> str:
    return text if len(text) <= 200 else text[:199] + "…"


def _remedy(text: str) -> str | None:
    if "locked" in text:
        return "another process is writing to it; try again"
    if "readonly" in text or "unable to open" in text:
        return "is the folder writable?"
    if "malformed" in text or "not a database" in text:
        return "it is damaged: restore it from a backup, or move it away"
    if "disk is full" in text or "No space" in text:
        return "free some space"
    return None


def damaged(run: RunRecord, what: str) -> DataError:
    """The error for a file of a run that is not what it should be."""
    return DataError(f"{what} of run {run.label} ({run.run_id[:8]}) is damaged", hint="expctl show RUN")
