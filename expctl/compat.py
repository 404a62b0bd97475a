"""What we use of other packages though they promise nothing about it: private names, internal modules, tables.

Each stands here once, with why nothing public serves. tests/test_compat.py says in a sentence what is relied on, and
fails with that sentence when a release takes it away; it also fails when another module reaches into a package.
Knows nothing of ours, and imports nothing but the standard library until it is asked: every room may import it.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from functools import wraps
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from expctl import model_types

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path

    from mlflow import MlflowClient
    from sqlalchemy import Engine

# MLflow

# Alembic's names for the schemas that the SQLite reader was tested with, and the MLflow that makes each. MLflow's own
# client takes 2 s to import before it reads a run. A store of any other schema is read by that client all the same.
REVISIONS: Final = {"da6fb0208061": "3.13", "dc11669786a5": "3.17", "f4a9b2c7d1e6": "3.18"}

# What that reader, the planner's statistics and `doctor` read in such a file; MLflow documents no table.
TABLES: Final[Mapping[str, frozenset[str]]] = {
    "alembic_version": frozenset({"version_num"}),
    "experiments": frozenset({"experiment_id", "name", "lifecycle_stage", "workspace", "artifact_location"}),
    "runs": frozenset(
        {
            *("run_uuid", "name", "status", "experiment_id", "start_time", "end_time", "lifecycle_stage"),
            *("artifact_uri", "user_id"),
        }
    ),
    "params": frozenset({"run_uuid", "key", "value"}),
    "tags": frozenset({"run_uuid", "key", "value"}),
    "metrics": frozenset({"run_uuid", "key", "value", "is_nan", "step", "timestamp"}),
    "latest_metrics": frozenset({"run_uuid", "key", "value", "is_nan"}),
    "inputs": frozenset({"input_uuid", "source_type", "source_id", "destination_type", "destination_id"}),
    "input_tags": frozenset({"input_uuid", "name", "value"}),
    "datasets": frozenset({"dataset_uuid", "name", "digest"}),
    "logged_models": frozenset(
        {"model_id", "name", "artifact_location", "lifecycle_stage", "creation_timestamp_ms", "source_run_id"}
    ),
    "registered_models": frozenset({"name"}),
    "registered_model_aliases": frozenset({"name", "alias"}),
}

# Those of them that MLflow 1 did not have, and the one column: without them a store is read as if nobody had used them.
LATER_TABLES: Final = frozenset({"inputs", "input_tags", "datasets", "logged_models", "registered_model_aliases"})
LATER_COLUMNS: Final = frozenset({"workspace"})

# Where it records the places of files, each with a condition on the rows; an older schema lacks some of them. MLflow
# has no call and no command that changes them.
ADDRESSES: Final = (
    ("runs", "artifact_uri", "true"),
    ("logged_models", "artifact_location", "true"),
    ("model_versions", "source", "true"),
    ("model_versions", "storage_location", "true"),
    ("trace_tags", "value", "key = 'mlflow.artifactLocation'"),
    ("experiments", "artifact_location", "true"),
)

# It prints the whole traceback of every database error before it raises it, and has no setting but its level.
DATABASE_LOGGER: Final = "mlflow.store.db.utils"

# How Alembic calls a table that is to take the place of another: one that is left tells of a migration cut short.
MIGRATED_TABLE: Final = "_alembic_tmp_"


def tracking_store(uri: str) -> Any:
    """MLflow's store behind its client, which alone can delete a run for good: `mlflow gc`, told a run, takes every
    deleted experiment and model with it.
    """
    from mlflow.tracking._tracking_service.utils import _get_store

    return _get_store(uri)  # type: ignore[no-untyped-call]


def can_hard_delete(store: Any) -> bool:
    """Whether a `tracking_store` deletes for good: that of a server does not."""
    return hasattr(store, "_hard_delete_run")


def hard_delete_run(store: Any, run_id: str) -> None:
    """Delete the row of a run, deleted before, with all that hangs on it."""
    store._hard_delete_run(run_id)


def hard_delete_model(store: Any, model_id: str) -> None:
    """Delete the row of a logged model. Its files are the caller's."""
    store._hard_delete_logged_model(model_id)


def hard_delete_experiment(store: Any, experiment_id: str) -> None:
    """Delete the row of an experiment, deleted before and without runs, with all that hangs on it."""
    store._hard_delete_experiment(experiment_id)


def make_tables(uri: str) -> None:
    """Give an SQLite database without tables those of the installed MLflow, which else makes them only at the final
    place of the file, where a kill leaves half of them.
    """
    from mlflow.store.db import utils

    with engine(uri) as database:
        utils._initialize_tables(database)  # type: ignore[no-untyped-call]


def upgrade_tables(uri: str) -> None:
    """Give an SQLite database of an older MLflow the tables of the installed one, as `mlflow db upgrade` does, which is
    a command and talks.
    """
    from mlflow.store.db import utils

    with engine(uri) as database:
        utils._upgrade_db(database)  # type: ignore[no-untyped-call]


