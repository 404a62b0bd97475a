"""The project's benchmark: whole processes, peers taking turns, ratios of medians. Run it on an idle machine.

    python tests/benchmark/run.py [ROW ...] [--all] [--rounds 5] [--scale 1] [--sizes 1000 10000 100000]
                                  [--over file server password] [--data FILE ...] [--patience 300]

Prints a table for each ROW that is named, without names those of a few minutes, with --all each. --scale is the share
of the full number of texts, trials and terms, 0.01 for a try; --sizes are the runs of the stores that are read, --over
how: the file itself, or MLflow's own server on loopback, open or with a password. --data are trained and swept on
besides data/reviews.csv. A peer that takes longer than --patience seconds to read is stopped, told as such, and not
asked again.

Measure an installed package, not an editable one. Every command gets a store that exists already and a round that is
not counted. What is quoted is the ratio: single times depend on the machine.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import work
from measure import write
from read import WAYS, reading, starting

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS: dict[str, Callable[[work.Measuring], None]] = {
    "start": starting,
    "train": work.training,
    "read": reading,
    "sweep": work.sweeping,
    "predict": work.predicting,
    "models": work.model_files,
    "large-train": work.large_training,
    "large-sweep": work.large_sweeping,
    "growth": work.growing,
}
FEW = ("start", "train", "sweep")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(ROWS), default=[])
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--over", nargs="+", choices=WAYS, default=["file"])
    parser.add_argument("--data", type=Path, nargs="+", default=[])
    parser.add_argument("--patience", type=float, default=300)
    given = parser.parse_args()
    if unknown := set(given.rows).difference(ROWS):
        parser.error(f"no rows: {', '.join(sorted(unknown))} (there are {', '.join(ROWS)})")
    for name in ROWS if given.all else given.rows or FEW:
        with tempfile.TemporaryDirectory(prefix="expctl-benchmark-") as folder:
            ROWS[name](
                work.Measuring(
                    Path(folder), given.rounds, given.scale, tuple(file.resolve() for file in given.data),
                    tuple(given.sizes), tuple(given.over), given.patience,
                )
            )  # fmt: skip
    write(f"\nRounds: {given.rounds}, medians, one not counted. Scale: {given.scale:g}.")


if __name__ == "__main__":
    main()
