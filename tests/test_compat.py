"""What we rely on in other packages though they promise nothing: each a sentence, and the release that breaks it.

A sentence says what is relied on and, where a release has taken it away, what to do then.
"""

from __future__ import annotations

import ast
import gzip
import io
import json
import re
import sqlite3
import subprocess
import sys
import zipfile
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

import expctl
from expctl import compat, model_types
from expctl.tracking.database import planner_stats
from expctl.tracking.models.table_arrays import hidden_state
from expctl.tracking.readers import sqlite
from expctl.tracking.readers.protocol import WHOLE, Query
from expctl.training.fit.skops_file import untrusted_types
from tests.tracking.random_stores import MadeRun, rewrite

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(expctl.__file__).parent
STORES = Path(__file__).parent / "tracking" / "stores"
OTHERS = sorted(path for path in PACKAGE.rglob("*.py") if path.name not in ("compat.py", "model_types.py"))

# Modules without an underscore that their packages do not document either.
INTERNAL: Final = (
    "mlflow.store",
    "mlflow.tracking.client",
    "joblib.externals",
    "sklearn.externals",
    "typer.rich_utils",
)


def relies(holds: bool, package: str, sentence: str) -> None:
    """Fail with the sentence, and the release in which it is no longer so."""
    assert holds, f"{package} {version(package)}: {sentence}"


# Nobody else touches what is private.


