"""An opened MLflow store: runs found and read through one of four readers, written through MLflow's client.

Experiments are passed by id, never through MLflow's active experiment (setting it by name races: runs of two processes
land in "Default").
"""

from __future__ import annotations

from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from expctl.errors import OlderSchema, RunNotFound, StoreError, UsageError, mask_passwords, mask_secrets
from expctl.filters.expression import EVERY_RUN, all_of
from expctl.filters.parse import parse
from expctl.filters.resolve import known_field, resolve_fields
from expctl.tracking import uris
from expctl.tracking.client import client_of, quieten
from expctl.tracking.credentials import check_login
from expctl.tracking.errors import reason, store_errors
from expctl.tracking.experiments import Experiments
from expctl.tracking.names import check_experiment_name
from expctl.tracking.places import Places
from expctl.tracking.readers.protocol import WHOLE, NotServed, Query
from expctl.tracking.runs import artifacts
from expctl.wording import agree

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from mlflow import MlflowClient

    from expctl.filters.expression import Expression, Field, FieldKind, Order
    from expctl.records import RunRecord
    from expctl.settings import Settings
    from expctl.tracking.lacks import Lack
    from expctl.tracking.readers.protocol import Projection, Reader
    from expctl.tracking.runs.artifacts import Artifact

    Note = Callable[[str], None]


def silent(_text: str) -> None:
    """Tell nobody."""


