"""A run as an archive holds it, besides its files: values to JSON and back. Believes nothing that it reads.

Runs are known by the ids under which they were first recorded, however many stores they have been in since. Pydantic
reads them, strictly: MLflow, which writes them, loads it anyway, and a line of metrics takes 4.2 us where checks by
hand took 6.5, and let `true` pass for a value. Values of ours are not checked: these are plain dataclasses.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Final, Literal, get_args

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter

from expctl.encoding import exact
from expctl.records import Tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LINE: Final = 2**16  # bytes of a line of metrics.jsonl
_Ended = Literal["FINISHED", "FAILED", "KILLED"]
ENDED: Final = get_args(_Ended)
# Tags that say how a run came into a store, and stay there.
OF_THE_STORE: Final = (Tag.KEY, Tag.IMPORTED, Tag.IMPORTED_ID, Tag.IMPORTED_FROM, Tag.IMPORTED_TRIAL)

_EXACTLY: Final = ConfigDict(strict=True, extra="forbid")  # no value of another type, no other key
_Integer = Annotated[int, Field(ge=-(2**63), lt=2**63)]  # what a store holds
_Time = Annotated[int, Field(ge=0, lt=2**63)]


def _not_blank(name: str) -> str:
    if not name.strip():
        raise ValueError("blank")
    return name


def _of_a_run(tags: dict[str, str]) -> dict[str, str]:
    if not tags.get(Tag.TRIAL, "0").isdecimal() or tags.keys() & set(OF_THE_STORE):
        raise ValueError("not the tags of a run that was exported")
    return tags


@dataclass(frozen=True, slots=True)
class ArchivedData:
    """A data set that a run was given, with the tags of its being given."""

    __pydantic_config__ = _EXACTLY

    name: str
    digest: str
    source_type: str
    source: str
    schema: str | None
    profile: str | None
    tags: dict[str, str]


@dataclass(frozen=True, slots=True)
class ArchivedModel:
    """A logged model of a run, but for its files."""

    __pydantic_config__ = _EXACTLY

    name: str
    model_type: str | None
    status: Literal["READY", "PENDING", "FAILED"]
    step: _Integer
    tags: dict[str, str]
    params: dict[str, str]


@dataclass(frozen=True, slots=True)
class ArchivedRun:
    """A run but for its metrics and files. Times are milliseconds since 1970; `store` is the kind it is from."""

    __pydantic_config__ = _EXACTLY

    run_id: str
    name: str
    experiment: Annotated[str, AfterValidator(_not_blank)]
    store: str
    status: _Ended
    started: _Time | None
    ended: _Time | None
    params: dict[str, str]
    tags: Annotated[dict[str, str], AfterValidator(_of_a_run)]
    datasets: list[ArchivedData]
    models: list[ArchivedModel]

    def to_json(self) -> bytes:
        """As `run.json`."""
        return json.dumps(asdict(self), indent=1).encode()


@dataclass(frozen=True, slots=True)
class ArchivedPoint:
    """One value of a metric. `links`: which of the run's models it was measured of, and on which data set."""

    key: str
    value: float
    step: int
    timestamp: int
    links: Sequence[tuple[int, str | None, str | None]] = ()

    def to_json(self) -> bytes:
        """As a line of `metrics.jsonl`."""
        return json.dumps([self.key, exact(self.value), self.step, self.timestamp, self.links]).encode() + b"\n"


# As `ArchivedPoint.to_json` writes it. Infinite numbers, and NaN, are their names.
_Link = tuple[Annotated[int, Field(ge=0)], str | None, str | None]
_Line = tuple[str, float | Literal["NaN", "Infinity", "-Infinity"], _Integer, _Integer, list[_Link]]


@cache
def _reader_of_runs() -> TypeAdapter[ArchivedRun]:
    return TypeAdapter(ArchivedRun)


@cache
def _reader_of_lines() -> TypeAdapter[_Line]:
    return TypeAdapter(_Line, config=ConfigDict(strict=True))


def run_in(content: bytes) -> ArchivedRun:
    """The run of a `run.json`. Raises ValueError for anything else."""
    return _reader_of_runs().validate_json(content)


def points_in(blocks: Iterable[bytes], models: int) -> Iterator[ArchivedPoint]:
    """The points of a `metrics.jsonl`, read as it comes. Raises ValueError for anything else."""
    rest = b""
    for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        if len(rest) > _LINE:
            raise ValueError("a line without an end")
        yield from (_point(line, models) for line in lines)
    if rest:
        raise ValueError("the last line has no end")


def _point(line: bytes, models: int) -> ArchivedPoint:
    key, value, step, timestamp, links = _reader_of_lines().validate_json(line)
    if any(model >= models for model, _, _ in links):
        raise ValueError("a value of a model that is not there")
    return ArchivedPoint(key, float(value), step, timestamp, links)
