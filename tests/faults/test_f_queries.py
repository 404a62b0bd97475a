"""Questions that break (section F of what expctl survives); most are asked in tests/filters and tests/tracking."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.faults.bench import Bench


BROKEN = [
    "(" * 10_000 + "c = 1",
    "c = 1 and " * 9_000,
    "c = '" + "x" * 100_000,
    "not " * 20_000,
    "c = 1; DROP TABLE runs",
    "name = 'a' UNION SELECT 1 --",
    "tags.`a` = \"b' or '1'='1",
    "c in (" + "1," * 30_000 + ")",
]


@pytest.mark.slow
@pytest.mark.parametrize("filters", [pytest.param(BROKEN, id="F03-broken-and-huge-filters")])
def test_a_filter_that_cannot_be_read_is_pointed_at_in_bounded_time(recorded: Bench, filters):
    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(lambda text: recorded.start("list", "--filter", text).process, filters))
        told = list(pool.map(lambda process: process.communicate(timeout=600), ended))
    assert [process.returncode for process in ended] == [2] * len(filters), told
    for stdout, stderr in told:
        assert stdout == ""
        assert "Traceback" not in stderr
        assert stderr.startswith("expctl: filter: ")
        assert stderr.splitlines()[-1].strip() == "^"
        assert len(stderr) < 2_000
    recorded.check()
    deep = "(" * 10_000 + "c = 10" + ")" * 10_000
    assert len(recorded.run("list", "--format", "id", "--filter", deep).stdout.split()) == 1
    assert len(recorded.run("list", "--format", "id").stdout.split()) == 4