class Store:
    """The runs of one tracking URI. Without a reader: a store that is not there yet, which reading never makes.

    `aside` says why the store is not read directly, where it could have been. `note` is told what is done to the store
    besides what it was opened for. The client is made when it is needed.
    `lacks` is what the server has turned out to lack. `names` are the experiments that are looked in, None for all.
    """

    def __init__(
        self,
        settings: Settings,
        reader: Reader | None,
        client: MlflowClient | None = None,
        *,
        aside: str | None = None,
        note: Note = silent,
    ) -> None:
        self.settings = settings
        self.uri = uris.patient(uris.absolute(settings.tracking_uri))
        self.aside = aside
        self.lacks: set[Lack] = set()
        self.note = note
        self.names: tuple[str, ...] | None = (settings.experiment,)
        self.places = Places(uris.sqlite_path(settings.tracking_uri))
        self._reader = reader
        self._client = client
        self.all_experiments = Experiments(reader)

    @property
    def exists(self) -> bool:
        """Whether there is a store at all."""
        return self._reader is not None

    def among(self, names: Sequence[str] | None) -> Store:
        """This store, looked through in these experiments (None: in all) rather than in that of the settings.

        What is written goes to the first of them.
        """
        other = copy(self)
        other.names = None if names is None else tuple(dict.fromkeys(names))
        other.settings = replace(self.settings, experiment=names[0]) if names else self.settings
        return other

    @property
    def several(self) -> bool:
        """Whether runs of more than one experiment may be found."""
        return self.names is None or len(self.names) > 1

    @property
    def where(self) -> str:
        """Where runs are looked for, in words."""
        if self.names is None:
            return "in any experiment"
        return f"in {agree(len(self.names), 'experiment')} {' and '.join(map(repr, self.names))}"

    @property
    def reader(self) -> Reader:
        """What reads the store. Raises RunNotFound where there is none."""
        if self._reader is None:
            raise self._missing()
        return self._reader

    @property
    def client(self) -> MlflowClient:
        """MLflow's client. Raises RunNotFound where there is no store."""
        if self._reader is None:
            raise self._missing()
        if self._client is None:
            self._client = client_of(self.settings, create=False)
            if self._client is None:
                raise self._missing()
        return self._client

    @contextmanager
    def read_by_client(self, runs: Sequence[RunRecord]) -> Iterator[None]:
        """Within, the client reads runs of a store of an older schema too, which MLflow does not open: by a copy."""
        if not getattr(self._reader, "older", False):
            yield
            return
        from expctl.tracking.database.copied_runs import copied_runs
        from expctl.tracking.database.upgrade import passing_copy

        path = uris.sqlite_path(self.settings.tracking_uri)
        ids = [run.run_id for run in runs]
        with copied_runs(self.settings, ids) if path is None else passing_copy(self.settings, path) as settings:
            self._client = client_of(settings, create=False)
            yield
            self._client = None

    def _missing(self) -> RunNotFound:
        uri = mask_secrets(self.settings.tracking_uri)
        return RunNotFound(f"there is no store at {uri} yet", hint="expctl train")

    def experiment_id(self) -> str | None:
        """The id of the settings' experiment; None if there is none of that name.

        Raises RunNotFound, with the command that brings it back, if it has been deleted.
        """
        return self.all_experiments.id_of(self.settings.experiment)

    def ensure_experiment(self) -> str:
        """The id of the settings' experiment, created if it is not there. Safe when several processes do it at once."""
        client = self.client
        from mlflow.exceptions import MlflowException

        found = self.experiment_id()
        if found is not None:
            if self.places.home is not None:
                with store_errors(self.settings):
                    self.prepare_writing(client.get_experiment(found).artifact_location)
            return found
        check_experiment_name(self.settings.experiment, "--experiment")
        if mask_passwords(self.settings.experiment) != self.settings.experiment:
            raise UsageError("--experiment holds a password, which would be stored", hint="another name")
        location = uris.artifact_location(self.settings.tracking_uri, self.settings.experiment)
        with store_errors(self.settings):
            try:
                return str(client.create_experiment(self.settings.experiment, artifact_location=location))
            except MlflowException as error:
                if error.error_code == "INVALID_PARAMETER_VALUE":
                    raise UsageError(f"--experiment: {reason(error)}", hint="a shorter name") from error
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
        return self.ensure_experiment()

    def prepare_writing(self, address: str) -> None:
        """Before files are written at a recorded address, which MLflow looks up by itself: see that it is right.

        If it is that of a store that was moved or copied, all of its addresses are set right (see addresses).
        """
        folder, path = self.places.folder(address), uris.sqlite_path(self.settings.tracking_uri)
        if folder is None or path is None or self.places.is_near(folder):
            return
        from expctl.tracking.database.addresses import rewrite

        done = rewrite(path)
        if done is not None:
            self.note(str(done))

    def check_own(self, address: str) -> None:
        """Raise StoreError where files are beside another database than this one, which is a copy without them."""
        if self.places.of_another(address):
            raise StoreError(
                f"{self.places.folder(address)} is beside another database than {self.settings.tracking_uri}",
                hint="copy the folder mlartifacts, too, or name the other database",
            )

    def find(
        self,
        filter: str = "",
        *,
        also: Expression = EVERY_RUN,
        order: Sequence[Order] = (),
        limit: int | None = None,
        columns: Projection = WHOLE,
        deleted: bool = False,
        everywhere: bool = False,
    ) -> list[RunRecord]:
        """Runs that a filter, `also` an expression, lets through, newest first unless in another `order`.

        `everywhere` looks through all experiments. Raises UsageError for a filter that cannot be read.
        """
        return self.search(
            self.query(
                filter, also=also, order=order, limit=limit, columns=columns, deleted=deleted, everywhere=everywhere
            )
        )

    def search(self, query: Query) -> list[RunRecord]:
        """The runs of a query."""
        return [self._placed(run) for run in self.reader.find(query)] if query.experiments else []

    def _placed(self, run: RunRecord) -> RunRecord:
        return replace(run, experiment=self.all_experiments.name_of(run.experiment_id))

    def query(
        self,
        filter: str = "",
        *,
        also: Expression = EVERY_RUN,
        order: Sequence[Order] = (),
        limit: int | None = None,
        columns: Projection = WHOLE,
        deleted: bool = False,
        everywhere: bool = False,
    ) -> Query:
        """What `find` asks a reader; of no experiments where there is nothing to find."""
        where = parse(filter)
        experiments = self.experiments(everywhere)
        if experiments:
            where = resolve_fields(where, self.spaces(experiments), text=filter, now=datetime.now(UTC))
        return Query(experiments, all_of(where, also), tuple(order), limit, columns, deleted)

    def experiments(self, everywhere: bool = False) -> tuple[str, ...]:
        """The ids of the experiments that are looked in, or of all that are not deleted.

        Raises RunNotFound for one of several that is not there.
        """
        if everywhere or self.names is None:  # that a command looks everywhere, it may have made one itself
            every = self.all_experiments.every(now=everywhere)
            return tuple(one.experiment_id for one in every if not one.deleted)
        if self.several:
            return self.all_experiments.ids_of(self.names)
        found = self.experiment_id()
        return () if found is None else (found,)

    def count(self, query: Query) -> int | None:
        """How many runs a query has without its limit; None where that takes reading them all."""
        return self.reader.count(query) if query.experiments else 0

    def tally(self, query: Query, metric: str) -> Mapping[tuple[str, str], int] | None:
        """How many runs that cannot rank by a metric have each status and kind of value of it (see Reader)."""
        return self.reader.tally(query, metric) if query.experiments else {}

    def field(self, name: str) -> Field | None:
        """What a name means in `--sort` and `--columns`; None if no run has it."""
        return known_field(name, self.spaces(self.experiments()))

    def spaces(self, experiments: tuple[str, ...]) -> Spaces:
        """The function that looks up in which of params, metrics and tags a key is."""
        return Spaces(self._reader, experiments)

    def keys(self) -> Mapping[FieldKind, Sequence[str]]:
        """The keys of params, metrics and tags, of any experiment."""
        return {} if self._reader is None else self._reader.keys()

    def get(self, run_id: str) -> RunRecord:
        """The run of a full id, deleted or not. Raises RunNotFound."""
        found = self.reader.get(run_id)
        if found is None:
            raise RunNotFound(f"no run has the id {run_id}", hint="expctl list")
        return self._placed(found)

    def refresh_planner_stats(self) -> None:
        """At the end of a command that wrote: see that an SQLite store has statistics (see statistics)."""
        path = uris.sqlite_path(self.settings.tracking_uri)
        if path is not None:
            from expctl.tracking.database import planner_stats

            planner_stats.keep(path)

    def artifacts(self, run: RunRecord) -> list[Artifact]:
        """All files of a run, those of its logged model under `model/`."""
        return artifacts.list_files(self, run)

    def read_artifact(self, run: RunRecord, path: str) -> bytes | None:
        """The content of one file of a run; None if the run has no such file. Raises StoreError (see artifacts)."""
        return artifacts.read_file(self, run, path)


