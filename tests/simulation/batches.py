"""What the simulations share: cells of a table in batches of samples, kept as they are done: a stop loses nothing.

    python -m tests.simulation.NAME [--samples N] [--keep FILE] [--only START]

A batch has random numbers of its own, by the name of its cell and its number: more samples are more batches, and those
that the file has are not computed again. A file is of one version of the methods: begin another when these change.

What needs no resamples has none: where a value is within 1.2 standard errors of what it is asked about, limits of 95 %
hold that and there is no verdict. And a comparison of which a tenth of the resamples says that its verdict is nowhere
near is not resampled in full.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final
from unittest.mock import patch
from zlib import crc32

import numpy as np

from expctl.analysis.bootstrap import metrics_from_counts
from expctl.analysis.joint_table import counts_of_each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from expctl.analysis.difference import Difference

    Row = tuple[object, ...]
    Simulation = Callable[[np.random.Generator, int], np.ndarray]

SIZE: Final = 100  # samples of a batch
_FEWER: Final = (150, 1_000)  # resamples
_CLEAR: Final = 1.2  # standard errors: no limits of 95 % are as near as that
_STEP: Final = 1e-3  # of a row


class Batches:
    """Sums over batches of samples, shape (figures,) each, by cell and number; in a file, if one is given."""

    def __init__(self, samples: int, path: Path | None = None, only: str = "") -> None:
        self.samples, self.path, self.only, self.done = samples, path, only, {}
        if path is not None and path.exists():
            self.done = {(cell, number): sums for cell, number, sums in map(json.loads, path.read_text().splitlines())}

    def wanted(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The rows of the table that are asked for, by how they begin."""
        return (row for row in rows if str(row).replace("'", "").lstrip("(").startswith(self.only))

    def mean(self, cell: str, simulate: Simulation) -> np.ndarray:
        """The mean of every figure of a cell, of which `simulate` gives the sums over so many samples."""
        return self.total(cell, simulate) / self.samples

    def total(self, cell: str, simulate: Simulation) -> np.ndarray:
        """The sums over all samples."""
        total = np.zeros(1)
        for number, start in enumerate(range(0, self.samples, SIZE)):
            size = min(SIZE, self.samples - start)
            sums = self.done.get((cell, number)) if size == SIZE else None
            if sums is None:
                generator = np.random.default_rng([crc32(cell.encode()), number])
                sums = [float(one) for one in simulate(generator, size)]
                if self.path is not None and size == SIZE:
                    with self.path.open("a") as file:
                        file.write(json.dumps([cell, number, sums]) + "\n")
            total = total + np.array(sums)
        return total


def batches(description: str | None, samples: int) -> Batches:
    """Those that the command line asks for."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=samples)
    parser.add_argument("--keep", type=Path, help="a file for the batches that are done")
    parser.add_argument("--only", default="", help="the rows of the table that begin so")
    given = parser.parse_args()
    return Batches(given.samples, given.keep, given.only)


def tell(*cells: str) -> None:
    """One row of a table."""
    sys.stdout.write(f"| {' | '.join(cells)} |\n")
    sys.stdout.flush()


def tables(
    generator: np.random.Generator, rows: int, probabilities: np.ndarray, samples: int
) -> list[tuple[int, np.ndarray]]:
    """Samples of rows by cell, those that are alike once: (how often, counts)."""
    found, often = np.unique(generator.multinomial(rows, probabilities, size=samples), axis=0, return_counts=True)
    return list(zip(often.tolist(), found, strict=True))


def standard_errors(
    label: np.ndarray, said: Sequence[np.ndarray], counts: np.ndarray, classes: int
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Of each metric its value and standard error in every table, shape (tables,), by the infinitesimal jackknife.

    `counts` has shape (tables, cells). Of two that are `said` the value is the difference, the second minus the first.
    """

    def values(drawn: np.ndarray) -> dict[str, np.ndarray]:
        found = [metrics_from_counts(*side) for side in counts_of_each(label, said, drawn, classes)]
        return {key: found[-1][key] - (found[0][key] if len(found) > 1 else 0) for key in found[0]}

    counts = counts.astype(float)
    value, variance = values(counts), dict.fromkeys(values(counts[:1]), np.zeros(len(counts)))
    for cell in range(counts.shape[1]):
        stepped = counts.copy()
        stepped[:, cell] += _STEP
        for key, moved in values(stepped).items():
            variance[key] = variance[key] + counts[:, cell] * ((moved - value[key]) / _STEP) ** 2
    return {key: (value[key], variance[key] ** 0.5) for key in value}


def unclear(
    found: dict[str, tuple[np.ndarray, np.ndarray]], asked: dict[str, Sequence[float]], *, above: bool = False
) -> np.ndarray:
    """In which tables limits might leave out a value that is asked about, shape (tables,); `above` it alone."""
    far = []
    for key, values in asked.items():
        for one in values:
            off = found[key][0] - one
            far.append((off if above else np.abs(off)) > _CLEAR * found[key][1])
    wanted: np.ndarray = np.any(far, axis=0)
    return wanted


def quickly() -> patch:  # type: ignore[type-arg]
    """A context in which comparisons are resampled a tenth as often."""
    return patch("expctl.analysis.joint_table._DRAWS", _FEWER)


def near(differences: Iterable[Difference], value: float, *, p_value: float = 0.08) -> bool:
    """Whether any of the limits, or p-values, is so near the value that more resamples might put it beyond.

    The chance of a limit of so many resamples is a fiftieth of the interval; near is three times that.
    """
    for one in differences:
        reach = (one.high - one.low) * 3 / 50
        if min(abs(one.low - value), abs(one.high - value)) < reach or p_value / 3 < one.p_value < p_value:
            return True
    return False
