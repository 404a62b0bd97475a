"""Pictures of a run and of a sweep: the right way round, the same bytes for the same values, none that breaks them."""

from __future__ import annotations

import io
import math
import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from expctl.figures.plots import confusion_matrix, learning_curve, parallel_coordinates, reliability, scatter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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


def test_a_reliability_diagram_takes_any_bins_and_is_the_same_again() -> None:
    for bins in ([(0.9, 1.0, 0.8, 1.0)], [(0.1, 0.0, 0.0, 0.3), (0.99, 0.5, 0.4, 0.6)]):
        picture = reliability(bins)
        assert picture.startswith(PNG)
        assert picture == reliability(bins)


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


@pytest.mark.slow
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


Scored = list[tuple[dict[str, Any], float]]
MIXED: Scored = [
    ({"model": "logreg", "c": 0.01, "n": 1, "flag": True, "words": None}, 0.5),
    ({"model": "naive_bayes", "c": 100.0, "n": 9, "flag": False, "words": "english"}, 0.9),
    ({"model": "logreg", "c": 1.0, "n": 5, "flag": True, "words": None}, 0.7),
]


def lines(metric: str, scored: Scored, logarithmic: frozenset[str] = frozenset(), *, higher: bool = True) -> bytes:
    return parallel_coordinates(metric, scored, logarithmic, higher_is_better=higher)


def dots(metric: str, scored: Scored, logarithmic: frozenset[str] = frozenset()) -> bytes:
    return scatter(metric, scored, logarithmic)


both = pytest.mark.parametrize("draw", [lines, dots])


@both
def test_the_same_trials_give_the_same_bytes(draw):
    first = draw("f1_score", MIXED)
    draw("accuracy", MIXED[:1])
    assert draw("f1_score", MIXED) == first
    assert first.startswith(PNG)
    assert b"matplotlib" not in first


@both
def test_another_value_is_another_picture(draw):
    assert draw("f1_score", MIXED) != draw("f1_score", [*MIXED[:2], (MIXED[2][0], 0.6)])


@both
@pytest.mark.parametrize(
    "scored",
    [
        [({"c": 1.0}, 0.5)],
        [({"c": 1.0}, 0.5), ({"c": 1.0}, 0.5)],
        [({"c": 1e-300}, -1e300), ({"c": 1e300}, 1e300)],
        [({"c": 0.0}, 0.0), ({"c": -1.0}, -0.0)],
        [({"x": "a"}, 1e-12), ({"x": None}, 2e-12), ({"x": True}, 3e-12), ({"x": 5}, 4e-12)],
        [({"a": 1}, 0.1), ({"b": 2}, 0.2)],
        [({f"k{i}": j for i in range(12)}, j / 7) for j in range(7)],
        [({"c": float(i)}, math.sin(i)) for i in range(300)],
        [({"x": f"word {i}"}, i / 200) for i in range(200)],
    ],
    ids=["one", "equal", "huge", "zero", "kinds", "conditional", "twelve", "300 trials", "200 words"],
)
def test_any_trials_can_be_drawn(draw, scored):
    picture = pixels(draw("f1_score", scored))
    assert picture.shape[0] < 2000
    assert picture.shape[1] < 3000


WORDS = {
    "formula": "$x_$", "half formula": "$\\frac$", "escape": "\x1b[31m", "controls": "a\nb\tc", "CJK": "日本語",
    "emoji": "👩\u200d🚀 \u202e", "empty": "", "surrogate": "\ud800\0", "long": "x" * 5000, "codes": "%s{0}<b>",
}  # fmt: skip


@both
@pytest.mark.parametrize("word", WORDS.values(), ids=WORDS)
def test_no_value_breaks_the_picture_or_warns(draw, word):
    assert draw("f1_score", [({"x": word}, 0.1), ({"x": "other"}, 0.2)]).startswith(PNG)


@both
@pytest.mark.parametrize("key", ["logreg.max_features", "a b/c:d-e_f", "x" * 250])
def test_no_key_that_the_store_takes_breaks_the_picture_or_warns(draw, key):
    assert draw("f1_score", [({key: 1}, 0.1), ({key: 2}, 0.2)]).startswith(PNG)


@pytest.fixture
def spy(monkeypatch):
    """What is handed to matplotlib: every line's places, every scatter's, every text."""
    from matplotlib.axes import Axes

    seen: dict[str, list[Any]] = {"plot": [], "scatter": [], "text": []}

    def watch(name: str, keep: Callable[..., Any]) -> None:
        original = getattr(Axes, name)

        def call(self: Axes, *given: Any, **named: Any) -> Any:
            seen[name].append(keep(*given, **named))
            return original(self, *given, **named)

        monkeypatch.setattr(Axes, name, call)

    watch("plot", lambda x, y, **named: (list(x), list(y), named["color"]))
    watch("scatter", lambda x, y, **named: (list(x), list(y)))
    watch("text", lambda x, y, s, **named: s)
    return seen


def test_the_best_trial_is_drawn_last_and_in_red(spy):
    lines("f1_score", MIXED)
    assert [color == "crimson" for _, _, color in spy["plot"]] == [False, False, True]
    assert spy["plot"][-1][1][-1] == 1.0


def test_where_less_is_better_the_lowest_is_the_best(spy):
    lines("log_loss", MIXED, higher=False)
    assert [color == "crimson" for _, _, color in spy["plot"]] == [False, False, True]
    assert spy["plot"][-1][1][-1] == 0.0


def test_a_trial_goes_past_the_axes_that_it_does_not_have(spy):
    lines("f1_score", [({"model": "a", "c": 1.0}, 0.1), ({"model": "b", "n": 2}, 0.2)])
    assert [x for x, _, _ in spy["plot"]] == [[0, 1, 3], [0, 2, 3]]


def test_each_parameter_has_its_own_plot_of_the_trials_that_have_it(spy):
    dots("f1_score", [({"model": "a", "c": 1.0}, 0.1), ({"model": "b", "n": 2}, 0.2)])
    assert [ys for _, ys in spy["scatter"]] == [[0.1, 0.2], [0.1], [0.2]]


def test_the_ends_of_the_metric_are_written(spy):
    lines("f1_score", MIXED)
    assert spy["text"][-2:] == ["0.5", "0.9"]


def test_values_that_are_all_equal_are_written_once(spy):
    lines("f1_score", [({"c": 1.0}, 0.5), ({"c": 2.0}, 0.5)])
    assert spy["text"] == ["1", "2", "0.5"]


def test_a_learning_curve_has_a_tick_at_each_number_of_rows_and_is_the_same_every_time():
    given = ("f1_score", [200, 400], [0.7, 0.8], [(0.6, 0.8), (0.7, 0.9)])
    picture = learning_curve(*given)
    assert picture.startswith(b"\x89PNG")
    assert picture == learning_curve(*given)
