"""`expctl list`: which runs, in which order, with which columns, and what is said of the rest."""

from __future__ import annotations

import csv
import io
import json
import math
import time

import pytest

from expctl.records import Tag
from tests.tracking.recorded import store_of


def rows(cli, *words: str) -> list[dict]:
    done = cli("list", "--format", "json", *words)
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)["rows"]


def listed(cli, *words: str) -> list[str]:
    return [row["name"] for row in rows(cli, "--columns", "name", *words)]


def refused(done, code: int, *words: str) -> None:
    assert (done.exit_code, done.stdout) == (code, ""), done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("expctl: ")
    for word in words:
        assert word in done.stderr


@pytest.mark.every_store
def test_runs_come_newest_first_with_what_varies_between_them(cli, runs):
    done = cli("list")
    assert (done.exit_code, done.stderr) == (0, "")
    header, *lines = done.stdout.splitlines()
    assert header.split()[:6] == ["run", "name", "status", "started", "f1_score", "accuracy"]
    assert {"model", "max_features", "c"} <= set(header.split())
    assert "solver" not in header  # the same in all
    assert [line.split()[1] for line in lines] == ["broken", "bayes", "strong", "weak"]
    assert [line.split()[2] for line in lines] == ["failed", "finished", "finished", "finished"]


def test_the_documented_keys_of_json(cli, store_kind, runs):
    document = json.loads(cli("list", "--format", "json", "--limit", "2").stdout)
    assert (document["version"], document["kind"], len(document["rows"])) == (1, "runs", 2)
    assert document.get("total") == (4 if store_kind == "sqlite" else None)  # a server would have to send them all
    assert json.loads(cli("list", "--format", "json").stdout)["total"] == 4
    assert {"run_id", "name", "status", "started", "f1_score", "accuracy"} <= set(document["rows"][0])
    assert document["rows"][0]["f1_score"] is None


@pytest.mark.every_store
def test_every_format_has_the_same_rows_and_columns(cli, runs):
    words = ("list", "--columns", "id,name,c,f1_score,team")
    exact = json.loads(cli(*words, "--format", "json").stdout)["rows"]
    assert [list(row) for row in exact] == [["run_id", "name", "c", "f1_score", "team"]] * 4
    assert [json.loads(line) for line in cli(*words, "--format", "jsonl").stdout.splitlines()] == exact
    read = list(csv.DictReader(io.StringIO(cli(*words, "--format", "csv").stdout)))
    assert read == [{key: "" if value is None else str(value) for key, value in row.items()} for row in exact]
    markdown = cli(*words, "--format", "md").stdout.splitlines()
    assert markdown[0] == "| run | name | c | f1\\_score | team |"
    assert len(markdown) == 6
    assert len(cli(*words).stdout.splitlines()) == 5
    assert cli(*words, "--format", "id").stdout.split() == [row["run_id"] for row in exact]


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("started", ["broken", "bayes", "strong", "weak"]),
        ("started:asc", ["weak", "strong", "bayes", "broken"]),
        ("name", ["bayes", "broken", "strong", "weak"]),
        ("name:desc", ["weak", "strong", "broken", "bayes"]),
        ("c", ["weak", "strong", "broken", "bayes"]),
        ("params.c:desc", ["strong", "weak", "broken", "bayes"]),
        ("tags.team", ["strong", "bayes", "broken", "weak"]),
        ("status:desc", ["bayes", "strong", "weak", "broken"]),
    ],
)
def test_sorting_puts_what_is_missing_last_in_either_direction(cli, runs, sort, names):
    assert listed(cli, "--sort", sort) == names


@pytest.mark.every_store
def test_a_metric_sorts_best_first_in_its_own_direction(cli, runs):
    scores = {run.name: run.metrics for run in store_of(runs).find() if run.metrics}
    by_score = sorted(scores, key=lambda name: -scores[name]["roc_auc"])
    by_loss = sorted(scores, key=lambda name: scores[name]["log_loss"])
    assert listed(cli, "--sort", "roc_auc") == [*by_score, "broken"]
    assert listed(cli, "--sort", "log_loss") == [*by_loss, "broken"]
    assert listed(cli, "--sort", "log_loss:desc") == [*by_loss[::-1], "broken"]


@pytest.mark.every_store
def test_filters_status_and_age_choose_runs(cli, runs):
    assert listed(cli, "--filter", "params.c = '10.0'") == ["strong"]
    assert listed(cli, "--filter", "tags.team = 'web'", "--status", "finished") == ["bayes"]
    assert listed(cli, "--status", "failed") == ["broken"]
    assert listed(cli, "--status", "FAILED") == ["broken"]
    assert listed(cli, "--status", "running") == []
    assert len(listed(cli, "--since", "1h")) == 4
    assert len(listed(cli, "--since", "999999w")) == 4


