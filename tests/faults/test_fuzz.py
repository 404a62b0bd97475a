"""Anything at all where a user's words or files are read: it is understood, or told in one of our errors.

    EXPCTL_TEST_CASES=50000 pytest tests/faults/test_fuzz.py --hypothesis-seed=1      (200 cases where it is not set)
    python tests/faults/long.py --only fuzz --minutes 60

Most inputs are honest ones that were damaged: pure noise seldom comes past the first check.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import warnings
import zipfile
from contextlib import suppress
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from expctl.cli.config_file import RECORD_KEYS, read_config
from expctl.cli.options.common import read_pairs
from expctl.errors import DataError, ExpctlError, RunNotFound, UsageError
from expctl.records import RunRecord
from expctl.tracking.archive.container import opened_archive, writing
from expctl.tracking.archive.load import read_runs
from expctl.tracking.archive.schema import ArchivedPoint, ArchivedRun
from expctl.tracking.runs.references import resolve, resolve_set
from expctl.training.data.tables import chunks, read_table
from expctl.training.models.configure import RECIPE_KEYS, configure
from expctl.training.search.space import read_space
from tests.tracking.recorded import store_of

if TYPE_CHECKING:
    from collections.abc import Sequence

CASES: Final = int(os.environ.get("EXPCTL_TEST_CASES", "200"))
anything = settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def damaged(draw: st.DrawFn, honest: Sequence[Any], pieces: Sequence[Any], most: int = 4) -> Any:
    """One of the `honest` texts or bytes after a few cuts, copies and insertions of `pieces`, or of noise."""
    whole = draw(st.sampled_from(honest))
    noise = st.binary(max_size=6) if isinstance(whole, bytes) else st.text(max_size=6)
    for _ in range(draw(st.integers(0, most))):
        start = draw(st.integers(0, len(whole)))
        end = min(len(whole), start + draw(st.integers(0, 12)))
        kind = draw(st.sampled_from(["cut", "copy", "put", "noise", "end"]))
        middle = {
            "cut": whole[:0],
            "copy": whole[start:end] * 2,
            "put": draw(st.sampled_from(pieces)) if kind == "put" else whole[:0],
            "noise": draw(noise) if kind == "noise" else whole[:0],
            "end": whole[:0],
        }[kind]
        whole = whole[:start] + middle + (whole[:0] if kind == "end" else whole[end:])
    return whole


def told(error: ExpctlError) -> None:
    """An error is a line for people: short enough to be read, and printable once it is shown."""
    assert error.message
    assert len(error.message) < 2_000, error.message[:300]


# Tables.

CSV: Final = [
    b'text,label\nfine film,1\n"so, so",0\n',
    b'text,label\n"two\nlines",pos\n"a ""quote""",neg\n\n',
    b"text\tlabel\nfine\tA\n",
    "text;label\n\u00e9t\u00e9 \U0001f600;1\n".encode(),
    b"\xef\xbb\xbftext,label\r\nx,1\r\ny,2\r\n",
]
JSONL: Final = [
    b'{"text": "fine", "label": 1}\n{"text": "bad", "label": null, "more": [1, {"a": 2}]}\n',
    b'{"text": "\\ud83d\\ude00 \\u00e9", "label": true}\n\n{"label": 1.5e3, "text": ""}\n',
]
JSON: Final = [
    b'[{"text": "fine", "label": 1}, {"text": "bad", "label": null, "more": [1, {"a": 2}]}]',
    b' [\n {"text": "\\ud83d\\ude00", "label": true},\n {"label": 1.5e3, "text": ""}\n]\n',
    *JSONL,
]
LINES: Final = [b"pos\tfine film\nneg\tbad\n", b"label\ttext\r\n1\ta\tb\r\n", b"__label__pos fine\n__label__neg bad\n"]
BYTES: Final = [
    b'"', b'""', b",", b"\n", b"\r", b"\r\n", b"\t", b"\x00", b"\xef\xbb\xbf", b"\xff\xfe", b"\xff", b"\xc3",
    b"\x1f\x8b", b"{",
    b"}", b"[", b":", b"\\", b"\\ud800", b"NaN", b"Infinity", b"1e999", b"-0", b"9" * 400, b"[" * 2000,
    b"null", b"\x1a",
    "\u2028".encode(), "\x85".encode(),
]  # fmt: skip


