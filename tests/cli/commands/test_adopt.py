"""`expctl adopt`, what it refuses before it looks at a store; what it does is in tests/workflows/test_adopt.py."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "expctl: adopt needs --predictions or --data, one of them (try: expctl help predictions)\n"),
        (["--predictions", "a.csv", "--data", "b.csv"], "expctl: adopt needs --predictions or --data, one of them"),
    ],
)
def test_what_is_wrong_is_told_at_once(cli, folder, arguments, told):
    done = cli("adopt", "latest", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(told)