def test_since_leaves_older_runs_out(cli, folder):
    store = store_of(folder)
    experiment = store.ensure_experiment()
    for name, hours in (("old", 50), ("yesterday", 20), ("new", 0.1)):
        started = int((time.time() - hours * 3600) * 1000)
        store.client.create_run(experiment, start_time=started, run_name=name)
    assert listed(cli, "--since", "3d") == ["new", "yesterday", "old"]
    assert listed(cli, "--since", "2d") == ["new", "yesterday"]
    assert listed(cli, "--since", "12h") == ["new"]
    assert listed(cli, "--since", "5m") == []


@pytest.mark.every_store
def test_a_limit_says_how_many_there_are(cli, store_kind, folder):
    opened = store_of(folder)
    experiment = opened.ensure_experiment()
    for i in range(25):
        opened.client.create_run(experiment, start_time=1_000_000 + i, run_name=f"n{i}")
    done = cli("list")
    assert len(done.stdout.splitlines()) == 21
    told = "20 of 25 runs" if store_kind == "sqlite" else "the first 20 runs"  # a server would have to send them all
    assert done.stderr == f"expctl: {told} (--limit 0 shows all)\n"
    assert listed(cli, "--limit", "3") == ["n24", "n23", "n22"]
    whole = cli("list", "--limit", "0", "--format", "id")
    assert (len(whole.stdout.splitlines()), whole.stderr) == (25, "")
    assert cli("list", "--limit", "25").stderr == ""
    assert cli("list", "--quiet").stderr == ""
    assert listed(cli, "--sort", "name", "--limit", "2") == ["n0", "n1"]  # sorted before it is cut


@pytest.mark.every_store
def test_other_experiments_and_deleted_runs_are_listed_when_asked_for(cli, runs):
    store = store_of(runs, experiment="other")
    made = store.client.create_run(store.ensure_experiment(), run_name="elsewhere").info.run_id
    assert "elsewhere" not in listed(cli)
    assert listed(cli, "-e", "other") == ["elsewhere"]
    assert set(listed(cli, "--all-experiments")) == {"elsewhere", "broken", "bayes", "strong", "weak"}
    store.client.delete_run(made)
    assert listed(cli, "-e", "other") == []
    assert listed(cli, "-e", "other", "--deleted") == ["elsewhere"]
    assert listed(cli, "--deleted", "--all-experiments") == ["elsewhere"]


def test_a_metric_of_ours_is_a_column_and_a_sort_key_even_where_no_run_has_it_yet(cli, folder):
    store = store_of(folder)
    store.client.create_run(store.ensure_experiment(), run_name="begun")
    done = cli("list", "--columns", "name,f1_score,metrics.mcc", "--sort", "log_loss", "--format", "csv")
    assert (done.exit_code, done.stdout) == (0, "name,f1_score,mcc\nbegun,,\n")


def test_nothing_found_is_no_error_and_says_where_it_looked(cli, runs):
    done = cli("list", "-e", "nowhere")
    assert (done.exit_code, done.stderr) == (0, "expctl: no runs in experiment 'nowhere'\n")
    done = cli("list", "--filter", "params.c = '77'")
    assert (done.exit_code, done.stderr) == (0, "expctl: no runs in experiment 'expctl' that match\n")
    assert cli("list", "--all-experiments", "--status", "killed").stderr == (
        "expctl: no runs in any experiment that match\n"
    )


@pytest.mark.parametrize(
    ("words", "word"),
    [
        (["--status", "finnished"], "did you mean 'finished'?"),
        (["--since", "some day"], "invalid --since: 'some day'"),
        (["--since", "-1d"], "invalid --since: "),
        (["--sort", "f1_scor"], "did you mean 'f1_score'?"),
        (["--sort", "name:up"], "is not KEY, KEY:asc or KEY:desc"),
        (["--sort", ""], "--sort is empty"),
        (["--columns", "name,nothing"], "no run has 'nothing'"),
        (["--columns", " ,"], "--columns is empty"),
        (["--columns", "nope*,x?"], "none of these runs has anything that matches nope*, x?"),
        (["--limit", "-1"], "limit"),
        (["--limit", "many"], "limit"),
        (["--limit", "99999999999999999999"], "limit"),
        (["--format", "xml"], "unknown format 'xml'"),
        (["stray"], "stray"),
    ],
)
def test_wrong_usage_is_one_line(cli, runs, words, word):
    refused(cli("list", *words), 2, word)


