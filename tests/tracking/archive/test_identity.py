"""A run is known by the id under which it was first recorded, in whatever store it lies."""

from __future__ import annotations

import pytest

from expctl.records import RunRecord, Tag
from expctl.tracking.archive.identity import RUN_ID, find_origin, is_half, origin_of
from tests.tracking.recorded import store_of

FIRST = "f" * 32


def run(**tags: str) -> RunRecord:
    return RunRecord("a" * 32, "run", "finished", "1", tags={getattr(Tag, key): value for key, value in tags.items()})


def test_a_run_is_its_own_origin_until_it_was_imported():
    assert origin_of(run()) == "a" * 32
    assert origin_of(run(IMPORTED_ID=FIRST)) == FIRST


def test_a_run_without_the_mark_that_is_written_last_is_half_imported():
    assert [is_half(one) for one in (run(), run(IMPORTED_ID=FIRST), run(IMPORTED_ID=FIRST, IMPORTED="now"))] == [
        False, True, False
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        (f"expctl show {FIRST}", [FIRST]),
        (f"{FIRST}/{'0' * 32}", [FIRST, "0" * 32]),
        ("f" * 33, []),
        ("f" * 64, []),  # a sha256 is no id of a run
        ("F" * 32, []),
        (f"x{FIRST}y", [FIRST]),
    ],
)
def test_an_id_within_a_text_is_a_whole_one(text, ids):
    assert RUN_ID.findall(text) == ids


@pytest.fixture
def store(folder):
    return store_of(folder)


@pytest.fixture
def make(store):
    experiment = store.ensure_experiment()

    def made(**tags: str) -> str:
        given = {getattr(Tag, key): value for key, value in tags.items()}
        return store.client.create_run(experiment, tags=given).info.run_id

    return made


def found(store, origin: str) -> str | None:
    one = find_origin(store, origin)
    return None if one is None else one.run_id


def test_a_run_is_found_by_its_own_id_before_any_copy_of_it(store, make):
    own = make()
    make(IMPORTED_ID=own, IMPORTED="now")
    assert found(store, own) == own


def test_of_copies_one_that_is_whole_and_not_deleted_comes_first(store, make):
    deleted = make(IMPORTED_ID=FIRST, IMPORTED="now")
    store.client.delete_run(deleted)
    assert found(store, FIRST) == deleted
    half = make(IMPORTED_ID=FIRST)
    assert found(store, FIRST) == deleted
    whole = make(IMPORTED_ID=FIRST, IMPORTED="now")
    assert found(store, FIRST) == whole
    assert half != whole


def test_what_was_half_imported_and_deleted_is_nothing(store, make):
    store.client.delete_run(make(IMPORTED_ID=FIRST))
    assert found(store, FIRST) is None
    assert found(store, "0" * 32) is None


def test_a_copy_in_another_experiment_is_found_too(store):
    other = store.client.create_experiment("other")
    copy = store.client.create_run(other, tags={Tag.IMPORTED_ID: FIRST, Tag.IMPORTED: "now"}).info.run_id
    assert found(store, FIRST) == copy
