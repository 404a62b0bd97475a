"""The file that `export` writes and `import` reads: a zip in which a manifest names every other member.

Nothing is taken from the zip's own word: a member is what the manifest says, in size and sha256, or the archive is
refused. Knows names, bytes and limits; neither MLflow nor what runs are.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import struct
import zipfile
import zlib
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Final

from expctl import __version__
from expctl.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

FORMAT: Final = "expctl-runs"
VERSION: Final = 1  # of the archive; raised when an older expctl could no longer read it right
_MANIFEST: Final = "manifest.json"
_DIGEST: Final = "manifest.json.sha256"  # as sha256sum writes it, and can check it
_MANIFEST_LIMIT: Final = 256 * 2**20
_BLOCK: Final = 2**20
# Members that expand more than RATIO-fold may hold EXPANDING bytes together: zeros do, and so does every zip bomb. What
# is beyond that is stored as it is.
_RATIO: Final = 100
_EXPANDING: Final = 64 * 2**20
_LONGEST: Final = 255  # bytes of a name in most file systems
_LONGEST_REASON: Final = 200  # characters: zipfile quotes names of a damaged file, which may be all of it
_ON_WINDOWS: Final = os.name == "nt"
_MEMBER: Final = re.compile(r"runs/[0-9a-f]{32}/(?:run\.json|metrics\.jsonl|(?:artifacts|models/\d{1,4})/.+)", re.S)
_RUN_ID: Final = re.compile(r"[0-9a-f]{32}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Member:
    """What the manifest says of a member."""

    bytes: int
    sha256: str


def is_safe(name: str) -> bool:
    """Whether a member's name is a plain path downwards that every file system can hold."""
    try:
        longest = max(len(part.encode()) for part in name.split("/"))
    except UnicodeEncodeError:  # bytes of a file system in another encoding
        return False
    plain = not re.search(r"[\x00-\x1f\x7f\\]", name) and not re.match("[A-Za-z]:", name)
    return plain and longest <= _LONGEST and not {"", ".", ".."} & set(name.split("/"))


def fits_windows(name: str) -> bool:
    """Whether Windows can hold a safe name: there `a:b` is a stream of `a`, `C:/b` another drive, `nul.txt` a device.

    It counts on Windows only: elsewhere such names are as good as others.
    """
    devices = r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³]) *(?:\..*)?"
    parts = name.split("/")
    return not any(re.search(r'[<>:"|?*]|[. ]$', part) or re.fullmatch(devices, part, re.I) for part in parts)


class Writer:
    """An archive that is being written. The same members in the same order are the same bytes."""

    def __init__(self, zip: zipfile.ZipFile) -> None:
        self._zip = zip
        self._members: dict[str, Member] = {}
        self._expanded = 0

    def add(self, name: str, source: IO[bytes], size: int) -> None:
        """Write a member of `size` bytes from a stream. Raises DataError for a name or a stream that is not so."""
        if not (_MEMBER.fullmatch(name) and is_safe(name)):
            raise DataError(f"an archive cannot hold a file of the name {name!r}", hint="give it a plain name")
        info = zipfile.ZipInfo(name)
        info.external_attr = (stat.S_IFREG | 0o644) << 16
        info.file_size = size
        if size + self._expanded <= _EXPANDING:
            info.compress_type = zipfile.ZIP_DEFLATED
        digest, written = hashlib.sha256(), 0
        with self._zip.open(info, "w") as target:
            while block := source.read(min(_BLOCK, size - written + 1)):
                written += len(block)
                if written > size:
                    break
                digest.update(block)
                target.write(block)
        if written != size:
            raise DataError(f"{name} changed while it was read", hint="export when nothing writes to it")
        if _expands(info):
            self._expanded += size
        self._members[name] = Member(size, digest.hexdigest())

    def close(self, runs: Sequence[str]) -> None:
        """Write the manifest, with the ids of the runs in their order, and what tells whether it was changed."""
        described = {
            "format": FORMAT,
            "version": VERSION,
            "expctl": __version__,
            "runs": list(runs),
            "members": {name: asdict(member) for name, member in self._members.items()},
        }
        content = json.dumps(described, indent=1).encode()
        for name, text in (
            (_MANIFEST, content),
            (_DIGEST, f"{hashlib.sha256(content).hexdigest()}  {_MANIFEST}\n".encode()),
        ):
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            self._zip.writestr(info, content if name == _MANIFEST else text)
        self._zip.close()