def parquet(rows: int) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({"text": [f"row {i}" for i in range(rows)], "label": list(range(rows))}), out)
    return out.getvalue()


def zipped(content: bytes, method: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr("reviews.csv", content)
        archive.writestr("README", "none of it")
    return out.getvalue()


ZIPS: Final = [
    zipped(content, method)
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    for content in (CSV[0], CSV[0] * 100, gzip.compress(CSV[1], mtime=0))
]


def read_in_pieces(content: bytes, kind: Any, encoding: str) -> dict[str, list[Any]]:
    """The table as `predict` reads it, two rows at a time."""
    whole: dict[str, list[Any]] = {}
    done = 0
    for chunk in chunks(io.BytesIO(content), kind, encoding=encoding, name="data", rows=2):
        size = len(next(iter(chunk.values()), []))
        for column, values in chunk.items():
            whole.setdefault(column, [None] * done).extend(values)
        done += size
        for values in whole.values():
            values.extend([None] * (done - len(values)))
    return whole


@anything
@given(
    st.one_of(
        st.tuples(st.just("csv"), damaged(CSV, BYTES)),
        st.tuples(st.just("tsv"), damaged(CSV, BYTES)),
        st.tuples(st.just("jsonl"), damaged(JSONL, BYTES)),
        st.tuples(st.just("csv"), damaged([gzip.compress(one, mtime=0) for one in CSV], BYTES)),
        st.tuples(st.just("parquet"), damaged([parquet(0), parquet(3)], BYTES)),
        st.tuples(st.just("json"), damaged(JSON, BYTES)),
        st.tuples(st.just("txt"), damaged(LINES, BYTES)),
        st.tuples(st.just("zip"), damaged(ZIPS, BYTES)),
        st.tuples(st.sampled_from(["csv", "tsv", "jsonl", "parquet", "json", "txt", "zip"]), st.binary(max_size=80)),
    ),
    st.sampled_from(["utf-8", "utf-8-sig", "latin-1", "utf-16", "cp1252", "ascii"]),
)
def test_any_bytes_are_a_table_or_a_data_error(table: tuple[Any, bytes], encoding: str) -> None:
    kind, content = table
    try:
        whole = read_table(content, kind, encoding=encoding, name="data")
    except DataError as error:
        told(error)
        with pytest.raises(DataError):
            read_in_pieces(content, kind, encoding)
    else:
        assert len({len(values) for values in whole.values()}) <= 1
        assert repr(read_in_pieces(content, kind, encoding)) == repr(whole)


# Filters and references of runs.

FILTERS: Final = [
    "f1_score > 0.8 and c = 1", "params.c >= 0.1 or not (model = 'logreg')", "metrics.f1_score > metrics.accuracy",
    "start_time > '2 days ago'", "tags.`a b` like '%x_'", "status in ('finished', failed)", "has metrics.roc_auc",
    "dataset.digest = 'abc'", "name ilike \"W%\" AND duration < 3", "note is not null", "c in (1, 1e-3, -2)",
]  # fmt: skip
REFERENCES: Final = [
    "weak", "strong", "latest", "latest~1", "best", "best:f1_score", "models:/reviews/1", "reviews@champion",
    "w*", "[ws]*",
    "name = 'weak'", "0123456789abcdef", "c = 10",
]  # fmt: skip
WORDS: Final = [
    "'", '"', "`", "(", ")", " and ", " or ", " not ", "%", "_", "\\", "\x00", "\n", "=", "!=", "<>", ">=",
    " is null", "--", ";",
    "/*", "~", "@", ":", "models:/", "*", "?", "[", "]", "[!", "{", "1e999", "nan", "9" * 400, "0x1", "\u0660",
    "\U0001f600",
    "\ud800", "\u202e", "params.", "metrics.", "tags.", "attributes.", "datasets.", "has ", " in (", ", ",
    " like ", "-", "+", ".",
]  # fmt: skip


@anything
@given(st.one_of(damaged(FILTERS, WORDS), damaged(FILTERS, [*WORDS, *FILTERS], most=12), st.text(max_size=40)))
def test_any_text_is_a_filter_or_a_usage_error(runs: Path, text: str) -> None:
    store = store_of(runs)
    try:
        found = store.find(text)
    except UsageError as error:
        told(error)
    else:
        others = store.find(f"not ({text})") if text.strip() else []
        assert sorted(run.run_id for run in [*found, *others]) == sorted(run.run_id for run in store.find())


@anything
@given(st.one_of(damaged(REFERENCES, WORDS), damaged(FILTERS, WORDS), st.text(max_size=40)))
def test_any_text_is_a_run_or_not_found(runs: Path, text: str) -> None:
    store = store_of(runs)
    for read in (lambda: [resolve(store, text)], lambda: resolve_set(store, text)):
        try:
            found = read()
        except (RunNotFound, UsageError) as error:
            told(error)
        else:
            assert found
            assert all(isinstance(run, RunRecord) for run in found)


# Parameters and spaces.

KEYS: Final = [
    "c", "alpha", "max_features", "ngram_max", "model", "solver", "min_df", "random_state", "penalty", "logreg.c",
    "naive_bayes.alpha", "nope",
]  # fmt: skip
VALUES: Final = [
    "1", "0.1,1,10", "log:1e-3..1e3", "1..3", "2..8..2", "0..1..0.25", "logreg,naive_bayes", "logreg", "none",
    "true,false",
    "l1,l2", "none,100", "log:1..100", "-1..1",
]  # fmt: skip
MARKS: Final = [
    "=", ",", "..", ":", "log:", "-", "+", "e", "E400", "nan", "inf", "none", "true", " ", "\x00", "\n", "0",
    "9" * 400, "\u0663",
    "_", "0x10", "1e-320", ",,", "[", "]",
]  # fmt: skip
PAIRS: Final = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(KEYS), damaged(VALUES, MARKS)).map("=".join),
        damaged([f"{key}={value}" for key in KEYS for value in VALUES], MARKS),
        st.text(max_size=20),
    ),
    max_size=3,
)