class Spaces:
    """Where a key is, asked for once. Nowhere in a store that is not there."""

    def __init__(self, reader: Reader | None, experiments: tuple[str, ...]) -> None:
        self._reader = reader
        self._experiments = experiments
        self._known: dict[str, Collection[FieldKind]] = {}

    def __call__(self, key: str) -> Collection[FieldKind]:
        if self._reader is None or not self._experiments:
            return ()
        if key not in self._known:
            self._known[key] = self._reader.spaces(key, self._experiments)
        return self._known[key]


def open_store(settings: Settings, *, create: bool = False, verbose: bool = False, note: Note = silent) -> Store:
    """Open the store of the settings. `create` makes one that is not there, as writing commands do.

    Raises StoreError within seconds if it cannot be reached or is no store that this MLflow can use.
    """
    uri = settings.tracking_uri
    check_login(settings)
    for line in settings.env_file.told():
        note(line)
    if not uris.check(uri, create=create):
        return Store(settings, None, note=note)
    quieten(verbose)
    aside = None
    if not create or uris.is_server(uri):
        try:
            reader = _direct(uri, note)
            if reader is not None:
                return _answering(Store(settings, reader, note=note), create)
        except NotServed as refusal:
            aside = f"read through MLflow's client, not directly: {refusal}"
    try:
        client = client_of(settings, create=create)
    except OlderSchema as older:
        reader = None if create else _older(settings)
        if reader is None:
            raise
        note(_read_as_it_is(older))
        return Store(settings, reader, note=note)
    if client is None:
        return Store(settings, None, note=note)
    from expctl.tracking.readers.mlflow_client import ClientReader

    return _answering(Store(settings, ClientReader(client, settings), client, aside=aside, note=note), create)


def _answering(store: Store, create: bool) -> Store:
    """A store that is opened to be written, a server that does not answer or is none of MLflow's told in seconds."""
    if create and uris.is_server(store.uri):
        store.experiment_id()
    return store


def open_local(settings: Settings) -> Store | None:
    """The store of the settings if it is an SQLite file that can be read at once, without MLflow; else None."""
    path = uris.sqlite_path(settings.tracking_uri)
    if path is None or not uris.check(settings.tracking_uri, create=False):
        return None
    try:
        reader = _direct(settings.tracking_uri)
    except NotServed:
        return None
    return Store(settings, reader)


def _direct(uri: str, note: Note = silent) -> Reader | None:
    """The reader that does without MLflow; None for a kind of store that has none. Raises NotServed.

    `note` is told of a store that can be read and not written.
    """
    path = uris.sqlite_path(uri)
    if path is not None:
        from expctl.tracking.readers import sqlite

        reader = sqlite.connect(path, uri)
        if reader.older:
            note(_read_as_it_is(uris.older_schema(uri)))
        return reader
    if uris.is_server(uri):
        from expctl.tracking.readers import rest

        return rest.connect(uri)
    return None


def _older(settings: Settings) -> Reader | None:
    """What reads a store of an older MLflow that is no SQLite file; None where nothing does."""
    if uris.sqlite_path(settings.tracking_uri) is not None:
        return None
    from expctl.tracking.readers import older_database

    return older_database.connect(settings)


def _read_as_it_is(older: OlderSchema) -> str:
    return f"{older.message}, and is read as it is ({older.hint})"
