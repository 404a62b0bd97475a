"""What a comparison reads of a run's files: what is gone is missing, what is damaged is told with the run's name."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from expctl.analysis.comparison import Evidence
from expctl.errors import DataError
from expctl.records import RunRecord
from expctl.tracking.runs.comparison_inputs import read_evidence

RUN = RunRecord("a" * 32, "strong", "finished", "1")


def evidence(files: dict[str, bytes], *, per_class: bool = True) -> Evidence:
    store = SimpleNamespace(read_artifact=lambda run, path: files.get(path))
    return read_evidence(store, RUN, per_class=per_class)  # type: ignore[arg-type]


def test_packages_and_figures_are_those_of_the_files():
    figures = {"negative": {"f1_score": 0.5, "support": 20}}
    found = evidence({"requirements.txt": b"numpy==2.0\n", "per_class.json": json.dumps(figures).encode()})
    assert found.packages == {"numpy": "2.0"}
    assert found.per_class == figures


def test_a_file_that_is_gone_is_missing_and_no_error():
    assert evidence({}) == Evidence(None, None)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"negative": 3}', b'{"negative": {"precision": 1}}', b"\xff\xfe"]
)
def test_figures_of_classes_that_are_damaged_name_the_run(content):
    with pytest.raises(DataError, match=r"^per_class\.json of run strong \(aaaaaaaa\) is damaged$"):
        evidence({"per_class.json": content})


def test_figures_that_nobody_asks_for_are_not_read():
    assert evidence({"per_class.json": b"{"}, per_class=False).per_class is None