@pytest.mark.parametrize(
    ("filter", "message", "caret"),
    [
        ("metrics.f1_score >", "expected a number or a 'text' in quotes", 18),
        ("(" * 30, "expected a name such as metrics.f1_score, params.c or tags.team", 30),
        ("1=1; drop table runs", "expected a name", 0),
        ("c = 1; drop table runs", "';' has no meaning here", 5),
        ("params.c = 'x", "unclosed quote", 11),
        ("f1_scor > 1", "no run has 'f1_scor', did you mean 'f1_score'?", 0),
        ("c = 1 and status = 'done'", "no status 'done'", 19),
        ("日本 = 1 and c ~ 2", "'~' has no meaning here", 15),
    ],
)
def test_a_filter_that_cannot_be_read_is_shown_with_a_caret_below_the_place(cli, runs, filter, message, caret):
    done = cli("list", "--filter", filter)
    assert (done.exit_code, done.stdout) == (2, "")
    said, shown, below = done.stderr.splitlines()
    assert said.startswith(f"expctl: filter: {message}")
    assert (shown, below) == (f"  {filter}", "  " + " " * caret + "^")


@pytest.mark.every_store
def test_a_filter_finds_what_mlflow_s_own_language_cannot_say(cli, runs):
    for filter, found in (
        ("f1_score > 0.5 and c = 10", {"strong"}),
        ("params.model = 'naive_bayes' or c < 1", {"bayes", "weak"}),
        ("not team = 'nlp' and status = finished", {"bayes", "weak"}),
        ("status in (failed, killed)", {"broken"}),
        ("not has metrics.f1_score", {"broken"}),
        ("f1_score_low < f1_score and team ilike 'N%'", {"strong"}),
        ("started > '1 hour ago' and name in ('weak', 'bayes')", {"weak", "bayes"}),
        ("datasets.name like '%' and duration >= 0 and model != 'logreg'", {"bayes", "broken"}),
    ):
        done = cli("list", "--filter", filter, "--format", "jsonl")
        assert {json.loads(line)["name"] for line in done.stdout.splitlines()} == found, (filter, done.stderr)


def columns_of(done) -> list[str]:
    return list(json.loads(done.stdout)["rows"][0])


def test_columns_may_be_globs_and_aggregates_of_histories(cli, runs):
    asked = "id,f1*,max(f1_score),last(metrics.log_loss),tags.te*"
    done = cli("list", "--format", "json", "--columns", asked, "--filter", "has metrics.f1_score")
    found = columns_of(done)
    assert (found[0], found[-3:]) == ("run_id", ["max(f1_score)", "last(metrics.log_loss)", "tags.team"])
    assert {"f1_score", "f1_score_low", "f1_score_high", "f1_macro"} <= set(found[1:-3])
    assert all(name.startswith("f1") for name in found[1:-3])
    for row in json.loads(done.stdout)["rows"]:
        assert row["max(f1_score)"] == row["f1_score"]
    for wrong in ("max(nothing)", "metrics.nothing", "params.f1_score"):
        refused(cli("list", "--columns", wrong), 2, "no run has")


@pytest.mark.every_store
def test_aggregates_look_at_the_whole_history_and_not_at_nan(cli, folder):
    store = store_of(folder)
    run_id = store.client.create_run(store.ensure_experiment()).info.run_id
    for step, value in enumerate((0.5, 0.9, math.nan, 0.7)):
        store.client.log_metric(run_id, "loss", value, step=step)
    names = [f"{function}(loss)" for function in ("max", "min", "first", "last", "mean")]
    (row,) = json.loads(cli("list", "--format", "json", "--columns", ",".join(names)).stdout)["rows"]
    assert [row[name] for name in names] == [0.9, 0.5, 0.5, 0.7, pytest.approx(0.7)]


def test_vary_shows_what_differs_and_nothing_else(cli, runs):
    done = cli("list", "--format", "json", "--vary", "--filter", "name in ('weak', 'strong')")
    shown = columns_of(done)
    assert shown[:2] == ["run_id", "name"]
    assert {"c", "max_features", "f1_score", "tags.team"} <= set(shown)
    assert not {"model", "status", "random_state", "f1_score_low"} & set(shown)
    done = cli("list", "--format", "json", "--vary", "--columns", "model,c", "--filter", "name in ('weak', 'strong')")
    assert columns_of(done) == ["run_id", "name", "c"]


