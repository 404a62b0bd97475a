"""Finding runs through MLflow's search: what is sent, what is judged here, and when the next page is asked for."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest

from expctl.filters.expression import EVERY_RUN, And, Condition, Field, Not, Or, Order
from expctl.records import RunRecord
from expctl.tracking.readers import mlflow_search
from expctl.tracking.readers.mlflow_client import ClientReader
from expctl.tracking.readers.mlflow_search import find_by_pages, keys_of, sent_filter, spaces_of
from expctl.tracking.readers.protocol import Projection, Query
from expctl.tracking.store import open_store
from tests.tracking.recorded import settings_of


def test_every_run_is_found_page_by_page(folder, monkeypatch):
    monkeypatch.setattr(mlflow_search, "PAGE", 3)
    store = open_store(settings_of(folder), create=True)
    assert isinstance(store.reader, ClientReader)
    experiment = store.ensure_experiment()
    made = [store.client.create_run(experiment, start_time=1000 + i).info.run_id for i in range(8)]
    assert [run.run_id for run in store.find()] == made[::-1]
    assert [run.run_id for run in store.find(limit=4)] == made[:3:-1]
    assert [run.run_id for run in store.find(everywhere=True)] == made[::-1]


def run(number, **params):
    started = datetime.fromtimestamp(1_000_000 + number, UTC)
    return RunRecord(f"{number:032x}", f"run-{number}", "finished", "1", started=started, params=params)


class Server:
    """Pages of runs, newest first, for any filter: as one whose language has no part of it. Remembers the calls."""

    def __init__(self, runs):
        self.runs = sorted(runs, key=lambda one: one.started, reverse=True)
        self.calls = []

    def __call__(self, filter, order, most, token):
        self.calls.append((filter, order, most))
        begin = int(token or 0)
        end = begin + most
        return self.runs[begin:end], str(end) if end < len(self.runs) else None


def numbers(runs):
    return [int(one.run_id, 16) for one in runs]


def query(where=EVERY_RUN, **more):
    return Query(("1",), where, **more)


IS_A = Condition(Field("params", "c"), "=", "a")


def test_what_the_server_lets_through_is_judged_again():
    server = Server([run(i, c="a" if i % 3 == 0 else "b") for i in range(10)])
    assert numbers(find_by_pages(server, query(IS_A))) == [9, 6, 3, 0]
    assert server.calls[0][0] == "params.`c` = 'a'"


def test_a_limit_that_the_server_can_keep_is_asked_of_it_and_no_more():
    server = Server([run(i) for i in range(10)])
    assert numbers(find_by_pages(server, query(limit=3))) == [9, 8, 7]
    assert [most for *_, most in server.calls] == [3]


def test_where_the_filter_is_not_whole_pages_are_read_until_there_are_enough():
    where = Condition(Field("params", "c"), "=", "it's")  # a quote that MLflow's language cannot say
    server = Server([run(i, c="it's" if i < 2 else "b") for i in range(30)])
    assert numbers(find_by_pages(server, query(where, limit=1))) == [1]
    assert [most for *_, most in server.calls] == [4, 1000]


def test_an_order_that_mlflow_does_not_have_is_made_here_over_all_runs():
    server = Server([run(i, c=str(i)) for i in (3, 11, 2)])
    order = (Order(Field("params", "c")),)
    assert numbers(find_by_pages(server, query(order=order, limit=2))) == [2, 3]
    assert server.calls[0][1:] == (["attributes.start_time DESC", "attributes.run_id ASC"], 1000)


def test_an_order_that_mlflow_has_is_sent_once_with_what_decides_between_equals():
    server = Server([])
    metric = Field("metrics", "f1_score")
    order = (Order(metric, descending=True), Order(metric), Order(Field("attributes", "start_time")))
    find_by_pages(server, query(order=order))
    assert server.calls[0][1] == ["metrics.`f1_score` DESC", "attributes.start_time ASC", "attributes.run_id ASC"]


def test_runs_have_the_wanted_columns_and_no_others_though_the_filter_needs_more():
    (found,) = find_by_pages(Server([run(1, c="a", n="1")]), query(IS_A, columns=Projection(frozenset({"n"}))))
    assert found.params == {"n": "1"}


def said(space, key, operator, operand=None):
    return sent_filter(Condition(Field(space, key), operator, operand))


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (("metrics", "f1_score", ">", 0.5), "metrics.`f1_score` > 0.5"),
        (("metrics", "loss", "<", 1e20), "metrics.`loss` < 1e20"),
        (("attributes", "start_time", ">=", 1000.0), "attributes.start_time >= 1000"),
        (("attributes", "run_name", "ilike", "a%"), "attributes.run_name ILIKE 'a%'"),
        (("tags", "a b", "=", "x"), "tags.`a b` = 'x'"),
        (("datasets", "name", "=", "small"), "datasets.name = 'small'"),
        (("attributes", "run_id", "in", ("aa", "bb")), "attributes.run_id IN ('aa', 'bb')"),
    ],
)
def test_what_mlflow_s_language_can_say_is_sent_whole(given, text):
    assert said(*given) == (text, True)


@pytest.mark.parametrize(
    "given",
    [
        ("metrics", "f1_score", ">", math.inf),
        ("params", "c", ">", 1.0),  # a text there
        ("params", "it's", "=", "x"),
        ("params", "c", "=", "it's"),
        ("params", "c", "=", "a\\b"),
        ("params", "c", "=", ""),
        ("params", "c", "has"),
        ("attributes", "duration", ">", 1.0),
        ("attributes", "run_id", "in", tuple("ab" * 51)),
        ("params", "c", "=", Field("params", "n")),
    ],
    ids=repr,
)
def test_what_it_has_no_words_for_is_left_out_and_told(given):
    assert said(*given) == ("", False)


def test_of_joined_conditions_those_are_sent_that_can_be_said():
    has = Condition(Field("params", "n"), "has")
    assert sent_filter(And((IS_A, has))) == ("params.`c` = 'a'", False)
    assert sent_filter(Or((IS_A, IS_A))) == ("", False)
    assert sent_filter(Not(IS_A)) == ("", False)
    assert sent_filter(EVERY_RUN) == ("", True)


def test_keys_are_told_apart_by_where_runs_have_them():
    runs = [run(1, c="1", both="x"), RunRecord("b" * 32, "", "failed", "1", metrics={"both": 1.0}, tags={"a": ""})]
    assert keys_of(runs) == {"params": ["both", "c"], "metrics": ["both"], "tags": ["a"]}
    assert set(spaces_of(runs, "both")) == {"params", "metrics"}
    assert not spaces_of(runs, "nobody")
