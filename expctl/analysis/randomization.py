"""How often chance alone would tell two equal models apart by as much: the randomization test of paired predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from expctl.analysis.bootstrap import SEED
from expctl.analysis.joint_table import counts_by_class, counts_of_each, sizes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from expctl.analysis.joint_table import JointTable, Measure

_NEARLY: Final = 1e-12  # sums in another order


def randomization_p(
    table: JointTable, measures: Sequence[Measure], observed: Sequence[Mapping[str, float]]
) -> list[dict[str, float]]:
    """How often two equal models would differ by as much as was `observed`, by everything that each measure computes.

    On each row of which they say something else the two trade places or not, by a fair coin. However few such rows
    there are, the p-value is not too small, as a bootstrap's is; of accuracy it is that of McNemar's exact test.
    Source: Yeh 2000, More accurate tests for the statistical significance of result differences, COLING (of F-scores).
    """
    import numpy as np

    size, differ = table.classes, table.first != table.second
    low, high = np.minimum(table.first, table.second)[differ], np.maximum(table.first, table.second)[differ]
    groups, place = np.unique((table.label[differ] * size + low) * size + high, return_inverse=True)
    together = np.bincount(place, table.counts[differ], len(groups)).astype(np.int64)
    rest, high = np.divmod(groups, size)
    label, low = np.divmod(rest, size)
    label, first, second = np.tile(label, 2), np.concatenate([low, high]), np.concatenate([high, low])
    alike = table.label[~differ], table.first[~differ], table.counts[~differ][None, :]
    constant = counts_by_class(*alike, size)
    changes: list[dict[str, list[np.ndarray]]] = [{key: [] for key in part} for part in observed]
    generator = np.random.default_rng(SEED)
    for draws in sizes(4 * len(groups)):  # half as many cells as a bootstrap draws
        heads = generator.binomial(together, 0.5, size=(draws, len(groups)))
        drawn = np.concatenate([heads, together - heads], axis=1)
        sides = [
            [part + same for part, same in zip(counted, constant, strict=True)]
            for counted in counts_of_each(label, (first, second), drawn, size)
        ]
        for measure, of_measure in zip(measures, changes, strict=True):
            one, other = (measure(*side) for side in sides)
            for key, parts in of_measure.items():
                parts.append(np.abs(other[key] - one[key]))
    return [
        {key: _p_value(np.concatenate(parts), abs(seen[key])) for key, parts in of_measure.items()}
        for of_measure, seen in zip(changes, observed, strict=True)
    ]


def _p_value(drawn: np.ndarray, observed: float) -> float:
    import numpy as np
    from scipy.special import ndtr

    reached = int((drawn >= observed - _NEARLY).sum())
    found = (reached + 1) / (len(drawn) + 1)
    spread = float(np.sqrt((drawn**2).mean()))
    if not reached and spread:  # beyond what so many draws can count
        found = min(found, float(2 * ndtr(-observed / spread)))
    return found
