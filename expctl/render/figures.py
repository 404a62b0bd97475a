"""Pictures of a run, as PNG bytes. Owns matplotlib; draws what it is given."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

_NUMBERED: Final = 25  # more classes than this and the counts in the cells are too small to read
_NAMED: Final = 60  # more than this and the names are


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
    names = [_shown(label) for label in labels]
    display = ConfusionMatrixDisplay(counts, display_labels=names if classes <= _NAMED else None)
    display.plot(
        ax=axes,
        cmap="Blues",
        include_values=classes <= _NUMBERED,
        values_format="d",
        xticks_rotation="vertical" if classes > 4 else "horizontal",
    )
    if classes > _NAMED:
        axes.set_xticks([])
        axes.set_yticks([])
    for name in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        name.set_parse_math(False)  # a label such as $x$ is text, not a formula
    axes.set(xlabel="Predicted", ylabel="Actual", title=f"Confusion matrix, {int(counts.sum()):,} test rows")
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # A letter that no font of this machine has is drawn as a box, which says so better than a warning a letter.
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing")
        figure.savefig(buffer, format="png", dpi=100, metadata={"Software": None})
    return buffer.getvalue()


def _shown(label: str) -> str:
    """A label that fits beside an axis, without characters that no font has."""
    plain = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in label)
    return plain if len(plain) <= 24 else plain[:23] + "…"
