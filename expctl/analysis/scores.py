"""Paired tests of the metrics that stand on scores: ROC AUC, log loss and Brier score. Arrays in, differences out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from expctl.analysis.difference import Difference, evened, mirrored
from expctl.metrics import METRICS

if TYPE_CHECKING:
    import numpy as np

    from expctl.analysis.predictions import Pairing, RunPredictions

LEAST_ROWS: Final = 20  # outside the most frequent class: with fewer, equal models differ too often
_PLACED: Final = 3_000_000  # rows times classes: sorting more takes seconds


def score_differences(
    first: RunPredictions, second: RunPredictions, pairing: Pairing, *, confidence: float = 0.95
) -> dict[str, Difference]:
    """The metrics of the table that scores decide, where both runs allow them, by the rows' paired differences.

    All are, or nearly are, means of one figure a row: the loss of the row, and for the AUC its placement (the share of
    rows of the other side that it is on the right side of: DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44), of
    many classes the mean over one-against-rest, weighted by their rows. Metrics that a class without rows leaves
    undefined are left out, and so are all where there are `too_few_rows`.
    """
    import numpy as np

    found: dict[str, Difference] = {}
    if too_few_rows(pairing) is not None or first.scores is None or second.scores is None:
        return found
    same_model = np.array_equal(first.scores[pairing.first], second.scores[pairing.second])
    for metric, entry in METRICS.items():
        if entry.needs != "scores":
            continue
        one = entry.compute(first, pairing.first, pairing)
        other = entry.compute(second, pairing.second, pairing)
        if one is not None and other is not None:
            found[metric] = mean_difference(
                metric, one, other, pairing.labels, confidence=confidence, same_model=same_model
            )
    return found


def too_few_rows(pairing: Pairing) -> str | None:
    """Why metrics that scores decide are not tested on these rows, if so: they turn on the few of the rarer classes.

    Where rows come in groups these are counted, with a row of the rarer classes.
    """
    import numpy as np

    rare = pairing.labels != np.bincount(pairing.labels).argmax()
    if pairing.groups is None:
        rarer, every, what = int(rare.sum()), len(pairing), "test rows are not"
    else:
        rarer, every, what = (
            len(np.unique(pairing.groups[rare])),
            int(pairing.groups.max()) + 1,
            "groups have rows that are not",
        )
    if rarer >= LEAST_ROWS:
        return None
    return f"only {rarer} of the {every:,} {what} of the most frequent class; {LEAST_ROWS} are needed"


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


def squares(run: RunPredictions, rows: np.ndarray, pairing: Pairing) -> tuple[float, np.ndarray] | None:
    """The Brier score and the figure of each row, in the order of the pairing; None for a run without probabilities."""
    import numpy as np

    if run.score_kind != "probability" or run.scores is None or _score_columns(run, pairing) is None:
        return None
    names, scores = np.array(run.score_classes), run.scores
    order = np.argsort(names, kind="stable")  # in which columns are summed, however they come
    if (np.diff(order) < 0).any():
        names, scores = names[order], scores[:, order]
    position = {name: i for i, name in enumerate(names.tolist())}
    columns = np.array([position.get(name, -1) for name in run.classes])
    figures = squared_distances(scores, columns[run.labels])[rows]
    return _mean(figures), figures


def squared_distances(scores: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Of each row the squared distance between its probabilities, shape (n, classes), and what is true.

    Halved for two classes, as scikit-learn does (Brier 1950, Monthly Weather Review 78). `columns` are those of the
    labels, shape (n,); of a row whose class the model does not know (-1) all probability is in the wrong place.
    """
    import numpy as np

    right = 2 * np.where(columns < 0, 0.0, scores[np.arange(len(columns)), columns].astype(np.float64))
    scores = np.ascontiguousarray(scores)
    apart = np.einsum("ij,ij->i", scores, scores, dtype=np.float64) + 1 - right
    figures: np.ndarray = np.maximum(apart, 0.0) / (2 if scores.shape[1] == 2 else 1)
    return figures


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


def mean_difference(
    metric: str,
    one: tuple[float, np.ndarray],
    other: tuple[float, np.ndarray],
    labels: np.ndarray,
    *,
    confidence: float = 0.95,
    same_model: bool = False,
) -> Difference:
    """The difference of two means of one figure a row, by Student's t of the rows' differences.

    Of an AUC its error is DeLong's. The degrees of freedom are Welch's over the labels (1947, Biometrika 34), as a rare
    class may bring all of the error by its few rows. A loss has no bound, and of those that matter most a sample may
    have none: the limits allow for one more row that is as far off as the farthest, to either side. Where no row
    differs at all that is one row of the rarest class, for models that are not the `same_model`.
    tests/simulation/scores.py tells how often they hold.
    """
    import numpy as np
    from scipy.special import stdtr, stdtrit

    # Neither the order of the rows nor that of the two runs may matter: rows by label and size, from one of the sides.
    change = other[1] - one[1]
    there, back = (part[np.lexsort((part, labels))] for part in (change, -change))
    apart = np.flatnonzero(there != back)
    if len(apart) and back[apart[0]] < there[apart[0]]:
        return mirrored(mean_difference(metric, other, one, labels, confidence=confidence, same_model=same_model))
    before, after = one[0], other[0]
    shift = float(np.abs(there).max()) / len(there)
    if not shift and same_model:
        return Difference(metric, before, after, 0.0, 0.0, 1.0, 1 - confidence)
    shift = shift or 1 / float(np.unique(labels, return_counts=True)[1].min())
    error, freedom = _error(there, np.sort(labels))
    error = float(np.hypot(error, shift))
    reach = shift - float(stdtrit(freedom, (1 - confidence) / 2)) * error
    p_value = float(2 * stdtr(freedom, min(0.0, shift - abs(after - before)) / error))
    found = Difference(metric, before, after, after - before - reach, after - before + reach, p_value, 1 - confidence)
    return found if len(apart) else evened(found)


def _error(change: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """The standard error of the mean and its degrees of freedom, of rows that are in the order of their labels."""
    import numpy as np

    rows = len(change)
    _, starts, counts = np.unique(labels, return_index=True, return_counts=True)
    means = np.add.reduceat(change, starts) / counts
    squares = np.add.reduceat((change - np.repeat(means, counts)) ** 2, starts)
    # Within each class, and between them, whose shares are drawn with the rows; of a single row there is no spread.
    parts = np.append(
        squares / np.maximum(counts - 1, 1) * counts / rows**2, (counts * (means - change.mean()) ** 2).sum() / rows**2
    )
    freedoms = np.append(np.maximum(counts - 1, 1), max(rows - 1, 1))
    total = float(parts.sum())
    return total**0.5, total**2 / float((parts**2 / freedoms).sum()) if total else float(max(counts.min() - 1, 1))
