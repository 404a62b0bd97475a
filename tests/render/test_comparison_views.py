"""What a reader is told of tested differences: colours follow verdicts, columns their places."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from io import StringIO

import pytest

from expctl.analysis.comparison import Evidence, compare
from expctl.analysis.difference import Difference
from expctl.analysis.flips import Flip, Flips
from expctl.analysis.gate import Decision
from expctl.analysis.groups import GroupDifference
from expctl.analysis.significance import Assessment
from expctl.analysis.slices import SliceDifference
from expctl.records import RunRecord
from expctl.render.comparison_views import (
    comparison_sheet,
    corrected_line,
    flips_sheet,
    gate_sheet,
    groups_sheet,
    verdict_line,
)
from expctl.render.formats import as_json, as_markdown, plain_table
from expctl.render.sheet import Change, Setting, Sheet
from expctl.render.terminal import print_table
from tests.render.run_records import keys, run


def scored(name: str, f1: float, log_loss: float) -> RunRecord:
    metrics = {"f1_score": f1, "log_loss": log_loss}
    return RunRecord(name * 32, f"run-{name}", "finished", "1", params={"c": "1.0"}, metrics=metrics)


SURE = Difference("f1_score", 0.8, 0.9, 0.05, 0.15, 0.0001)
UNSURE = Difference("log_loss", 0.5, 0.4, -0.3, 0.1, 0.4)
RUNS = (scored("a", 0.8, 0.5), scored("b", 0.9, 0.4))


def test_a_change_is_coloured_only_where_its_verdict_is_sure():
    tests = [Assessment({"f1_score": SURE, "log_loss": UNSURE})]
    sheet = comparison_sheet(compare(RUNS, [Evidence()] * 2, everything=True), tests)
    rows = {str(row[1]): list(row) for row in sheet.rows}
    assert rows["f1_score"][4:] == [Change(SURE.change, True), Change(0.05), Change(0.15), 0.0001, "better"]
    assert rows["log_loss"][4:] == [Change(UNSURE.change, None), Change(-0.3), Change(0.1), 0.4, "no clear difference"]
    assert rows["c"][4:] == [None] * 5


def test_p_values_below_a_thousandth_are_not_spelled_out_in_tables_but_exact_in_json():
    sheet = comparison_sheet(compare(RUNS, [Evidence()] * 2, everything=True), [Assessment({"f1_score": SURE})])
    assert "<0.001  better" in plain_table(sheet)
    assert '"p_value": 0.0001' in as_json(sheet)


def test_the_gate_says_its_verdict_before_anything_else():
    decision = Decision("regression", "f1_score fell")
    flip = Flip("broken", 7, "positive", "positive", "negative", 0.9)
    assessment = Assessment({"log_loss": UNSURE, "f1_score": SURE})
    sheet = gate_sheet(RUNS, decision, assessment, "f1_score", [(flip, "a <b>fine</b> film")])
    assert plain_table(sheet).startswith("gate: regression\nreason: f1_score fell\n")
    text = as_markdown(sheet)
    assert text.startswith("**regression: run-b may not replace run-a: f1\\_score fell**\n\n| key |")
    folded = text.index("<details>\n<summary>1 row that the candidate broke</summary>\n\n| key |")
    assert text.index("f1\\_score | 0.8000") < text.index("log\\_loss | 0.5000") < folded
    assert folded < text.index("a &lt;b&gt;fine&lt;/b&gt; film") < text.index("- candidate: run-b")
    assert text.endswith("</details>\n\nNext: `expctl compare aaaaaaaa bbbbbbbb --flips 20`\n")
    passed = as_markdown(gate_sheet(RUNS, Decision("pass", "fine"), assessment, "f1_score", []))
    assert passed.startswith("**pass: run-b may replace run-a: fine**")
    assert "broke" not in passed
    assert passed.endswith("Next: `expctl promote bbbbbbbb NAME`\n")


def test_a_comparison_as_a_comment_is_one_line_the_metrics_the_rest_folded_and_the_next_command():
    comparison = compare(RUNS, [Evidence()] * 2)
    sheet = comparison_sheet(comparison, [Assessment({"f1_score": SURE})], "f1_score")
    line, nothing, header, *_ = as_markdown(sheet).splitlines()
    assert line == (
        "**run-b is better than run-a: f1\\_score 0.8000 → 0.9000, a change of +0.1000 (limits +0.0500 to +0.1500)**"
    )
    assert (nothing, header.split(" | ")[1:3]) == ("", ["run-a", "run-b"])
    assert as_markdown(sheet).endswith("\n\nNext: `expctl report aaaaaaaa bbbbbbbb`\n")
    one, two = run(1, params={"c": "1", "<@x>": "1"}), run(2, params={"c": "2", "<@x>": "2"})
    text = as_markdown(comparison_sheet(compare([one, two], [Evidence()] * 2), [Assessment()], "f1_score"))
    assert "<summary>parameters: c, &lt;&#64;x&gt;</summary>\n\n| key |" in text
    same = as_markdown(comparison_sheet(compare([one, one], [Evidence()] * 2), [Assessment()], "f1_score"))
    assert same.startswith("**nothing differs between ")


def test_the_line_of_a_comment_says_what_is_not_clear_worse_or_untested():
    weak, strong, other = scored("a", 0.8, 0.5), scored("b", 0.9, 0.4), scored("c", 0.7, 0.4)
    worse = Difference("f1_score", 0.8, 0.7, -0.15, -0.05, 0.0001)
    lines = [
        verdict_line(weak, [other], [Assessment({"f1_score": worse})], "f1_score"),
        verdict_line(weak, [strong], [Assessment({"log_loss": UNSURE})], "log_loss"),
        verdict_line(
            weak, [other, strong], [Assessment({"f1_score": worse}), Assessment({"f1_score": SURE})], "f1_score"
        ),
        verdict_line(weak, [strong], [Assessment(note="no predictions")], "f1_score"),
        verdict_line(weak, [strong], [Assessment()], "mcc"),
    ]
    assert lines == [
        "run-c is worse than run-a: f1_score 0.8000 → 0.7000, a change of -0.1000 (limits -0.1500 to -0.0500)",
        "no clear difference between run-a and run-b: log_loss 0.5000 → 0.4000, a change of -0.1000"
        " (limits -0.3000 to +0.1000)",
        "run-b (the best of 2) is better than run-a: f1_score 0.8000 → 0.9000, a change of +0.1000"
        " (limits +0.0500 to +0.1500)",
        "not tested (no predictions): run-a and run-b: f1_score 0.8000 → 0.9000",
        "not tested (mcc is not): run-a and run-b: mcc – → –",
    ]


def test_the_gate_without_a_test_still_says_its_verdict():
    sheet = gate_sheet(RUNS, Decision("undecided", "no predictions"), Assessment(note="no predictions"), "f1_score", [])
    assert plain_table(sheet).startswith("gate: undecided\nreason: no predictions\n")


def test_flips_are_counted_and_shown_with_what_both_said():
    flip = Flip("fixed", 3, "a", "b", "a", None)
    sheet = flips_sheet(Flips(1, 2, 3, 4, [flip]), [(flip, None)], RUNS[0])
    assert dict(sheet.facts) == {"fixed": 1, "broken": 2, "both_wrong": 3, "both_right": 4}
    assert list(sheet.rows[0]) == ["fixed", 3, "a", "b", "a", None, None]


def test_sets_of_runs_are_shown_with_spread_and_number():
    one = GroupDifference("f1_score", (0.8, 0.9), (0.01, None), (3, 1), None)
    sheet = groups_sheet([one], ("old-*", "new-*"))
    assert list(sheet.rows[0])[:7] == ["f1_score", 0.8, 0.01, 3, 0.9, None, 1]
    assert sheet.rows[0][7] == Change(0.9 - 0.8)


def test_a_comparison_of_sets_fits_a_terminal_of_80_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    unsure = Difference("balanced_accuracy", 0.8669, 0.8714, -0.0077, 0.0167, 0.364)
    one = GroupDifference("balanced_accuracy", (0.8669, 0.8714), (0.0121, 0.0094), (5, 5), unsure)
    stream = StringIO()
    print_table(groups_sheet([one], ("old", "new")), stream)
    lines = stream.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    header = next(line for line in lines if "baseline " in line and "metric" in line)
    assert header.split() == ["metric", "baseline", "challenger", "change", "p", "verdict"]


@pytest.mark.parametrize(("columns", "told"), [("80", ["p", "verdict"]), ("120", ["low", "high", "p", "verdict"])])
def test_where_there_is_no_room_a_comparison_has_p_rather_than_limits(monkeypatch, columns, told):
    monkeypatch.setenv("COLUMNS", columns)
    names = ("longer-name-1", "longer-name-2")
    runs = [
        RunRecord(name, name, "finished", "1", metrics={"balanced_accuracy": 0.8 + i / 100})
        for i, name in enumerate(names)
    ]
    found = Difference("balanced_accuracy", 0.8, 0.81, -0.0077, 0.0277, 0.364)
    comparison = compare(runs, [Evidence()] * 2, everything=True)
    stream = StringIO()
    print_table(comparison_sheet(comparison, [Assessment({"balanced_accuracy": found})]), stream)
    header = next(line.split() for line in stream.getvalue().splitlines() if "verdict" in line)
    assert header[header.index("change") + 1 :] == told


def test_it_is_said_that_p_is_corrected_where_limits_and_verdict_seem_to_disagree() -> None:
    corrected = Difference("mcc", 0.70, 0.74, 0.01, 0.07, p_value=0.06, many=6)
    asked = Difference("f1_score", 0.85, 0.87, 0.005, 0.035, p_value=0.06)
    told = corrected_line("f1_score", [Assessment({"f1_score": asked, "mcc": corrected}, {})])
    assert (
        told
        == "p of f1_score stands by itself, that of the other metrics is corrected for being many (--metric asks one)"
    )
    for clear in (replace(corrected, p_value=0.01), replace(corrected, low=-0.01)):
        assert corrected_line("f1_score", [Assessment({"f1_score": asked, "mcc": clear}, {})]) is None


def test_slices_of_a_gate_have_their_rows_and_why_there_is_no_verdict():
    parts = [SliceDifference("web", 224, SURE), SliceDifference("(other)", 7, None, "fewer than 20 rows")]
    sheet = gate_sheet(RUNS, Decision("pass", "fine"), Assessment({"f1_score": SURE}), "f1_score", [], parts)
    *_, header, web, other = plain_table(sheet).splitlines()
    assert header.split()[-3:] == ["verdict", "rows", "note"]
    assert web.split()[-3:] == ["better", "224", "–"]
    assert other.endswith("7  fewer than 20 rows")


def compared(*runs: RunRecord) -> Sheet:
    comparison = compare(runs, [Evidence()] * len(runs), everything=True)
    return comparison_sheet(comparison, [Assessment()] * (len(runs) - 1))


def test_a_comparison_of_two_has_a_baseline_a_challenger_and_a_change() -> None:
    sheet = compared(run(1), run(2, metrics={"f1_score": 0.9, "log_loss": 0.5}))
    tests = ["low", "high", "p_value", "verdict"]
    assert keys(sheet) == ["section", "key", "baseline", "challenger", "change", *tests]
    assert [column.title for column in sheet.columns][:5] == ["section", "key", "run-1", "run-2", "change"]
    assert sheet.facts == {"baseline": "00000001" * 4, "challenger": "00000002" * 4, "same_test_set": None}
    rows = {str(row[1]): list(row) for row in sheet.rows}
    assert rows["f1_score"][2:] == [0.881, 0.9, Change(0.9 - 0.881, True), None, None, None, None]
    assert rows["log_loss"][2:5] == [None, 0.5, None]
    assert [type(cell) for cell in rows["c"][2:5]] == [Setting, Setting, type(None)]


def test_a_comparison_of_three_numbers_its_challengers() -> None:
    sheet = compared(run(1), run(2), run(3))
    columns = ["challenger", "change", "low", "high", "p_value", "verdict"]
    assert keys(sheet)[2:] == ["baseline", *(f"{column}_{i}" for i in (1, 2) for column in columns)]
    assert list(sheet.facts) == ["baseline", "challenger_1", "challenger_2", "same_test_set"]
    assert len(set(keys(sheet))) == len(keys(sheet))


def test_a_challenger_without_any_value_keeps_its_column() -> None:
    """Its absence is the finding; and a script reads the same keys in every section."""
    sheet = compared(run(1), run(2, params={}), run(3))
    assert json.loads(as_json(sheet))["parameters"]["c"] == {
        **{"baseline": 1.0, "challenger_1": None, "challenger_2": 1.0},
    }
    assert plain_table(sheet).count("run-2") == 2


def test_runs_of_one_name_are_told_apart_by_their_ids() -> None:
    """Two columns "baseline" would leave the reader guessing."""
    sheet = compared(run(1, name="same"), run(2, name="same"), run(3, name="other"), run(4, name=""))
    titles = [column.title for column in sheet.columns if column.key.startswith(("base", "chall"))]
    assert titles == ["00000001 same", "00000002 same", "other", "00000004"]


def test_long_names_that_are_the_same_show_their_ids_all_the_same() -> None:
    """The title is cut to the column: the id, which tells the runs apart, must not be what is cut off."""
    sheet = compared(run(1, name="n" * 100), run(2, name="n" * 100))
    header = plain_table(sheet).splitlines()[5]
    assert "00000001" in header
    assert "00000002" in header


def test_the_direction_of_a_metric_decides_what_is_better() -> None:
    one = run(1, metrics={"accuracy": 0.8, "log_loss": 0.5, "f1_score": 0.7, "mcc": math.nan})
    two = run(2, metrics={"accuracy": 0.9, "log_loss": 0.6, "f1_score": 0.7, "mcc": 0.5})
    changes = {str(row[1]): row[4] for row in compared(one, two).rows if row[0] == "metrics"}
    better = {key: change.better for key, change in changes.items() if isinstance(change, Change)}
    assert better == {"accuracy": True, "log_loss": False, "f1_score": None, "mcc": None}


def test_two_values_of_a_parameter_never_read_alike() -> None:
    one, two = run(1, params={"c": "0.56111", "w": "None"}), run(2, params={"c": "0.56112", "w": "balanced"})
    lines = [line.split() for line in plain_table(compared(one, two)).splitlines()]
    assert ["c", "0.56111", "0.56112"] in lines
    assert ["w", "none", "balanced"] in lines
