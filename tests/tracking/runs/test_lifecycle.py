"""Whose run it is and whether that process lives; orphans; a run that is taken up again. See test_recording too."""

from __future__ import annotations

import os
import socket
import time

import psutil
import pytest

from expctl.records import RunRecord, Tag
from expctl.tracking.runs.lifecycle import is_alive, process_tags, recorder_of
from expctl.tracking.runs.writer import close_orphan, recording
from tests.tracking.recorded import store_of


def run_of(**tags: str) -> RunRecord:
    """A run with our own process tags, but for these; "" leaves one out."""
    ours = process_tags() | {getattr(Tag, key): value for key, value in tags.items()}
    return RunRecord("0" * 32, "run", "running", "1", tags={key: value for key, value in ours.items() if value})


@pytest.fixture
def store(folder):
    return store_of(folder)


@pytest.fixture
def gone():
    """The id of a process that has ended."""
    process = psutil.Popen(["true"])
    process.wait()
    return str(process.pid)


def test_process_tags_name_host_process_and_its_start():
    told = process_tags()
    assert float(told.pop(Tag.STARTED)) == pytest.approx(psutil.Process().create_time(), abs=5)
    assert told == {Tag.HOST: socket.gethostname(), Tag.PID: str(os.getpid())}


def test_a_run_of_our_own_process_is_alive():
    assert is_alive(run_of()) is True


@pytest.mark.parametrize(("seconds", "alive"), [(1, True), (-1, True), (60, False), (-60, False)])
def test_a_clock_that_was_corrected_makes_no_other_process(seconds, alive):
    """When a process started is told since the boot, and when that was moves with the clock."""
    started = f"{float(process_tags()[Tag.STARTED]) + seconds:.2f}"
    assert is_alive(run_of(STARTED=started)) is alive


def test_a_run_of_a_process_that_ended_is_not_alive(gone):
    assert is_alive(run_of(PID=gone)) is False


def test_a_process_that_has_got_an_old_number_again_is_another():
    assert is_alive(run_of(STARTED="12345.67")) is False


def test_a_process_that_ended_and_was_not_waited_for_is_not_alive():
    process = psutil.Popen(["true"])
    try:
        while process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        assert is_alive(run_of(PID=str(process.pid), STARTED="")) is False
    finally:
        process.wait()


@pytest.mark.parametrize("started", ["", "soon", "nan", "1e300"])
def test_who_records_a_run_is_told_without_a_start_that_is_none(started):
    assert recorder_of(run_of(PID="12", HOST="box", STARTED=started)) == "process 12 on box"
    assert recorder_of(run_of(PID="")) == "an unknown process"


def test_a_run_that_does_not_say_when_its_process_started_is_taken_for_alive():
    assert is_alive(run_of(STARTED="")) is True


@pytest.mark.parametrize(
    "tags", [{"HOST": "elsewhere"}, {"HOST": ""}, {"PID": ""}, {"PID": "x1"}, {"PID": "-1"}], ids=str
)
def test_of_another_machine_s_run_or_none_s_nothing_can_be_told(tags):
    assert is_alive(run_of(**tags)) is None


def test_an_orphan_is_killed_with_a_reason(store):
    run_id = store.client.create_run(store.ensure_experiment()).info.run_id
    close_orphan(store, store.get(run_id))
    run = store.get(run_id)
    assert (run.status, run.tags[Tag.REASON]) == ("killed", "its process exited without recording a status")
    assert run.ended is not None


def test_an_orphan_that_is_complete_is_finished(store):
    run_id = store.client.create_run(store.ensure_experiment(), tags={Tag.COMPLETE: "true"}).info.run_id
    close_orphan(store, store.get(run_id))
    run = store.get(run_id)
    assert (run.status, Tag.REASON in run.tags) == ("finished", False)


@pytest.fixture
def failed(store):
    """A run that failed, recorded by a process of another time."""
    with pytest.raises(ValueError, match="luck"), recording(store, "first", {Tag.PID: "1", "team": "nlp"}):
        raise ValueError("out of luck")
    (run,) = store.find()
    return run


def test_a_run_that_is_taken_up_is_running_again_with_the_new_process(store, failed):
    with recording(store, None, process_tags(), run_id=failed.run_id) as writer:
        run_id = writer.run_id
        run = store.get(run_id)
        assert run_id == failed.run_id
        assert (run.status, run.name) == ("running", "first")
        assert (run.tags[Tag.PID], run.tags["team"]) == (str(os.getpid()), "nlp")
        assert Tag.REASON not in run.tags


def test_a_run_that_is_taken_up_ends_like_any_other(store, failed):
    with recording(store, None, {}, run_id=failed.run_id):
        pass
    (run,) = store.find()
    assert (run.status, run.tags[Tag.COMPLETE]) == ("finished", "true")
    assert Tag.REASON not in run.tags


def test_a_finished_run_that_fails_when_taken_up_is_no_longer_complete(store):
    with recording(store, None, {}) as writer:
        run_id = writer.run_id
        pass
    with pytest.raises(ValueError, match="again"), recording(store, None, {}, run_id=run_id):
        raise ValueError("again")
    run = store.get(run_id)
    assert (run.status, run.tags[Tag.REASON]) == ("failed", "ValueError: again")
    assert Tag.COMPLETE not in run.tags