@contextmanager
def engine(uri: str) -> Iterator[Engine]:
    """SQLAlchemy's engine of a database as MLflow makes it: its settings of pools and of MySQL's certificates hold, and
    a server that has no connection left is asked again. Its connections end with the block.
    """
    from mlflow.store.db import utils

    database: Engine = utils.create_sqlalchemy_engine_with_retry(uri)  # type: ignore[no-untyped-call]
    try:
        yield database
    finally:
        database.dispose()


def table_names() -> Collection[str]:
    """The tables of a whole store of the installed MLflow. It adds what is missing to whatever it opens, another
    program's database too, so it is not asked.
    """
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401 (makes the tables known)
    from mlflow.store.db.base_sql_model import Base

    names: Collection[str] = Base.metadata.tables
    return names


def migrations() -> Path:
    """The folder of MLflow's Alembic script, whose revisions say which stores it can upgrade; MLflow, not imported."""
    from importlib.util import find_spec
    from pathlib import Path

    spec = find_spec("mlflow")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "store" / "db_migrations"


def is_superseded(revision: str) -> bool:
    """Whether a schema is an earlier one than that of the installed MLflow, by the text of its Alembic script, which
    takes 0.5 s to import.
    """
    import re

    line = re.compile(rf"^down_revision = ['\"]{re.escape(revision)}['\"]$", re.MULTILINE)
    return any(line.search(path.read_text()) for path in (migrations() / "versions").glob("*.py"))


def artifact_repository(location: str, tracking_uri: str) -> Any:
    """What reads, lists and deletes files at an artifact location: MLflow's client deletes none."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    return get_artifact_repository(location, tracking_uri=tracking_uri)


def registry_client(client: MlflowClient) -> Any:
    """The part of MLflow's client that speaks with the registry, without the question whether a name is a prompt's that
    the client puts before each call: 0.15 s each at a server that asks for a password. `registry.read` asks it once.
    """
    return client._get_registry_client()  # type: ignore[no-untyped-call]


def tracking_client(client: MlflowClient) -> Any:
    """The part of MLflow's client that speaks with the tracking server, without the question whether a logged model is
    there before its tags are set.
    """
    return client._tracking_client


def latest_values(run: Any) -> Mapping[str, Any]:
    """The last value of each metric of a run of MLflow's client, with step and time: `run.data.metrics` has neither."""
    return {one.key: one for one in run.data._metric_objs}


@contextmanager
def without_package_warnings() -> Iterator[None]:
    """Within, `save_model` does not look at each installed package (0.5 s) to warn of stated requirements that are not
    what is installed: there is no option for it, and ours are made of what is installed.
    """
    from mlflow.utils import environment

    name = "warn_dependency_requirement_mismatches"
    theirs = getattr(environment, name, None)
    if theirs is None:  # of another release: it takes its time
        yield
        return
    setattr(environment, name, lambda *_requirements: None)
    try:
        yield
    finally:
        setattr(environment, name, theirs)


def replace_sessions(change: Callable[[Any], Any]) -> None:
    """Have MLflow's client use sessions as `change` makes them of its own: it takes none from anybody."""
    from mlflow.utils import request_utils as theirs

    if getattr(made := theirs._cached_get_request_session, "__wrapped__", None) is not change:
        setattr(theirs, made.__name__, wraps(change)(lambda *given, **more: change(made(*given, **more))))


def is_prompt(model: Any) -> bool:
    """Whether a registered model is one of MLflow's prompts, which share the names; its public tags leave that out."""
    from mlflow.prompt.registry_utils import has_prompt_tag

    return bool(has_prompt_tag(model._tags))


# scikit-learn


def tree_type() -> Any:
    """The class that `TREE` names, whose state is read for a comparison."""
    from sklearn.tree._tree import Tree

    return Tree


def replace_counting(vectorizer: Any, count_vocab: Callable[[Any, bool], Any]) -> None:
    """Let a text vectorizer take `count_vocab(documents, fixed_vocab)` for its own counting.

    `_count_vocab` is scikit-learn's seam between counting the terms and all the rest (pruning, order, weights, norm),
    and no public one lies there: counting again for each trial of a sweep is most of its time.
    """
    vectorizer._count_vocab = count_vocab


def restore_counting(vectorizer: Any) -> None:
    """Undo `replace_counting`."""
    del vectorizer._count_vocab


@contextmanager
def empty_columns_binned() -> Iterator[None]:
    """Histogram gradient boosting fits columns without a value, as it does before scikit-learn 1.9, which raises."""
    binning: Any = sys.modules.get("sklearn.ensemble._hist_gradient_boosting.binning")
    usual = getattr(binning, "_find_binning_thresholds", None)
    with ExitStack() as undo:
        if usual is not None:
            undo.callback(setattr, binning, "_find_binning_thresholds", usual)
            binning._find_binning_thresholds = lambda column, *rest, **named: (
                usual(column, *rest, **named) if (column == column).any() else column[:0]
            )
        yield


