"""A report's page: one file that loads nothing, runs nothing but its own scripts, and shows every text as text.

The tests that look at the page do so in Chromium, and are skipped where there is none.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import sqlite3
from base64 import b64decode
from contextlib import closing
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from expctl.render.report import report_page
from expctl.workflows.report import assemble, choose
from tests.browser import PROGRAM, Browser
from tests.tracking.recorded import store_of, train

if TYPE_CHECKING:
    from collections.abc import Iterator

ATTACK = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">'\"{{7*7}}"
TURNED = "evil\u202egnp.exe\x1b[31m"
SIDES = ("ham " + ATTACK, "spam <b onclick=document.title='owned'>")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, migrated_store: Path) -> Path:
    """A report of three runs in which every name, label, text, tag and parameter attacks."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "mlflow.db").write_bytes(migrated_store.read_bytes())
    quoted = [text.replace('"', '""') for text in (ATTACK, *SIDES)]
    rows = [f'"{i % 3}th {i % 7}th {quoted[0]}","{quoted[1 + i * i // 5 % 2]}"' for i in range(120)]
    (folder / "small.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    with contextlib.chdir(folder):
        made = [
            train(folder, f"{i}{ATTACK}{TURNED}", tags={"team": f"{ATTACK}{i}"}, c=0.01 * 30.0**i, slice="label")
            for i in range(3)
        ]
    with closing(sqlite3.connect(folder / "mlflow.db")) as database, database:
        for number, run in enumerate(made):
            given = {f"datum['x'] {ATTACK}": f"{ATTACK}{number}", "width": ("nan", "1" * 400, "3")[number]}
            database.executemany(
                "INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)",
                [(key, value, run.run_id) for key, value in given.items()],
            )
    store = store_of(folder)
    with contextlib.chdir(folder):  # where the data file is, which has the texts
        report = assemble(store, choose(store, [run.run_id for run in made], None))
    path = folder / "report.html"
    path.write_bytes(report_page(report))
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if PROGRAM is None:
        pytest.skip("no chromium to look at the page with (apt install chromium)")
    found = Browser(tmp_path_factory.mktemp("profile"))
    yield found
    found.close()


def test_nothing_but_the_page_s_own_scripts_may_run_and_nothing_be_loaded(page):
    text = page.read_text("utf-8")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy[1].split(";"))
    assert rules["default-src"] == "'none'"
    assert "unsafe" not in policy[1]
    assert "http" not in policy[1]
    for tag, rule in (("script", "script-src"), ("style", "style-src")):
        parts = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.S)
        allowed = {b64decode(one) for one in re.findall(r"'sha256-([^']*)'", rules[rule])}
        assert {hashlib.sha256(part.encode()).digest() for part in parts} == allowed
    assert not re.search(r"<(?:link|iframe|img|base|object)\b|\bsrc=\"|@import|url\(", text.split("<script")[0])


def test_no_text_of_a_run_is_markup(page):
    head, data, _ = re.split(
        r'<script type="application/json" id="charts">|</script>\n<script>', page.read_text(), maxsplit=2
    )
    assert "<script" not in head
    assert "<img" not in head
    assert "<b " not in head
    # A name, a name again, a row that flipped, a class.
    for place in ("<h1>", "<strong>", '<td class="text">', '<th scope="row">ham '):
        assert re.search(rf"{place}[^<]*&lt;/script&gt;&lt;script&gt;", head), place
    assert "<" not in data
    assert "{{7*7}}" in head  # nor is it a template
    assert "\\u202e" in head
    assert "\u202e" not in head
    assert "\x1b" not in head


def test_the_slices_that_were_recorded_are_drawn_and_told(page):
    text = page.read_text()
    assert '<section id="slices">' in text
    assert 'data-chart="slices-0"' in text
    assert '<th scope="row">(other)' in text


