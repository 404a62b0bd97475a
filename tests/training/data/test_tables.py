"""Tables are read exactly: no cell changed, no row lost, and whatever does not parse is told with its place."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import signal
import threading
import zipfile
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from expctl.errors import DataError
from expctl.training.data import table_formats, tables, typed_formats
from expctl.training.data.table_formats import Layout
from expctl.training.data.tables import check_file, chunks, kind_of, read_bytes, read_table, require, zipped_kind
from tests.tracking.recorded import store_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from expctl.training.data.table_formats import FileFormat, TableColumns


def zipped(
    *contents: bytes, names: tuple[str, ...] = ("data/reviews.csv", "more.tsv"), method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in zip(names, contents, strict=False):
            archive.writestr(name, content)
    return packed.getvalue()


COMMON = {"text": ["good", "bad"], "label": ["pos", "neg"]}
COMMON_CSV = "text,label\ngood,pos\nbad,neg\n"


def read(content: str | bytes, kind: FileFormat = "csv", encoding: str = "utf-8") -> TableColumns:
    data = content.encode() if isinstance(content, str) else content
    return read_table(data, kind, encoding=encoding, name="reviews")


def refusal(content: str | bytes, kind: FileFormat = "csv", encoding: str = "utf-8") -> tuple[str, str | None]:
    with pytest.raises(DataError) as refused:
        read(content, kind, encoding)
    return refused.value.message, refused.value.hint


@contextmanager
def within_seconds(seconds: float) -> Iterator[None]:
    def too_long(*_: object) -> None:
        raise AssertionError(f"hung for {seconds} s")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (COMMON_CSV.encode(), "utf-8"),
        (COMMON_CSV.encode("utf-8-sig"), "utf-8"),
        (COMMON_CSV.encode("utf-8-sig"), "latin-1"),
        (COMMON_CSV.encode("utf-16"), "utf-8"),
        (b"\xfe\xff" + COMMON_CSV.encode("utf-16-be"), "utf-8"),
        (COMMON_CSV.encode("utf-16-le"), "utf-16-le"),
        (COMMON_CSV.encode("utf-32"), "utf-8"),
        (COMMON_CSV.replace("\n", "\r").encode(), "utf-8"),
        (COMMON_CSV.replace("\n", "\r\n").encode(), "utf-8"),
        (COMMON_CSV.removesuffix("\n").encode(), "utf-8"),
        (gzip.compress(COMMON_CSV.encode()), "utf-8"),
        (gzip.compress(COMMON_CSV.encode("utf-16")), "utf-8"),
        (gzip.compress(b"text,label\ngood,pos\n") + gzip.compress(b"bad,neg\n"), "utf-8"),
    ],
    ids=[
        "plain", "utf-8 mark", "the mark wins over --encoding", "utf-16", "utf-16 big-endian", "utf-16 without mark",
        "utf-32", "CR line ends", "CRLF line ends", "no last line end", "gzip", "gzip of utf-16", "gzip in two members",
    ],
)  # fmt: skip
def test_every_way_of_storing_a_table_reads_the_same(content: bytes, encoding: str) -> None:
    assert read(content, "csv", encoding) == COMMON


def test_another_encoding_is_read_by_its_name() -> None:
    assert read("text,label\ncafé,pos\n".encode("latin-1"), encoding="latin-1")["text"] == ["café"]


def test_undecodable_text_is_told_with_line_and_byte() -> None:
    assert refusal("text,label\ngood,pos\ncafé,pos\n".encode("latin-1")) == (
        "reviews: line 3 is not utf-8 (byte 0xe9 at 23)",
        "cp1252 reads all of it: --encoding cp1252",
    )


def test_undecodable_text_after_a_mark_is_told_in_the_encoding_of_the_mark() -> None:
    assert refusal(COMMON_CSV.encode("utf-16") + b"\x00")[0] == "reviews: line 4 is not utf-16 (byte 0x00 at 58)"


@pytest.mark.parametrize("pack", [gzip.compress, zipped], ids=["gzip", "zip"])
def test_undecodable_text_is_told_with_its_place_in_what_was_packed(pack: Any) -> None:
    kind: FileFormat = "zip" if pack is zipped else "csv"
    message, hint = refusal(pack(b"text,label\ncaf\xe9,pos\n"), kind)
    assert message == "reviews: line 2 is not utf-8 (byte 0xe9 at 14)"
    assert hint == "cp1252 reads all of it: --encoding cp1252"


def test_undecodable_text_of_a_pipe_names_no_encoding() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    with pytest.raises(DataError) as refused:
        list(chunks(Pipe(b"text,label\ncaf\xe9,pos\n"), "csv", encoding="utf-8", name="stdin"))
    assert refused.value.message == "stdin: not utf-8 (invalid continuation byte)"
    assert refused.value.hint == "--encoding names another one, such as latin-1 or cp1252"


@pytest.mark.parametrize("encoding", ["utf-9", "rot13", "base64", "undefined", "utf-8\0", "\udcff"])
def test_an_encoding_that_is_none_is_refused_by_name(encoding: str) -> None:
    assert refusal(COMMON_CSV, encoding=encoding)[0] == f"unknown encoding {encoding!r}"


def test_a_nul_byte_is_told_with_its_line_and_what_it_may_mean() -> None:
    assert refusal(b"text,label\ngood,pos\nb\0d,neg\n") == (
        "reviews: line 3 holds a NUL byte",
        "is it UTF-16? then --encoding utf-16-le or utf-16-be",
    )
    assert refusal(COMMON_CSV.encode("utf-16-le"))[0] == "reviews: line 1 holds a NUL byte"


@pytest.mark.parametrize(
    ("row", "fields"), [("only one", 1), ("a,b,c", 3), ('"a\nb",c,d', 3)], ids=["short", "long", "over two lines"]
)
def test_a_ragged_row_is_told_with_the_line_it_begins_on(row: str, fields: int) -> None:
    assert refusal(f'text,label\n"two\nlines",pos\n{row}\nbad,neg\n') == (
        f"reviews: line 4 has {fields} fields, the header has 2",
        "put fields that hold the separator in double quotes",
    )


def test_an_unclosed_quote_is_told_where_it_opens_not_at_the_end_of_the_file() -> None:
    assert refusal('text,label\ngood,pos\n"bad,neg\nfine,pos\nworse,neg\n') == (
        "reviews: line 3: a quote is never closed",
        'write a quote inside a quoted field twice: "5"" screen"',
    )


def test_a_quote_that_closes_too_early_is_told() -> None:
    assert refusal('text,label\n"a 5" screen",pos\n')[0] == "reviews: line 2: ',' expected after '\"'"


def test_a_field_beyond_the_limit_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    before = csv.field_size_limit()
    monkeypatch.setattr(table_formats, "FIELD_LIMIT", 100)
    monkeypatch.setattr(typed_formats, "FIELD_LIMIT", 100)
    try:
        assert refusal(f"text,label\n{'x' * 101},pos\n")[0] == "reviews: line 2: field larger than field limit (100)"
        line = json.dumps({"text": "x" * 101})
        assert refusal(line, "jsonl")[0] == "reviews: line 1 is longer than 100 characters"
    finally:
        csv.field_size_limit(before)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_decompression_bomb_is_refused(monkeypatch: pytest.MonkeyPatch, kind: FileFormat) -> None:
    monkeypatch.setattr(tables, "BYTE_LIMIT", 2**20)
    bomb = b"text,label\n" + b"good,pos\n" * 2**18
    assert refusal(gzip.compress(bomb), kind)[0] == "reviews: more than 0 GiB unpacked"
    assert refusal(zipped(bomb), "zip")[0] == "reviews: more than 0 GiB unpacked"
    assert refusal(zipped(gzip.compress(bomb)), "zip")[0] == "reviews: more than 0 GiB unpacked"


def test_columns_without_a_name_and_of_one_name_are_told_by_their_place() -> None:
    assert list(read("v1,v2,,,\nham,hi,,,\n")) == ["v1", "v2", "unnamed_3", "unnamed_4", "unnamed_5"]
    expected = {"text (column 1)": ["a"], "label": ["b"], "text (column 3)": ["c"]}
    assert read("text,label, text\na,b,c\n") == expected
    table = pa.Table.from_arrays([pa.array([cell]) for cell in "abc"], names=["text", "label", "text"])
    assert read(parquet(table), "parquet") == expected
    assert refusal("a,a,a (column 1)\n1,2,3\n")[0] == "reviews: the header names 'a (column 1)' twice"


def test_a_name_of_two_columns_is_refused_where_it_is_asked_for() -> None:
    with pytest.raises(DataError) as refused:
        require(["text (column 1)", "label", "text (column 3)"], "text", name="reviews", option="--text-column")
    assert refused.value.message == "reviews: the header names 'text' more than once"
    assert refused.value.hint == "--text-column 'text (column 1)' is one of them"


def test_a_header_alone_is_a_table_without_rows() -> None:
    assert read("text,label\n") == {"text": [], "label": []}
    empty = pa.table({"text": pa.array([], pa.string()), "label": pa.array([], pa.int64())})
    assert read(parquet(empty), "parquet") == {"text": [], "label": []}


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff"])
@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl"])
def test_nothing_at_all_is_empty(content: str, kind: FileFormat) -> None:
    assert refusal(content, kind)[0] == "reviews is empty"


def test_blank_lines_are_no_rows() -> None:
    assert read("\n\ntext,label\n\ngood,pos\n\n\nbad,neg\n\n") == COMMON
    assert read('\n{"text": "good"}\n  \n{"text": "bad"}\n\n', "jsonl") == {"text": ["good", "bad"]}


def test_cells_stay_the_text_they_are_and_only_an_empty_one_is_missing() -> None:
    words = ["NA", "null", "nan", "None", "N/A", "#N/A", "1e5", "007", " padded ", "TRUE", "-", "''"]
    content = "text,label\n" + "".join(f"{word},pos\n" for word in words) + ',pos\n"",pos\n'
    assert read(content)["text"] == [*words, None, None]


def test_a_quoted_field_keeps_its_newlines_separators_and_quotes() -> None:
    cell = 'first, "line"\nsecond\r\nthird\rfourth\u2028fifth'
    quoted = cell.replace('"', '""')
    assert read(f'text,label\n"{quoted}",pos\n') == {"text": [cell], "label": ["pos"]}


def test_tsv_with_lone_quotes_keeps_every_row() -> None:
    lines = [f'"{i} was a good "film\t{i % 2}' if i % 3 else f'it "was\t{i % 2}' for i in range(1000)]
    table = read("text\tlabel\n" + "\n".join(lines) + "\n", "tsv")
    assert table["text"] == [line.split("\t")[0] for line in lines]
    assert len(table["label"]) == 1000


def test_tsv_takes_off_quotes_around_a_whole_field_only() -> None:
    assert read('text\tlabel\n"a ""b"""\t"pos"\n"a" and "b"\tneg\n"\tneg\n', "tsv") == {
        "text": ['a "b"', '"a" and "b"', '"'],
        "label": ["pos", "neg", "neg"],
    }


