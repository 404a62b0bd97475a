"""The archive's reader: what was changed, or was never honest, is refused, and nothing is read beyond its size."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import stat
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expctl.errors import DataError
from expctl.tracking.archive import container as format
from expctl.tracking.archive.container import fits_windows, is_safe, opened_archive, writing
from expctl.tracking.archive.load import read_runs
from expctl.tracking.archive.schema import ArchivedPoint, ArchivedRun, points_in, run_in

if TYPE_CHECKING:
    from collections.abc import Callable

RUN = "0123456789abcdef" * 2
PLACE = f"runs/{RUN}"
DESCRIBED = ArchivedRun(RUN, "one", "expctl", "sqlite", "FINISHED", 1, 2, {"c": "1"}, {"team": "nlp"}, [], [])
FILES = {
    f"{PLACE}/run.json": DESCRIBED.to_json(),
    f"{PLACE}/metrics.jsonl": ArchivedPoint("f1_score", float("nan"), 0, 5).to_json(),
    f"{PLACE}/artifacts/a.txt": b"text " * 50,
    f"{PLACE}/models/0/MLmodel": b"run_id: x\n",
}


def write(path: Path, files: dict[str, bytes] | None = None) -> Path:
    with path.open("wb") as stream, writing(stream) as writer:
        for name, content in (FILES if files is None else files).items():
            writer.add(name, io.BytesIO(content), len(content))
        writer.close([RUN])
    return path


def read(path: Path) -> None:
    """All that is read before the first run is imported."""
    with opened_archive(path) as archive:
        archive.verify()
        read_runs(archive, None)


def rewritten(path: Path, change: Callable[[dict[str, Any], dict[str, bytes]], None]) -> Path:
    """The archive with a manifest and members that somebody changed, who knows how to make the digests fit."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(members.pop("manifest.json"))
    del members["manifest.json.sha256"]
    change(manifest, members)
    for name, content in members.items():
        if name in manifest.get("members", {}):
            manifest["members"][name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return packed(path, manifest, list(members.items()))


def packed(path: Path, manifest: dict[str, Any], members: list[tuple[Any, bytes]]) -> Path:
    text = json.dumps(manifest).encode()
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as archive:
        warnings.simplefilter("ignore")  # of members that come twice
        for name, content in members:
            archive.writestr(name, content)
        archive.writestr("manifest.json", text)
        archive.writestr("manifest.json.sha256", hashlib.sha256(text).hexdigest())
    return path


def refused(path: Path, word: str) -> None:
    with pytest.raises(DataError, match="is refused: ") as error:
        read(path)
    assert word in error.value.message
    assert "\n" not in error.value.message


def test_what_is_written_is_read_again_with_its_digest_as_sha256sum_checks_it(tmp_path):
    path = write(tmp_path / "runs.zip")
    with opened_archive(path) as archive:
        assert archive.runs == [RUN]
        assert {name: archive.read(name) for name in archive.members} == FILES
        assert archive.files(RUN, "models/0/") == {"MLmodel": f"{PLACE}/models/0/MLmodel"}
        assert read_runs(archive, None) == {RUN: "expctl"}
        assert read_runs(archive, "mine") == {RUN: "mine"}
    with zipfile.ZipFile(path) as archive:
        digest = hashlib.sha256(archive.read("manifest.json")).hexdigest()
        assert archive.read("manifest.json.sha256").decode() == f"{digest}  manifest.json\n"


NAMES = [
    "../evil", f"{PLACE}/artifacts/../../../../evil", "/etc/cron.d/evil", f"{PLACE}/artifacts//x", "C:/evil",
    f"{PLACE}/artifacts/a\\..\\evil", f"{PLACE}/artifacts/a\nb", f"{PLACE}/artifacts/./a",
    f"{PLACE}/artifacts/" + "x" * 256, "readme.txt", f"{PLACE}/artifacts/", f"{PLACE}/other/x", f"{PLACE}/models/x/y",
    "runs/short/artifacts/x", "MANIFEST.JSON",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names_that_lead_elsewhere_are_refused_and_never_written(tmp_path, name):
    def add(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
        members[name] = b"evil"
        manifest["members"][name] = {}

    refused(rewritten(write(tmp_path / "runs.zip"), add), repr(name).strip("'"))
    with pytest.raises(DataError, match="cannot hold a file of the name"):
        write(tmp_path / "new.zip", {**FILES, name: b""})


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda manifest, members: members.update({f"{PLACE}/artifacts/new": b""}), "is not in the manifest"),
        (lambda manifest, members: members.pop(f"{PLACE}/artifacts/a.txt"), "is not in the archive"),
        (lambda manifest, members: manifest.update(runs=[]), "that it does not list"),
        (lambda manifest, members: manifest.update(runs=[RUN, "f" * 32]), "it has no runs/ffff"),
        (lambda manifest, members: manifest.update(runs=[RUN, RUN]), "not one that expctl writes"),
        (lambda manifest, members: manifest.update(runs=["../x"]), "not one that expctl writes"),
        (lambda manifest, members: manifest.update(version=2), "it was written by a newer expctl"),
        (lambda manifest, members: manifest.update(version="1"), "not one that expctl writes"),
        (lambda manifest, members: manifest.update(format="zip"), "not one that expctl writes"),
        (lambda manifest, members: manifest.pop("members"), "not one that expctl writes"),
        (lambda manifest, members: members.update({f"{PLACE}/run.json": b"{}"}), "run.json is not what expctl writes"),
        (lambda manifest, members: members.update({f"{PLACE}/run.json": b"[" * 50_000}), "run.json is not what"),
        (lambda manifest, members: members.update({f"{PLACE}/metrics.jsonl": b"[1]\n"}), "metrics.jsonl is not what"),
        (lambda manifest, members: members.update({f"{PLACE}/metrics.jsonl": b"x" * 70_000}), "metrics.jsonl is not"),
    ],
)
def test_a_manifest_and_members_that_do_not_fit_are_refused(tmp_path, change, word):
    refused(rewritten(write(tmp_path / "runs.zip"), change), word)