def reached(tree: ast.AST) -> Iterator[str]:
    """Each private name of another package, as a module of ours writes it."""
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if _is_private(alias.name))
        elif isinstance(node, ast.ImportFrom) and not (node.module or "").startswith(("expctl", "__future__")):
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (name for name in names if _is_private(name))
        elif isinstance(node, ast.Attribute) and _hidden(node.attr) and ast.unparse(node.value) not in ("self", "cls"):
            yield from (name for name in (ast.unparse(node),) if node.attr not in own and name != "os._exit")
        elif isinstance(node, ast.Attribute) and node.attr == "__mro__":
            yield ast.unparse(node)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "hasattr", "setattr", "delattr"):
            name = node.args[1]
            yield from (ast.unparse(node) for _ in "x" if isinstance(name, ast.Constant) and _hidden(str(name.value)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"[\w.]+", node.value):
            yield from (name for name in (node.value,) if "." in name.strip(".") and _is_private(name))


def _hidden(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def _is_private(path: str) -> bool:
    internal = any(path == one or path.startswith(f"{one}.") for one in INTERNAL)
    return internal or any(_hidden(part) for part in path.split("."))


@pytest.mark.parametrize("path", OTHERS, ids=[str(path.relative_to(PACKAGE)) for path in OTHERS])
def test_no_other_module_reaches_into_a_package(path: Path) -> None:
    found = list(reached(ast.parse(path.read_text())))
    assert found == [], "what other packages do not promise belongs into expctl/compat.py, with a test of it here"


@pytest.mark.parametrize(
    "code",
    [
        "import skops.io._utils",
        "from skops.io._utils import get_state",
        "from mlflow.tracking import _tracking_service",
        "from mlflow.store.db.utils import create_sqlalchemy_engine",
        "from joblib.externals.loky import ProcessPoolExecutor",
        "backend._hard_delete_run(run)",
        "hasattr(backend, '_hard_delete_run')",
        "TRUSTED = ('sklearn.tree._tree.Tree',)",
        "LOGGER = 'mlflow.store.db.utils'",
        "typer.BadParameter.__mro__[1]",
    ],
)
def test_whoever_reaches_into_a_package_is_found(code: str) -> None:
    assert len(list(reached(ast.parse(code)))) == 1


def test_asking_for_nothing_loads_nothing() -> None:
    """Every room imports it, and `--help` most of them."""
    code = "import sys; before = set(sys.modules); import expctl.compat; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    packages = {name.partition(".")[0] for name in done.stdout.split()}
    assert packages - set(sys.stdlib_module_names) == {"expctl"}


# MLflow


def test_mlflow_has_one_schema_and_it_is_one_that_the_reader_knows() -> None:
    from alembic.script import ScriptDirectory

    heads = ScriptDirectory(str(compat.migrations())).get_heads()
    relies(
        len(heads) == 1 and heads[0] in compat.REVISIONS,
        "mlflow",
        f"its schema {', '.join(heads)} is not in compat.REVISIONS: run tests/tracking/test_readers.py on it, then add"
        " it. Until then its stores are read through MLflow's client, 2 s slower",
    )


def test_mlflow_has_the_tables_and_columns_that_we_read(migrated_store: Path) -> None:
    with closing(sqlite3.connect(migrated_store)) as database:
        for table, columns in compat.TABLES.items():
            there = {row[1] for row in database.execute(f"PRAGMA table_info({table})")}
            gone = columns - there
            relies(
                not gone,
                "mlflow",
                f"its table {table} has no {', '.join(sorted(gone))}: the SQLite reader must not serve this revision",
            )


def test_no_table_or_column_is_read_that_is_not_named_as_relied_upon(folder: Path) -> None:
    """SQLite itself says what is read."""
    path = Path("mlflow.db")
    values: dict[str, Any] = {"params": {"c": "1"}, "metrics": {"f1": 0.5}, "tags": {"team": "nlp"}}
    rewrite(path, [MadeRun("n", "FINISHED", 1, 2, False, 1, **values)])
    seen: set[tuple[str, str]] = set()

    def look(action: int, table: str | None, column: str | None, *_: object) -> int:
        if (
            action == sqlite3.SQLITE_READ
            and table
            and column
            and not table.startswith(("sqlite_", "json_each", "found"))
        ):
            seen.add((table, column))
        return sqlite3.SQLITE_OK

    reader = sqlite.connect(path, f"sqlite:///{path}")
    reader._database.set_authorizer(look)
    for experiment in reader.experiments():
        for run in reader.find(Query((experiment.experiment_id,), columns=WHOLE)):
            assert reader.get(run.run_id) == run
            reader.history(run.run_id, "f1")
            reader.folders(run)
            reader.spaces("c", [experiment.experiment_id])
    assert reader.keys()["metrics"] == ["f1"]
    assert reader.registered() == []
    planner_stats.are_stale(reader._database)
    reader._database.execute("SELECT version_num FROM alembic_version")
    named = {(table, column) for table, columns in compat.TABLES.items() for column in columns}
    assert {(table, column) for table, column in seen if column != "ROWID"} - named == set()
    assert {table for table, _ in named} <= {table for table, _ in seen}


def test_mlflow_logs_the_errors_of_a_database_under_the_name_that_is_silenced() -> None:
    from mlflow.store.db import utils

    relies(
        getattr(utils, "_logger", None) is not None and utils._logger.name == compat.DATABASE_LOGGER,
        "mlflow",
        f"it no longer logs as {compat.DATABASE_LOGGER}: its tracebacks would stand above our one line",
    )


def test_mlflow_deletes_for_good_by_two_methods_of_its_store(folder: Path) -> None:
    from mlflow.store.tracking.rest_store import RestStore
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    wanted = ("_hard_delete_run", "_hard_delete_logged_model", "_hard_delete_experiment")
    relies(
        all(hasattr(SqlAlchemyStore, name) for name in wanted),
        "mlflow",
        "its SQL store has no _hard_delete_run, _logged_model or _experiment: look at what `mlflow gc` calls now",
    )
    relies(
        not hasattr(RestStore, wanted[0]),
        "mlflow",
        "the store of a server has _hard_delete_run too: ask otherwise, or allow --purge there",
    )
    store = compat.tracking_store(f"sqlite:///{Path.cwd()}/mlflow.db")
    relies(
        isinstance(store, SqlAlchemyStore) and compat.can_hard_delete(store),
        "mlflow",
        "_tracking_service.utils._get_store no longer gives the store of a URI: look at what `mlflow gc` calls",
    )


def test_mlflow_makes_the_tables_of_an_empty_file_where_it_is_told_to(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    compat.make_tables(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as database:
        names = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        revisions = {revision for (revision,) in database.execute("SELECT version_num FROM alembic_version")}
    relies(
        names >= set(compat.table_names()) >= compat.TABLES.keys() - {"alembic_version"}
        and revisions <= compat.REVISIONS.keys(),
        "mlflow",
        "store.db.utils._initialize_tables no longer makes all tables of Base.metadata: let mlflow.MlflowClient open"
        " the file under its temporary name",
    )


def test_mlflow_upgrades_a_file_where_it_is_told_to(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(gzip.decompress((STORES / "mlflow-3.5.1.sql.gz").read_bytes()).decode())
    compat.upgrade_tables(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as database:
        revisions = {revision for (revision,) in database.execute("SELECT version_num FROM alembic_version")}
    relies(
        bool(revisions) and revisions <= compat.REVISIONS.keys(),
        "mlflow",
        "store.db.utils._upgrade_db no longer upgrades the tables of an engine: look at what `mlflow db upgrade` calls",
    )


def test_mlflow_s_script_says_in_its_text_which_schema_comes_after_which() -> None:
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(compat.migrations()))
    found = {one.revision for one in script.walk_revisions() if compat.is_superseded(one.revision)}
    relies(
        found == {one.revision for one in script.walk_revisions()} - set(script.get_heads()),
        "mlflow",
        "a line `down_revision = ...` is written otherwise: older stores are no longer read",
    )
    assert not compat.is_superseded("ffffffffffff")


def test_mlflow_makes_the_engine_of_a_database(tmp_path: Path) -> None:
    with compat.engine(f"sqlite:///{tmp_path / 'x.db'}") as engine:
        relies(
            engine.dialect.name == "sqlite",
            "mlflow",
            "store.db.utils.create_sqlalchemy_engine_with_retry gives no engine any more: use SQLAlchemy's",
        )


@pytest.mark.parametrize("release", ["1.30.1", "2.9.2", "3.5.1"])
def test_older_mlflows_had_the_tables_that_we_read_of_their_stores(release: str) -> None:
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(gzip.decompress((STORES / f"mlflow-{release}.sql.gz").read_bytes()).decode())
        for table, columns in compat.TABLES.items():
            there = {row[1] for row in database.execute(f"PRAGMA table_info({table})")}
            later = columns if table in compat.LATER_TABLES and not there else compat.LATER_COLUMNS
            assert columns - there <= later, table


def test_alembic_names_what_is_to_replace_a_table_as_doctor_looks_for_it(tmp_path: Path) -> None:
    import sqlalchemy
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'x.db'}")
    statements: list[str] = []
    sqlalchemy.event.listen(engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE runs (a INTEGER)"))
        with Operations(MigrationContext.configure(connection)).batch_alter_table("runs") as batch:
            batch.alter_column("a", nullable=False)
    engine.dispose()
    relies(
        any(f"CREATE TABLE {compat.MIGRATED_TABLE}runs" in statement for statement in statements),
        "alembic",
        f"it calls its copies otherwise than {compat.MIGRATED_TABLE}...: doctor no longer sees an upgrade cut short",
    )


def test_mlflow_gives_what_deletes_the_files_of_a_location(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "file.txt").write_text("x")
    compat.artifact_repository((tmp_path / "run").as_uri(), f"sqlite:///{tmp_path / 'x.db'}").delete_artifacts()
    relies(
        not (tmp_path / "run" / "file.txt").exists(),
        "mlflow",
        "get_artifact_repository(uri, tracking_uri=...).delete_artifacts() no longer deletes: look at what `mlflow gc`"
        " calls",
    )


def test_mlflows_client_is_made_of_the_two_that_ask_no_questions_of_their_own(tmp_path: Path) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{tmp_path / 'x.db'}")
    calls = ("set_model_version_tag", "delete_model_version_tag", "delete_model_version", "set_registered_model_alias")
    relies(
        all(hasattr(compat.registry_client(client), name) for name in (*calls, "delete_registered_model_alias"))
        and hasattr(compat.tracking_client(client), "set_logged_model_tags"),
        "mlflow",
        "MlflowClient has no _get_registry_client() or _tracking_client: call the client itself, twice the requests",
    )
    client.create_registered_model("reviews")
    client.register_prompt("greeting", "hello")
    kinds = [
        compat.is_prompt(compat.registry_client(client).get_registered_model(name)) for name in ("reviews", "greeting")
    ]
    relies(kinds == [False, True], "mlflow", "prompts are told otherwise: see MlflowClient._raise_if_prompt")
    run = client.create_run("0")
    client.log_metric(run.info.run_id, "loss", 0.5, timestamp=7, step=3)
    latest = compat.latest_values(client.get_run(run.info.run_id))
    relies(
        [(key, one.value, one.timestamp, one.step) for key, one in latest.items()] == [("loss", 0.5, 7, 3)],
        "mlflow",
        "RunData has no _metric_objs: ask for the whole history of every metric in export",
    )


VARIABLE = re.compile(r"MLFLOW_[A-Z0-9_]+[A-Z0-9]")


def test_mlflow_reads_every_variable_of_its_own_that_we_read_or_set() -> None:
    import mlflow

    root = Path(mlflow.__file__).parent
    # Where it declares them: the list of all, the options of `mlflow server`, the artifacts on S3.
    texts = [(root / name).read_text("utf-8") for name in ("environment_variables.py", "cli/__init__.py")]
    known = {name for text in texts for name in VARIABLE.findall(text)}
    for path in PACKAGE.rglob("*.py"):
        gone = set(VARIABLE.findall(path.read_text())) - known
        relies(not gone, "mlflow", f"it no longer knows {', '.join(sorted(gone))}, which {path.name} names")


# scikit-learn


def test_scikit_learn_counts_the_terms_of_texts_in_count_vocab() -> None:
    import numpy as np
    from scipy import sparse
    from sklearn.feature_extraction.text import TfidfVectorizer

    calls: list[bool] = []

    def count(documents: list[str], fixed_vocab: bool) -> Any:
        calls.append(fixed_vocab)
        return {"b": 0, "a": 1}, sparse.csr_array(np.array([[1.0, 2.0], [1.0, 0.0]]))

    vectorizer = TfidfVectorizer()
    compat.replace_counting(vectorizer, count)
    vectorizer.fit_transform(["x", "y"])
    vectorizer.transform(["x", "y"])
    compat.restore_counting(vectorizer)
    relies(
        calls == [False, True] and vectorizer.vocabulary_ == {"a": 0, "b": 1},
        "scikit-learn",
        "TfidfVectorizer no longer counts by _count_vocab(raw_documents, fixed_vocab) -> (vocabulary, matrix), once in"
        " fit_transform and once in transform: let every trial count for itself (leave `counted` out), which is slower",
    )
    assert vectorizer.transform(["b"]).shape == (1, 2)


def test_a_vectorizer_keeps_an_address_by_the_name_that_comparisons_leave_out() -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    relies(
        model_types.STOP_WORDS_ID in vars(TfidfVectorizer(stop_words=["the"]).fit(["the film"])),
        "scikit-learn",
        f"vectorizers have no {model_types.STOP_WORDS_ID}: if nothing took its place, comparisons need not leave it"
        " out",
    )


def test_a_calibrated_classifier_holds_the_types_that_are_trusted_and_one_classifier() -> None:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.naive_bayes import MultinomialNB

    fitted = CalibratedClassifierCV(MultinomialNB(), cv=2, ensemble=False).fit([[0.0], [1.0]] * 4, [0, 1] * 4)
    (inner,) = fitted.calibrated_classifiers_
    held = {f"{type(one).__module__}.{type(one).__qualname__}" for one in (inner, *inner.calibrators)}
    relies(
        held == set(model_types.CALIBRATION) and isinstance(inner.estimator, MultinomialNB),
        "scikit-learn",
        f"it holds {held}: calibrated models are not loaded until model_types.CALIBRATION names them",
    )


def test_the_tree_of_a_forest_has_the_type_that_is_trusted_and_the_arrays_that_are_checked() -> None:
    from scipy import sparse
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.svm import SVC
    from sklearn.tree import DecisionTreeClassifier

    tree = DecisionTreeClassifier().fit([[0.0], [1.0]], [0, 1]).tree_
    relies(
        f"{type(tree).__module__}.{type(tree).__qualname__}" == model_types.TREE and type(tree) is compat.tree_type(),
        "scikit-learn",
        f"its trees are no longer {model_types.TREE}: models of forests are not loaded until model_types.TREE names"
        " their type",
    )
    relies(
        all(hasattr(tree, name) for name in ("node_count", "capacity", "children_left", "children_right", "feature")),
        "scikit-learn",
        "its trees lack an array that models.safety checks: an unchecked index reads past the memory of the process",
    )
    rows = [type(one([[1.0]])) for one in (sparse.csr_matrix, sparse.csr_array)]
    relies(
        tuple(f"{kind.__module__}.{kind.__qualname__}" for kind in rows) == model_types.SPARSE,
        "SciPy",
        "its sparse rows have other names: models of neighbours and support vectors are not loaded until compat knows",
    )
    support = SVC().fit(sparse.csr_matrix([[0.0], [1.0]]), [0, 1])
    numbers, *arrays, is_sparse, is_probable = hidden_state(support, model_types.SUPPORT)
    relies(
        (numbers.tolist(), is_sparse, bool(is_probable)) == ([1, 1], True, False)
        and not any(one is None for one in arrays)
        and hidden_state(SVC, model_types.SOLVER) == ["c_svc"],
        "scikit-learn",
        "SVC keeps other arrays than those that models.safety checks",
    )
    neighbours = KNeighborsClassifier(1, algorithm="brute").fit([[0.0], [1.0]], [0, 1])
    relies(
        hidden_state(neighbours, model_types.NEIGHBOURS)[1].tolist() == [0, 1],
        "scikit-learn",
        "neighbours keep other arrays than those that models.safety checks",
    )
    relies("nodes" in tree.__getstate__(), "scikit-learn", "the state of a tree has no nodes to compare")


def test_the_parts_that_read_tables_have_the_types_that_are_trusted_and_the_arrays_that_are_checked() -> None:
    import numpy as np
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import PoissonRegressor
    from sklearn.model_selection import KFold, StratifiedKFold
    from sklearn.neural_network import MLPClassifier
    from sklearn.preprocessing import OneHotEncoder

    rows, labels = np.array([[0.0], [1.0]] * 20), [0, 1] * 20
    boosted = HistGradientBoostingClassifier(max_iter=1, categorical_features=[0]).fit(rows, labels)
    held = (
        boosted, PoissonRegressor().fit(rows, labels), MLPClassifier((1,), max_iter=20, tol=9.0).fit(rows, labels),
        KFold(), StratifiedKFold(),
    )  # fmt: skip
    ours = {model_types.BOOSTED_TREE, *model_types.LOSSES, *model_types.CATEGORIES, *model_types.OPTIMIZERS}
    ours.update(model_types.FOLDS)
    unknown = {name for one in held for name in untrusted_types(compat.dump_unindented(one))}
    relies(unknown <= ours, "scikit-learn", f"its models hold {unknown - ours}: they are not loaded until compat knows")
    iterations, mapper, baseline, preprocessor = hidden_state(boosted, model_types.BOOSTING)
    relies(
        all(hasattr(iterations[0][0], name) for name in ("nodes", "raw_left_cat_bitsets"))
        and all(hasattr(mapper, name) for name in ("is_categorical_", "bin_thresholds_"))
        and baseline.shape == (1, 1)
        and isinstance(preprocessor, ColumnTransformer)
        and hidden_state(preprocessor, model_types.COLUMNS) != [None],
        "scikit-learn",
        "histogram gradient boosting keeps other arrays than those that models.safety checks",
    )
    grouped, rare, mappings, dropped, widths = hidden_state(
        OneHotEncoder(min_frequency=2, drop="first").fit([["a"], ["a"], ["b"], ["c"]]), model_types.ONE_HOT
    )
    relies(
        (grouped, rare[0].tolist(), mappings[0].tolist(), dropped.tolist(), widths)
        == (True, [1, 2], [0, 1, 1], [0], [1]),
        "scikit-learn",
        "a one-hot encoder keeps other arrays than those that models.safety checks",
    )


# skops


def test_skops_writes_the_state_of_an_estimator_as_we_do_without_blanks() -> None:
    import skops.io
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    try:
        ours = compat.dump_unindented(fitted)
    except (ImportError, AttributeError, TypeError) as error:
        relies(False, "skops", f"{error}: let compat.dump_unindented be skops.io.dumps, three times the size and time")
    theirs = skops.io.dumps(fitted)
    relies(
        _without_identities(json.loads(_schema(ours))) == _without_identities(json.loads(_schema(theirs))),
        "skops",
        "skops.io.dumps writes another schema.json than compat.dump_unindented: write the same but for its indentation",
    )
    assert b"\n" not in _schema(ours)
    relies(b"\n" in _schema(theirs), "skops", "skops.io.dumps writes no blanks any more: use it, and nothing private")
    assert skops.io.loads(ours).coef_ == fitted.coef_


_BY_ITSELF: Final = "import skops.io"
_OURS: Final = "from expctl import compat; compat.skops_io()"


def _trusted(*lines: str) -> dict[str, Any]:
    """What skops trusts of scikit-learn in a process that has run some lines, and how many of its modules it has."""
    code = "\n".join(
        [
            *lines,
            "import json, sys; from skops.io import _general as one, _trusted_types as two",
            "assert one.SKLEARN_ESTIMATOR_TYPE_NAMES is two.SKLEARN_ESTIMATOR_TYPE_NAMES",
            "lists = {name: sorted(value) for name, value in vars(two).items() if name.endswith('_TYPE_NAMES')}",
            "print(json.dumps({**lists, 'modules': sum(name.startswith('sklearn.') for name in sys.modules)}))",
        ]
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    relies(done.returncode == 0, "skops", f"its lists of trusted types are elsewhere: {done.stderr[-300:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_boosted_trees_are_fitted_on_columns_without_a_value_and_otherwise_as_ever() -> None:
    import numpy as np
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.ensemble._hist_gradient_boosting import binning

    usual = binning._find_binning_thresholds
    rows = np.c_[np.full(60, np.nan), np.arange(60) % 7, np.where(np.arange(60) % 3, np.nan, np.arange(60))]
    model = HistGradientBoostingRegressor(max_iter=3, min_samples_leaf=2)
    alone = model.fit(rows[:, 1:], rows[:, 1]).predict(rows[:, 1:])
    with compat.empty_columns_binned():
        try:
            fitted = model.fit(rows, rows[:, 1])
        except ValueError as error:
            relies(False, "scikit-learn", f"{error}: it divides columns into bins by another function")
    assert (fitted.predict(rows) == alone).all()
    assert binning._find_binning_thresholds is usual


@pytest.mark.slow
def test_skops_can_be_had_without_its_walk_through_scikit_learn_and_completed() -> None:
    whole, few, completed = _trusted(_BY_ITSELF), _trusted(_OURS), _trusted(_OURS, "assert compat.complete_skops()")
    names = whole["SKLEARN_ESTIMATOR_TYPE_NAMES"]
    relies(few["modules"] < whole["modules"] - 50, "skops", "it walks anyhow: let compat.skops_io be an import")
    relies(
        set(model_types.COMMON_ESTIMATORS) <= set(names),
        "scikit-learn",
        "it has estimators of model_types.COMMON_ESTIMATORS elsewhere: name their new places, or models wait",
    )
    assert few["SKLEARN_ESTIMATOR_TYPE_NAMES"] == sorted(model_types.COMMON_ESTIMATORS)
    walked = {"modules": None, "SKLEARN_ESTIMATOR_TYPE_NAMES": None}
    assert {**few, **walked} == {**whole, **walked}
    assert {**completed, "modules": None} == {**whole, "modules": None}


@pytest.mark.slow
def test_the_functions_that_skops_trusts_are_found_without_asking_each_module() -> None:
    """Nor do modules change what is found that make their names when they are asked, as MLflow's do, or are none."""
    asked = "import sys, types; asked = []; lazy = types.ModuleType('lazy'); lazy.__getattr__ = asked.append"
    none = "sys.modules['none'] = type('Lib', (), {'__slots__': (), '__class__': types.ModuleType})()"  # as cffi's
    before = f"{asked}; {none}; import pandas; sys.modules['lazy'] = lazy; import scipy.special"
    usual, ours = _trusted(before, _BY_ITSELF, "assert asked"), _trusted(before, _OURS, "assert not asked")
    names = [name for name in usual if "UFUNC" in name]
    relies(sum(len(usual[name]) for name in names) > 300, "skops", "it finds no functions: leave whichmodule alone")
    assert [ours[name] for name in names] == [usual[name] for name in names]
    restored = "from skops.io import _utils; assert _utils.whichmodule.__module__ == _utils.__name__"
    assert _trusted(_OURS, restored)["NUMPY_UFUNC_TYPE_NAMES"] == usual["NUMPY_UFUNC_TYPE_NAMES"]


@pytest.mark.slow
def test_a_skops_that_somebody_else_has_imported_is_complete() -> None:
    assert _trusted(_BY_ITSELF, _OURS, "assert not compat.complete_skops()") == _trusted(_BY_ITSELF)


def test_mlflow_writes_the_same_model_without_its_warnings_of_packages(tmp_path: Path) -> None:
    import mlflow.sklearn
    from mlflow.models import Model
    from mlflow.utils import environment
    from sklearn.dummy import DummyClassifier

    asked: list[object] = []

    def written(name: str) -> dict[str, bytes]:
        mlflow.sklearn.save_model(
            DummyClassifier(),
            str(tmp_path / name),
            mlflow_model=Model(model_uuid="1", run_id="2", utc_time_created="2026"),  # type: ignore[no-untyped-call]
            serialization_format="skops",
            pip_requirements=["scikit-learn==0.1"],
        )
        return {path.name: path.read_bytes() for path in (tmp_path / name).iterdir() if path.name != "model.skops"}

    name = "warn_dependency_requirement_mismatches"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(environment, name, asked.append)
        usual = written("usual")
        relies(len(asked) == 1, "mlflow", "save_model warns elsewhere: compat.without_package_warnings spares nothing")
        with compat.without_package_warnings():
            assert written("ours") == usual
        assert len(asked) == 1
        assert getattr(environment, name) == asked.append


def _schema(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read("schema.json")


def _without_identities(value: Any) -> Any:
    """Without the addresses of objects, and the names of files made of random numbers."""
    if isinstance(value, dict):
        return {key: _without_identities(one) for key, one in value.items() if key not in ("__id__", "file")}
    return [_without_identities(one) for one in value] if isinstance(value, list) else value


# loky


def test_a_pool_of_loky_takes_variables_an_initializer_and_kills_its_workers() -> None:
    import inspect

    pool = compat.process_pool()
    wanted = {"max_workers", "timeout", "env", "initializer", "initargs"}
    relies(
        wanted <= inspect.signature(pool).parameters.keys()
        and "kill_workers" in inspect.signature(pool.shutdown).parameters,
        "joblib",
        "loky's ProcessPoolExecutor lacks env, initializer or shutdown(kill_workers=): depend on loky itself, or start"
        " the workers of a sweep by the standard library with the variables in this process",
    )


GONE = """
import os, signal, sys, tempfile
from expctl import compat
for name in sys.argv[1:]:
    compat.remove_when_gone(name)
compat.forget_folder(sys.argv[2])
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_tracker_of_loky_removes_a_folder_when_its_process_was_killed(tmp_path: Path) -> None:
    import time

    for name in ("scratch", "forgotten"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").write_text("x")
    places = [str(tmp_path / name) for name in ("scratch", "forgotten")]
    subprocess.run([sys.executable, "-c", GONE, *places], capture_output=True, check=False)
    for _ in range(300):
        if not (tmp_path / "scratch").exists():
            break
        time.sleep(0.1)
    relies(
        sorted(path.name for path in tmp_path.iterdir()) == ["forgotten"],
        "joblib",
        "loky's resource_tracker no longer removes registered folders: a killed sweep would leave its data in TMPDIR",
    )


# Typer


def test_typer_has_one_base_of_its_usage_errors_that_says_what_is_wrong() -> None:
    import typer

    base = compat.typer_usage_error()
    app = typer.Typer()
    app.command()(lambda number: None)
    raised: list[BaseException] = []
    for words in (["--nonsense"], [], ["1", "2"]):
        try:
            app(words, standalone_mode=False)
        except Exception as error:
            raised.append(error)
    relies(
        len(raised) == 3 and all(isinstance(error, base) for error in raised) and issubclass(typer.BadParameter, base),
        "typer",
        "BadParameter has no base UsageError that all usage errors share: a typo would be told as a bug, with code 1",
    )
    relies(
        all(callable(getattr(error, "format_message", None)) and hasattr(error, "ctx") for error in raised),
        "typer",
        "its usage errors have no format_message() or ctx: cli.app makes its line of both",
    )
