"""Pictures of a regression, as PNG bytes: what a model predicts against what is true, and what is left over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from expctl.figures.plots import png

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_POINTS: Final = 5_000  # more rows are drawn as counts by hexagon, which say more and take no longer
_CELLS: Final = 60


def predicted_actual(labels: np.ndarray, predicted: np.ndarray) -> bytes:
    """Draw what was predicted against what is true, shape (n,) each; on the line nothing is wrong."""
    import numpy as np

    figure, axes = _square()
    _draw(axes, figure, labels, predicted)
    both = np.concatenate([labels, predicted])
    axes.axline((float(both.min()), float(both.min())), slope=1, color="grey", linestyle="--", linewidth=1)
    axes.set(xlabel="Actual", ylabel="Predicted", title=f"Predicted against actual, {len(labels):,} test rows")
    return png(figure)


def residuals(labels: np.ndarray, predicted: np.ndarray) -> bytes:
    """Draw the residuals, true minus predicted, against what was predicted: a good model leaves no pattern."""
    figure, axes = _square()
    _draw(axes, figure, predicted, labels - predicted)
    axes.axhline(0, color="grey", linestyle="--", linewidth=1)
    axes.set(xlabel="Predicted", ylabel="Actual - predicted", title=f"Residuals, {len(labels):,} test rows")
    return png(figure)


def _square() -> tuple[Figure, Axes]:
    import matplotlib as mpl

    mpl.use("Agg")  # never a window, whatever the user's matplotlibrc says
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 5.5), layout="constrained")
    return figure, figure.add_subplot()


def _draw(axes: Axes, figure: Figure, across: np.ndarray, up: np.ndarray) -> None:
    if len(across) <= _POINTS:
        axes.scatter(across, up, s=12, alpha=0.5, linewidths=0)
    else:
        cells = axes.hexbin(across, up, gridsize=_CELLS, bins="log", mincnt=1, cmap="viridis", linewidths=0)
        figure.colorbar(cells, ax=axes, label="Rows")
    axes.grid(alpha=0.3)
