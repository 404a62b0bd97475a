"""Whatever a server says is a value of the right type, or one line: the reader alone, and the commands on a server."""

from __future__ import annotations

import random

import pytest

from expctl.tracking.readers import answers, rest
from expctl.tracking.readers.answers import WrongAnswer, experiment, listed_file, objects, parsed, point, record
from expctl.tracking.readers.protocol import NotServed
from tests.tracking.forged import RUN_ID, a_run, forging, whole
from tests.tracking.readers import random_answers
from tests.tracking.test_readers import CASES


def test_an_answer_of_mlflow_s_is_read():
    found = record(a_run("mlflow-artifacts:/1/x", note="n"))
    assert (found.run_id, found.status, found.params, found.metrics) == (
        RUN_ID,
        "finished",
        {"c": "1"},
        {"f1_score": 0.5},
    )
    assert experiment({"experiment_id": 7, "name": "x", "lifecycle_stage": "deleted"}).experiment_id == "7"
    assert point({"value": "NaN", "step": "3", "timestamp": "5"})[:2] == (3, 5)
    assert listed_file({"path": "a", "file_size": "5"}) == ("a", False, 5)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"null", b"x", b"\xff", b"[" * 100_000, b'{"a":' * 100_000, b"1" * 10_000, b'{"a": 1'[:-1]]
)
def test_what_is_no_object_is_none(content):
    assert parsed(content) is None


WRONG = {
    "run id missing": lambda run: run["info"].pop("run_id"),
    "run id a list": lambda run: run["info"].update(run_id=["x"]),
    "name a number of 400 digits": lambda run: run["info"].update(run_name=10**400),
    "a name with half a character": lambda run: run["info"].update(run_name="\ud800"),
    "unknown status": lambda run: run["info"].update(status="SLEEPING"),
    "start a word": lambda run: run["info"].update(start_time="soon"),
    "start true": lambda run: run["info"].update(start_time=True),
    "end infinite": lambda run: run["info"].update(end_time=float("inf")),
    "a metric a word": lambda run: run["data"]["metrics"][0].update(value="x"),
    "a metric an object": lambda run: run["data"]["metrics"][0].update(value={}),
    "metrics a number": lambda run: run["data"].update(metrics=5),
    "a list of numbers": lambda run: run["data"].update(params=[1]),
    "a tag a list": lambda run: run["data"].update(tags=[{"key": "a", "value": []}]),
    "a key missing": lambda run: run["data"].update(params=[{"value": "a"}]),
    "data a text": lambda run: run.update(data="x"),
    "info a list": lambda run: run.update(info=[]),
    "inputs a number": lambda run: run.update(inputs=5),
    "a data set's name an object": lambda run: run.update(inputs={"dataset_inputs": [{"dataset": {"name": {}}}]}),
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_a_run_with_a_part_of_the_wrong_type_is_refused(change):
    run = a_run()
    change(run)
    with pytest.raises(WrongAnswer):
        record(run)


def test_a_list_that_is_none_is_refused_and_a_missing_one_empty():
    assert objects({}, "runs") == objects({"runs": None}, "runs") == []
    with pytest.raises(WrongAnswer, match="runs is no list of objects"):
        objects({"runs": 5}, "runs")


def test_any_answer_is_a_value_or_a_refusal(tmp_path):
    """EXPCTL_TEST_CASES=100000 tries as many; the number of a case that fails is its seed."""
    kinds = {random_answers.try_one(number, tmp_path) for number in range(CASES)}
    assert {f"{what}: answered" for what in random_answers.QUESTIONS} <= kinds


COMMANDS = ("list", "show latest", "best", "compare latest", "list --format json", "list --filter c<3 --sort f1_score")
HOSTILE = {
    "experiments a number": {"experiments": 5},
    "a metric x": {"runs": [{**a_run(), "data": {"metrics": [{"key": "f1_score", "value": "x"}]}}]},
    "brackets": b"[" * 100_000,
    "objects": b'{"runs":' * 100_000,
    "nothing": b"",
    "a page for ever": {"experiments": [{"experiment_id": "1", "name": "x"}], "next_page_token": "again"},
    "empty pages": {"next_page_token": "again"},
}


@pytest.mark.parametrize("said", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("words", ["list", "show latest", "best", "compare latest other", "predict a --run latest"])
def test_a_wrong_answer_is_one_line_and_exit_4(cli, tmp_path, monkeypatch, said, words):
    monkeypatch.chdir(tmp_path)
    right = whole(a_run())
    last = "runs/search" if isinstance(said, dict) and "runs" in said else "experiments/search"
    with forging(lambda call, asked: said if call == last else right(call, asked)) as server:
        done = cli(*words.split(), "--tracking-uri", server.address)
    assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (4, "", 1), done
    assert "MLflow" in done.stderr


@pytest.mark.slow
def test_any_answer_to_a_command_ends_it_with_a_documented_code(cli, tmp_path, monkeypatch):
    """No traceback, whatever is among the values that passed: the rest of the program shows them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    for number in range(CASES // 5):
        seed = random.Random(f"command {number}")

        def say(call: str, _asked: object, seed: random.Random = seed) -> object:
            said = random_answers.right(call)
            return random_answers.changed(said, seed) if seed.random() < 0.3 else said

        with forging(say) as server:
            done = cli(*seed.choice(COMMANDS).split(), "--tracking-uri", server.address)
        assert "Traceback" not in done.stderr, (number, done.stderr[-2000:])
        assert done.exit_code in (0, 2, 3, 4, 5, 6), (number, done)


def test_nothing_but_documented_errors_is_raised_by_the_readers_of_parts():
    for number in range(CASES):
        seed = random.Random(number)
        junk = random_answers.wrong(seed)
        for read in (answers.record, answers.experiment, answers.point, answers.model, answers.listed_file):
            try:
                read(junk if isinstance(junk, dict) else {"info": junk, "path": junk, "value": junk})
            except WrongAnswer:
                continue


@pytest.mark.slow
def test_any_answer_to_mlflow_s_own_client_ends_a_command_so_too(cli, tmp_path, monkeypatch):
    """Where the direct reader steps aside, and for what only the client does: writing, exporting."""

    def aside(uri: str) -> None:
        raise NotServed("a test")

    monkeypatch.setattr(rest, "connect", aside)
    monkeypatch.chdir(tmp_path)
    for name, value in (("MAX_RETRIES", "0"), ("BACKOFF_FACTOR", "0"), ("TIMEOUT", "5")):
        monkeypatch.setenv(f"MLFLOW_HTTP_REQUEST_{name}", value)
    commands = (*COMMANDS, "export latest -o out.zip", "predict a --run latest", "promote latest reviews")
    for number in range(CASES // 10):
        seed = random.Random(f"client {number}")

        def say(call: str, _asked: object, seed: random.Random = seed) -> object:
            said = random_answers.right(call)
            if seed.random() < 0.05:
                return seed.choice([b"[" * 100_000, b"", b"<html>", b"[]", b"null"])
            return random_answers.changed(said, seed) if seed.random() < 0.3 else said

        with forging(say) as server:
            done = cli(*seed.choice(commands).split(), "--tracking-uri", server.address)
        assert "Traceback" not in done.stderr, (number, done.stderr[-3000:])
        assert done.exit_code in (0, 2, 3, 4, 5, 6), (number, done)
