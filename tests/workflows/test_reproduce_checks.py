"""What every reproduction looks at before it begins, and tells of the surroundings."""

from __future__ import annotations

import pytest

from expctl import __version__
from expctl.errors import RunNotFound
from expctl.records import Tag
from expctl.workflows.reproduce_checks import check_complete, code, differing, environment
from tests.render.run_records import run


class Nothing:
    def read_artifact(self, found, path):
        return b"numpy==1.0\nrich==2\n" if path == "requirements.txt" else None


def test_a_run_without_its_mark_is_not_complete():
    check_complete(run(1, tags={Tag.COMPLETE: "x"}))
    with pytest.raises(RunNotFound, match="is finished and not complete"):
        check_complete(run(1))


def test_packages_and_machine_that_are_others_are_told():
    program = run(1, tags={Tag.PROGRAM: "{}", "cpu": "abacus"})
    found = environment(Nothing(), program, {"numpy": "2.0", "rich": "2", "new": "1"}, None)  # type: ignore[arg-type]
    told = {one.key: one.then for one in found}
    assert told["cpu"] == "abacus"
    assert (told["numpy"], told["new"], "rich" in told, "python" in told) == ("1.0", None, False, False)
    chosen = environment(Nothing(), program, {"rich": "2"}, ["rich"])  # type: ignore[arg-type]
    assert not {"numpy", "rich"} & {one.key for one in chosen}


def test_code_is_commit_changes_and_expctl(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    same = run(1, tags={Tag.VERSION: __version__})
    assert code(Nothing(), same) == []  # type: ignore[arg-type]
    other = run(1, tags={Tag.VERSION: "0", Tag.GIT_COMMIT: "c0ffee"})
    assert [one.key for one in code(Nothing(), other)] == ["expctl", Tag.GIT_COMMIT]  # type: ignore[arg-type]


def test_values_that_are_the_same_are_not_told():
    assert [(one.key, one.now) for one in differing("data", {"a": "1", "b": "2"}, {"a": "1"})] == [("b", None)]
