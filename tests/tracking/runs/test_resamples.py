"""resamples.parquet: what is written is read again, and nothing else is."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from expctl.errors import DataError
from expctl.records import RunRecord, Tag
from expctl.tracking.runs.resamples import PATH, read_resamples, written

DRAWN = {"cost_loss": np.array([0.5, 0.25, float("nan")]), "gain": np.array([1.0, 2.0, 3.0])}


class OneFile:
    """A store whose runs have one file, or none."""

    def __init__(self, content: bytes | None) -> None:
        self.content = content

    def read_artifact(self, _run: RunRecord, path: str) -> bytes | None:
        assert path == PATH
        return self.content


def run_of(content: bytes | None) -> RunRecord:
    tags = {} if content is None else {Tag.RESAMPLES_DIGEST: hashlib.sha256(content).hexdigest()}
    return RunRecord("7cb12345" + "0" * 24, "first", "finished", "1", metrics={"gain": 2.0}, tags=tags)


def test_what_is_written_is_read_again():
    content = written(DRAWN, {"cost_loss": "own:cost 1", "gain": "own:gain 1"})
    found = read_resamples(OneFile(content), run_of(content))
    assert {key: values.tolist() for key, values in found.drawn.items()} == {
        "cost_loss": pytest.approx([0.5, 0.25, float("nan")], nan_ok=True), "gain": [1.0, 2.0, 3.0],
    }  # fmt: skip
    assert found.sources == {"cost_loss": "own:cost 1", "gain": "own:gain 1"}
    assert found.values == {"gain": 2.0}


def test_a_run_without_metrics_of_its_own_has_none():
    assert read_resamples(OneFile(None), run_of(None)) is None


def test_another_file_than_the_recorded_one_is_damaged(tmp_path: Path):
    content = written(DRAWN, {})
    with pytest.raises(DataError, match="has changed since it was recorded"):
        read_resamples(OneFile(written({"gain": DRAWN["gain"]}, {})), run_of(content))
    with pytest.raises(DataError, match=r"resamples\.parquet"):
        read_resamples(OneFile(b"PAR1"), run_of(b"PAR1"))