def test_a_ragged_tsv_row_is_told() -> None:
    assert refusal("text\tlabel\na b\n", "tsv") == (
        "reviews: line 2 has 1 fields, the header has 2",
        "tabs separate fields",
    )


def test_jsonl_keeps_types_and_fills_in_missing_keys() -> None:
    lines = [{"text": "good", "label": 1}, {"text": None}, {"label": True, "late": 2.5}]
    assert read("\n".join(map(json.dumps, lines)), "jsonl") == {
        "text": ["good", None, None],
        "label": [1, None, True],
        "late": [None, None, 2.5],
    }


def test_a_key_first_seen_in_a_late_chunk_is_missing_in_the_rows_before() -> None:
    lines = ['{"text": "a"}'] * 10_000 + ['{"late": 1}', '{"text": "b"}']
    table = read("\n".join(lines), "jsonl")
    assert table["text"] == ["a"] * 10_000 + [None, "b"]
    assert table["late"] == [None] * 10_000 + [1, None]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{'text': 1}", "is not JSON"),
        ("[1, 2]", "is not a JSON object"),
        ('"text"', "is not a JSON object"),
        ("[" * 100_000, "is not JSON"),
        ("1" * 5000, "is not JSON"),
    ],
    ids=["not JSON", "a list", "a string", "nested too deep", "a number too long"],
)
def test_a_bad_json_line_is_told_with_its_number(line: str, problem: str) -> None:
    message, hint = refusal(f'{{"text": "good"}}\n\n{line}\n', "jsonl")
    assert message.startswith(f"reviews: line 3 {problem}")
    assert hint is not None
    assert hint.startswith("one object a line")


def parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_parquet_keeps_types_and_missing_values(pack: Any) -> None:
    columns = {"text": ["good", None, ""], "label": [1, 2, None], "flag": [True, False, None]}
    assert read(pack(parquet(pa.table(columns))), "parquet") == columns


def test_a_parquet_file_that_is_none_is_refused() -> None:
    whole = parquet(pa.table({"text": ["good"] * 100}))
    for content in (b"garbage", b"PAR1garbagePAR1", whole[:-10], whole[: len(whole) // 2], b"PAR1"):
        message, _ = refusal(content, "parquet")
        assert message.startswith("reviews: not a readable Parquet file (")
        assert "\n" not in message


def test_text_in_parquet_that_is_not_utf_8_is_refused() -> None:
    text = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"a\xff")])
    assert refusal(parquet(pa.table({"text": text})), "parquet")[0].startswith("reviews: not a readable Parquet file")


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
def test_damaged_gzip_is_told_wherever_the_damage_is(kind: FileFormat) -> None:
    lines = "".join(f"{i * 7919},{i}\n" for i in range(20_000))
    packed = gzip.compress(f"text,label\n{lines}".encode())
    wrong_sum = packed[:-6] + bytes([packed[-6] ^ 1]) + packed[-5:]
    for damaged in (b"\x1f\x8b", b"\x1f\x8bgarbage, not gzip at all", packed[:15], packed[:-8], wrong_sum):
        if kind in ("tsv", "jsonl") and damaged in (packed[:-8], wrong_sum):
            continue  # their first line is an error of its own
        assert refusal(damaged, kind)[0].startswith("reviews: the gzip file is damaged (")


