"""Paired tests of the metrics that stand on scores: ROC AUC and log loss. Arrays in, differences out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from expctl.analysis.bootstrap import SEED
from expctl.analysis.difference import Difference, evened, mirrored, normal_difference, resampled_difference
from expctl.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from expctl.analysis.predictions import Pairing, RunPredictions

_RESAMPLES: Final = 1_000
_RESAMPLED_ROWS: Final = 20_000  # beyond, the resampled mean is normal to any digit shown
_CHUNK: Final = 4_000_000
_PLACED: Final = 3_000_000  # rows times classes: sorting more takes seconds


def score_differences(
    first: RunPredictions, second: RunPredictions, pairing: Pairing, *, confidence: float = 0.95
) -> dict[str, Difference]:
    """The metrics of the table that scores decide, where both runs allow them, by paired resampling of rows.

    Both are, or nearly are, means of one figure a row: the loss of the row, and for the AUC its placement (the share of
    rows of the other side that it is on the right side of: DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44), of
    many classes the mean over one-against-rest, weighted by their rows. Beyond 20,000 rows the resampled mean is taken
    as normal. Metrics that a class without rows leaves undefined are left out.
    """
    found: dict[str, Difference] = {}
    for metric, entry in METRICS.items():
        if entry.needs != "scores":
            continue
        one = entry.compute(first, pairing.first, pairing)
        other = entry.compute(second, pairing.second, pairing)
        if one is not None and other is not None:
            found[metric] = _mean_difference(metric, one, other, confidence)
    return found


def losses(run: RunPredictions, rows: np.ndarray, pairing: Pairing) -> tuple[float, np.ndarray] | None:
    """The log loss and that of each row, in the order of the pairing; None for a run without probabilities."""
    import numpy as np

    columns = _score_columns(run, pairing)
    if run.score_kind != "probability" or run.scores is None or columns is None:
        return None
    chosen = run.scores[rows, columns[pairing.labels]]
    # As scikit-learn's log_loss clips.
    least = np.finfo(chosen.dtype if chosen.dtype.kind == "f" else np.float64).eps
    losses = -np.log(np.clip(chosen, least, 1 - least).astype(np.float64))
    return _mean(losses), losses


def _score_columns(run: RunPredictions, pairing: Pairing) -> np.ndarray | None:
    """For each class of the pairing its column in the run's scores; None if a label has no column."""
    import numpy as np

    position = {name: i for i, name in enumerate(run.score_classes)}
    columns = np.array([position.get(name, -1) for name in pairing.classes])
    return None if (columns[np.unique(pairing.labels)] < 0).any() else columns


def placements(run: RunPredictions, rows: np.ndarray, pairing: Pairing) -> tuple[float, np.ndarray] | None:
    """The AUC and a figure for each row whose mean it is: n times the share of the row in DeLong's components.

    By hand: neither scipy nor scikit-learn has them, and a row's figure, unlike a variance, can be resampled by group.
    """
    import numpy as np

    columns = _score_columns(run, pairing)
    present = np.unique(pairing.labels)
    if run.scores is None or columns is None or len(present) < len(run.score_classes) or len(present) < 2:
        return None
    if len(present) == 2:
        positive = present[np.argmax(columns[present])]
        column = 0 if run.scores.shape[1] == 1 else int(columns[positive])
        return _auc(run.scores[rows, column], pairing.labels == positive)
    if run.score_kind != "probability" or len(rows) * len(present) > _PLACED:
        return None
    auc, figures = 0.0, np.zeros(len(rows))
    for name in present:
        here = pairing.labels == name
        part, placed = _auc(run.scores[rows, columns[name]], here)
        auc += part * float(here.mean())
        # The shares of the classes are drawn with the rows, too: a row adds its class, and with it the AUC of that.
        figures += (placed - part) * here.mean() + part * here
    return auc, figures


def _auc(scores: np.ndarray, positive: np.ndarray) -> tuple[float, np.ndarray]:
    """AUC and placements: mean over positives and mean over negatives are each the AUC; combined to one mean of all."""
    import numpy as np

    ups, downs = np.sort(scores[positive]), np.sort(scores[~positive])
    placed = np.empty(len(scores))
    for side, other, up in ((positive, downs, True), (~positive, ups, False)):
        below = np.searchsorted(other, scores[side], side="left")
        not_above = np.searchsorted(other, scores[side], side="right")
        share = (below + not_above) / 2 / len(other)
        placed[side] = share if up else 1 - share
    auc = _mean(placed[positive])
    # A row counts n/(positives) or n/(negatives) times its deviation: the sampling variance of the mean is DeLong's.
    weight = np.where(positive, len(scores) / len(ups), len(scores) / len(downs))
    return auc, auc + weight * (placed - auc)


def _mean(figures: np.ndarray) -> float:
    """The mean, to the last bit the same in whatever order the rows come."""
    import numpy as np

    return float(np.sort(figures).mean())


def _mean_difference(
    metric: str, one: tuple[float, np.ndarray], other: tuple[float, np.ndarray], confidence: float
) -> Difference:
    import numpy as np

    # Neither the order of the rows nor that of the two runs may matter: rows by size, seen from one of the two sides.
    change = np.sort(other[1] - one[1])
    mirror = -change[::-1]
    apart = np.flatnonzero(change != mirror)
    if len(apart) and mirror[apart[0]] < change[apart[0]]:
        return mirrored(_mean_difference(metric, other, one, confidence))
    rows = len(change)
    if rows > _RESAMPLED_ROWS:
        return normal_difference(metric, one[0], other[0], float(change.std() / np.sqrt(rows)), confidence)
    generator = np.random.default_rng(SEED)
    pieces = [
        change[generator.integers(0, rows, size=(size, rows))].mean(axis=1)
        for size in _sizes(_RESAMPLES, max(1, _CHUNK // rows))
    ]
    found = resampled_difference(metric, one[0], other[0], np.concatenate(pieces), confidence, informative=rows)
    return found if len(apart) else evened(found)


def _sizes(total: int, most: int) -> Iterator[int]:
    while total > 0:
        yield min(total, most)
        total -= most
