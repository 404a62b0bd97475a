"""What a program left: files by globs, numbers of a metrics.json, and which files it has written itself."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from expctl.errors import DataError
from expctl.tracking.runs.items import MetricValue
from expctl.training.data.predictions_table import read_predictions_table
from expctl.workflows.program_outcome import Before, check_written, evidence_of, files, metrics_file
from expctl.workflows.program_request import ProgramRequest
from tests.render.run_records import run


def test_a_file_is_the_programs_if_it_is_new_or_another_one(tmp_path):
    path, other = tmp_path / "a", tmp_path / "b"
    other.write_text("x")
    before = Before.of(path, other)
    assert not before.written(path)
    assert not before.written(other)
    path.write_text("x")
    os.utime(other, ns=(1, 1))
    assert before.written(path)
    assert before.written(other)
    with pytest.raises(DataError, match="was not written by the program"):
        check_written(before, tmp_path / "c.csv")


@pytest.mark.parametrize(
    ("text", "told"), [("{", "is not read"), ("[1]", "not an object"), ('{"a/../b": 1}', "a key is no path")]
)
def test_a_metrics_json_that_is_none_is_told(tmp_path, text, told):
    (tmp_path / "metrics.json").write_text(text)
    notes: list[str] = []
    assert list(metrics_file(tmp_path / "metrics.json", notes.append)) == []
    assert told in notes[0]


def test_links_out_of_a_folder_and_files_of_ours_are_not_kept(tmp_path):
    folder, scratch = tmp_path / "here", tmp_path / "scratch"
    (folder / "out").mkdir(parents=True)
    scratch.mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_text("s")
    (folder / "out" / "away").symlink_to(tmp_path / "outside")
    (folder / "out" / "a.txt").write_text("a")
    (folder / "model").mkdir()
    (folder / "model" / "x").write_text("x")
    notes: list[str] = []
    request = ProgramRequest(("true",), artifacts=("out", "model"))
    assert len(list(files(request, folder, scratch, notes.append))) == 1
    assert sorted(path.relative_to(scratch).as_posix() for path in scratch.rglob("*") if path.is_file()) == [
        "out/a.txt"
    ]
    assert notes == ["warning: model/x is not recorded: expctl records a file of that name"]


def test_a_file_whose_name_no_store_holds_is_told_and_the_others_are_kept(tmp_path):
    folder, scratch = tmp_path / "here", tmp_path / "scratch"
    for path in (folder, scratch):
        path.mkdir()
    for name in (b"two\nlines", b"\xff.bin", b"good name ' \".txt"):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_text("x")
    notes: list[str] = []
    assert len(list(files(ProgramRequest(("true",)), folder, scratch, notes.append, own=True))) == 1
    assert [path.name for path in scratch.iterdir()] == ["good name ' \".txt"]
    assert [note.partition(": a name with")[0] for note in notes] == [
        "warning: 'two\\nlines' is not recorded",
        "warning: '\\udcff.bin' is not recorded",
    ]


def test_a_number_that_no_float_holds_is_left_out_of_a_metrics_file(tmp_path):
    notes: list[str] = []
    (tmp_path / "metrics.json").write_text('{"a": 1, "big": ' + "9" * 400 + "}")
    assert [(one.key, one.value) for one in metrics_file(tmp_path / "metrics.json", notes.append)] == [("a", 1.0)]
    assert notes == ["warning: metrics.json: big is no number to compare; it is left out"]


def test_a_metrics_file_that_is_a_pipe_is_not_waited_for(tmp_path):
    notes: list[str] = []
    os.mkfifo(tmp_path / "metrics.json")
    assert list(metrics_file(tmp_path / "metrics.json", notes.append)) == []
    assert "not a regular file" in notes[0]


@pytest.fixture(autouse=True)
def _no_pictures(no_pictures: None) -> None:
    """As the evidence of a run has them, and they are slow."""


def evidence(rows: str, **metrics: float) -> tuple[dict[str, float], list[str]]:
    """The metrics that are recorded for a run with these of its own, and what is told."""
    notes: list[str] = []
    table = read_predictions_table(f"id,label,prediction\n{rows}".encode(), "p.csv")
    items = list(evidence_of(table, run(metrics=metrics), notes.append))
    return {one.key: one.value for one in items if isinstance(one, MetricValue)}, notes


@pytest.mark.parametrize(("own", "limits"), [(0.75, True), (0.75002, True), (0.5, False), (float("nan"), False)])
def test_limits_are_recorded_of_a_value_that_is_the_runs_too(own, limits):
    found, notes = evidence("1,a,a\n2,b,b\n3,a,b\n4,b,b\n", accuracy=own)
    assert ("accuracy_low" in found, "accuracy_high" in found, "accuracy" in found) == (limits, limits, False)
    assert {"f1_score", "f1_score_low", "f1_score_high"} <= set(found)
    assert [note.partition(" is ")[0] for note in notes] == ([] if limits else ["warning: accuracy"])


def test_predictions_of_which_none_is_a_label_are_told():
    assert evidence("1,pos,Pos\n2,neg,neg\n")[1] == []
    assert evidence("1,pos,Pos\n2,neg,Neg\n")[1] == [
        "warning: no prediction is one of the labels (neg, pos; Neg, Pos): is it the right column?"
    ]
    assert "(0, 1, 2, 3, 4, ...; a)" in evidence("".join(f"{n},{n},a\n" for n in range(9)))[1][0]
