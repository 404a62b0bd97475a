"""The list of what expctl survives is true to the tests: each line is tried somewhere, or says why it is not."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.faults.lines import HERE, LINES, Line

SECTIONS = {"A": 8, "B": 15, "C": 7, "D": 8, "E": 4, "F": 4, "G": 5, "H": 7, "I": 6, "J": 5}


def test_the_list_is_whole() -> None:
    assert [line.id for line in LINES] == [f"{a}{n:02}" for a, last in SECTIONS.items() for n in range(1, last + 1)]


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.id)
def test_a_line_is_tried_where_it_says(line: Line) -> None:
    assert line.untried or line.tests
    for place in line.tests:
        name, _, function = place.partition("::")
        text = (HERE / name).read_text()
        if function:
            tree = ast.parse(text)
            assert function in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, place
        else:
            assert re.search(rf'id="[^"]*\b{line.id}-|id="[^"]*-{line.id}"', text), f"no case of {line.id} in {name}"


def test_every_case_is_of_a_line() -> None:
    known = {line.id for line in LINES}
    for path in Path(HERE).glob("test_[a-h]_*.py"):
        for case in re.findall(r'\bid="([^"]+)"', path.read_text()):
            assert re.match(r"[A-H]\d\d-", case), case
            assert case[:3] in known, case
