"""Make the sample table: ``houses.csv``, 300 sales of houses with numbers, categories, dates, notes and missing cells.

Every sale is synthetic: the towns are invented, and nothing was copied from an existing data set.

    python data/make_houses.py                    # writes houses.csv next to this script
    python data/make_houses.py --output FILE      # writes FILE instead

The columns are ``listing`` (an id), ``town``, ``heating`` (categories; 8% of the heatings are empty), ``area`` and
``rooms`` (numbers; 5% of the areas say ``NA``), ``built`` (a year), ``sold`` (a date), ``note`` (a text; some are
empty), ``price`` (to predict as a number) and ``quick`` (``yes`` or ``no``: sold within a month; to predict as a
class). The price follows area, town, age, heating and words of the note, with noise; whether a house was sold quickly
follows its season, town and note.

The output is the same byte for byte on every run.  Only ``Random.random()`` is used as a source of chance, since its
sequence for a given seed is the one that Python guarantees between versions.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Final, TypeVar

T = TypeVar("T")

SEED: Final = 25
ROWS: Final = 300
HEADER: Final = ("listing", "town", "heating", "area", "rooms", "built", "sold", "note", "price", "quick")
# A town's price of a square metre, and how likely a house there is sold within a month.
TOWNS: Final = {"Arlow": (3100, 0.9), "Bexmere": (2400, 0.6), "Corvale": (1900, 0.4), "Dunstead": (1500, 0.1)}
HEATING: Final = {"gas": 0, "oil": -9000, "heat pump": 14000, "district": 6000}
# What a note may say, with what that does to the price and to the chance of a quick sale.
REMARKS: Final = {
    "a quiet street near the park": (12000, 0.2),
    "a large garden with old trees": (15000, 0.1),
    "a busy road in front of the house": (-14000, -0.2),
    "the roof needs repair soon": (-22000, -0.3),
    "the kitchen was renovated last year": (11000, 0.1),
    "a garage for two cars": (9000, 0.0),
    "the cellar is damp in winter": (-13000, -0.15),
    "a short walk to the station": (8000, 0.25),
}


def chosen(random: Random, values: Sequence[T]) -> T:
    """One of the values, each as likely as the others."""
    return values[int(random.random() * len(values))]


def noise(random: Random) -> float:
    """Nearly normal, with mean 0 and standard deviation 1."""
    return sum(random.random() for _ in range(12)) - 6


def sales() -> Iterator[tuple[str, ...]]:
    """The rows of the table."""
    random = Random(SEED)
    for number in range(ROWS):
        town, heating = chosen(random, list(TOWNS)), chosen(random, list(HEATING))
        area = round(60 + 140 * random.random() ** 1.5)
        rooms = max(2, round(area / 28 + noise(random) * 0.6))
        built = 1920 + int(random.random() * 101)
        sold = date(2021, 1, 4) + timedelta(days=int(random.random() * 1090))
        remarks = sorted(REMARKS, key=lambda _: random.random())[: 2 + int(random.random() * 3)]
        remarks = [] if random.random() < 0.06 else remarks
        metre, likely = TOWNS[town]
        price = 40000 + area * metre + (built - 1970) * 350 + HEATING[heating] + (sold.year - 2021) * 8000
        price += sum(REMARKS[one][0] for one in remarks) + noise(random) * 14000
        likely += sum(REMARKS[one][1] for one in remarks) + (0.2 if sold.month in (4, 5, 6) else -0.1)
        yield (
            f"H{1001 + number}",
            town,
            "" if random.random() < 0.08 else heating,
            "NA" if random.random() < 0.05 else str(area),
            str(rooms),
            str(built),
            sold.isoformat(),
            ", ".join(remarks),
            str(round(price / 100) * 100),
            "yes" if random.random() < likely else "no",
        )


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description="Make the sample table houses.csv.")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("houses.csv"))
    with parser.parse_args().output.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(sales())


if __name__ == "__main__":
    main()
