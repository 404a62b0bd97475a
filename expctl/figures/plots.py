"""Pictures of a run, as PNG bytes. Owns matplotlib; draws what it is given."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Final

from expctl.figures.axes import NAMED, axis_of, short

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import numpy as np
    from matplotlib.figure import Figure

    from expctl.training.search.space import SearchPoint

_NUMBERED: Final = 25  # more classes than this and the counts in the cells are too small to read


def confusion_matrix(counts: np.ndarray, labels: Sequence[str]) -> bytes:
    """Draw a confusion matrix, shape (classes, classes): rows are the labels, columns the predictions."""
    import matplotlib as mpl

    mpl.use("Agg")  # never a window, whatever the user's matplotlibrc says
    from matplotlib.figure import Figure
    from sklearn.metrics import ConfusionMatrixDisplay

    classes = len(labels)
    side = min(5.0 + 0.28 * classes, 16.0)
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    axes = figure.add_subplot()
    if classes > NAMED:  # without the display, which makes a tick for every class on both axes: a third of the time
        image = axes.imshow(counts, cmap="Blues", interpolation="nearest")
        figure.colorbar(image, ax=axes)
        axes.set(xticks=[], yticks=[])
    else:
        display = ConfusionMatrixDisplay(counts, display_labels=[short(label) for label in labels])
        display.plot(
            ax=axes,
            cmap="Blues",
            include_values=classes <= _NUMBERED,
            colorbar=classes > _NUMBERED,  # where the numbers stand it says nothing more, and takes half the time
            values_format="d",
            xticks_rotation="vertical" if classes > 4 else "horizontal",
        )
        for count in display.text_.ravel() if display.text_ is not None else ():
            count.set_in_layout(False)  # it lies within the axes: they need no room for it
    for name in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        name.set_parse_math(False)  # a label such as $x$ is text, not a formula
    axes.set(xlabel="Predicted", ylabel="Actual", title=f"Confusion matrix, {int(counts.sum()):,} test rows")
    return png(figure)


def learning_curve(
    metric: str, rows: Sequence[int], values: Sequence[float], limits: Sequence[tuple[float, float]]
) -> bytes:
    """Draw a score against the rows of training, with its limits as a band."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.fill_between(rows, [low for low, _ in limits], [high for _, high in limits], alpha=0.2, linewidth=0)
    axes.plot(rows, values, marker="o")
    axes.set_xscale("log", base=2)
    axes.set_xticks(rows, [f"{one:,}" for one in rows])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.set(xlabel="Training rows", ylabel=metric, title=f"Learning curve: {metric} with 95 % limits")
    return png(figure)


