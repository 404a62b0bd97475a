"""What `doctor` shows: settings with their sources, each check once, and the orphans by their ids."""

from __future__ import annotations

import json

from expctl.render.checks import checks_sheet
from expctl.render.formats import as_csv, as_json, plain_table
from expctl.render.sheet import Size
from expctl.workflows.doctor_check import Check

CHECKS = (
    Check("store", "free_disk", 5_000_000_000, "ok"),
    Check("runs", "aaaaaaaa", "lost: is gone", "warning", "expctl doctor --fix", "a" * 32),
)
SETTINGS = {"EXPCTL_DEVELOPER": ("Ann", ".env"), "EXPCTL_DATA": ("", "default")}


def test_settings_come_first_then_checks_then_versions():
    sheet = checks_sheet(SETTINGS, iter(CHECKS), {"python": "3.12"})
    assert [row[:2] for row in sheet.rows] == [
        ["settings", "EXPCTL_DEVELOPER"], ["settings", "EXPCTL_DATA"],
        ["store", "free_disk"], ["runs", "aaaaaaaa"], ["versions", "python"],
    ]  # fmt: skip
    assert type(sheet.rows[2][2]) is Size


def test_an_empty_setting_is_none_and_says_where_it_comes_from():
    assert checks_sheet(SETTINGS, (), {}).rows[1] == ["settings", "EXPCTL_DATA", None, "default", None, None]


def test_the_ids_are_those_of_the_orphans():
    assert checks_sheet({}, iter(CHECKS), {}).ids == ["a" * 32]


def test_a_check_is_an_object_in_json_whatever_it_has():
    told = json.loads(as_json(checks_sheet(SETTINGS, CHECKS, {"python": "3.12"})))
    assert told["settings"]["EXPCTL_DEVELOPER"]["found"] == "Ann"
    assert told["settings"]["EXPCTL_DATA"]["from"] == "default"
    assert told["runs"]["aaaaaaaa"]["next"] == "expctl doctor --fix"
    assert told["versions"] == {"python": {"found": "3.12"}}


def test_what_tables_shorten_machines_have_whole():
    check = Check("store", "addresses", "2 to set right", "warning", whole="2 to set right, as /a for /b")
    sheet = checks_sheet({}, [check], {})
    assert json.loads(as_json(sheet))["store"]["addresses"]["found"] == "2 to set right, as /a for /b"
    assert "as /a for /b" in as_csv(sheet)
    assert "as /a for /b" not in plain_table(sheet)
    assert "2 to set right" in plain_table(sheet)
