"""Do tests and limits hold where test rows come in groups? A simulation with a known truth; some minutes.

    python tests/simulation/clusters.py [--samples 300] [--many]

Two equally good models score groups of rows: copies, of which each model says the same, or relatives, of which it says
much the same; as many in each group, or few in most and many in some. False alarms: how often the verdict is better or
worse, of the worst metric; by rows: what the same test says when it is not told of the groups. Truth held: how often
the 95 % limits of one run hold what it scores on all rows there are. False passes: how often a gate passes a challenger
that breaks whole groups, 5 % of them, and may break no more.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from functools import cache
from typing import Final

import numpy as np

from expctl.analysis import clusters
from expctl.analysis.bootstrap import metrics_from_counts
from expctl.analysis.clusters import cluster_limits
from expctl.analysis.predictions import RunPredictions
from expctl.analysis.significance import assess

METRICS: Final = ("accuracy", "f1_score", "f1_macro", "balanced_accuracy", "mcc", "roc_auc", "log_loss")
GROUPS: Final = (10, 20, 30, 50, 100)
# name, rows in a group, share of what a model says that is the group's own
KINDS: Final = (("3 copies", (3,), 1.0), ("10 copies", (10,), 1.0), ("10 relatives", (10,), 0.6), ("1 to 50", (), 0.9))
CLASSES: Final = (0.5, 0.13)
# Few copies among many rows, and few groups of a rare class among many.
MANY: Final = (
    *(("3 copies of 50 rows, 500 others", (*[3] * 50, *[1] * 500), 1.0, 550, share) for share in (0.5, 0.13, 0.03)),
    ("2 copies", (2,), 1.0, 2_000, 0.03),
)
_APART: Final = 1.1  # of the two classes' scores from the boundary: 85 % are right
_BROKEN: Final = 0.05
_BY_ROWS: Final = 60  # samples, of so slow a test


def sizes_of(kind: tuple[int, ...], groups: int, generator: np.random.Generator) -> np.ndarray:
    """How many rows each group has."""
    if kind:
        return np.resize(kind, groups)
    return np.minimum(np.ceil(generator.pareto(1.2, groups)).astype(int), 50)


def sampled(
    kind: tuple[int, ...], own: float, groups: int, minority: float, generator: np.random.Generator
) -> tuple[RunPredictions, RunPredictions]:
    """Two equally good models on new rows."""
    sizes = sizes_of(kind, groups, generator)
    of_row = np.repeat(np.arange(groups), sizes)
    while len(np.unique(labels := generator.random(groups) < minority)) < 2:
        pass
    rows = len(of_row)
    shared = generator.normal(size=groups)[of_row]
    hashes = np.array([f"{i:032d}" for i in range(rows)], dtype="S32")
    names = np.array([f"{i:032d}" for i in of_row], dtype="S32")
    runs = []
    for _ in range(2):
        noise = np.sqrt(own) * generator.normal(size=groups)[of_row] + np.sqrt(1 - own) * generator.normal(size=rows)
        scores = np.where(labels[of_row], _APART, -_APART) + 0.7 * shared + 0.7 * noise
        positive = 1 / (1 + np.exp(-2 * scores))
        runs.append(
            RunPredictions(
                np.arange(rows), hashes, labels[of_row].astype(int), (scores > 0).astype(int), ["a", "b"],
                np.stack([1 - positive, positive], axis=1), "probability", ["a", "b"], names,
            )
        )  # fmt: skip
    return runs[0], runs[1]


@cache
def truth(minority: float) -> dict[str, float]:
    """What such a model scores on all rows there are."""
    run, _ = sampled((1,), 1.0, 400_000, minority, np.random.default_rng(0))
    hit = run.labels == run.predicted
    counts = (np.bincount(of, minlength=2)[None].astype(float) for of in (run.labels[hit], run.predicted, run.labels))
    return {key: float(value[0]) for key, value in metrics_from_counts(*counts).items()}


def broken(run: RunPredictions, generator: np.random.Generator) -> RunPredictions:
    """The same model, but for groups of which it has nothing right any more."""
    names, of_row = np.unique(run.groups, return_inverse=True)
    lost = generator.random(len(names)) < _BROKEN
    return replace(run, predicted=np.where(lost[of_row], 1 - run.labels, run.predicted), scores=None)


def rates(kind: tuple[int, ...], own: float, groups: int, minority: float, samples: int) -> list[float]:
    """False alarms, by rows, least coverage of one run, false passes of accuracy."""
    generator, known = np.random.default_rng(groups), truth(minority)
    alarms, by_rows = dict.fromkeys(METRICS, 0), dict.fromkeys(METRICS, 0)
    held, passed = dict.fromkeys(known, 0), 0
    accuracy = known["accuracy"]
    few = min(samples, _BY_ROWS)
    for i in range(samples):
        one, other = sampled(kind, own, groups, minority, generator)
        tests = [(alarms, assess(one, other))]
        if i < few:
            tests.append((by_rows, assess(replace(one, groups=None), replace(other, groups=None))))
        for counts, test in tests:
            for key in METRICS:
                found = test.differences.get(key)
                counts[key] += found is not None and found.verdict != "no clear difference"
        limits = cluster_limits(one.labels, one.predicted, one.groups)
        for key in held:
            held[key] += limits[key][0] <= known[key] <= limits[key][1]
        passed += assess(one, broken(one, generator)).differences["accuracy"].low > -_BROKEN * accuracy
    return [
        max(alarms.values()) / samples, max(by_rows.values()) / few, min(held.values()) / samples, passed / samples
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=300)
    parser.add_argument("--many", action="store_true", help="many groups, few of them with copies or of a rare class")
    given = parser.parse_args()
    samples = given.samples
    clusters.LEAST_GROUPS = 1  # type: ignore[misc]  # to see what fewer would do
    clusters._DRAWN = (150, 600)  # type: ignore[misc]
    sys.stdout.write("| rows in a group | minority | groups | false alarms | by rows | truth held | false passes |\n")
    sys.stdout.write("|---|---:|---:|---:|---:|---:|---:|\n")
    few = [(*kind, groups, minority) for kind in KINDS for minority in CLASSES for groups in GROUPS]
    for name, kind, own, groups, minority in MANY if given.many else few:
        told = " | ".join(f"{rate:.1%}" for rate in rates(kind, own, groups, minority, samples))
        sys.stdout.write(f"| {name} | {minority:.0%} | {groups:,} | {told} |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
