"""A run as a script of pandas and scikit-learn alone, whose metrics are the recorded ones to the last bit."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.tracking.recorded import store_of

PRICE = ("--data", "houses.csv", "--target", "price", "--drop", "listing,quick")
QUICK = ("--data", "houses.csv", "--target", "quick", "--drop", "listing,price")
# What the site has is not ours alone to hide: an import of expctl fails.
ALONE = "import sys; sys.modules['expctl'] = None; exec(compile(sys.stdin.read(), 'run.py', 'exec'), {})"


def printed(script: str) -> dict[str, float]:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", ALONE], input=script, capture_output=True, text=True, check=False, env=environment
    )
    assert (done.returncode, done.stderr) == (0, "")
    return {key: float(value) for key, value in map(str.split, done.stdout.splitlines())}


def as_bars(rows):
    text = "\n".join("|".join(row.values()) for row in rows)
    return gzip.compress(text.encode("latin-1"))


def as_tabs(rows):
    lines = [rows[0].keys(), *(row.values() for row in rows)]
    return "\n".join("\t".join(f'"{cell}"' if " " in cell else cell for cell in line) for line in lines).encode()


def typed(rows):
    """Numbers as numbers, a date as a date, yes and no as booleans; None for nothing."""
    kinds = {"area": int, "rooms": int, "built": int, "price": float, "quick": "yes".__eq__}
    return [
        {key: kinds.get(key, str)(cell) if cell not in ("", "NA") else None for key, cell in row.items()}
        for row in rows
    ]


def as_json_lines(rows):
    return "\n".join(map(json.dumps, typed(rows))).encode()


def as_parquet(rows):
    import pyarrow as pa
    import pyarrow.parquet as pq

    dated = [{**row, "sold": row["sold"] and date.fromisoformat(row["sold"])} for row in typed(rows)]
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(dated), stream)
    return stream.getvalue()


NAMES = "listing,town,heating,area,rooms,built,sold,note,price,quick"


@pytest.mark.slow
@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize(("name", "written", "words"), [
    ("bars.csv.gz", as_bars, (*PRICE[2:], "--delimiter", "|", "--names", NAMES, "--encoding", "latin-1")),
    ("tabs.tsv", as_tabs, PRICE[2:]),
    ("lines.jsonl", as_json_lines, QUICK[2:]),
    ("dates.parquet", as_parquet, QUICK[2:]),
    ("texts.jsonl", as_json_lines, ("--text-column", "note", "--target", "town")),
])  # fmt: skip
def test_a_script_reads_what_the_run_has_read(name, written, words, folder, cli):
    with (ROOT / "data" / "houses.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    Path(name).write_bytes(written(rows))
    done = cli("train", "--data", name, *words)
    assert done.exit_code == 0, done.stderr
    (run,) = store_of(folder).find()
    found = printed(cli("show", run.run_id, "--code").stdout)
    assert len(found) > 4
    assert found == {key: run.metrics[key] for key in found}


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize(("words", "metrics"), [
    (("--data", "small.csv", "-p", "analyzer=word+char_wb", "-p", "ngram_max=2"), 10),
    ((*PRICE, "--model", "hist_gradient_boosting"), 5),
    ((*QUICK, "--missing", "NA,?", "-p", "encoder=target"), 10),
])  # fmt: skip
def test_a_script_prints_what_the_run_has_recorded(words, metrics, small, cli):
    shutil.copy(ROOT / "data" / "houses.csv", small.parent)
    done = cli("train", *words)
    assert done.exit_code == 0, done.stderr
    (run,) = store_of(small.parent).find()
    shown = cli("show", run.run_id, "--code")
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert "expctl" not in "".join(shown.stdout.splitlines(keepends=True)[1:])
    assert max(map(len, shown.stdout.splitlines())) <= 120
    found = printed(shown.stdout)
    assert (len(found), found) == (metrics, {key: run.metrics[key] for key in found})


@pytest.mark.usefixtures("no_pictures")
def test_what_a_script_cannot_show_is_refused_in_one_line(runs, cli):
    refused = cli("show", "broken", "--code")
    assert (refused.exit_code, refused.stdout, refused.stderr.count("\n")) == (3, "", 1)
    assert cli("train", "--data", "small.csv", "--dedupe", "--run-name", "one").exit_code == 0
    assert "a script cannot show --dedupe" in cli("show", "one", "--code").stderr
    assert cli("show", "one", "--code", "--by", "length").exit_code == 2
