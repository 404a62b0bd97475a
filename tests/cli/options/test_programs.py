"""The options of a program's predictions: the same words in `run` and `adopt`."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("command", ["run", "adopt"])
def test_both_commands_name_columns_by_the_same_options(cli, command):
    shown = cli(command, "--help").stdout
    assert all(f"  {option} COLUMN" in shown for option in ("--target", "--prediction", "--id", "--text-column"))