def test_a_file_that_is_a_folder_too_is_refused(tmp_path):
    def add(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
        members[f"{PLACE}/artifacts/a.txt/b"] = b""
        manifest["members"][f"{PLACE}/artifacts/a.txt/b"] = {}

    refused(rewritten(write(tmp_path / "runs.zip"), add), "both a file and a folder")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("status", "RUNNING"), ("run_id", "f" * 32), ("started", -1), ("started", "1"), ("ended", True), ("params", []),
        ("tags", {"a": 1}), ("tags", {"expctl.trial": "x"}),
        ("tags", {"expctl.imported": "now"}), ("name", "\ud800"), ("experiment", " "), ("models", {}),
        ("models", [{"name": "m"}]), ("datasets", [1]), ("more", 1), ("started", 2**70),
    ],
)  # fmt: skip
def test_a_run_that_makes_no_sense_is_refused_before_any_is_written(tmp_path, key, value):
    described = json.dumps(json.loads(DESCRIBED.to_json()) | {key: value}).encode()
    refused(
        rewritten(write(tmp_path / "runs.zip"), lambda _, members: members.update({f"{PLACE}/run.json": described})),
        "run.json is not what expctl writes",
    )


@pytest.mark.parametrize(
    "line",
    [
        '["a", "1", 0, 0, []]', '["a", 1, 0.5, 0, []]', '["a", 1, 0, true, []]', '[null, 1, 0, 0, []]', "{}", "[", "3",
        '["a", 1, 0, 0, [[0, null, null]]]', '["a", 1, 0, 0, 5]', '["a", null, 0, 0, []]', '["a", 1, 0, 1e999, []]',
        '["a", 1, 99999999999999999999, 0, []]', '["a", true, 0, 0, []]', '["a", 1, 0, 0, [[0.5, null, null]]]',
        '["a", 1, 0, 0, [["0", null, null]]]', '["\\ud800", 1, 0, 0, []]', "[" * 10_000, '["a", 1, 0, 0, [], 1]',
    ],
)  # fmt: skip
def test_a_line_that_is_no_point_of_a_metric_is_refused(line):
    with pytest.raises(ValueError):  # noqa: PT011 (whatever it says: the archive's reader tells of the member)
        list(points_in([line.encode() + b"\n"], 0))


@pytest.mark.parametrize("how", ["pipe", "link", "folder"])
def test_members_that_are_no_files_are_refused(tmp_path, how):
    kind = {"pipe": stat.S_IFIFO, "link": stat.S_IFLNK, "folder": stat.S_IFDIR}[how]
    path = write(tmp_path / "runs.zip")
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    infos = [zipfile.ZipInfo(name) for name in FILES]
    infos[2].external_attr = (kind | 0o777) << 16
    refused(packed(path, manifest, list(zip(infos, FILES.values(), strict=True))), "is a link, or not a regular file")