def reliability(bins: Sequence[tuple[float, float, float, float]]) -> bytes:
    """Draw the share that is right, with its limits, against the confidence: (confidence, right, low, high) a bin."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5, 5.5), layout="constrained")
    axes = figure.add_subplot()
    sure, right = [one[0] for one in bins], [one[1] for one in bins]
    # A share may be an ulp beyond its limits.
    reach = [[max(0.0, one[1] - one[2]) for one in bins], [max(0.0, one[3] - one[1]) for one in bins]]
    axes.plot([0, 1], [0, 1], linestyle="--", color="grey", linewidth=1)
    axes.errorbar(sure, right, yerr=reach, marker="o", capsize=3)
    start = min(0.5, *sure, *(one[2] for one in bins)) - 0.02
    axes.grid(alpha=0.3)
    axes.set(xlim=(start, 1.02), ylim=(start, 1.02), aspect="equal")
    axes.set(xlabel="Confidence", ylabel="Share that is right", title="Reliability, with limits")
    return png(figure)


def _end(value: float) -> str:
    """An end of an axis of a metric: large numbers with more digits, so that 29019.5 is not 2.902e+04."""
    return f"{value:.4g}" if abs(value) < 10_000 else f"{value:.6g}"


def parallel_coordinates(
    metric: str, scored: Sequence[tuple[SearchPoint, float]], logarithmic: Collection[str], *, higher_is_better: bool
) -> bytes:
    """Draw each trial of a sweep as a line through its parameters to its value of the metric; the best on top.

    `scored` are points of the space with their values; axes in `logarithmic` are scaled so.
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    keys = list(dict.fromkeys(key for point, _ in scored for key in point))
    places = {
        key: axis_of([point[key] for point, _ in scored if key in point], logarithmic=key in logarithmic)
        for key in keys
    }
    values = [value for _, value in scored]
    low, high = min(values), max(values)
    heights = [(value - low) / (high - low) if high > low else 0.5 for value in values]
    figure = Figure(figsize=(2.2 + 1.8 * (len(keys) + 1), 4.5), layout="constrained")
    axes = figure.add_subplot()
    colours = colormaps["viridis_r" if higher_is_better else "viridis"]
    best_last = sorted(range(len(scored)), key=lambda i: values[i], reverse=not higher_is_better)
    for i in best_last:
        point = scored[i][0]
        known = [(x, places[key].of[point[key]]) for x, key in enumerate(keys) if key in point]
        known.append((len(keys), heights[i]))
        best = i == best_last[-1]
        axes.plot(
            [x for x, _ in known],
            [y for _, y in known],
            color="crimson" if best else colours(heights[i]),
            linewidth=2.5 if best else 1.0,
            alpha=1.0 if best else 0.6,
        )
    for x, key in enumerate(keys):
        axes.axvline(x, color="0.6", linewidth=0.8)
        for name, y in places[key].ticks.items():
            axes.text(x + 0.02, y, name, fontsize=8, va="center", parse_math=False, bbox=_BOX)
    axes.axvline(len(keys), color="0.6", linewidth=0.8)
    for y, value in {0.0: low, 1.0: high}.items() if high > low else {0.5: low}.items():
        axes.text(len(keys) + 0.02, y, _end(value), fontsize=8, va="center", bbox=_BOX)
    axes.set_xticks(range(len(keys) + 1), [*map(short, keys), short(metric)])
    axes.set_yticks([])
    axes.set(xlim=(-0.1, len(keys) + 0.35), title=f"{len(scored):,} trials; the best in red")
    for spine in axes.spines.values():
        spine.set_visible(False)
    return png(figure)


def scatter(metric: str, scored: Sequence[tuple[SearchPoint, float]], logarithmic: Collection[str]) -> bytes:
    """Draw the metric against each parameter of a sweep, a point a trial."""
    from matplotlib.figure import Figure

    keys = list(dict.fromkeys(key for point, _ in scored for key in point))
    columns = min(len(keys), 3)
    rows = -(-len(keys) // columns)
    figure = Figure(figsize=(0.8 + 3.4 * columns, 0.6 + 2.8 * rows), layout="constrained")
    for number, key in enumerate(keys, 1):
        axes = figure.add_subplot(rows, columns, number)
        having = [(point[key], value) for point, value in scored if key in point]
        places = axis_of([one for one, _ in having], logarithmic=key in logarithmic)
        axes.scatter([places.of[one] for one, _ in having], [value for _, value in having], s=18, alpha=0.7)
        axes.set_xticks(list(places.ticks.values()), list(places.ticks), fontsize=8)
        for name in axes.get_xticklabels():
            name.set_parse_math(False)
        axes.set(xlabel=short(key), ylabel=short(metric) if (number - 1) % columns == 0 else "", xlim=(-0.08, 1.08))
    return png(figure)


_BOX: Final = {"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.8}


def png(figure: Figure) -> bytes:
    """A figure as a file. Drawn once: `savefig` first goes through all of the drawing for its layout alone."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure.dpi = 100
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # A letter that no font of this machine has is drawn as a box, which says so better than a warning a letter.
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing")
        FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": None})  # type: ignore[no-untyped-call]
    return buffer.getvalue()