# skops


def skops_io() -> Any:
    """`skops.io`, which trusts `model_types.COMMON_ESTIMATORS` and not yet all that scikit-learn has.

    To list them it imports all of scikit-learn (0.5 to 1.7 s), and asks each module there is for the functions of numpy
    and scipy (0.4 s beside MLflow). Where somebody else has imported it before, it is as it is.
    """
    if "skops.io" in sys.modules:
        import skops.io

        return skops.io
    import sklearn.utils

    def common_estimators() -> list[tuple[str, type]]:
        """Called once, while skops.io._trusted_types is imported, for the names alone."""
        utils: Any = sys.modules.get("skops.io._utils")
        if hasattr(utils, "whichmodule"):  # of another release: it takes its time
            undo.callback(setattr, utils, "whichmodule", utils.whichmodule)
            utils.whichmodule = _module_finder()
        names = (estimator.rpartition(".") for estimator in model_types.COMMON_ESTIMATORS)
        return [(name, type(name, (), {"__module__": module})) for module, _, name in names]

    with ExitStack() as undo:
        undo.callback(setattr, sklearn.utils, "all_estimators", sklearn.utils.all_estimators)
        sklearn.utils.all_estimators = common_estimators
        import skops.io
    _incomplete.append(skops.io)
    return skops.io


def _module_finder() -> Callable[[Any, str], str]:
    """`skops.io._utils.whichmodule` of the modules there are now, which looks into them and has none make anything."""
    loaded = [(name, one) for name, one in sys.modules.copy().items() if issubclass(type(one), ModuleType)]
    places = [(name, object.__getattribute__(one, "__dict__")) for name, one in loaded if not name.endswith("main__")]

    def whichmodule(thing: Any, name: str) -> str:
        own: str | None = getattr(thing, "__module__", None)
        return own if own is not None else next((at for at, has in places if has.get(name) is thing), "__main__")

    return whichmodule


def complete_skops() -> bool:
    """Have a `skops_io` trust all estimators of scikit-learn, as it does when it is imported by itself.

    False if it did so before.
    """
    if not _incomplete:
        return False
    from sklearn.utils import all_estimators
    from skops.io import _trusted_types
    from skops.io._utils import get_type_name

    names = (get_type_name(kind) for _, kind in all_estimators())  # in place: the modules that read a type share them
    _trusted_types.SKLEARN_ESTIMATOR_TYPE_NAMES[:] = [name for name in names if name.startswith("sklearn.")]
    _incomplete.clear()
    return True


_incomplete: Final[list[Any]] = []  # skops.io, as long as it trusts a part of the estimators


def dump_unindented(estimator: Any) -> bytes:
    """An estimator as `skops.io.dumps` gives it, but for the indentation of its JSON, which has no option.

    Each term of a vocabulary is an object there, and blanks tripled the size and the time of a model.
    """
    import io
    import json
    import zipfile

    import skops.io
    from skops.io._utils import SaveContext, get_state

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        context = SaveContext(zip_file=archive)
        state = {**get_state(estimator, context), "protocol": context.protocol, "_skops_version": skops.__version__}
        archive.writestr("schema.json", json.dumps(state))
    return buffer.getvalue()


# loky, which joblib brings within itself


# With it Python does not look for modules in the current folder, as it does by `-m` and `-c`: loky starts it by both.
SAFE_PATH: Final = "PYTHONSAFEPATH"


def process_pool() -> Any:
    """loky's ProcessPoolExecutor: that of the standard library cannot set the variables of its processes before they
    load a library, and forks, or imports `__main__` again.
    """
    from joblib.externals.loky import ProcessPoolExecutor

    return ProcessPoolExecutor


def remove_when_gone(folder: str) -> None:
    """Have a folder removed when this process is gone, even by SIGKILL: no handler of ours would run then."""
    import os

    from joblib.externals.loky.backend import resource_tracker

    before = os.environ.get(SAFE_PATH)
    os.environ[SAFE_PATH] = "1"
    try:
        resource_tracker.register(folder, "folder")  # the first starts a process
    finally:
        os.environ.pop(SAFE_PATH) if before is None else os.environ.update({SAFE_PATH: before})


def forget_folder(folder: str) -> None:
    """Undo `remove_when_gone`."""
    from joblib.externals.loky.backend import resource_tracker

    resource_tracker.unregister(folder, "folder")


# Typer


def typer_usage_error() -> Any:
    """The base of all that Typer says of a wrong command line: it has copied Click into itself, and its own
    `typer.BadParameter` is the only one of these that has a public name.
    """
    import typer

    return next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "UsageError")
