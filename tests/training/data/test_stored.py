"""What a path names: the same rows in every form, known by their digest."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from expctl.errors import DataError
from expctl.training.data import stored as stored_module
from expctl.training.data.stored import digest_of, read_stored
from tests.tracking.recorded import store_of
from tests.training.data.test_tables import zipped

if TYPE_CHECKING:
    from pathlib import Path

    from expctl.records import RunRecord

ROWS = [(f"text {i} is {word}", word) for i in range(10) for word in ("good", "bad")]


def write_every_form(folder: Path, rows: list[tuple[str, Any]] = ROWS) -> dict[str, Path]:
    """The same rows, in the same order but for a folder's, in each form, by its name."""
    csv = "text,label\n" + "".join(f"{text},{label}\n" for text, label in rows)
    records = [{"text": text, "label": label} for text, label in rows]
    contents = {
        "rows.csv": csv.encode(),
        "rows.json": json.dumps(records).encode(),
        "rows.jsonl": "".join(json.dumps(record) + "\n" for record in records).encode(),
        "rows.txt": "".join(f"{label}\t{text}\n" for text, label in rows).encode(),
        "fasttext.txt": "".join(f"__label__{label} {text}\n" for text, label in rows).encode(),
        "rows.zip": zipped(csv.encode()),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    for i, (text, label) in enumerate(rows):
        (folder / "rows" / str(label)).mkdir(parents=True, exist_ok=True)
        (folder / "rows" / str(label) / f"{i:03}.txt").write_text(text)
    return {name: folder / name for name in (*contents, "rows")}


def test_the_same_rows_are_read_from_every_form(tmp_path: Path) -> None:
    for name, path in write_every_form(tmp_path).items():
        stored = read_stored(str(path))
        table = stored.table("utf-8")
        assert sorted(zip(table["text"], table["label"], strict=True)) == sorted(ROWS), name
        assert stored.typed is (path.suffix in (".json", ".jsonl"))
        assert stored.digest == digest_of(str(path))
        if path.is_file():
            assert stored.digest == hashlib.sha256(path.read_bytes()).hexdigest()
            assert stored.size == path.stat().st_size


def test_a_table_that_is_read_again_is_parsed_once_if_nothing_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, parsed = tmp_path / "a.csv", []

    def read_table(content: bytes, *_: Any, **__: Any) -> dict[str, list[Any]]:
        parsed.append(content)
        return {"text": [content.decode()]}

    monkeypatch.setattr(stored_module, "read_table", read_table)
    path.write_text("a")
    first = read_stored(str(path)).table("utf-8", again=True)
    assert read_stored(str(path)).table("utf-8") is first
    assert parsed == [b"a"]
    read_stored(str(path)).table("utf-8")
    assert parsed == [b"a", b"a"]  # it was kept for one reader: a table may be large
    read_stored(str(path)).table("utf-8", again=True)
    path.write_text("b")
    assert read_stored(str(path)).table("utf-8") == {"text": ["b"]}
    read_stored(str(path)).table("utf-8", again=True)
    read_stored(str(path)).table("latin-1")
    assert parsed == [b"a", b"a", b"a", b"b", b"b", b"b"]


def trained(cli: Any, folder: Path, *words: str) -> RunRecord:
    done = cli("train", *words, "--quiet", "--format", "id")
    assert done.exit_code == 0, done.stderr
    return store_of(folder).get(done.stdout.strip())


def test_a_file_of_no_bytes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    with pytest.raises(DataError, match=r"a\.csv is empty \(0 bytes\)"):
        read_stored(f"{tmp_path}/a.csv").table("utf-8")


def test_every_form_trains_sweeps_and_predicts(cli, folder):
    forms = write_every_form(folder)
    fingerprints = set()
    for path in forms.values():
        run = trained(cli, folder, "--data", path.name, "--run-name", path.name)
        assert run.params["data_hash"] == digest_of(str(path))
        fingerprints.add(run.params["data_fingerprint"])
        labelled = cli("predict", "--run", path.name, "--input", path.name, "--format", "jsonl", "--quiet")
        assert labelled.exit_code == 0, labelled.stderr
        rows = [json.loads(line) for line in labelled.stdout.splitlines()]
        assert sorted((row["text"], row["label"]) for row in rows) == sorted(ROWS)
        assert {row["prediction"] for row in rows} <= {"good", "bad"}
        assert trained(cli, folder, "--data", path.name, "--skip-existing").run_id == run.run_id
    assert len(fingerprints) == 1
    swept = cli("sweep", "--data", "rows", "-g", "c=0.1,1", "--jobs", "1", "--quiet")
    assert swept.exit_code == 0, swept.stderr
    reproduced = cli("reproduce", "rows", "--no-record", "--quiet")
    assert reproduced.exit_code == 0, reproduced.stdout + reproduced.stderr


def test_a_folder_that_is_split_is_tested_on_its_own_test_set(cli, folder):
    for side, rows in (("train", ROWS[:12]), ("test", ROWS[12:])):
        (folder / "f" / side).mkdir(parents=True)
        write_every_form(folder / "f" / side, rows)
        for path in (folder / "f" / side / "rows").iterdir():
            path.rename(folder / "f" / side / path.name)
        (folder / "f" / side / "rows").rmdir()
    params = trained(cli, folder, "--data", "f").params
    assert (params["split_column"], params["train_rows"], params["test_rows"]) == ("split", "12", "8")
    assert "test_size" not in params
    assert trained(cli, folder, "--data", "f", "--test-size", "0.5").params["test_rows"] == "10"