def test_a_member_that_was_exchanged_for_another_of_its_size_is_refused(tmp_path):
    path = write(tmp_path / "runs.zip")
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    files = FILES | {f"{PLACE}/artifacts/a.txt": b"lies " * 50}
    refused(packed(path, manifest, list(files.items())), "a.txt has been changed")


def test_a_size_other_than_the_manifests_is_refused(tmp_path):
    path = write(tmp_path / "runs.zip")
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    manifest["members"][f"{PLACE}/artifacts/a.txt"]["bytes"] += 1
    refused(packed(path, manifest, list(FILES.items())), "a.txt has 250 bytes, not 251")


def test_a_manifest_that_was_changed_alone_is_refused(tmp_path):
    path = write(tmp_path / "runs.zip")
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"version": 1', b'"version": 0'))
    refused(path, "")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", "{}")
        archive.writestr("manifest.json.sha256", hashlib.sha256(b"").hexdigest())
    refused(path, "manifest.json has been changed")


def test_a_name_with_a_nul_is_refused_where_zipfile_would_cut_it(tmp_path):
    path = write(tmp_path / "runs.zip")
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    packed(path, manifest, [*FILES.items(), (f"{PLACE}/artifacts/aXb", b"")])
    path.write_bytes(path.read_bytes().replace(b"aXb", b"a\0b"))
    refused(path, "artifacts/a\\x00b'")


def test_a_member_that_comes_twice_is_refused(tmp_path):
    path = write(tmp_path / "runs.zip")
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    refused(packed(path, manifest, [*FILES.items(), (f"{PLACE}/artifacts/a.txt", b"other")]), "it has two members")


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_packed_in_another_way_are_refused(tmp_path, kind):
    path = write(tmp_path / "runs.zip")
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    infos = [zipfile.ZipInfo(name) for name in FILES]
    infos[2].compress_type = kind
    refused(packed(path, manifest, list(zip(infos, FILES.values(), strict=True))), "uses an unknown compression")


def test_a_bomb_is_refused_before_it_is_read_and_what_expands_as_much_is_exported_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(format, "_EXPANDING", 3_000_000)
    zeros = {f"{PLACE}/artifacts/zeros{i}": bytes(2_000_000) for i in range(4)}
    read(write(tmp_path / "honest.zip", {**FILES, **zeros}))
    assert (tmp_path / "honest.zip").stat().st_size > 6_000_000
    monkeypatch.setattr(format, "_EXPANDING", 10_000_000)
    write(tmp_path / "bomb.zip", {**FILES, **zeros})
    assert (tmp_path / "bomb.zip").stat().st_size < 20_000
    monkeypatch.setattr(format, "_EXPANDING", 3_000_000)
    monkeypatch.setattr(format.Archive, "blocks", None)
    refused(tmp_path / "bomb.zip", "its members expand more than 100-fold")


def test_a_member_that_is_longer_than_it_says_is_read_no_further(tmp_path):
    """The zip's directory says 250 bytes, as the manifest does; what unpacks is a hundred times that."""
    path = write(tmp_path / "runs.zip")
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    info = zipfile.ZipInfo(f"{PLACE}/artifacts/a.txt")
    info.compress_type = zipfile.ZIP_DEFLATED
    long = [
        (info if name.endswith("a.txt") else name, content * 100 if name.endswith("a.txt") else content)
        for name, content in FILES.items()
    ]
    content = packed(path, manifest, long).read_bytes()
    path.write_bytes(content.replace((25_000).to_bytes(4, "little"), (250).to_bytes(4, "little")))
    refused(path, "")


def test_members_that_overlap_are_refused(tmp_path, monkeypatch):
    path = write(tmp_path / "runs.zip")
    with zipfile.ZipFile(path) as archive:
        big = {info.filename: info for info in archive.infolist()}
    monkeypatch.setattr(format, "_infos", lambda path, zip: {name: _longer(info) for name, info in big.items()})
    refused(path, "its members overlap")


def _longer(info: zipfile.ZipInfo) -> zipfile.ZipInfo:
    if not info.filename.startswith("manifest"):
        info.compress_size += 5_000
    return info


