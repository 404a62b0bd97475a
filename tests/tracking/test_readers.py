"""The readers agree, with each other and with MLflow's client: same runs, same order, same values, whatever is asked.

    EXPCTL_TEST_CASES=20000 pytest tests/tracking/test_readers.py      (200 where it is not set)

Hypothesis makes the cases from a fixed seed, `SEED`.
"""

from __future__ import annotations

import math
import os
import shutil
from dataclasses import fields, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import mlflow
import pytest
import sqlalchemy
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from mlflow.entities import ViewType
from packaging.version import Version

from expctl import compat
from expctl.analysis.ranking import kind_of
from expctl.filters.expression import And, Condition, Expression, Field, Not, Or, Order
from expctl.settings import Settings
from expctl.tracking.readers import mlflow_search, sqlite
from expctl.tracking.readers.mlflow_client import ClientReader, record
from expctl.tracking.readers.older_database import OlderDatabaseReader
from expctl.tracking.readers.protocol import WHOLE, Projection, Query
from expctl.tracking.store import open_store
from tests.tracking.random_stores import (
    CONTEXTS,
    KEYS,
    STATUSES,
    MadeRun,
    id_of,
    keys,
    numbers,
    rewrite,
    stores,
    texts,
    times,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from expctl.records import RunRecord

CASES: Final = int(os.environ.get("EXPCTL_TEST_CASES", "200"))
SEED: Final = 20_261_123

many = settings(
    max_examples=CASES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


class Both:
    """One store that is written anew for each case, the two readers of it, and that of older databases."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.settings = Settings(tracking_uri=f"sqlite:///{path}", experiment="number 1")
        self.client = mlflow.MlflowClient(self.settings.tracking_uri)
        self.through_client = ClientReader(self.client, self.settings)
        self.direct = sqlite.connect(path, self.settings.tracking_uri)
        self.engine, tables = sqlalchemy.create_engine(f"sqlite:///{path}"), sqlalchemy.MetaData()
        tables.reflect(self.engine, only=lambda name, _: name in compat.TABLES, resolve_fks=False)
        self.of_older = OlderDatabaseReader(self.engine, self.settings, tables)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, migrated_store: Path) -> Iterator[Both]:
    path = tmp_path_factory.mktemp("readers") / "mlflow.db"
    shutil.copy(migrated_store, path)
    page, mlflow_search.PAGE = mlflow_search.PAGE, 3  # so that a handful of runs is several pages
    ahead, sqlite._AHEAD = sqlite._AHEAD, 4  # and the first of them by a metric are not all of them
    near, sqlite._NEAR = sqlite._NEAR, 0
    made = Both(path)
    yield made
    made.engine.dispose()
    mlflow_search.PAGE, sqlite._AHEAD, sqlite._NEAR = page, ahead, near


def told(run: RunRecord) -> dict[str, Any]:
    """A record as something that equals itself, NaN and minus zero included; the store adds the experiment's name."""
    found = {one.name: getattr(run, one.name) for one in fields(run) if one.name != "experiment"}
    return {
        **found,
        "metrics": {key: repr(value + 0.0) for key, value in run.metrics.items()},
        "datasets": list(run.datasets),
    }


fields_of_runs = st.one_of(
    st.builds(Field, st.just("metrics"), keys),
    st.builds(Field, st.sampled_from(["params", "metrics", "tags"]), keys),
    st.builds(
        Field,
        st.just("attributes"),
        st.sampled_from(["run_id", "run_name", "status", "user_id", "start_time", "end_time", "duration"]),
    ),
    st.builds(Field, st.just("datasets"), st.sampled_from(["name", "digest", "context"])),
)
_IDS: Final = tuple(id_of(i) for i in range(7))
patterns = st.sampled_from(["%", "", "a%", "%b", "a_b", "_", "%1%", "%é", "日%", "%\\", "%'%", "%%%x%x%"]) | texts


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    one = draw(fields_of_runs)
    if draw(st.integers(0, 7)) == 0:
        return Condition(one, "has")
    if one.space == "datasets":
        values = st.sampled_from(["train", "日本", "d1", "d'2", "training", "eval's"])
        return draw(_of_texts(one, values))
    if draw(st.integers(0, 7)) == 0:
        other = draw(fields_of_runs.filter(lambda field: field.space != "datasets"))
        return Condition(one, draw(st.sampled_from(["=", "!=", "<", "<=", ">", ">="])), other)
    if one.numeric or (one.space in ("params", "tags") and draw(st.booleans())):
        values = times.map(float) if one.space == "attributes" and one.key != "duration" else numbers
        values = values.filter(lambda value: not math.isnan(value))
        if draw(st.integers(0, 5)) == 0:
            lists = st.lists(values, min_size=1, max_size=3).map(tuple)
            return Condition(one, draw(st.sampled_from(["in", "not in"])), draw(lists))
        return Condition(one, draw(st.sampled_from(["=", "!=", "<", "<=", ">", ">="])), draw(values))
    known = {"status": STATUSES, "run_id": _IDS, "user_id": ("ada", "bob")}
    return draw(_of_texts(one, st.sampled_from(known[one.key]) if one.key in known else texts))


def _of_texts(one: Field, values: st.SearchStrategy[str]) -> st.SearchStrategy[Condition]:
    return st.one_of(
        st.builds(Condition, st.just(one), st.sampled_from(["=", "!="]), values),
        st.builds(Condition, st.just(one), st.sampled_from(["like", "ilike"]), patterns),
        st.builds(
            Condition,
            st.just(one),
            st.sampled_from(["in", "not in"]),
            st.lists(values, min_size=1, max_size=3).map(tuple),
        ),
    )


def _joined(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    parts = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return st.one_of(st.builds(And, parts), st.builds(Or, parts), st.builds(Not, inner))


expressions = st.recursive(conditions(), _joined, max_leaves=5)
orders = st.lists(
    st.builds(Order, fields_of_runs.filter(lambda field: field.space != "datasets"), st.booleans()), max_size=2
).map(tuple)
some_keys = st.none() | st.frozensets(keys, max_size=3)
queries = st.builds(
    Query,
    experiments=st.sampled_from([("1",), ("2",), ("1", "2")]),
    where=st.one_of(conditions(), conditions(), conditions(), expressions, st.just(And())),
    order=orders,
    limit=st.none() | st.integers(1, 8),
    columns=st.just(WHOLE) | st.builds(Projection, some_keys, some_keys, some_keys, datasets=st.booleans()),
    deleted=st.integers(0, 4).map(lambda n: n == 0),
)


@pytest.mark.slow
@seed(SEED)
@many
@given(stores, queries)
def test_both_readers_find_the_same_runs_in_the_same_order_with_the_same_values(both, runs, query):
    rewrite(both.path, runs)
    found = both.direct.find(query)
    assert [told(run) for run in found] == [told(run) for run in both.through_client.find(query)]
    if query.limit is None:
        assert both.direct.count(query) == len(found)
        assert list(found[0].params) == list(both.through_client.find(query)[0].params) if found else True


@seed(SEED)
@settings(many, max_examples=max(50, CASES // 4))
@given(stores, queries, keys)
def test_the_reader_of_older_databases_tells_the_same_of_the_same_tables(both, runs, query, key):
    rewrite(both.path, runs)
    reader = both.of_older
    found = reader.find(query)
    assert [told(run) for run in found] == [told(run) for run in both.direct.find(query)]
    assert reader.experiments() == both.direct.experiments()
    assert reader.keys() == both.direct.keys()
    assert reader.spaces(key, query.experiments) == both.direct.spaces(key, query.experiments)
    for run in found[:1]:
        assert told(reader.get(run.run_id)) == told(both.direct.get(run.run_id))
        assert reader.folders(run) == both.direct.folders(run)
        for metric in run.metrics:
            assert str(reader.history(run.run_id, metric)) == str(both.direct.history(run.run_id, metric))
    assert reader.get("0") is None


# MLflow's own language, as it is written, in all the ways that it can be.
quoted_keys = st.sampled_from(
    ["c", "f1_score"] * 5
    + ["c", "f1_score", "`a b`", '"a b"', "x.y", "`x.y`", '"it\'s"', '`say "no"`', "`both ' and \"`", "`日本`", "`a/b`"]
)
quoted_texts = texts.filter(lambda text: "\\" not in text and not {"'", '"'} <= set(text)).map(
    lambda text: f'"{text}"' if "'" in text else f"'{text}'"
)
spaces = st.sampled_from([("metrics", "metric"), ("params", "param", "parameter"), ("tags", "tag")])
texts_compared = st.sampled_from(["=", "!=", "LIKE", "ILIKE", "like", "ilike"])
numbers_compared = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
plain_numbers = st.sampled_from(["0", "1", "-2.5", "0.5", ".5", "10", "1e-3", "0.30000000000000004", "-1", "1.0E2"])


@st.composite
def clauses(draw: st.DrawFn) -> str:
    kind = draw(st.integers(0, 6))
    if kind == 0:
        prefix = draw(st.sampled_from(["metrics", "metric"]))
        return f"{prefix}.{draw(quoted_keys)} {draw(numbers_compared)} {draw(plain_numbers)}"
    if kind in (1, 2):
        prefix = draw(st.sampled_from(["params", "param", "parameter", "parameters", "tags", "tag"]))
        null = draw(st.sampled_from(["", "", "", " IS NULL", " IS NOT NULL", " is null"]))
        key = draw(quoted_keys)
        return f"{prefix}.{key}{null}" if null else f"{prefix}.{key} {draw(texts_compared)} {draw(quoted_texts)}"
    if kind == 3:
        name = draw(st.sampled_from(["attributes.", "attribute.", "attr.", "run.", ""]))
        key, value = draw(
            st.sampled_from(
                [("status", "'FAILED'"), ("run_name", "'it''s'"), ("run_id", f"'{_IDS[1]}'"), ("user_id", "'ada'")]
            )
        )
        return f"{name}{key} {draw(texts_compared if key != 'status' else st.sampled_from(['=', '!=']))} {value}"
    if kind == 4:
        name = draw(
            st.sampled_from(["attributes.start_time", "start_time", "end_time", "created", "attributes.Created"])
        )
        return f"{name} {draw(numbers_compared)} {draw(times)}"
    if kind == 5:
        ids = draw(st.lists(st.sampled_from(_IDS), min_size=1, max_size=3))
        return f"attributes.run_id {draw(st.sampled_from(['IN', 'in', 'NOT IN']))} ({', '.join(map(repr, ids))})"
    key = draw(st.sampled_from(["name", "digest"]))
    value = draw(st.sampled_from(["'train'", "'d1'", '"d\'2"', "'日本'"]))
    return f"{draw(st.sampled_from(['dataset', 'datasets']))}.{key} {draw(texts_compared)} {value}"


# sqlparse reads `NOT IN` and `IS NULL` only where nothing precedes them in some versions: one such clause, first.
def _sentence(parts: list[str]) -> str:
    special = [one for one in parts if " IN " in one.upper() or " IS " in one.upper()]
    return " AND ".join([*special[:1], *(one for one in parts if one not in special)])


sentences = st.lists(clauses(), min_size=1, max_size=3).map(_sentence)
order_texts = st.sampled_from(
    [
        [],
        ["metrics.f1_score DESC"],
        ["metrics.`a b` ASC"],
        ["attributes.start_time ASC"],
        ["metrics.c", "end_time DESC"],
    ]
)
ORDERS: Final = {
    "metrics.f1_score DESC": Order(Field("metrics", "f1_score"), True),
    "metrics.`a b` ASC": Order(Field("metrics", "a b")),
    "attributes.start_time ASC": Order(Field("attributes", "start_time")),
    "metrics.c": Order(Field("metrics", "c")),
    "end_time DESC": Order(Field("attributes", "end_time"), True),
}


@pytest.mark.slow
@pytest.mark.skipif(Version(version("mlflow")) < Version("3.17"), reason="an older MLflow means some things otherwise")
@seed(SEED)
@many
@given(stores, sentences, order_texts)
def test_what_mlflow_can_read_means_what_mlflow_means(both, runs, sentence, order):
    rewrite(both.path, runs)
    page = both.client.search_runs(["1"], sentence, ViewType.ACTIVE_ONLY, 1000, order)
    store = open_store(both.settings)
    assert isinstance(store.reader, sqlite.SqliteReader)
    found = store.find(sentence, order=[ORDERS[one] for one in order])
    assert [told(run) for run in found] == [told(record(run)) for run in page]


@seed(SEED)
@settings(many, max_examples=max(50, CASES // 10))
@given(stores, expressions, keys, st.none() | st.integers(1, 8))
def test_the_tally_counts_what_one_would_count_by_hand(both, runs, where, metric, limit):
    """Also after runs were found in the order of the metric, from which the tally takes what was read of it."""
    rewrite(both.path, runs)
    query = Query(("1", "2"), where)
    both.direct.find(replace(query, order=(Order(Field("metrics", metric), True),), limit=limit))
    by_hand: dict[tuple[str, str], int] = {}
    for run in both.through_client.find(query):
        key = (run.status, kind_of(run.metrics.get(metric)))
        if key == ("finished", "finite"):
            continue
        by_hand[key] = by_hand.get(key, 0) + 1
    assert both.direct.tally(query, metric) == by_hand


@pytest.mark.parametrize("newest", range(1, 5))
@pytest.mark.parametrize("few", [(0.1,), ()])
def test_of_runs_with_the_same_value_the_newest_comes_first_wherever_it_is(both, newest, few):
    values = (0.9, 0.5, 0.5, 0.5, 0.5, *few)
    runs = [
        MadeRun(f"n{i}", "FINISHED", 5 + (i == newest), 9, False, 1, metrics={"m": v}) for i, v in enumerate(values)
    ]
    rewrite(both.path, runs)
    query = Query(("1",), order=(Order(Field("metrics", "m"), True),), limit=2)
    assert [run.name for run in both.direct.find(query)] == ["n0", f"n{newest}"]


def test_a_metric_is_read_by_its_index_where_runs_have_very_many(both, monkeypatch):
    values = (0.5, 0.9, math.nan, math.inf, 0.9, 0.1)
    rewrite(both.path, [MadeRun(f"n{i}", "FINISHED", 5, 6, False, 1, metrics={"m": v}) for i, v in enumerate(values)])
    query = Query(("1",), order=(Order(Field("metrics", "m"), True),), limit=3)
    answers, scans = [], []
    for most in (20, 0):
        monkeypatch.setattr(sqlite, "_SCANNED", most)
        asked: list[str] = []
        both.direct._database.set_trace_callback(asked.append)
        answers.append(([run.name for run in both.direct.find(query)], both.direct.tally(query, "m")))
        scans.append(sum("NOT INDEXED" in one for one in asked))
    both.direct._database.set_trace_callback(None)
    assert answers == [(["n3", "n4", "n1"], {("finished", "NaN"): 1, ("finished", "infinite"): 1})] * 2
    assert scans == [1, 0]  # the tally takes what was read to find


def test_what_was_read_of_a_metric_is_read_again_once_somebody_wrote(both):
    query = Query(("1",), order=(Order(Field("metrics", "m"), True),), limit=3)
    for value, count, tally in (
        (math.nan, 1, {("finished", "NaN"): 1}),
        (math.inf, 1, {("finished", "infinite"): 1}),
        (0.5, 1, {}),
        (math.nan, 9, {("finished", "NaN"): 9}),  # more than were read to find
        (0.5, 1, {}),
        (-math.inf, 1, {("finished", "infinite"): 1}),
    ):
        rewrite(both.path, [MadeRun("a", "FINISHED", 5, 6, False, 1, metrics={"m": value}) for _ in range(count)])
        assert both.direct.tally(query, "m") == tally
        both.direct.find(query)
        assert both.direct.tally(query, "m") == tally


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
@pytest.mark.parametrize(
    "starts", [[50, 40, 5, 90, 10, 40, 40], [10, 20, 30, 40, 50, 60, 90], [90, 50, 40, 1, 1, 1, 3]]
)
def test_the_newest_runs_are_found_wherever_they_are_among_those_made(both, starts, limit):
    """An imported run is made late and began early; runs may begin at the same time."""
    made = [MadeRun(f"n{i}", "FINISHED", start, 99, False, 1) for i, start in enumerate(starts)]
    rewrite(both.path, made)
    for order in ((), (Order(Field("attributes", "start_time"), True),)):
        query = Query(("1",), order=order, limit=limit)
        found = both.direct.find(query)
        assert [told(run) for run in found] == [told(run) for run in both.through_client.find(query)]
        assert found[0].name == f"n{starts.index(90)}"


@pytest.mark.slow
@seed(SEED)
@settings(many, max_examples=max(50, CASES // 10))
@given(stores)
def test_keys_spaces_runs_and_histories_are_the_same(both, runs):
    rewrite(both.path, runs)
    assert both.direct.keys() == {space: list(found) for space, found in both.through_client.keys().items()} or any(
        run.deleted for run in runs
    )
    for key in (*KEYS[:4], "nothing"):
        assert set(both.direct.spaces(key, ["1"])) == set(both.through_client.spaces(key, ["1"]))
    for run in both.direct.find(Query(("1", "2"))):
        for reader in (both.direct, both.through_client):
            assert told(reader.get(run.run_id) or run) == told(run)
            assert reader.get("f" * 32) is None
        for key in run.metrics:
            ours, theirs = both.direct.history(run.run_id, key), both.through_client.history(run.run_id, key)
            assert list(map(repr, ours)) == list(map(repr, theirs))
    assert both.direct.experiments() == both.through_client.experiments()


def test_the_contexts_of_data_sets_are_compared_as_mlflow_compares_them(both):
    runs = [MadeRun("a", "FINISHED", 5, 6, False, 1, datasets=[("train", "d1", context)]) for context in CONTEXTS]
    rewrite(both.path, runs)
    for operator in ("=", "!=", "like"):
        sentence = f"datasets.context {operator} 'training'"
        page = both.client.search_runs(["1"], sentence)
        assert [run.run_id for run in open_store(both.settings).find(sentence)] == [run.info.run_id for run in page]