def test_the_drawing_code_is_the_one_that_is_written_down():
    folder = files("expctl.render") / "page"
    digest = hashlib.sha256((folder / "vega.js").read_bytes()).hexdigest()
    assert digest in (folder / "vega.md").read_text("utf-8")
    for name in ("vega.js", "page.js"):
        code = (folder / name).read_text("utf-8")
        assert not re.search(r"</?script|<!--", code, re.IGNORECASE)  # would end the element they stand in
        assert "\r" not in code


def test_tables_and_page_can_be_read_without_seeing_them(page):
    text = page.read_text()
    assert '<html lang="en">' in text
    assert text.count("<table>") == text.count("<caption>") == text.count('<thead><tr><th scope="col"') > 4
    assert text.count("<td><button") == 3
    assert re.search(r'<label for="metric">.*</label>\s*<select id="metric">', text)


def test_chromium_draws_every_chart_and_has_nothing_to_complain_of(browser, page):
    for dark in (False, True):
        browser.open(page, dark=dark)
        assert browser.said == []
        wanted = browser.of("Object.keys(JSON.parse(document.getElementById('charts').textContent)).length")
        assert wanted > 10
        assert browser.of("document.querySelectorAll('.chart > svg').length") == wanted
        marks = "[...document.querySelectorAll('.chart')].filter(one => !one.querySelector('.mark-symbol path, "
        marks += ".mark-line path, .mark-rect path')).length"
        assert browser.of(marks) == 0
        assert browser.of("document.title").startswith("0</script>")  # never "owned"
        assert browser.of("document.querySelectorAll('img, main script, [onclick], [onerror]').length") == 0


def test_the_page_and_its_charts_follow_the_colours_of_the_system(browser, page):
    seen = {}
    for dark in (False, True):
        browser.open(page, dark=dark)
        seen[dark] = [browser.of("getComputedStyle(document.body).backgroundColor")]
        seen[dark] += [browser.of("document.querySelector('.chart text').getAttribute('fill')")]
    assert seen[False][0] == "rgb(255, 255, 255)"
    assert seen[True][0] == "rgb(20, 24, 31)"
    assert seen[False][1] != seen[True][1]


def test_a_narrow_screen_is_not_scrolled_sideways_but_wide_things_in_it_are(browser, page):
    browser.open(page, width=360)
    assert browser.of("document.documentElement.scrollWidth") == 360
    reachable = "[...document.querySelectorAll('.scroll, .wide')].filter(one => one.scrollWidth > one.clientWidth)"
    assert browser.of(f"{reachable}.length") > 2
    assert browser.of(f"{reachable}.every(one => one.tabIndex === 0 && one.getAttribute('aria-label'))")
    assert browser.said == []


def test_the_keyboard_reaches_a_run_and_makes_it_stand_out_until_escape(browser, page):
    browser.open(page)
    lines = "[...document.querySelectorAll('[data-chart=parallel] .mark-line path')]"
    thick = f"{lines}.filter(one => one.getAttribute('stroke-width') == 5)"
    pressed = "document.querySelectorAll('button[aria-pressed=true]').length"
    browser.press("Tab", code=9)
    assert browser.of("document.activeElement.textContent") == "Skip to the report"
    for _ in range(30):
        browser.press("Tab", code=9)
        if browser.of("document.activeElement.dataset.run ?? ''"):
            break
    browser.press("Enter", code=13)
    browser.wait(f"{thick}.length === 1")
    assert browser.of(pressed) == 1
    assert browser.of("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    browser.press("Escape", code=27)
    browser.wait(f"{thick}.length === 0")
    assert browser.of(pressed) == 0


def test_another_metric_moves_the_points(browser, page):
    browser.open(page)
    points = "[...document.querySelectorAll('[data-chart=scatter-0] .mark-symbol path')]"
    places = f"{points}.map(one => one.getAttribute('transform')).join()"
    before = browser.of(places)
    loss = browser.of("[...document.querySelectorAll('#metric option')].findIndex(one => one.text === 'log_loss')")
    choice = f"const one = document.getElementById('metric'); one.value = {loss};"
    browser.of(f"{{{choice} one.dispatchEvent(new Event('change'))}}")
    browser.wait(f"{places} !== {before!r}")
    assert browser.said == []
