"""Files are looked for where MLflow keeps those of a run or a model, whatever a server or a database says."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from expctl.errors import DataError, StoreError
from expctl.settings import Settings, load_settings
from expctl.tracking.places import Places
from expctl.tracking.runs import locations
from expctl.tracking.runs.artifacts import delete_files, list_files, listed, read_file, send_folder
from expctl.tracking.runs.locations import bounded, check_inside, copy_files, located
from expctl.tracking.store import open_store
from tests.tracking.forged import RUN_ID, a_run, forging, whole
from tests.tracking.recorded import store_of

SERVER: Any = SimpleNamespace(settings=Settings(tracking_uri="http://localhost:5000"), places=Places(None))
OTHER_ID = "f" * 32
HOSTILE = (
    "file:///etc",
    "file:///",
    "/",
    "/etc",
    "",
    "relative",
    "file://elsewhere/etc",
    f"/home/{RUN_ID}/artifacts/../../..",
    f"file:///home/{RUN_ID}/artifacts/%2e%2e/%2e%2e",
    f"file:///home/{RUN_ID}/artifacts/.ssh",
    f"/home/{OTHER_ID}/artifacts",
    "/home/short/artifacts",
    f"/home/{RUN_ID}",
    f"runs:/{OTHER_ID}/model",
    f"models:/m-{OTHER_ID}",
    "http://other.example.com/1/artifacts",
    f"mlflow-artifacts://other.example.com/1/{RUN_ID}/artifacts",
)


@pytest.mark.parametrize("address", HOSTILE)
def test_a_place_that_mlflow_would_not_make_is_refused(address):
    with pytest.raises(StoreError) as refused:
        located(SERVER, address, RUN_ID)
    assert refused.value.hint


@pytest.mark.parametrize(
    "address",
    [
        f"/srv/mlruns/1/{RUN_ID}/artifacts",
        f"file:///srv/mlruns/1/{RUN_ID}/artifacts/model",
        f"mlruns/1/{RUN_ID}/artifacts",
        f"/srv/mlruns/1/models/m-{OTHER_ID}/artifacts",
        f"mlflow-artifacts:/1/{RUN_ID}/artifacts",
        "s3://bucket/anything",
    ],
)
def test_the_places_that_mlflow_makes_are_looked_at(address):
    assert located(SERVER, address, RUN_ID) == address


COMMANDS = (
    ["show", "latest"],
    ["export", "latest", "-o", "out.zip"],
    ["compare", "latest", RUN_ID],
    ["compare", "latest", RUN_ID, "--flips", "3"],
    ["predict", "--run", "latest", "a text"],
    ["report", "latest", "-o", "out.html"],
    ["get", "latest"],
    ["get", "latest", "predictions.parquet"],
    ["get", "latest", "-o", "out"],
)


@pytest.fixture
def secrets(tmp_path, monkeypatch) -> Path:
    """A folder of the person with files that a run has, too; the current one is beside it."""
    folder = tmp_path / "home"
    folder.mkdir()
    for name in ("predictions.parquet", "MLmodel", "requirements.txt", "S3CRET-NAME"):
        (folder / name).write_text("S3CRET\n")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return folder


def linked(secrets: Path) -> Path:
    """A place of MLflow's form that is a link to them."""
    place = secrets.parent / "mlruns" / "1" / RUN_ID / "artifacts"
    place.parent.mkdir(parents=True)
    place.symlink_to(secrets)
    return place


@pytest.mark.parametrize("where", ["folder", "root", "dots", "link", "inner link"])
@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words[:4]))
def test_no_command_reads_what_a_server_points_at(cli, secrets, monkeypatch, words, where):
    place = {
        "folder": secrets.as_uri,
        "root": lambda: "file:///",
        "dots": lambda: f"{secrets.as_uri()}/{RUN_ID}/artifacts/../..",
        "link": lambda: linked(secrets).as_uri(),
        "inner link": lambda: linked(secrets).parent.parent.parent.as_uri() + f"/2/{RUN_ID}/artifacts",
    }[where]()
    if where == "inner link":
        inside = secrets.parent / "mlruns" / "2" / RUN_ID / "artifacts"
        inside.mkdir(parents=True)
        (inside / "predictions.parquet").symlink_to(secrets / "predictions.parquet")
        (inside / "model").symlink_to(secrets)
    opened: list[str] = []
    run = a_run(place, **{"expctl.test_set": "x", "expctl.predictions_sha256": "0" * 64})
    with forging(whole(run)) as server:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server.address)
        listing = os.walk
        monkeypatch.setattr(os, "walk", lambda top, *a, **k: opened.append(str(top)) or listing(top, *a, **k))
        done = cli(*words)
    assert "S3CRET" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "/" not in opened
    assert str(secrets) not in opened
    for path in filter(Path.is_file, Path().rglob("*")):
        assert b"S3CRET" not in path.read_bytes(), path
    if where != "inner link":
        assert "where MLflow keeps none" in done.stdout + done.stderr or "is a link" in done.stdout + done.stderr, done