@anything
@given(PAIRS, PAIRS)
def test_any_pairs_are_parameters_and_a_space_or_a_usage_error(param: list[str], grid: list[str]) -> None:
    try:
        fixed = read_pairs(param, "-p")
        configure({"data": "d.csv", **{key: value for key, value in fixed.items() if key not in RECIPE_KEYS}})
    except UsageError as error:
        told(error)
    try:
        space = read_space(read_pairs(grid, "-g"), {"data": "d.csv"})
    except UsageError as error:
        told(error)
        return
    assert space.size > 0
    if all(axis.values is not None for axis in space.axes):
        with suppress(UsageError):  # more combinations than can be asked for, or some of no model
            for point in islice(space.grid(), 5):
                space.at(point)


# Config files.

SETTINGS: Final = st.sampled_from(
    [*RECIPE_KEYS, "model", "tag", "param", "run_name", "autolog", "experiment", "c", "alpha", "zz"]
)
SCALARS: Final = st.one_of(
    st.integers(-(2**70), 2**70), st.floats(), st.booleans(), st.text(max_size=8),
    st.sampled_from(["logreg", "naive_bayes", "m:f", "none", "1.5"]),
)  # fmt: skip


def toml(value: object) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return (
            '"' + "".join(f"\\u{ord(one):04x}" if ord(one) < 0x10000 else f"\\U{ord(one):08x}" for one in value) + '"'
        )
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key} = {toml(one)}' for key, one in value.items())}}}"
    return str(value)


