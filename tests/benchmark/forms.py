"""Time and memory of reading each form of data, beside CSV: the same texts, whole processes, one after the other.

    python tests/benchmark/forms.py [--texts 100000] [--rounds 3]

What is measured is `expctl train --dry-run`: reading, hashing, dividing and checking, without a fit, the same for
every form. Printed are medians; what is quoted is the ratio to CSV, of the processor's seconds, which a busy machine
makes no more.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

WORDS = [f"word{i}" for i in range(3000)]


def rows(number: int) -> list[tuple[str, str]]:
    """Texts of some 120 characters with their labels."""
    source = random.Random(0)
    return [(" ".join(source.choices(WORDS, k=16)) + f" {i}", source.choice(["neg", "pos"])) for i in range(number)]


def write(folder: Path, texts: list[tuple[str, str]]) -> list[str]:
    """Every form, and the names of them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    csv = ("text,label\n" + "".join(f"{text},{label}\n" for text, label in texts)).encode()
    records = [{"text": text, "label": label} for text, label in texts]
    (folder / "t.csv").write_bytes(csv)
    (folder / "t.csv.gz").write_bytes(gzip.compress(csv, 6))
    with zipfile.ZipFile(folder / "t.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("t.csv", csv)
    (folder / "t.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    (folder / "t.json").write_text(json.dumps(records))
    (folder / "t.txt").write_text("".join(f"{label}\t{text}\n" for text, label in texts))
    (folder / "fasttext.txt").write_text("".join(f"__label__{label} {text}\n" for text, label in texts))
    pq.write_table(
        pa.table({"text": [text for text, _ in texts], "label": [label for _, label in texts]}), folder / "t.parquet"
    )
    for label in ("neg", "pos"):
        (folder / "t" / label).mkdir(parents=True)
    for i, (text, label) in enumerate(texts):
        (folder / "t" / label / f"{i}.txt").write_text(text)
    return ["t.csv", "t.csv.gz", "t.zip", "t.jsonl", "t.json", "t.parquet", "t.txt", "fasttext.txt", "t"]


def once(name: str, folder: Path) -> tuple[float, float, float]:
    """Seconds, the processor's seconds, and megabytes at their most."""
    command = [sys.executable, "-m", "expctl", "train", "--data", name, "--dry-run", "--quiet"]
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{name}: exit {status}")
    return time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="expctl-forms-") as place:
        folder = Path(place)
        names = write(folder, rows(asked.texts))
        sys.stdout.write(f"| data of {asked.texts:,} texts | s | CPU s | of CSV | MB |\n|---|---:|---:|---:|---:|\n")
        base = None
        measured: dict[str, list[tuple[float, float, float]]] = {name: [] for name in names}
        for _ in range(asked.rounds):  # taking turns, so that a slow moment of the machine hits all
            for name in names:
                measured[name].append(once(name, folder))
        for name, figures in measured.items():
            seconds, processor, _ = (statistics.median(column) for column in zip(*figures, strict=True))
            base = base or processor
            most = max(used for *_, used in figures)
            sys.stdout.write(f"| `{name}` | {seconds:.2f} | {processor:.2f} | {processor / base:.2f} | {most:.0f} |\n")


if __name__ == "__main__":
    main()