def test_nothing_is_written_or_deleted_where_a_store_points(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("x")
    for act in (
        lambda: delete_files(SERVER, (tmp_path / "mine").as_uri()),
        lambda: send_folder(SERVER, tmp_path, "/etc"),
    ):
        store: Any = SERVER
        store.check_own = lambda address: None
        store.uri = ""
        with pytest.raises(StoreError, match="where MLflow keeps none"):
            act()
    assert (tmp_path / "mine" / "file").is_file()


def test_a_database_that_points_elsewhere_is_not_followed(runs, cli, tmp_path_factory):
    secret = tmp_path_factory.mktemp("secret")
    (secret / "S3CRET").write_text("x")
    with closing(sqlite3.connect(runs / "mlflow.db")) as database, database:
        database.execute("UPDATE runs SET artifact_uri = ? WHERE name = 'strong'", [secret.as_uri()])
    done = cli("show", "strong")
    assert "S3CRET" not in done.stdout + done.stderr
    assert cli("delete", "strong", "--purge", "--yes").exit_code != 0
    assert (secret / "S3CRET").is_file()


def test_links_and_pipes_within_a_run_are_not_read(runs, tmp_path_factory):
    store = store_of(runs)
    run = store.find("attributes.run_name = 'strong'")[0]
    folder = Path(run.artifact_uri.removeprefix("file://"))
    secret = tmp_path_factory.mktemp("secret") / "file"
    secret.write_text("S3CRET")
    (folder / "link.txt").symlink_to(secret)
    (folder / "within.txt").symlink_to(folder / "requirements.txt")
    os.mkfifo(folder / "pipe.txt")
    with pytest.raises(StoreError, match=r"link.txt is a link to another place"):
        read_file(store, run, "link.txt")
    with pytest.raises(StoreError, match=r"link to another place"):
        read_file(store, run, "../../../../mlflow.db")
    with pytest.raises(StoreError, match=r"pipe.txt is neither a file nor a folder"):
        read_file(store, run, "pipe.txt")
    assert read_file(store, run, "within.txt") == read_file(store, run, "requirements.txt")
    assert {one.path: one.size for one in list_files(store, run)}["link.txt"] != len("S3CRET")
    with pytest.raises(DataError, match="is a link, or no file"):
        copy_files(folder, tmp_path_factory.mktemp("copy"))
    (folder / "link.txt").unlink()


def test_a_circle_of_links_is_no_file(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    check_inside(tmp_path, tmp_path / "none")
    check_inside(tmp_path, tmp_path / "a")


def test_a_listing_without_end_is_ended(monkeypatch):
    monkeypatch.setattr(locations, "_MOST", 5)
    assert list(bounded(range(5))) == [0, 1, 2, 3, 4]
    with pytest.raises(StoreError, match="more than 5 files or folders"):
        list(bounded(range(6)))
    circle: Any = SimpleNamespace(
        list_artifacts=lambda folder: [SimpleNamespace(is_dir=True, path="a", file_size=None)]
    )
    with pytest.raises(StoreError, match="more than 5 files or folders"):
        next(listed(circle))


def test_a_server_whose_folders_have_no_end_is_left(monkeypatch):
    monkeypatch.setattr(locations, "_MOST", 5)
    run = a_run(f"mlflow-artifacts:/1/{RUN_ID}/artifacts")
    answers = whole(run)
    endless = {"files": [{"path": "a", "is_dir": True}]}
    with forging(lambda call, asked: endless if "artifacts" in call else answers(call, asked)) as server:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server.address)
        store = open_store(load_settings())
        with pytest.raises(StoreError, match="more than 5 files or folders"):
            list_files(store, store.get(RUN_ID))
    assert len(server.asked) < 20
