"""What a reader is told of tested differences: colours follow verdicts, columns their places."""

from __future__ import annotations

from expctl.analysis.comparison import Evidence, compare
from expctl.analysis.difference import Difference
from expctl.analysis.flips import Flip, Flips
from expctl.analysis.gate import Decision
from expctl.analysis.groups import GroupDifference
from expctl.analysis.significance import Assessment
from expctl.records import RunRecord
from expctl.render.comparison_views import comparison_sheet, flips_sheet, gate_sheet, groups_sheet
from expctl.render.formats import as_json, as_markdown, plain_table
from expctl.render.sheet import Change


def run(name: str, f1: float, log_loss: float) -> RunRecord:
    metrics = {"f1_score": f1, "log_loss": log_loss}
    return RunRecord(name * 32, f"run-{name}", "finished", "1", params={"c": "1.0"}, metrics=metrics)


SURE = Difference("f1_score", 0.8, 0.9, 0.05, 0.15, 0.0001)
UNSURE = Difference("log_loss", 0.5, 0.4, -0.3, 0.1, 0.4)
RUNS = (run("a", 0.8, 0.5), run("b", 0.9, 0.4))


def test_a_change_is_coloured_only_where_its_verdict_is_sure():
    tests = [Assessment({"f1_score": SURE, "log_loss": UNSURE})]
    sheet = comparison_sheet(compare(RUNS, [Evidence()] * 2), tests)
    rows = {str(row[1]): list(row) for row in sheet.rows}
    assert rows["f1_score"][4:] == [Change(SURE.change, True), Change(0.05), Change(0.15), 0.0001, "better"]
    assert rows["log_loss"][4:] == [Change(UNSURE.change, None), Change(-0.3), Change(0.1), 0.4, "no clear difference"]
    assert rows["c"][4:] == [None] * 5


def test_p_values_below_a_thousandth_are_not_spelled_out_in_tables_but_exact_in_json():
    sheet = comparison_sheet(compare(RUNS, [Evidence()] * 2), [Assessment({"f1_score": SURE})])
    assert "<0.001  better" in plain_table(sheet)
    assert '"p_value": 0.0001' in as_json(sheet)


def test_the_gate_says_its_verdict_before_anything_else():
    decision = Decision("regression", "f1_score fell")
    flip = Flip("broken", 7, "positive", "positive", "negative", 0.9)
    assessment = Assessment({"log_loss": UNSURE, "f1_score": SURE})
    sheet = gate_sheet(RUNS, decision, assessment, "f1_score", [(flip, "a <b>fine</b> film")])
    text = as_markdown(sheet)
    assert text.startswith("- gate: regression\n- reason: f1\\_score fell\n")
    assert text.index("f1\\_score | 0.8000") < text.index("log\\_loss | 0.5000") < text.index("### broken")
    assert "a &lt;b&gt;fine&lt;/b&gt; film" in text


def test_the_gate_without_a_test_still_says_its_verdict():
    sheet = gate_sheet(RUNS, Decision("undecided", "no predictions"), Assessment(note="no predictions"), "f1_score", [])
    assert plain_table(sheet).startswith("gate: undecided\nreason: no predictions\n")


def test_flips_are_counted_and_shown_with_what_both_said():
    flip = Flip("fixed", 3, "a", "b", "a", None)
    sheet = flips_sheet(Flips(1, 2, 3, 4, [flip]), [(flip, None)])
    assert dict(sheet.facts) == {"fixed": 1, "broken": 2, "both_wrong": 3, "both_right": 4}
    assert list(sheet.rows[0]) == ["fixed", 3, "a", "b", "a", None, None]


def test_sets_of_runs_are_shown_with_spread_and_number():
    one = GroupDifference("f1_score", (0.8, 0.9), (0.01, None), (3, 1), None)
    sheet = groups_sheet([one], ("old-*", "new-*"))
    assert list(sheet.rows[0])[:7] == ["f1_score", 0.8, 0.01, 3, 0.9, None, 1]
    assert sheet.rows[0][7] == Change(0.9 - 0.8)
