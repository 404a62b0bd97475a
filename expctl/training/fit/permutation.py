"""Permutation importance: what a metric loses on test rows where the cells of one column are permuted among them.

Of any fitted model, as nothing within it is looked at (Breiman 2001, Random forests, section 10; as
`sklearn.inspection.permutation_importance`, but by column of the data: the parts of a date go together).
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from expctl.analysis.importance import ColumnLoss
from expctl.errors import TrainingFailed
from expctl.metrics import METRICS
from expctl.training.data import table
from expctl.training.data.rows import Rows
from expctl.training.tasks import task_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    from expctl.recipe import Recipe


def measured(pipeline: Any, rows: Rows, recipe: Recipe) -> dict[str, float]:
    """The metrics of a fitted pipeline on rows, those that its predictions allow. Raises TrainingFailed if it raises.

    Linear algebra runs in one thread, as in training: sums over several end in other last bits.
    """
    from threadpoolctl import threadpool_limits

    task = task_of(recipe)
    try:
        with threadpool_limits(limits=1), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return task.score_metrics(task.predict(pipeline, rows))
    except Exception as error:
        raise TrainingFailed(f"the model cannot predict its test rows: {type(error).__name__}: {error}") from error


def column_losses(
    pipeline: Any,
    rows: Rows,
    recipe: Recipe,
    metric: str,
    *,
    permutations: int,
    progress: Callable[[str], None] = lambda stage: None,
) -> list[ColumnLoss]:
    """The columns of a recipe by what the metric loses without each, the largest loss first.

    All columns are permuted by the same permutations, drawn from the recipe's random state, so that chance is the same
    for each. The limits are those of the mean over permutations, by Student's t: how sure the mean is for these test
    rows, not for others.
    """
    import numpy as np

    value, sign = measured(pipeline, rows, recipe)[metric], 1 if METRICS[metric].higher_is_better else -1
    random = np.random.default_rng(recipe.random_state)
    orders = [random.permutation(len(rows)) for _ in range(permutations)]
    kinds = recipe.columns or {}
    found = []
    for place, (name, kind) in enumerate(kinds.items(), 1):
        progress(f"column {place} of {len(kinds)}")
        seen = [
            measured(pipeline, _permuted(rows, table.parts(name, kind), order), recipe).get(metric) for order in orders
        ]
        losses = [sign * (value - one) for one in seen if one is not None]
        found.append(ColumnLoss(name, kind, *(_mean(losses) if len(losses) == permutations else (None, None, None))))
    return sorted(found, key=lambda one: (one.loss is None, -(one.loss or 0.0)))


def _permuted(rows: Rows, columns: Sequence[str], order: np.ndarray) -> Rows:
    frame = rows.frame.copy()
    for name in columns:
        frame[name] = rows.frame[name].to_numpy()[order]
    return Rows(frame, rows.labels, rows.hashes, rows.groups)


def _mean(values: Sequence[float]) -> tuple[float, float, float]:
    """The mean with its 95 % limits."""
    import numpy as np
    from scipy.stats import t

    mean = float(np.mean(values))
    half = float(t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values)))
    return mean, mean - half, mean + half