def test_folders_and_missing_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError) as refused:
        read_bytes(str(tmp_path))
    assert (refused.value.message, refused.value.hint) == (f"{tmp_path} is a folder", "name a file")
    with pytest.raises(DataError) as refused:
        read_bytes(f"{tmp_path}/no.csv")
    assert (refused.value.message, refused.value.hint) == (f"no file {tmp_path}/no.csv", None)
    with pytest.raises(DataError) as refused:
        read_bytes(f"{tmp_path}/no.csv", "--data")
    assert (refused.value.message, refused.value.hint) == (f"no file {tmp_path}/no.csv", "--data FILE")


def test_a_pipe_or_a_device_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    fifo = tmp_path / "reviews.csv"
    os.mkfifo(fifo)
    for path in (str(fifo), "/dev/null", "/dev/zero"):
        with within_seconds(5), pytest.raises(DataError) as refused:
            read_bytes(path)
        assert refused.value.message == f"{path} is not a regular file"


def test_a_symlink_is_followed_and_a_loop_of_them_told(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_bytes(b"here")
    (tmp_path / "link.csv").symlink_to("real.csv")
    assert read_bytes(f"{tmp_path}/link.csv") == b"here"
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    with pytest.raises(DataError, match="Too many levels of symbolic links"):
        read_bytes(f"{tmp_path}/loop.csv")


def test_a_path_no_system_accepts_is_told() -> None:
    for path in ("a\0b.csv", "x" * 300 + ".csv"):
        with pytest.raises(DataError):
            check_file(path)


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(404 if "missing" in self.path else 200)
        self.send_header("Content-Length", "1000" if "cut" in self.path else str(len(COMMON_CSV)))
        self.end_headers()
        self.wfile.write(COMMON_CSV.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_url_is_read_and_what_goes_wrong_is_told(address: str) -> None:
    assert read(read_bytes(f"{address}/reviews.csv")) == COMMON
    for path, problem in (("missing.csv", "Not Found"), ("cut.csv", "IncompleteRead")):
        with pytest.raises(DataError, match=problem):
            read_bytes(f"{address}/{path}")


def test_the_answer_that_there_is_no_such_data_is_closed(address: str) -> None:
    """Python 3.14 warns of one that is not."""
    with pytest.raises(DataError) as refused:
        read_bytes(f"{address}/missing.csv")
    answer = refused.value.__cause__
    assert isinstance(answer, HTTPError)
    assert answer.fp.closed


@pytest.mark.parametrize(
    "url",
    [
        "http://ann:secret@127.0.0.1/a.csv",
        "http://ann:secret@two words/a.csv",
        "http://127.0.0.1:1/a.csv?sig=secret",
        "nosuch://ann:secret@host/a.csv?sig=secret",
    ],
)
def test_a_url_in_an_error_shows_neither_password_nor_signature(url: str) -> None:
    with pytest.raises(DataError, match="cannot read") as refused:
        read_bytes(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("url", ["nosuch://bucket/x.csv", "http://[::1/x.csv", "http://two words/x.csv"])
def test_a_url_that_cannot_be_opened_is_told(url: str) -> None:
    with pytest.raises(DataError, match="cannot read "):
        read_bytes(url)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("a.csv", "csv"), ("A.CSV", "csv"), ("a.v2.csv", "csv"), ("a.csv.gz", "csv"), ("a.tsv", "tsv"),
        ("a.tab", "tsv"), ("a.jsonl.gz", "jsonl"), ("a.ndjson", "jsonl"), ("a.parquet", "parquet"), ("a.pq", "parquet"),
        ("https://host/a.csv?sig=b.parquet", "csv"), ("s3://bucket/a.parquet", "parquet"), ("odd?name.csv", "csv"),
    ],
)  # fmt: skip
def test_the_ending_tells_the_kind(path: str, kind: str) -> None:
    assert kind_of(path) == kind


@pytest.mark.parametrize("path", ["reviews", "reviews.doc", "reviews.csv.bak", ".csv", "a.gz", "https://h/?a.csv"])
def test_an_ending_that_tells_nothing_is_refused_with_those_that_do(path: str) -> None:
    with pytest.raises(DataError) as refused:
        kind_of(path)
    assert refused.value.hint == (
        "known extensions: .csv, .data, .tsv, .tab, .jsonl, .ndjson, .json, .parquet, .pq, .txt, .zip, each also .gz;"
        " or a folder with a folder for each class"
    )


def test_the_one_table_of_a_zip_file_is_read() -> None:
    assert read(zipped(COMMON_CSV.encode()), "zip") == COMMON
    assert read(zipped(gzip.compress(COMMON_CSV.encode()), names=("reviews.csv.gz",)), "zip") == COMMON
    beside = (b"x", COMMON_CSV.encode(), b"Read me.", b"x", b"x")
    names = ("__MACOSX/._reviews.csv", "reviews.csv", "README.txt", ".hidden.csv", "LICENSE")
    assert read(zipped(*beside, names=names), "zip") == COMMON
    assert read(zipped(b"pos\tgood\nneg\tbad\n", names=("reviews.txt",)), "zip") == COMMON
    whole = parquet(pa.table(COMMON))
    assert read(zipped(whole, names=("reviews.parquet",)), "zip") == COMMON
    assert zipped_kind(zipped(whole, names=("reviews.parquet",)), "reviews") == "parquet"


def test_a_zip_file_of_no_table_of_several_or_damaged_is_refused() -> None:
    message, hint = refusal(zipped(b"a", b"b"), "zip")
    assert message == "reviews holds 2 tables: data/reviews.csv, more.tsv"
    assert hint == "unpack it, and name one file or folder of it: unzip reviews"
    own = zipped(zipped(COMMON_CSV.encode()), names=("reviews.zip",))
    assert refusal(own, "zip")[0] == "reviews holds 0 tables"
    whole = zipped(COMMON_CSV.encode() * 100)
    flipped = bytearray(whole)
    flipped[60] ^= 255
    for damaged in (b"", b"PK", b"no zip", whole[:-10], bytes(flipped)):
        assert refusal(damaged, "zip")[0].startswith("reviews: the zip file is damaged (")
    for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        whole = zipped(COMMON_CSV.encode() * 100, method=method)
        for place in range(20, len(whole)):
            flipped = bytearray(whole)
            flipped[place] ^= 255
            with suppress(DataError):  # a date or a comment may be anything
                assert read(bytes(flipped), "zip")["text"]
    locked = bytearray(zipped(COMMON_CSV.encode()))
    locked[6] |= 1  # the flag of encryption, in the file's own header and in the list
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    assert "cannot be unpacked (" in refusal(bytes(locked), "zip")[0]


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "txt"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_line_without_an_end_is_not_read_to_it(monkeypatch: pytest.MonkeyPatch, kind: FileFormat, pack: Any) -> None:
    monkeypatch.setattr(table_formats, "LINE_LIMIT", 1000)
    given: list[int] = []

    class Endless(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            given.append(len(buffer))
            assert sum(given) < 10**6, "it is read on and on"
            buffer[:] = b"x" * len(buffer)
            return len(buffer)

    stream: Any = Endless() if pack is bytes else io.BytesIO(pack(b"x" * 10**6))
    with pytest.raises(DataError) as refused:
        list(chunks(stream, kind, encoding="utf-8", name="reviews"))
    assert refused.value.message == "reviews: line 1 is longer than 1,000 characters"


@pytest.mark.parametrize(
    "content",
    [
        "pos\tgood\nneg\tbad\n",
        "label\ttext\r\npos\tgood\r\n\r\nneg\tbad",
        "__label__pos good\n__label__neg\tbad\n",
    ],
    ids=["tabs", "a header", "fastText"],
)
def test_lines_of_a_label_and_a_text_are_read(content: str) -> None:
    assert read(content, "txt") == COMMON


def test_a_text_keeps_its_tabs_and_a_line_without_a_label_has_none() -> None:
    assert read("pos\ta\tb\n\tc\nneg\t\n", "txt") == {"label": ["pos", None, "neg"], "text": ["a\tb", "c", None]}
    assert read("__label__1 a\nb c\n__label__2\n", "txt") == {"label": ["1", None, "2"], "text": ["a", "b c", None]}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("__label__a x\n__label__a __label__b y\n", "line 2 has 2 labels (__label__a, __label__b)"),
        ("__label__a x\ny __label__b\n", "line 2: __label__b is not at its beginning"),
        ("a text\n", "line 1 has no tab"),
        ("a\tb\nc d\n", "line 2 has no tab"),
        ("a\tb\0\n", "line 1 holds a NUL byte"),
        ("\n \n", "is empty"),
    ],
)
def test_lines_that_are_otherwise_are_refused_by_their_number(content: str, problem: str) -> None:
    assert problem in refusal(content, "txt")[0]


