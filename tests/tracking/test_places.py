"""Where the files of a store lie now: beside the database as they did, by MLflow's form of path, through no link."""

from __future__ import annotations

from pathlib import PureWindowsPath

import pytest

from expctl.tracking.places import Places, _split, is_folder, is_there

RUN = "0123456789abcdef" * 2
OURS = "expctl-0a1b2c3d"


@pytest.fixture
def database(tmp_path):
    home = tmp_path / "new"
    home.mkdir()
    (home / "mlflow.db").touch()
    return home / "mlflow.db"


def made(home, *parts):
    place = home.joinpath(*parts)
    place.mkdir(parents=True)
    return place


@pytest.mark.parametrize("drive", ["C:", "//server/share", ""])
def test_the_folder_of_an_experiment_is_told_from_what_is_below_on_windows_too(drive):
    """As a value: no such path is a file here."""
    folder = PureWindowsPath(f"{drive}/old/mlartifacts/{OURS}")
    assert _split(folder / RUN / "artifacts" / "a") == (folder, f"{RUN}/artifacts/a")


@pytest.mark.parametrize("address", ["/old/project/{0}", "file:///old/project/{0}"])
@pytest.mark.parametrize("below", [f"{RUN}/artifacts", f"models/m-{RUN}/artifacts"])
def test_what_lies_beside_the_database_as_it_did_is_taken(database, address, below):
    place = made(database.parent, "mlartifacts", OURS, *below.split("/"))
    now = Places(database).now(address.format(f"mlartifacts/{OURS}/{below}"))
    assert now == (place.as_uri() if address.startswith("file:") else str(place))


@pytest.mark.parametrize(
    "address",
    [
        f"/old/mlartifacts/{OURS}/{RUN}/artifacts",  # not there
        f"/old/mlartifacts/{OURS}/../{OURS}/{RUN}/artifacts",
        f"s3://bucket/mlartifacts/{OURS}/{RUN}/artifacts",
        "mlflow-artifacts:/1/2",
        "/old/mlartifacts/private/notes",
        "",
    ],
)
def test_any_other_address_stays_as_it_is(database, address):
    made(database.parent, "mlartifacts", "private", "notes")
    assert Places(database).now(address) == address


def test_a_link_is_not_followed(database, tmp_path):
    strange = made(tmp_path, "strange", RUN, "artifacts").parents[1]
    (database.parent / "mlartifacts").mkdir()
    (database.parent / "mlartifacts" / OURS).symlink_to(strange)
    address = f"/old/mlartifacts/{OURS}/{RUN}/artifacts"
    assert Places(database).now(address) == address


def test_a_folder_that_is_still_beside_the_database_is_where_it_is_recorded(database):
    place = made(database.parent, "mlartifacts", OURS, RUN, "artifacts")
    places = Places(database)
    assert places.now(str(place)) == str(place)
    assert places.is_near(place)
    assert places.former_home(place) is None
    assert not places.of_another(str(place))


def test_files_that_are_only_beside_another_database_are_told(database, tmp_path):
    there = made(tmp_path, "old", "mlartifacts", OURS, RUN, "artifacts")
    places = Places(database)
    assert places.of_another(str(there))
    assert places.former_home(there) == tmp_path / "old"
    made(database.parent, "mlartifacts", OURS, RUN, "artifacts")
    assert not Places(database).of_another(str(there))


def test_other_stores_have_everything_where_it_is_recorded():
    places = Places(None)
    assert places.now(f"/old/mlartifacts/{OURS}/{RUN}/artifacts") == f"/old/mlartifacts/{OURS}/{RUN}/artifacts"
    assert places.folder("/old") is None


def test_a_place_that_one_may_not_look_into_is_as_good_as_none(database, forbidden):
    old = made(database.parent.parent, "old", "mlartifacts", OURS, RUN, "artifacts")
    forbidden(old)
    places = Places(database)
    assert not places.of_another(str(old))
    assert places.now(str(old)) == str(old)
    assert (is_there(old), is_folder(old)) == (False, False)
    assert (is_there(database), is_folder(database), is_folder(database.parent)) == (True, False, True)
    forbidden(database.parent / "mlartifacts")
    assert Places(database).now(str(old)) == str(old)


def test_an_address_that_can_be_no_path_is_left_as_it_is(database):
    made(database.parent, "mlartifacts", OURS)
    address = f"file:///old/mlartifacts/{OURS}/{RUN}/artifacts/%00"
    assert Places(database).now(address) == address
    assert not Places(database).of_another(address)