CONFIGS: Final = [
    b'data = "d.csv"\nc = 1.0\nmodel = "logreg"\n[tag]\nteam = "nlp"\n',
    b'run_name = "x"\nmax_features = 100\ntest_size = 0.25\n[param]\nngram_max = 2\n',
]


@anything
@given(
    st.one_of(
        st.binary(max_size=60),
        damaged(CONFIGS, [*BYTES, b"=", b"[[", b"]]", b"#", b"'''", b'"""', b"1979-05-27", b"0x", b"inf"]),
        st.dictionaries(
            SETTINGS,
            st.one_of(SCALARS, st.lists(SCALARS, max_size=2), st.dictionaries(SETTINGS, SCALARS, max_size=2)),
            max_size=4,
        ).map(lambda content: "\n".join(f"{key} = {toml(value)}" for key, value in content.items()).encode()),
    )
)
def test_any_file_is_a_config_or_a_usage_error(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "c.toml")
        path.write_bytes(content)
        try:
            said = read_config(path)
            recipe = {key: value for key, value in said.items() if key not in ("tag", *RECORD_KEYS)}
            configure({"data": "d.csv", **recipe})
        except UsageError as error:
            told(error)


# Archives.

RUN: Final = "0123456789abcdef" * 2
MEMBERS: Final = {
    f"runs/{RUN}/run.json": ArchivedRun(
        RUN, "one", "expctl", "sqlite", "FINISHED", 1, 2, {"c": "1"}, {"team": "nlp"}, [], []
    ).to_json(),
    f"runs/{RUN}/metrics.jsonl": ArchivedPoint("f1_score", float("nan"), 0, 5).to_json(),
    f"runs/{RUN}/artifacts/a.txt": b"text " * 50,
    f"runs/{RUN}/models/0/MLmodel": b"run_id: x\n",
}
JSON: Final = [
    b"null", b"[]", b"{}", b'""', b"-1", b"1e999", b"NaN", b"true", b"9" * 30, b'"\\ud800"', b'"\\u0000"',
    b"[" * 2000, b",", b'"',
]  # fmt: skip


def archive() -> bytes:
    out = io.BytesIO()
    with writing(out) as writer:
        for name, content in MEMBERS.items():
            writer.add(name, io.BytesIO(content), len(content))
        writer.close([RUN])
    return out.getvalue()


def read_archive(content: bytes) -> dict[str, bytes]:
    """The members of an archive after all that is checked before anything is written."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "runs.zip")
        path.write_bytes(content)
        with opened_archive(path) as opened:
            opened.verify()
            read_runs(opened, None)
            return {name: opened.read(name) for name in opened.members}


@anything
@given(damaged([archive()], [b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"\xff\xff\xff\xff", b"\x00", b"../"]))
def test_any_damage_to_an_archive_is_noticed(content: bytes) -> None:
    try:
        read = read_archive(content)
    except DataError as error:
        told(error)
    else:
        assert read == MEMBERS


@anything
@given(st.sampled_from([*sorted(MEMBERS)[2:], "manifest.json"]), st.data())
def test_an_archive_of_somebody_who_knows_the_format_is_read_or_refused(name: str, data: st.DataObject) -> None:
    """The digests fit, the content is damaged."""
    members = dict(MEMBERS)
    if name in members:
        members[name] = data.draw(damaged([members[name]], JSON))
    with zipfile.ZipFile(io.BytesIO(archive())) as honest:
        manifest = json.loads(honest.read("manifest.json"))
    for one, content in members.items():
        manifest["members"][one] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    text = json.dumps(manifest).encode()
    if name not in members:
        text = data.draw(damaged([text], JSON))
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w") as written:
        warnings.simplefilter("ignore")
        for one, content in [*members.items(), ("manifest.json", text)]:
            written.writestr(one, content)
        written.writestr("manifest.json.sha256", hashlib.sha256(text).hexdigest())
    with suppress(DataError):
        assert read_archive(out.getvalue()) == members