def test_the_file_of_the_most_used_spam_collection_trains(cli, folder):
    rows = "".join(f'{"ham" if i % 3 else "spam"},"you win £{i} now, call us",,,\n' for i in range(40))
    (folder / "spam.csv").write_bytes(f"v1,v2,,,\n{rows}".encode("cp1252"))
    refused = cli("train", "--data", "spam.csv")
    assert refused.stderr == (
        "expctl: spam.csv: line 2 is not utf-8 (byte 0xa3 at 23) (cp1252 reads all of it: --encoding cp1252)\n"
    )
    advised = cli("train", "--data", "spam.csv", "--encoding", "cp1252")
    line = "expctl train --data spam.csv --text-column v2 --target v1 --encoding cp1252"
    assert advised.stderr == (
        f"expctl: spam.csv has no column 'text'; it has v1, v2, unnamed_3, unnamed_4, unnamed_5 (try: {line})\n"
    )
    done = cli(*line.split()[1:], "--format", "id")
    assert done.exit_code == 0
    assert (
        "expctl: warning: 3 columns of spam.csv have no name (unnamed_3, unnamed_4, unnamed_5): left alone"
        in done.stderr
    )
    assert store_of(folder).get(done.stdout.strip()).params["unnamed_columns"] == "3"


def test_a_missing_column_is_told_with_the_closest_and_those_there_are() -> None:
    with pytest.raises(DataError) as refused:
        require(["Text", "label"], "text", name="reviews", option="--text-column")
    assert refused.value.message == "reviews has no column 'text', did you mean 'Text'?"
    assert refused.value.hint == "it has Text, label; --text-column names another"
    with pytest.raises(DataError) as refused:
        require([f"c{i}" for i in range(3000)], "text", name="reviews", option="--text-column")
    assert refused.value.hint is not None
    assert len(refused.value.hint) < 200


CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
NAME = CELL.map(str.strip).filter(lambda name: name != "" and not name.startswith("\ufeff"))


@st.composite
def any_table(draw: st.DrawFn) -> tuple[list[str], list[list[str]]]:
    header = draw(st.lists(NAME, min_size=1, max_size=4, unique=True))
    width = len(header)
    return header, draw(st.lists(st.lists(CELL, min_size=width, max_size=width), max_size=12))


def expected_columns(header: list[str], rows: list[list[str]]) -> TableColumns:
    return {name: [row[i] or None for row in rows] for i, name in enumerate(header)}


@given(any_table(), st.integers(1, 7), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]), st.booleans())
def test_what_csv_writer_wrote_is_read_back_exactly_in_pieces_of_any_size(
    table: tuple[list[str], list[list[str]]], size: int, encoding: str, packed: bool
) -> None:
    header, rows = table
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *rows])
    content = text.getvalue().encode(encoding)
    content = gzip.compress(content) if packed else content
    expected = expected_columns(header, rows)
    assert read_table(content, "csv", encoding="utf-8", name="t") == expected
    pieces = list(chunks(io.BytesIO(content), "csv", encoding="utf-8", name="t", rows=size))
    assert {name: [cell for piece in pieces for cell in piece[name]] for name in header} == expected
    assert [len(piece[header[0]]) for piece in pieces] == (
        [min(size, len(rows) - start) for start in range(0, len(rows), size)] or [0]
    )


