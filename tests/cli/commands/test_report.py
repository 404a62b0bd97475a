"""`expctl report` and `compare --report`: which runs, where to, and what is refused before any work."""

from __future__ import annotations

import json
import re

import pytest

from tests.tracking.recorded import names, store_of
from tests.tracking.swept import parent_of


def charts_of(path) -> dict:
    """The charts of a report, by their ids."""
    found = re.search(r'<script type="application/json" id="charts">(.*?)</script>', path.read_text())
    assert found is not None
    return json.loads(found[1])


def ranked(path) -> list[str]:
    """The ids of the runs in the ranking of a report."""
    return re.findall(r'data-run="(\w+)"', path.read_text())


def test_named_runs_are_ranked_and_compared_with_the_first(cli, runs):
    done = cli("report", "weak", "strong", "bayes", "-o", "out.html")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "out.html\n", "")
    page = runs / "out.html"
    by_name = {run.name: run for run in store_of(runs).find()}
    assert set(ranked(page)) == {by_name[name].run_id for name in ("weak", "strong", "bayes")}
    found = charts_of(page)
    assert {
        "ranking",
        "parallel",
        "scatter-0",
        "history",
        "changes",
        "roc",
        "precision_recall",
        "reliability",
        "classes",
    } <= set(found)
    assert sum(key.startswith("confusion-") for key in found) == 3
    changed = {row["challenger"] for row in found["changes"]["data"]["values"]}
    assert changed == {"strong", "bayes"}
    text = page.read_text()
    assert "<strong>weak</strong>" in text
    assert re.search(r'<td class="text">the \w+ number \d+ was', text)  # a row that flipped


def test_without_runs_it_is_about_all_that_finished_and_the_best_is_the_baseline(cli, runs):
    done = cli("report")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "report.html\n", "")
    best = max((run for run in store_of(runs).find() if run.metrics), key=lambda run: run.metrics["f1_score"])
    found = ranked(runs / "report.html")
    assert len(found) == 3
    assert found[0] == best.run_id
    assert f"<strong>{best.name}</strong>" in (runs / "report.html").read_text()


def test_a_sweep_stands_for_its_trials_and_a_glob_for_its_runs(cli, sweeps):
    assert cli("report", "grid", "-o", "sweep.html").exit_code == 0
    parent = parent_of(sweeps, "grid")
    found = ranked(sweeps / "sweep.html")
    assert len(found) == 6
    assert parent.run_id not in found
    axes = {row["axis"] for row in charts_of(sweeps / "sweep.html")["parallel"]["data"]["values"]}
    assert axes == {"c", "max_features", "f1_score"}
    assert cli("report", "grid-*", "-o", "glob.html").exit_code == 0
    assert set(ranked(sweeps / "glob.html")) == set(found)


def test_what_is_not_ranked_is_told(cli, runs):
    done = cli("report", "weak", "broken", "-o", "out.html")
    assert (done.exit_code, done.stderr) == (0, "expctl: 1 left out of the ranking: failed\n")
    assert "1 left out of the ranking: failed" in (runs / "out.html").read_text()
    assert "broken: not tested: the challenger has no predictions.parquet" in (runs / "out.html").read_text()


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (["weak", "-o", "small.csv"], 2, "--output small.csv: a report is an .html file (--output report.html)"),
        (["weak", "-o", "a/b.html"], 2, "--output a/b.html: there is no folder a (mkdir -p a)"),
        (["weak", "-o", "folder.html"], 2, "--output folder.html is a folder (name a file)"),
        (["weak", "--confidence", "2"], 2, "--confidence 2 must be from 0.5 to 0.999 (--confidence 0.95)"),
        (["nobody"], 3, "no run 'nobody' in experiment 'expctl' (try: expctl list)"),
        (["weak", "out.html"], 3, "no run 'out.html' in experiment 'expctl' (--output out.html)"),
        (["-e", "empty"], 3, "no finished run has f1_score"),
        (["weak", "--metric", "f1_scor"], 3, "no finished run has f1_scor, did you mean 'f1_score'?"),
        (["broken"], 3, "no finished run has f1_score (try: expctl list)"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_a_line_and_nothing_is_written(cli, runs, words, code, line):
    (runs / "folder.html").mkdir()
    before = names(runs)
    done = cli("report", *words)
    assert (done.exit_code, done.stdout) == (code, "")
    assert done.stderr.startswith(f"expctl: {line}")
    assert done.stderr.count("\n") == 1
    assert names(runs) == before


def test_runs_of_another_program_are_told_the_option_that_names_their_metrics(cli, folder):
    store = store_of(folder)
    made = store.client.create_run(store.ensure_experiment()).info.run_id
    for key in ("loss", "bleu"):
        store.client.log_metric(made, key, 0.5)
    store.client.set_terminated(made)
    for words in ((), ("has metrics.loss",)):
        done = cli("report", *words)
        assert (done.exit_code, done.stdout) == (3, "")
        assert done.stderr == "expctl: no finished run has f1_score (--metric bleu, loss)\n"


def test_compare_draws_its_runs_too(cli, runs):
    alone = cli("compare", "weak", "strong")
    done = cli("compare", "weak", "strong", "--report", "out.html")
    report = "expctl: report: out.html\n"
    assert (done.exit_code, done.stdout, done.stderr) == (0, alone.stdout, alone.stderr + report)
    assert "<strong>weak</strong>" in (runs / "out.html").read_text()
    assert cli("compare", "weak", "strong", "--flips", "1", "--report", "flips.html").exit_code == 0
    assert (runs / "flips.html").is_file()


def test_sets_are_reported_by_report_and_compare_says_so(cli, runs):
    done = cli("compare", "*a*", "*", "--report", "out.html")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == "expctl: --report is for single runs, not sets (try: expctl report '*a*' '*')\n"


def test_a_full_disk_leaves_nothing_behind(cli, runs, monkeypatch):
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    before = names(runs)
    monkeypatch.setattr("os.fsync", full)
    done = cli("report", "weak", "-o", "out.html")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "expctl: cannot write out.html: No space left on device (no partial file was left)\n"
    assert names(runs) == before


def test_a_comparison_of_runs_that_failed_is_drawn_without_a_ranking(cli, runs):
    done = cli("compare", "broken", "broken", "--report", "out.html")
    assert (done.exit_code, ranked(runs / "out.html")) == (0, [])


def test_a_list_on_a_terminal_says_how_to_draw_it(cli, runs, monkeypatch):
    monkeypatch.setattr("expctl.cli.commands.list.fancy", lambda stream: True)
    assert cli("list").stderr == "expctl: report: expctl report\n"
    assert cli("list", "--filter", "c > 0").stderr == "expctl: report: expctl report 'c > 0'\n"
    assert cli("list", "--status", "finished").stderr == ""