@contextmanager
def writing(stream: BinaryIO) -> Iterator[Writer]:
    """An archive to write into a stream. Without a `close` in the block it is none."""
    zip = zipfile.ZipFile(stream, "w")
    try:
        yield Writer(zip)
    finally:
        with suppress(OSError):  # the disk is full, which whoever wrote has been told
            zip.close()


def _expands(info: zipfile.ZipInfo) -> bool:
    return info.file_size > _RATIO * info.compress_size


class Archive:
    """An archive that was opened: everything about it but the members' content has been checked.

    `runs` are the ids of its runs.
    """

    def __init__(self, path: Path, zip: zipfile.ZipFile) -> None:
        self._path = path
        self._zip = zip
        self._infos = _infos(path, zip)
        manifest = self._manifest()
        self.runs: list[str] = manifest["runs"]
        self.members: dict[str, Member] = manifest["members"]
        self._check()
        self._of_run: dict[str, list[str]] = {run: [] for run in self.runs}
        for name in self.members:
            self._of_run[name.split("/")[1]].append(name)

    def _manifest(self) -> dict[str, Any]:
        contents = []
        for name, limit in ((_MANIFEST, _MANIFEST_LIMIT), (_DIGEST, 1000)):
            info = self._infos.pop(name, None)
            if info is None:
                raise _refused(self._path, f"it has no {name}", "is it an archive of expctl export?")
            if info.file_size > limit or info.compress_type != zipfile.ZIP_STORED:
                raise _refused(self._path, f"its {name} is too large")
            contents.append(self._zip.read(info))
        content, digest = contents
        if digest.split()[:1] != [hashlib.sha256(content).hexdigest().encode()]:
            raise _refused(self._path, f"{_MANIFEST} has been changed")
        try:
            found = json.loads(content)
            version = found["version"]
            if found["format"] != FORMAT or not isinstance(version, int):
                raise ValueError(found["format"])
            if version > VERSION:
                raise _refused(
                    self._path, f"it was written by a newer expctl ({found['expctl']})", "expctl help install"
                )
            members = {name: Member(one["bytes"], one["sha256"]) for name, one in found["members"].items()}
            sound = all(
                type(one.bytes) is int and one.bytes >= 0 and _SHA256.fullmatch(one.sha256) for one in members.values()
            ) and all(_RUN_ID.fullmatch(run) for run in found["runs"])
            if not sound or len(set(found["runs"])) < len(found["runs"]):
                raise ValueError("runs")
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise _refused(self._path, f"{_MANIFEST} is not one that expctl writes") from error
        return {"runs": list(found["runs"]), "members": members}

    def _check(self) -> None:
        """Hold what the zip says of its members against the manifest, and against what no honest zip says."""
        for name in sorted(self._infos.keys() ^ self.members.keys()):
            where = "the manifest" if name in self._infos else "the archive"
            raise _refused(self._path, f"{name!r} is not in {where}")
        if any(name.split("/")[1] not in self.runs for name in self.members):
            raise _refused(self._path, "it has members of a run that it does not list")
        for run in self.runs:
            for name in (f"runs/{run}/run.json", f"runs/{run}/metrics.jsonl"):
                if name not in self.members:
                    raise _refused(self._path, f"it has no {name}")
        folders = {str(folder) for name in self.members for folder in PurePosixPath(name).parents}
        for name in sorted(folders & self.members.keys()):
            raise _refused(self._path, f"{name!r} is both a file and a folder")
        for name, info in self._infos.items():
            if info.file_size != self.members[name].bytes:
                raise _refused(self._path, f"{name} has {info.file_size:,} bytes, not {self.members[name].bytes:,}")
        if sum(info.compress_size for info in self._infos.values()) > self._path.stat().st_size:
            raise _refused(self._path, "its members overlap")
        if sum(info.file_size for info in self._infos.values() if _expands(info)) > _EXPANDING:
            raise _refused(self._path, f"its members expand more than {_RATIO}-fold")

    def verify(self, progress: Callable[[str], None] = lambda stage: None) -> None:
        """Read all of it. Raises DataError for a member that is not what the manifest says."""
        total, read = sum(member.bytes for member in self.members.values()), 0
        for name, member in self.members.items():
            for _ in self.blocks(name):
                pass
            read += member.bytes
            progress(f"checking the archive, {read / max(total, 1):.0%}")

    def blocks(self, name: str) -> Iterator[bytes]:
        """A member, piece by piece; never more of it than the manifest says. Raises DataError if it is another."""
        digest = hashlib.sha256()
        with _readable(self._path), self._zip.open(self._infos[name]) as stream:
            while block := stream.read(_BLOCK):  # zipfile unpacks no more than the size, which `_check` has compared
                digest.update(block)
                yield block
        if digest.hexdigest() != self.members[name].sha256:
            raise _refused(self._path, f"{name} has been changed")

    def read(self, name: str) -> bytes:
        """A member as a whole."""
        return b"".join(self.blocks(name))

    def files(self, run: str, folder: str = "") -> dict[str, str]:
        """The members of a run below a folder, by their paths there."""
        place = f"runs/{run}/{folder}"
        return {name.removeprefix(place): name for name in self._of_run[run] if name.startswith(place)}

    def damaged(self, name: str) -> DataError:
        """The error for a member that is whole and makes no sense."""
        return _refused(self._path, f"{name} is not what expctl writes")