@given(
    st.lists(
        st.tuples(*[st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\t\r\n"), max_size=9)] * 2)
    )
)
def test_tsv_has_one_row_a_line_whatever_the_quotes(rows: list[tuple[str, str]]) -> None:
    content = "".join(f"{a}\t{b}\n" for a, b in [("text", "label"), *rows])
    table = read(content, "tsv")
    assert len(table["text"]) == len(table["label"]) == len(rows)
    for name, place in (("text", 0), ("label", 1)):
        for cell, row in zip(table[name], rows, strict=True):
            if not (row[place].startswith('"') and row[place].endswith('"')):
                assert cell == (row[place] or None)


@given(
    st.lists(
        st.dictionaries(st.sampled_from("abc"), st.none() | st.text() | st.integers() | st.booleans()), min_size=1
    ),
    st.integers(1, 5),
)
def test_jsonl_is_read_back_exactly(records: list[dict[str, Any]], size: int) -> None:
    content = "\n".join(map(json.dumps, records)).encode()
    names = dict.fromkeys(key for record in records for key in record)
    assert read(content, "jsonl") == {name: [record.get(name) for record in records] for name in names}
    pieces = list(chunks(io.BytesIO(content), "jsonl", encoding="utf-8", name="t", rows=size))
    assert all(len(values) <= size for piece in pieces for values in piece.values())
    for name in names:
        cells = [cell for piece in pieces for cell in piece.get(name, []) if cell is not None]
        assert cells == [record[name] for record in records if record.get(name) is not None]


def test_half_a_character_in_jsonl_is_told_with_its_line() -> None:
    content = b'{"text": "whole \\ud83d\\ude00"}\n{"text": "half \\ud83d"}\n'
    with pytest.raises(DataError, match=r"x\.jsonl: line 2 has a lone surrogate"):
        read_table(content, "jsonl", encoding="utf-8", name="x.jsonl")


@pytest.mark.parametrize(
    ("name", "content", "told", "hint"),
    [
        ("a.txt", "text,label\na,b\n", "line 1 has no tab", "name it .tsv or .csv for a table"),
        ("a.csv", "text\tlabel\na, b\tc\n", "tabs separate its columns", "--delimiter tab"),
        ("a.csv", 'text;label\n"a";b\n', "semicolons separate its columns", "--delimiter ';'"),
        ("a.csv", f"{'a long text ' * 9},pos\nb,neg\n", "its first line is no header but a row", "text,label"),
    ],
    ids=["txt", "tabs", "semicolons", "no header"],
)
def test_a_file_that_is_read_otherwise_than_it_is_meant_says_what_to_do(cli, folder, name, content, told, hint):
    (folder / name).write_text(content)
    done = cli("train", "--data", name)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (5, "", 1)
    assert told in done.stderr
    assert hint in done.stderr


@pytest.mark.parametrize(
    ("name", "content", "delimiter", "names"),
    [
        ("a.csv", "a;b\n1;x y\n;z\n", ";", ()),
        ("a.txt", "a|b\n1|x y\n|z\n", "|", ()),
        ("a.csv", 'a\tb\n1\t"x y"\n\tz\n', "tab", ()),
        ("a.data", "1,x y\n,z\n", None, ("a", "b")),
        ("a.tsv", "1\tx y\n\tz\n", None, ("a", "b")),
    ],
)
def test_a_layout_says_what_separates_columns_and_how_they_are_called(name, content, delimiter, names):
    table = read_table(content.encode(), kind_of(name), encoding="utf-8", name=name, layout=Layout(delimiter, names))
    assert table == {"a": ["1", None], "b": ["x y", "z"]}


def test_blanks_separate_columns_however_many_they_are():
    layout = Layout("whitespace", ("a", "b"))
    table = read_table(b"  1   x\n22\ty  \n\n", "txt", encoding="utf-8", name="a.txt", layout=layout)
    assert table == {"a": ["1", "22"], "b": ["x", "y"]}
    with pytest.raises(DataError, match="line 2 has 1 fields, --names has 2"):
        read_table(b"1 x\n22\n", "csv", encoding="utf-8", name="a.data", layout=layout)


def test_a_table_trains_by_what_is_found_to_separate_its_columns_and_its_recipe_says_so(cli, folder):
    rows = "".join(f"{i};{'ab'[i % 2]};{i * 2}\n" for i in range(40))
    (folder / "a.csv").write_text("size;kind;price\n" + rows)
    done = cli("train", "--data", "a.csv", "--target", "price", "--dry-run", "--format", "json")
    assert done.exit_code == 0, done.stderr
    assert "--delimiter ';'" in json.loads(done.stdout)["command"]


def test_labels_that_are_lists_are_refused(cli, folder):
    (folder / "a.csv").write_text("text,label\n" + "".join(f'"text {i}","[{i % 2}.0, -1.0]"\n' for i in range(20)))
    done = cli("train", "--data", "a.csv")
    assert (done.exit_code, done.stdout) == (5, "")
    assert "are lists, such as [0.0, -1.0]: a row has one label" in done.stderr
