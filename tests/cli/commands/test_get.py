"""`expctl get`: files listed, printed and copied, on every kind of store; never out of a folder, through no link."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_app import on_terminal, shell
from tests.tracking.recorded import names, store_of


def run_of(folder, name):
    (run,) = store_of(folder).find(f"name = '{name}'")
    return run


def below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.every_store
def test_files_are_listed_printed_and_copied_whole(cli, runs, run_command):
    listed = json.loads(cli("get", "strong", "--format", "json").stdout)
    paths = {row["path"]: row["bytes"] for row in listed["rows"]}
    assert {"predictions.parquet", "requirements.txt", "model/MLmodel", "model/model.skops"} <= set(paths)
    done = cli("get", "strong", "-o", "all")
    assert (done.exit_code, done.stderr) == (0, "")
    assert below(Path("all")) == set(paths)
    store = store_of(runs)
    run = run_of(runs, "strong")
    report = store.read_artifact(run, "classification_report.txt")
    assert cli("get", "strong", "classification_report.txt").stdout.encode() == report
    for path, size in paths.items():
        assert (Path("all") / path).stat().st_size == size
    model = cli("get", "strong", "model/", "-o", "one", "--format", "json")
    assert {row["path"] for row in json.loads(model.stdout)["rows"]} == below(Path("one"))
    assert below(Path("one")) == {path for path in paths if path.startswith("model/")}
    assert (Path("one") / "model/model.skops").read_bytes() == (Path("all") / "model/model.skops").read_bytes()


def test_a_pipe_gets_every_byte_and_a_terminal_only_what_it_can_show(runs):
    done = shell("expctl get strong predictions.parquet")
    assert done.stdout == store_of(runs).read_artifact(run_of(runs, "strong"), "predictions.parquet")
    folder = Path(run_of(runs, "strong").artifact_uri.removeprefix("file://"))
    (folder / "odd.txt").write_bytes(b"one\x1b[31mred\n")
    assert "one\\x1b[31mred" in on_terminal("get", "strong", "odd.txt")


def test_a_binary_file_is_not_shown_on_a_terminal(cli, runs, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    done = cli("get", "strong", "predictions.parquet")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == "expctl: predictions.parquet is not text (-o DIR copies it)\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nobody"], 3, "no run 'nobody'"),
        (["strong", "prediction.parquet"], 3, "has no file 'prediction.parquet', did you mean 'predictions.parquet'?"),
        (["strong", "../weak"], 3, "has no file '../weak'"),
        (["strong", "/etc/passwd"], 3, "has no file 'etc/passwd'"),
        (["strong", "-o", "small.csv"], 2, "--output small.csv is not a folder (name a folder)"),
        (["strong", "-o", "small.csv/x"], 2, "cannot make small.csv/x"),
        (["strong", "model", "-o", "taken"], 2, "taken/model already exists (remove it first, or name another folder)"),
        (["strong", "--format", "id"], 2, "unknown format 'id'"),
    ],
)
def test_what_cannot_be_had_is_told_in_a_line_and_nothing_is_written(cli, runs, words, code, said):
    Path("taken").mkdir()
    (Path("taken") / "model").write_text("mine")
    before = set(runs.rglob("*"))
    done = cli("get", *words)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (code, "", 1)
    assert said in done.stderr
    assert set(runs.rglob("*")) == before


def test_nothing_is_copied_through_a_link_and_nothing_is_left(cli, runs):
    folder = Path(run_of(runs, "strong").artifact_uri.removeprefix("file://"))
    (runs / "secret").write_text("s3cr3t")
    (folder / "zz.txt").symlink_to(runs / "secret")
    for words in (["strong", "zz.txt"], ["strong", "-o", "new/one"], ["strong", "zz.txt", "-o", "new/one"]):
        done = cli("get", *words)
        assert (done.exit_code, done.stdout) in ((5, ""), (3, "")), words
        assert "s3cr3t" not in done.stdout
    assert "new" not in names(runs)


def test_a_copy_stays_within_the_folder_that_was_named(cli, runs):
    Path("out").mkdir()
    Path("elsewhere").mkdir()
    (Path("out") / "model").symlink_to(runs / "elsewhere")
    done = cli("get", "strong", "model", "-o", "out")
    assert (done.exit_code, done.stdout) == (2, "")
    assert names(Path("elsewhere")) == []


def test_a_run_without_files_says_so(cli, folder):
    store = store_of(folder)
    store.client.create_run(store.ensure_experiment(), run_name="bare")
    done = cli("get", "bare")
    assert done.exit_code == 0
    assert "has no files" in done.stderr
