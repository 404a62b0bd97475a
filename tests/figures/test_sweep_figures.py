"""Pictures of a sweep: the same bytes for the same trials, any values, no name that breaks them."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from expctl.figures.plots import parallel_coordinates, scatter

if TYPE_CHECKING:
    from collections.abc import Callable

PNG = b"\x89PNG\r\n\x1a\n"
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


def pixels(picture: bytes) -> np.ndarray:
    from matplotlib.image import imread

    return np.asarray(imread(io.BytesIO(picture), format="png"))[:, :, :3]


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


def test_numbers_lie_in_proportion(spy):
    dots("f1_score", [({"c": c}, 0.5) for c in (1.0, 2.0, 5.0)])
    assert spy["scatter"][0][0] == [0.0, 0.25, 1.0]


def test_numbers_of_a_logarithmic_axis_lie_by_their_ratio(spy):
    dots("f1_score", [({"c": c}, 0.5) for c in (0.01, 1.0, 100.0)], frozenset({"c"}))
    assert spy["scatter"][0][0] == pytest.approx([0.0, 0.5, 1.0])


def test_other_values_lie_evenly_in_the_order_of_their_first_trial(spy):
    dots("f1_score", [({"x": x}, 0.5) for x in ("b", None, "a", "b")])
    assert spy["scatter"][0][0] == [0.0, 0.5, 1.0, 0.0]


def test_each_parameter_has_its_own_plot_of_the_trials_that_have_it(spy):
    dots("f1_score", [({"model": "a", "c": 1.0}, 0.1), ({"model": "b", "n": 2}, 0.2)])
    assert [ys for _, ys in spy["scatter"]] == [[0.1, 0.2], [0.1], [0.2]]


def test_the_ends_of_the_metric_are_written(spy):
    lines("f1_score", MIXED)
    assert spy["text"][-2:] == ["0.5", "0.9"]


def test_values_that_are_all_equal_are_written_once(spy):
    lines("f1_score", [({"c": 1.0}, 0.5), ({"c": 2.0}, 0.5)])
    assert spy["text"] == ["1", "2", "0.5"]
