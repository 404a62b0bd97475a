"""Pictures of a run: right way round, the same bytes for the same counts, and no label breaks them."""

from __future__ import annotations

import io
import random
from typing import TYPE_CHECKING

import numpy as np
import pytest

from expctl.figures.plots import confusion_matrix

if TYPE_CHECKING:
    from collections.abc import Sequence

PNG = b"\x89PNG\r\n\x1a\n"


def counts(classes: int, seed: int = 0) -> np.ndarray:
    source = random.Random(seed)
    return np.array([[source.randint(0, 50) + 500 * (i == j) for j in range(classes)] for i in range(classes)])


def pixels(picture: bytes) -> np.ndarray:
    from matplotlib.image import imread

    return np.asarray(imread(io.BytesIO(picture), format="png"))[:, :, :3]


def names(classes: int, word: str = "label") -> list[str]:
    return [f"{word} {i}" for i in range(classes)]


@pytest.mark.parametrize("classes", [1, 2, 30, 151])
def test_any_number_of_classes_gives_a_png_of_a_bearable_size(classes: int) -> None:
    """151 classes are a real intent data set; a picture that grew with them would not open."""
    picture = confusion_matrix(counts(classes), names(classes))
    assert picture.startswith(PNG)
    height, width, _ = pixels(picture).shape
    assert 400 < height <= width < 2000


def test_rows_are_the_labels_and_columns_the_predictions() -> None:
    """A transposed matrix blames the wrong class. All rows are negative, all predicted positive: top right is dark."""
    drawn = pixels(confusion_matrix(np.array([[0, 100], [0, 0]]), ["negative", "positive"]))
    height, width, _ = drawn.shape
    # The cells, a little off their middles, where the numbers are; the axes take about 15% to 85% of the width.
    cells = {
        (i, j): drawn[int(height * (0.25, 0.72)[i]), int(width * (0.25, 0.6)[j])].sum() for i in (0, 1) for j in (0, 1)
    }
    assert min(cells, key=lambda cell: cells[cell]) == (0, 1)
    assert cells[0, 1] < 1 < 2.5 < cells[1, 0]


@pytest.mark.parametrize("classes", [2, 30])
def test_the_same_counts_give_the_same_bytes(classes: int) -> None:
    """`reproduce` compares artifacts byte for byte: no time, no version, no state of the figure before."""
    first = confusion_matrix(counts(classes), names(classes))
    confusion_matrix(counts(3), ["$x_$", "y", "z"])
    assert confusion_matrix(counts(classes), names(classes)) == first
    assert b"matplotlib" not in first
    assert confusion_matrix(counts(classes, seed=1), names(classes)) != first


@pytest.mark.parametrize(
    "labels",
    [
        ["$x_$", "$\\frac$"],
        ["\x1b[31m", "a\nb\tc\r"],
        ["日本語", "中文"],
        ["👩\u200d🚀", "שלום \u202e"],
        ["", " "],
        ["\ud800", "\0"],
        ["x" * 10_000, "_hidden"],
        ["%s{0}", "<b>&"],
    ],
    ids=["formula", "controls", "CJK", "emoji and bidi", "empty", "surrogate and NUL", "long", "codes"],
)
def test_no_label_breaks_the_picture_or_warns(labels: Sequence[str]) -> None:
    """Labels are data. A warning for each letter without a font would bury the command's own words."""
    drawn = pixels(confusion_matrix(counts(2), labels))
    assert drawn.shape == pixels(confusion_matrix(counts(2), ["a", "b"])).shape


def test_no_label_is_read_as_a_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    """`$x$` would lose its dollars and look like another label."""

    def never(*_: object) -> None:
        pytest.fail("matplotlib took a label for a formula")

    monkeypatch.setattr("matplotlib.mathtext.MathTextParser.parse", never)
    assert confusion_matrix(counts(2), ["$x$", "cost $5 to $9"])


def test_names_are_drawn_up_to_sixty_classes_and_left_out_above() -> None:
    """Sixty can still be told apart; more would be a black bar."""
    assert confusion_matrix(counts(60), names(60)) != confusion_matrix(counts(60), names(60, "other"))
    assert confusion_matrix(counts(61), names(61)) == confusion_matrix(counts(61), names(61, "other"))


def test_counts_are_written_into_the_cells_of_up_to_twenty_five_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    """In more, and so smaller, cells they would run into each other."""
    from matplotlib.axes import Axes

    texts: list[str] = []
    original = Axes.text

    def spy(self: Axes, x: float, y: float, s: str, **options: object) -> object:
        texts.append(s)
        return original(self, x, y, s, **options)

    monkeypatch.setattr(Axes, "text", spy)
    confusion_matrix(counts(25), names(25))
    assert texts == [str(count) for count in counts(25).flatten()]
    texts.clear()
    confusion_matrix(counts(26), names(26))
    assert texts == []


def test_the_user_s_matplotlib_backend_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A window would open, or fail to, on a machine without a screen."""
    monkeypatch.setenv("MPLBACKEND", "tkagg")
    monkeypatch.delenv("DISPLAY", raising=False)
    assert confusion_matrix(counts(2), ["a", "b"]).startswith(PNG)