def test_every_changed_byte_is_noticed_or_changes_nothing(tmp_path):
    whole = write(tmp_path / "runs.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "runs.zip") as archive:
        ends = [info.header_offset for info in archive.infolist()]
    noticed = 0
    for position in [*range(0, len(whole), 7), *ends]:
        changed = bytearray(whole)
        changed[position] ^= 0x41
        noticed += _noticed(tmp_path / "changed.zip", bytes(changed))
    assert noticed > 200  # the rest are dates, rights and versions of zip, of which nothing is taken


def _noticed(path: Path, content: bytes) -> bool:
    """Whether a damaged archive is refused; if not, everything in it must be as it was."""
    path.write_bytes(content)
    try:
        with opened_archive(path) as archive:
            archive.verify()
            read_runs(archive, None)
            assert {name: archive.read(name) for name in archive.members} == FILES
    except DataError as error:
        return "\n" not in error.message
    return False


@given(st.data())
def test_damage_of_any_kind_is_refused_in_a_line_or_does_no_harm(tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp()
    if not (folder / "whole.zip").is_file():
        write(folder / "whole.zip")
    content = (folder / "whole.zip").read_bytes()
    place = st.integers(0, len(content))
    for _ in range(data.draw(st.integers(1, 4))):
        start, end = sorted((data.draw(place), data.draw(place)))
        match data.draw(st.sampled_from(["cut", "bytes", "twice", "start", "end"])):
            case "cut":
                content = content[:start] + content[end:]
            case "bytes":
                given = data.draw(st.binary(min_size=1, max_size=8))
                content = content[:start] + given + content[start + len(given) :]
            case "twice":
                content = content[:end] + content[start:]
            case "start":
                content = data.draw(st.binary(max_size=20)) + content
            case "end":
                content = content + data.draw(st.binary(max_size=20))
    _noticed(folder / "damaged.zip", content)


@given(st.text(), st.text())
def test_a_name_that_is_safe_stays_below_its_folder(one, other):
    name = f"{one}/{other}"
    if is_safe(name):
        path = Path("/below/here", name)
        assert path.is_relative_to("/below/here")
        assert ".." not in path.parts
        assert len(path.parts) == len(name.split("/")) + 3


@pytest.mark.parametrize(
    "name",
    [
        "C:/evil",
        "a/c:evil",
        "a.txt:hidden",
        "CON",
        "nul.txt",
        "a/Com1.x/b",
        "aux .md",
        "a./b",
        "b ",
        "what?",
        "a|b",
        "lpt³",
    ],
)
def test_a_name_that_windows_cannot_hold_is_refused_there_and_nowhere_else(tmp_path, name, monkeypatch):
    """As a value: on Windows `C:/evil` would leave the folder, and `a:b` be written into another file."""
    assert not fits_windows(name)
    path = write(tmp_path / "a.zip", {**FILES, f"{PLACE}/artifacts/{name}": b"x"})
    read(path)
    monkeypatch.setattr(format, "_ON_WINDOWS", True)
    refused(path, "which Windows cannot hold")


@pytest.mark.parametrize(
    "name", ["console.txt", "a/com10", "nullable", "a.b.c", ".hidden", "ü b", "auxiliary/x", "x" * 200]
)
def test_any_other_name_windows_holds(name):
    assert fits_windows(name)


text = st.text(st.characters(codec="utf-8"), max_size=8)
texts = st.dictionaries(text, text, max_size=3)


@given(
    st.builds(
        ArchivedRun,
        text,
        text,
        text.map(lambda name: name + "x"),
        text,
        st.just("FAILED"),
        st.none(),
        st.integers(0, 2**62),
        texts,
        texts,
        st.just([]),
        st.just([]),
    )
)
def test_a_run_comes_back_from_its_json(run):
    assert run_in(run.to_json()) == run


@given(
    st.lists(
        st.builds(
            ArchivedPoint,
            text,
            st.floats(),
            st.integers(-(2**63), 2**63 - 1),
            st.integers(0, 2**63 - 1),
            st.lists(st.tuples(st.integers(0, 2), text, text), max_size=2),
        )
    )
)
def test_points_come_back_from_their_lines_however_they_are_cut(points):
    lines = b"".join(point.to_json() for point in points)
    for size in (1, 7, 10_000):
        pieces = [lines[start : start + size] for start in range(0, len(lines), size)]
        assert list(map(repr, points_in(pieces, 3))) == list(map(repr, points))


def test_an_archive_is_read_in_pieces(tmp_path):
    """A file of any size takes no more memory than a piece of it."""
    write(tmp_path / "runs.zip", {**FILES, f"{PLACE}/artifacts/big": bytes(range(256)) * 20_000})
    with opened_archive(tmp_path / "runs.zip") as archive:
        pieces = [len(piece) for piece in archive.blocks(f"{PLACE}/artifacts/big")]
    assert (max(pieces), sum(pieces)) == (2**20, 256 * 20_000)
    shutil.rmtree(tmp_path)
