"""A folder of class folders is what scikit-learn's `load_files` makes of it, and nothing outside of it is read."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest
from sklearn.datasets import load_files

from expctl.errors import DataError
from expctl.training.data import class_folders
from expctl.training.data.class_folders import folder_chunks, is_class_folder, is_divided
from expctl.training.data.stored import read_stored

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = {"pos": ["good\r\nfilm ", "\ufefflovely", "très bon"], "neg": ["bad", "awful\n"]}


def write(folder: Path, *sides: str) -> Path:
    for side in sides or ("",):
        for label, texts in TEXTS.items():
            place = folder / side / label
            place.mkdir(parents=True)
            for i, text in enumerate(texts):
                (place / f"{i}.txt").write_bytes(f"{side}{text}".encode())
    return folder


def refusal(folder: Path, *, encoding: str = "utf-8") -> tuple[str, str | None]:
    with pytest.raises(DataError) as refused:
        read_stored(str(folder)).table(encoding)
    return refused.value.message.replace(str(folder), "F"), refused.value.hint


def test_texts_and_labels_are_those_of_load_files(tmp_path: Path) -> None:
    folder = write(tmp_path / "reviews")
    theirs = load_files(folder, encoding="utf-8", shuffle=False)
    ours = read_stored(str(folder)).table("utf-8")
    assert ours["text"] == [text.removeprefix("\ufeff") for text in theirs.data]
    assert ours["label"] == [theirs.target_names[target] for target in theirs.target]
    assert ours["file"] == ["neg/0.txt", "neg/1.txt", "pos/0.txt", "pos/1.txt", "pos/2.txt"]
    assert list(ours) == ["text", "label", "file"]


def test_train_and_test_above_the_classes_are_the_split(tmp_path: Path) -> None:
    folder = write(tmp_path, "train", "test")
    (folder / "README").write_text("not a text")
    (folder / "train" / "urls_pos.txt").write_text("not a text")
    table = read_stored(str(folder)).table("utf-8")
    assert table["split"] == ["train"] * 5 + ["test"] * 5
    assert table["text"][0] == "trainbad"
    assert table["text"][5] == "testbad"
    assert (is_divided(str(folder)), is_divided(str(folder / "train")), is_class_folder("s3://b/f")) == (
        True,
        False,
        False,
    )


def test_the_digest_is_of_names_and_contents_and_is_what_sha256sum_gives(tmp_path: Path) -> None:
    folder = write(tmp_path / "a")
    paths = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.txt"))
    lines = "".join(f"{hashlib.sha256((folder / path).read_bytes()).hexdigest()}  {path}\n" for path in paths)
    stored = read_stored(str(folder))
    assert stored.digest == hashlib.sha256(lines.encode()).hexdigest()
    assert stored.size == sum((folder / path).stat().st_size for path in paths)
    (folder / ".hidden").write_text("x")
    assert read_stored(str(folder)).digest == stored.digest
    (folder / "pos" / "0.txt").rename(folder / "pos" / "9.txt")
    assert read_stored(str(folder)).digest != stored.digest


@pytest.mark.parametrize("what", ["file", "class", "side", "out", "loop"])
def test_a_link_is_refused_wherever_it_points(tmp_path: Path, what: str) -> None:
    folder = write(tmp_path / "f", "train", "test")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "a.txt").write_text("secret")
    pos = folder / "train" / "pos"
    match what:
        case "file":
            (pos / "l.txt").symlink_to(tmp_path / "secret" / "a.txt")
        case "class":
            (folder / "train" / "more").symlink_to(tmp_path / "secret")
        case "side":
            (folder / "test").rename(tmp_path / "moved")
            (folder / "test").symlink_to(tmp_path / "moved")
        case "out":
            (pos / "l.txt").symlink_to("0.txt")
        case "loop":
            (pos / "l").symlink_to(".")
    message, hint = refusal(folder)
    assert message.startswith("F/")
    assert message.endswith(" is a link")
    assert hint == "links are not followed: copy what it points at"


def test_a_folder_that_is_itself_named_by_a_link_is_read(tmp_path: Path) -> None:
    write(tmp_path / "f")
    (tmp_path / "link").symlink_to("f")
    assert read_stored(str(tmp_path / "link")).digest == read_stored(str(tmp_path / "f")).digest


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    folder = write(tmp_path)
    os.mkfifo(folder / "pos" / "pipe.txt")
    assert refusal(folder)[0] == "F/pos/pipe.txt is not a regular file"


def test_a_folder_of_another_layout_is_refused_with_the_right_one(tmp_path: Path) -> None:
    assert refusal(tmp_path)[0] == "F has no folder with texts of a class"
    (tmp_path / "pos" / "inner").mkdir(parents=True)
    message, hint = refusal(tmp_path)
    assert message == "F/pos/inner is a folder within a class's folder"
    assert hint is not None
    assert hint.startswith("one folder a class")


@pytest.mark.parametrize("sides", [(), ("train", "test")])
def test_a_class_whose_name_is_no_text_is_refused(tmp_path: Path, sides: tuple[str, ...]) -> None:
    folder = write(tmp_path / "f", *sides)
    try:
        (folder / "/".join(sides[:1]) / "neg").rename(folder / "/".join(sides[:1]) / os.fsdecode(b"n\xe9g"))
    except OSError:
        pytest.skip("this file system has names in UTF-8 only")
    assert refusal(folder) == ("F: the name of a class's folder is not UTF-8 (n?g)", "rename it")


def test_a_name_with_a_line_end_is_a_name_and_told_in_one_line(tmp_path: Path, cli) -> None:  # type: ignore[no-untyped-def]
    folder = write(tmp_path / "f")
    try:
        (folder / "pos" / "0.txt").rename(folder / "pos" / "0\n\x1b[31m.txt")
    except OSError:
        pytest.skip("this file system has no such names")
    assert "pos/0\n\x1b[31m.txt" in read_stored(str(folder)).table("utf-8")["file"]
    (folder / "pos" / "0\n\x1b[31m.txt").write_bytes(b"caf\xe9")
    done = cli("train", "--data", str(folder))
    assert (done.exit_code, done.stdout, done.stderr.count("\n"), "\x1b" in done.stderr) == (5, "", 1, False)


def test_more_files_or_bytes_than_can_be_meant_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(class_folders, "FILE_LIMIT", 4)
        assert refusal(folder)[0] == "F has more than 4 files"
    with monkeypatch.context() as patch:
        patch.setattr(class_folders, "BYTE_LIMIT", 20)
        assert refusal(folder)[0] == "F has more than 20 bytes"
    with monkeypatch.context() as patch:
        patch.setattr(class_folders, "FIELD_LIMIT", 5)
        assert refusal(folder)[0] == "F/neg/1.txt has more than 5 bytes"


def test_a_text_of_another_encoding_is_told_with_its_file(tmp_path: Path) -> None:
    folder = write(tmp_path)
    (folder / "pos" / "3.txt").write_bytes("déjà vu".encode("cp1252"))
    message, hint = refusal(folder)
    assert message == "F/pos/3.txt: line 1 is not utf-8 (byte 0xe9 at 1)"
    assert hint == "cp1252 reads all of it: --encoding cp1252"
    assert refusal(folder, encoding="utf-9")[0] == "unknown encoding 'utf-9'"


def test_pieces_are_of_the_same_rows_and_texts_without_labels_are_read_to_predict(tmp_path: Path) -> None:
    folder = write(tmp_path / "f")
    whole = read_stored(str(folder)).table("utf-8")
    pieces = list(folder_chunks(str(folder), encoding="utf-8", rows=2))
    assert [len(piece["text"]) for piece in pieces] == [2, 2, 1]
    assert {name: [cell for piece in pieces for cell in piece[name]] for name in whole} == whole
    (piece,) = folder_chunks(str(folder / "pos"), encoding="utf-8")
    assert list(piece) == ["text", "file"]
    assert piece["file"] == ["0.txt", "1.txt", "2.txt"]