@contextmanager
def opened_archive(path: Path) -> Iterator[Archive]:
    """An archive, opened and checked. Raises DataError for a file that is none, or one that is not to be trusted."""
    try:
        if not path.is_file():
            what = "not a file" if path.exists() else "not there"
            raise DataError(f"{path} is {what}", hint="expctl export RUN -o FILE")
        stream = path.open("rb")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    with stream:
        with _readable(path):
            zip = zipfile.ZipFile(stream)
            archive = Archive(path, zip)
        with zip:
            yield archive


def _infos(path: Path, zip: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The members by their names. Raises DataError for one that an archive of ours cannot have."""
    found: dict[str, zipfile.ZipInfo] = {}
    for info in zip.infolist():
        name = info.orig_filename  # as it is written: zipfile cuts a name at a NUL
        if name in found:
            raise _refused(path, f"it has two members {name!r}")
        if name not in (_MANIFEST, _DIGEST) and not (_MEMBER.fullmatch(name) and is_safe(name)):
            raise _refused(path, f"it has a member of the name {name!r}")
        if _ON_WINDOWS and not fits_windows(name):
            raise _refused(
                path, f"it has a member of the name {name!r}, which Windows cannot hold", "import it elsewhere"
            )
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
            raise _refused(path, f"{name} is a link, or not a regular file")
        if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise _refused(path, f"{name} is encrypted, or uses an unknown compression")
        found[name] = info
    return found


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Tell of a damaged zip in a line: the standard library raises whatever its parts raise."""
    try:
        yield
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        EOFError,
        NotImplementedError,
        ValueError,
    ) as error:
        raise _refused(path, f"it is not a zip file, or damaged: {str(error)[:_LONGEST_REASON]}") from error
    except OSError as error:
        raise _refused(path, f"it cannot be read: {error.strerror or error}") from error


def _refused(path: Path, why: str, hint: str | None = None) -> DataError:
    return DataError(f"{path} is refused: {why}", hint=hint or "export the runs again, and copy the file whole")
