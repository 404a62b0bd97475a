"""Topics on a terminal: links name what shows their target, lines keep within the width, nothing is lost."""

from __future__ import annotations

import io
import re

import pytest

from expctl import docs
from expctl.render.markdown import for_terminal, print_markdown


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ("[filters](filters.md)", "`expctl help filters`"),
        ("[exit codes](exit-codes.md)", "`expctl help exit-codes`"),
        ("[how](filters.md)", "how (`expctl help filters`)"),
        ("[how](exit-codes.md#a-b)", "how (`expctl help exit-codes`)"),
        ("[here](#columns)", "here"),
        ("[faults](../../tests/faults/README.md)", "faults (`tests/faults/README.md`)"),
        ("[how](../render/page/vega.md)", "how (`expctl/render/page/vega.md`)"),
        ("[Vega](https://vega.github.io)", "[Vega](https://vega.github.io)"),
    ],
)
def test_links_name_what_shows_their_target(link, shown):
    assert for_terminal(f"see {link}.") == f"see {shown}."


@pytest.mark.parametrize("name", docs.names())
@pytest.mark.parametrize("width", [60, 100])
def test_every_topic_is_drawn_within_the_width_with_all_its_words(name, width, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(width))
    stream = io.StringIO()
    print_markdown(docs.read(name).text, stream)
    drawn = stream.getvalue()
    assert "\x1b" not in drawn
    assert max(map(len, drawn.splitlines())) <= width
    prose = re.sub(r"```.*?```", "", docs.read(name).text, flags=re.S)
    words = set(re.findall(r"\b[A-Za-z]{5,12}\b", re.sub(r"\]\([^)]*\)|`[^`]*`", " ", prose)))
    flat = re.sub(r"[\s│]+", "", drawn)
    missing = [word for word in words if word not in flat]
    assert len(missing) <= len(words) * 0.1, missing
