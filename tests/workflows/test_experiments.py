"""What an experiment takes on disk, and a number that nobody can tell cheaply is left out."""

from __future__ import annotations

from expctl.workflows import experiments
from expctl.workflows.experiments import measure, summaries
from tests.tracking.recorded import store_of


def test_files_are_added_up_and_links_are_not_followed(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "one").write_bytes(b"x" * 10)
    (tmp_path / "a" / "two").write_bytes(b"x" * 5)
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "a" / "link").symlink_to(tmp_path / "a" / "two")
    assert measure(tmp_path / "a") == 15
    assert measure(tmp_path / "a", most=2) is None
    assert measure(tmp_path / "gone") is None


def test_a_store_that_does_not_count_is_read_up_to_a_page(runs, monkeypatch):
    store = store_of(runs)
    monkeypatch.setattr(type(store), "count", lambda self, query: None)
    (found,) = summaries(store, ["expctl", "expctl"], "f1_score")
    assert (found.runs, found.failed) == (4, 1)
    monkeypatch.setattr(experiments, "_COUNTED", 3)
    (found,) = summaries(store, ["expctl"], "f1_score")
    assert (found.runs, found.failed) == (None, 1)
