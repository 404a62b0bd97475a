"""The parts of charts: a text of a run is data, made visible, and never an expression or a field's name."""

from __future__ import annotations

import json

import pytest

from expctl.render.vega import LEGEND, between, coloured, hint, measured, series, spec

HOSTILE = "\x1b[31m\n\u202edatum['x']"


def test_a_chart_has_its_data_and_how_wide_it_has_to_be():
    chart = spec("two runs", [{"run": "a"}], height=40, least=300, mark="point")
    assert (chart["data"], chart["height"], chart["mark"]) == ({"values": [{"run": "a"}]}, 40, "point")
    assert chart["usermeta"] == {"least": 300}
    assert json.loads(json.dumps(chart, allow_nan=False)) == chart


def test_texts_of_a_chart_are_one_visible_line():
    for text in (
        spec(HOSTILE, [], height=1)["description"],
        measured("x", HOSTILE)["axis"]["title"],
        *hint("run", {"note": HOSTILE}).splitlines()[1:],
    ):
        assert text.isprintable()
        assert "datum" in text


@pytest.mark.parametrize(("title", "axis"), [(None, "none of its own"), ("", None), ("f1", "f1")])
def test_an_axis_is_called_by_its_title_and_by_nothing_where_that_is_empty(title, axis):
    channel = measured("value", title)
    assert channel.get("axis", {"title": "none of its own"})["title"] == axis
    assert channel["scale"] == {"zero": False}


def test_a_line_goes_from_one_limit_to_the_other():
    assert (between("low", "high", "f1")["x"]["field"], between("low", "high", "f1")["x2"]["field"]) == ("low", "high")


def test_the_run_that_is_picked_stands_out_before_any_other_colour():
    colour = coloured("accent", "datum.tied", "soft")["color"]
    assert [one["value"]["expr"] for one in colour["condition"]] == ["pick", "accent"]
    assert colour["value"] == {"expr": "soft"}


def test_runs_have_the_colours_of_their_places_with_the_baseline_first():
    assert series("run", ["a", "b"])["scale"]["range"] == [{"expr": "series[0]"}, {"expr": "series[1]"}]
    assert series("run", ["b"], after=1)["scale"] == {"domain": ["b"], "range": [{"expr": "series[1]"}]}


@pytest.mark.parametrize(("names", "after", "legend"), [(["a"], 0, LEGEND), (["b"], 1, None), (["b", "c"], 1, LEGEND)])
def test_a_single_challenger_needs_no_legend(names, after, legend):
    assert series("run", names, after=after)["legend"] == legend


def test_a_mark_says_its_name_and_a_fact_a_line_without_those_that_are_missing():
    assert hint("strong", {"f1": 0.123456, "flag": True, "c": None, "kind": "x"}) == (
        "strong\nf1: 0.1235\nflag: true\nkind: x"
    )


def test_a_line_of_a_mark_is_cut():
    assert [len(line) for line in hint("n" * 500, {"a": "x" * 500}).splitlines()] == [120, 120]
