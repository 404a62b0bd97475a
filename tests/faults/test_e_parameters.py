"""Config files and parameters that break (section E of what expctl survives); most are in tests/training and tests/cli.

`EXPCTL_TEST_CASES=200000` asks for as many cases.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from expctl.cli.config import RECORD_KEYS, read_config
from expctl.errors import UsageError
from expctl.training.configure import RECIPE_KEYS, configure

CASES = int(os.environ.get("EXPCTL_TEST_CASES", "200"))
KEYS = st.sampled_from([*RECIPE_KEYS, "model", "tag", "param", "run_name", "autolog", "experiment", "c", "alpha", "zz"])
SCALARS = st.one_of(
    st.integers(-(2**70), 2**70), st.floats(), st.booleans(), st.text(max_size=8),
    st.sampled_from(["logreg", "naive_bayes", "m:f", "none", "1.5"]),
)  # fmt: skip
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=2), st.dictionaries(KEYS, SCALARS, max_size=2))


def toml(value: object) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return (
            '"' + "".join(f"\\u{ord(one):04x}" if ord(one) < 0x10000 else f"\\U{ord(one):08x}" for one in value) + '"'
        )
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key} = {toml(one)}' for key, one in value.items())}}}"
    return str(value)


FILES = st.one_of(
    st.binary(max_size=60),
    st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.dictionaries(KEYS, VALUES, max_size=4).map(
        lambda content: "\n".join(f"{key} = {toml(value)}" for key, value in content.items()).encode()
    ),
)


@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
@given(FILES)
def test_any_file_is_a_config_or_a_usage_error(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "c.toml")
        path.write_bytes(content)
        with suppress(UsageError):
            said = read_config(path)
            recipe = {key: value for key, value in said.items() if key not in ("tag", *RECORD_KEYS)}
            configure({"data": "d.csv", **recipe})


@pytest.mark.parametrize("path", [pytest.param("/dev/zero", id="E03-a-device")])
def test_a_device_is_no_config_file(path):
    with pytest.raises(UsageError, match="not a file"):
        read_config(Path(path))
