"""Config files that break (section E of what expctl survives); most are in test_fuzz.py, tests/training, tests/cli."""

from __future__ import annotations

from pathlib import Path

import pytest

from expctl.cli.config_file import read_config
from expctl.errors import UsageError


@pytest.mark.parametrize("path", [pytest.param("/dev/zero", id="E03-a-device")])
def test_a_device_is_no_config_file(path):
    with pytest.raises(UsageError, match="not a file"):
        read_config(Path(path))