def test_vary_is_not_flooded_by_a_failed_run_or_a_sweep(cli, runs):
    """What these lack is no difference among the others: the metrics of one training are no columns."""
    store = store_of(runs)
    sweep = store.client.create_run(store.ensure_experiment(), run_name="sweep", tags={Tag.SWEEP: "{}"}).info.run_id
    store.client.log_param(sweep, "sampler", "grid")
    done = cli("list", "--format", "json", "--vary", "--filter", "name in ('weak', 'broken', 'sweep')")
    shown = columns_of(done)
    assert "status" in shown
    assert not {"sampler", "f1_score", "mcc", "fit_seconds", "data_hash", "train_rows"} & set(shown)


@pytest.mark.every_store
def test_runs_of_another_program_are_listed_by_the_metrics_that_they_have(cli, folder):
    store = store_of(folder)
    experiment = store.ensure_experiment()
    for i in range(2):
        run_id = store.client.create_run(experiment, start_time=1_000_000 + i, run_name=f"net-{i}").info.run_id
        for key, value in (("loss", 0.5 + i), ("bleu", 30.0), ("system/gpu", 1.0)):
            store.client.log_metric(run_id, key, value)
        store.client.log_param(run_id, "loss", "hinge")  # by which name a column would be a parameter
    found = rows(cli)
    assert [list(row) for row in found] == [["run_id", "name", "status", "started", "bleu", "loss"]] * 2
    assert [row["loss"] for row in found] == [1.5, 0.5]
    found = rows(cli, "--limit", "1")
    assert [(row["name"], row["bleu"]) for row in found] == [("net-1", 30.0)]


@pytest.mark.every_store
def test_what_was_made_to_tell_of_other_runs_is_folded_unless_it_is_asked_for(cli, runs):
    store = store_of(runs)
    for name, tag in (("again", Tag.REPRODUCES), ("why", Tag.EXPLANATION)):
        made = store.client.create_run(store.ensure_experiment(), run_name=name, tags={tag: "x"}).info.run_id
        store.client.log_metric(made, "f1_score", 0.999)
        store.client.set_terminated(made)
    assert not {"again", "why"} & set(listed(cli))
    assert not {"again", "why"} & set(listed(cli, "--sort", "f1_score", "--since", "1d"))
    assert set(listed(cli, "--flat", "--limit", "2")) == {"again", "why"}
    assert set(listed(cli, "--filter", "f1_score > 0.99")) == {"again", "why"}
    ranked = json.loads(cli("best", "--top", "9", "--format", "json").stdout)["rows"]
    assert not {"again", "why"} & {row["name"] for row in ranked}


HOSTILE = [
    "[red]x[/red]", "[/red]", "[link=https://x]", ":skull:", "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "one\ntwo",
    "carriage\rreturn", "tab\tbed", "bidi\u202etxt", "zero\u200bwidth", "=1+1", "a|b", "日本", "x" * 250,
]  # fmt: skip


@pytest.mark.every_store
def test_hostile_names_stay_literal_on_one_row_each(cli, folder):
    store = store_of(folder)
    experiment = store.ensure_experiment()
    for i, name in enumerate(HOSTILE):
        store.client.create_run(experiment, start_time=1_000_000 + i, run_name=name)
    assert listed(cli, "--sort", "started:asc") == HOSTILE  # exact for machines
    for format in ("table", "md"):
        done = cli("list", "--format", format, "--columns", "name", "--sort", "started:asc")
        lines = done.stdout.splitlines()[-len(HOSTILE) :]
        assert len(done.stdout.splitlines()) - len(HOSTILE) == (1 if format == "table" else 2)
        assert not [char for char in done.stdout if char in "\x1b\x07\r\u202e\u200b"]
        assert "\\x1b" in lines[4]
        assert "one\\n" in lines[6].replace("\\\\", "\\")
        assert "…" in lines[-1]
        assert len(lines[-1]) < 80
    table = cli("list", "--columns", "name", "--sort", "started:asc").stdout.splitlines()[1:]
    assert table[:4] == HOSTILE[:4]
    sheet = list(csv.reader(io.StringIO(cli("list", "--columns", "name", "--format", "csv").stdout)))
    assert ["'=1+1"] in sheet


def test_formulas_in_csv_can_be_kept(cli, folder, monkeypatch):
    store = store_of(folder)
    store.client.create_run(store.ensure_experiment(), run_name="=1+1")
    monkeypatch.setenv("EXPCTL_CSV_FORMULAS", "keep")
    assert cli("list", "--columns", "name", "--format", "csv").stdout == "name\n=1+1\n"
