"""Several experiments at once: EXPERIMENT/NAME wherever a RUN is taken, -e repeated and --all-experiments."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from mlflow.entities import Metric, Param

from expctl.tracking.readers.exchange import Exchange
from expctl.tracking.readers.sqlite import SqliteReader
from tests.tracking.recorded import store_of


@pytest.fixture
def made(folder):
    """A function that makes a finished run of this name, score and C in an experiment, and gives its id."""

    def make(experiment: str, name: str, score: float, c: float = 1.0) -> str:
        store = store_of(folder, experiment=experiment)
        run_id = store.client.create_run(store.ensure_experiment(), run_name=name).info.run_id
        store.client.log_batch(run_id, [Metric("f1_score", score, 0, 0)], [Param("c", str(c))])
        store.client.set_terminated(run_id)
        return run_id

    return make


@pytest.fixture
def three(made):
    """Runs by EXPERIMENT/NAME, in experiments a, b and c; `base` is in two of them."""
    return {
        f"{experiment}/{name}": made(experiment, name, score, c)
        for experiment, name, score, c in (
            ("a", "base", 0.5, 1.0), ("a", "ten", 0.6, 10.0), ("b", "base", 0.7, 1.0), ("c", "far", 0.9, 3.0),
        )
    }  # fmt: skip


def rows(cli, *words: str) -> list[dict]:
    done = cli(*words, "--format", "json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)["rows"]


def placed(found: list[dict]) -> list[str]:
    return [f"{row['experiment']}/{row['name']}" for row in found]


@pytest.mark.every_store
def test_list_and_best_look_in_those_that_are_named_and_say_where_each_run_is(cli, three):
    assert placed(rows(cli, "list", "-e", "a", "-e", "b")) == ["b/base", "a/ten", "a/base"]
    assert placed(rows(cli, "list", "--all-experiments", "--sort", "f1_score")) == [
        "c/far", "b/base", "a/ten", "a/base"
    ]  # fmt: skip
    assert placed(rows(cli, "best", "-e", "a", "-e", "b", "--top", "2")) == ["b/base", "a/ten"]
    assert placed(rows(cli, "best", "--all-experiments")) == ["c/far"]
    assert placed(rows(cli, "list", "-e", "a", "-e", "b", "--filter", "c = 1")) == ["b/base", "a/base"]


def test_one_experiment_has_no_column_of_it_unless_it_is_asked_for(cli, three):
    assert "experiment" not in rows(cli, "list", "-e", "a")[0]
    assert "experiment" not in rows(cli, "list", "-e", "a", "-e", "a")[0]
    assert "experiment" not in rows(cli, "best", "-e", "a")[0]
    assert "experiment" not in rows(cli, "list", "-e", "", "-e", "a")[0]
    assert [row["experiment"] for row in rows(cli, "list", "-e", "a", "--columns", "experiment")] == ["a", "a"]
    assert "experiment" in rows(cli, "list", "--all-experiments", "--vary")[0]


@pytest.mark.parametrize("command", ["list", "best"])
def test_every_format_has_the_column(cli, three, command):
    words = (command, "-e", "a", "-e", "b")
    table = cli(*words).stdout.splitlines()
    assert "experiment" in table[0].split()
    assert {row["experiment"] for row in csv.DictReader(io.StringIO(cli(*words, "-f", "csv").stdout))} <= {"a", "b"}
    assert cli(*words, "-f", "md").stdout.splitlines()[0].count("experiment") == 1


@pytest.mark.every_store
def test_several_experiments_take_as_many_requests_as_one(cli, store_kind, three, monkeypatch):
    asked: list[str] = []
    reader, call = (SqliteReader, "_rows") if store_kind == "sqlite" else (Exchange, "call")
    real = getattr(reader, call)
    monkeypatch.setattr(
        reader, call, lambda self, *words, **more: [asked.append(str(words[0])), real(self, *words, **more)][1]
    )
    counts = []
    for words in (["-e", "a"], ["-e", "a", "-e", "b", "-e", "c"], ["--all-experiments"]):
        asked.clear()
        assert cli("list", "--filter", "c > 0", *words).exit_code == 0
        counts.append(len(asked))
    assert counts[0] == counts[1] == counts[2] > 0


def test_compare_tells_of_runs_of_two_experiments_and_of_several_that_are_named(cli, three):
    def experiments(*words: str) -> dict | None:
        document = json.loads(cli("compare", *words, "--format", "json").stdout)
        return document.get("run", {}).get("experiment")

    assert experiments("a/base", "b/base") == {"baseline": "a", "challenger": "b"}
    assert experiments("-e", "a", "-e", "b", "a/base", "ten") == {"baseline": "a", "challenger": "a"}
    assert experiments("-e", "a", "base", "ten") is None
    assert experiments("a/base", "a/ten", "--all") is None
    done = cli("compare", "a/*", "a/*e*", "-e", "nowhere")  # sets need nothing of the current experiment
    assert (done.exit_code, done.stdout.splitlines()[:2]) == (0, ["baseline: a/*", "challenger: a/*e*"])
    assert experiments("a/*se", "b/ba*", "-e", "nowhere") == {"baseline": "a", "challenger": "b"}


def test_a_report_of_several_says_where_its_runs_are(cli, folder, three):
    assert cli("report", "-e", "a", "-e", "b", "--metric", "f1_score").exit_code == 0
    page = (folder / "report.html").read_text()
    assert "a, b" in page
    assert '<th scope="col">experiment</th>' in page
    assert three["b/base"] in page
    assert three["c/far"] not in page
    assert cli("report", "--all-experiments", "-o", "all.html").exit_code == 0
    assert three["c/far"] in (folder / "all.html").read_text()
    assert cli("report", "-e", "a", "-o", "one.html").exit_code == 0
    assert '<th scope="col">experiment</th>' not in (folder / "one.html").read_text()


def test_a_sweep_of_another_experiment_stands_for_its_trials(cli, sweeps):
    assert cli("report", "expctl/grid", "-e", "other", "-o", "other.html").exit_code == 0
    assert cli("report", "grid", "-o", "own.html").exit_code == 0
    pages = [(sweeps / name).read_text() for name in ("other.html", "own.html")]
    found = [set(re.findall(r'data-run="(\w+)"', page)) for page in pages]
    assert found[0] == found[1] != set()


@pytest.mark.every_store
def test_a_run_of_another_experiment_is_named_by_both(cli, three):
    def shown(reference: str, *words: str) -> str:
        done = cli("show", reference, "--format", "id", *words)
        assert done.exit_code == 0, done.stderr
        return done.stdout.strip()

    for reference, run_id in three.items():
        assert shown(reference) == run_id
        assert shown(f"{reference[0]}/{run_id[:8]}") == run_id
    assert (shown("a/latest"), shown("a/latest~1")) == (three["a/ten"], three["a/base"])
    assert (shown("a/best"), shown("a/c = 1")) == (three["a/ten"], three["a/base"])
    assert shown("b/base", "-e", "a") == three["b/base"]


def test_the_name_with_a_slash_of_a_run_of_the_current_experiment_goes_first(cli, made, three):
    mine = made("expctl", "a/base", 0.1)
    assert cli("show", "a/base", "--format", "id").stdout == f"{mine}\n"
    assert cli("show", "a/base", "-e", "b", "--format", "id").stdout == f"{three['a/base']}\n"
    assert cli("delete", "a/bas*", "--dry-run", "--format", "id").stdout == f"{mine}\n"


def test_names_of_experiments_and_of_runs_may_have_slashes(cli, made):
    deep = made("team/reviews", "base", 0.1)
    slashed = made("team", "new/one", 0.2)
    assert cli("show", "team/reviews/base", "--format", "id").stdout == f"{deep}\n"
    assert cli("show", "team/new/one", "--format", "id").stdout == f"{slashed}\n"
    made("team", "reviews/base", 0.3)
    refused = cli("show", "team/reviews/base")
    assert (refused.exit_code, refused.stdout) == (3, "")
    assert "matches several runs" in refused.stderr
    assert "team/reviews/base)" in refused.stderr


def test_every_command_that_takes_a_run_takes_it_with_its_experiment(cli, folder, three, tmp_path):
    for words in (
        ("delete", "a/base", "--dry-run"),
        ("delete", "a/b*", "--dry-run"),
        ("export", "a/base", "-o", "a.zip"),
        ("delete", "a/base", "-y"),
        ("restore", "a/base"),
        ("delete", "a/base", "-y"),
        ("delete", "a/base", "--purge", "-y"),
    ):
        done = cli(*words, "-f", "id")
        assert done.exit_code == 0, (words, done.stderr)
        assert three["a/base"] in done.stdout or words[0] == "export", words
    for words in (["predict", "x", "--run", "c/far"], ["reproduce", "c/far"], ["promote", "c/far", "m"]):
        assert "no run 'c/far'" not in cli(*words).stderr, words
    assert cli("gate", "b/base", "--baseline", "c/far").exit_code == 6


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["show", "aa/base"], 3, "no run 'aa/base' in experiment 'expctl', and no experiment 'aa', did you mean 'a'? "
                                 "(try: expctl experiments)"),
        (["show", "a/nobody"], 3, "no run 'nobody' in experiment 'a' (try: expctl list -e a)"),
        (["show", "a/"], 3, "no run 'a/' in experiment 'expctl', and no experiment"),
        (["list", "-e", "a", "-e", "bb"], 3, "no experiment 'bb', did you mean 'b'? (try: expctl experiments)"),
        (["best", "-e", "a", "-e", "zzzzz"], 3, "no experiment 'zzzzz' (try: "),
        (["list", "-e", "a", "--all-experiments"], 2, "--all-experiments and --experiment exclude each other"),
        (["compare", "-e", "a", "-e", "b", "base", "ten"], 3, "(use the id, or EXPERIMENT/NAME)"),
        (["compare", "--all-experiments", "nobody", "ten"], 3, "no run 'nobody' in any experiment"),
        (["compare", "-e", "a", "-e", "b", "far", "ten"], 3, "no run 'far' in experiments 'a' and 'b'"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_said_in_a_line_with_what_to_do(cli, three, words, code, told):
    done = cli(*words)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (code, "", 1)
    assert told in done.stderr


def test_a_run_of_an_other_experiment_is_not_found_by_a_wrong_one(cli, three):
    refused = cli("show", f"a/{three['c/far']}")
    assert (refused.exit_code, refused.stdout) == (3, "")
    assert "far" in refused.stderr
    assert "is in experiment 'c'" in refused.stderr


def test_nothing_matches_is_said_of_where_was_looked(cli, three):
    assert cli("list", "-e", "a", "-e", "b", "--filter", "c = 77").stderr == (
        "expctl: no runs in experiments 'a' and 'b' that match\n"
    )
    assert (
        cli("list", "--all-experiments", "--filter", "c = 77").stderr
        == "expctl: no runs in any experiment that match\n"
    )


def test_a_deleted_experiment_is_told_and_not_looked_in(cli, folder, three):
    store = store_of(folder, experiment="c")
    store.client.delete_experiment(store.experiment_id())
    assert "c/far" not in placed(rows(cli, "list", "--all-experiments"))
    for words in (["show", "c/far"], ["list", "-e", "a", "-e", "c"]):
        done = cli(*words)
        assert done.exit_code == 3
        assert "experiment 'c' has been deleted (try: expctl experiments c --restore)" in done.stderr
