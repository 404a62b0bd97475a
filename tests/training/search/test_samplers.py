"""The contract of every sampler in the table: repeatable, each recipe once, inside the space, and an end."""

from __future__ import annotations

import importlib.util
import random
from typing import TYPE_CHECKING, Any

import pytest

from expctl.errors import UsageError
from expctl.training.search import samplers
from expctl.training.search.samplers import DEFAULT_TRIALS, SAMPLERS, STARTUP, Proposals, check_sampler, importance
from expctl.training.search.space import read_space

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from expctl.training.search.samplers import Trial
    from expctl.training.search.space import SearchPoint, SearchSpace

REALS = {"c": "log:1e-3..1e3", "tol": "1e-5..1e-3", "max_features": "log:10..1000", "ngram_max": "1..3"}
LISTS = {"c": "0.1,1,10,100", "max_features": "10,none,50", "sublinear_tf": "true,false", "ngram_max": "1,2"}
MODELS = {
    "model": "logreg,naive_bayes",
    "logreg.c": "0.1,1,10",
    "naive_bayes.alpha": "0.5,1.0",
    "max_features": "10,20,30",
    "sublinear_tf": "true,false",
}


def missing(name: str) -> bool:
    needs = SAMPLERS[name].needs
    return needs is not None and importlib.util.find_spec(needs) is None


def entry(name: str) -> Any:
    reason = f"{name} needs {SAMPLERS[name].needs}, which is not installed"
    return pytest.param(name, marks=pytest.mark.skipif(missing(name), reason=reason))


every = pytest.mark.parametrize("sampler", [entry(name) for name in SAMPLERS])
drawn = pytest.mark.parametrize("sampler", [entry(name) for name in SAMPLERS if name != "grid"])


def space_of(texts: Mapping[str, str], **given: object) -> SearchSpace:
    return read_space(texts, {"data": "x.csv", **given})


def near_one(point: SearchPoint) -> float:
    """A value that is best for c = 1 and fails to exist for none."""
    c = point.get("c", point.get("logreg.c", 0.5))
    assert isinstance(c, float)
    return -abs(c - 1.0)


def asked(
    sampler: str,
    texts: Mapping[str, str],
    *,
    seed: int = 42,
    trials: int | None = 15,
    value: Callable[[SearchPoint], float | None] = near_one,
) -> tuple[list[Trial], Proposals]:
    """The trials that a sampler proposes when it is told of each before the next."""
    proposals = Proposals(space_of(texts), sampler, trials=trials, seed=seed, higher_is_better=True)
    found = []
    while (trial := proposals.ask()) is not None:
        found.append(trial)
        proposals.tell(trial, value(trial.point))
    return found, proposals


def texts_for(sampler: str) -> dict[str, str]:
    """A space that the sampler can search: reals, but for the grid."""
    return LISTS if sampler == "grid" else REALS


@every
@pytest.mark.parametrize("texts", [LISTS, MODELS], ids=["lists", "models"])
def test_the_same_seed_gives_the_same_trials_in_the_same_order(sampler, texts):
    assert asked(sampler, texts, trials=11)[0] == asked(sampler, texts, trials=11)[0]


@drawn
def test_the_same_seed_gives_the_same_reals(sampler):
    assert asked(sampler, REALS)[0] == asked(sampler, REALS)[0]


@drawn
def test_another_seed_gives_other_trials(sampler):
    one, other = (asked(sampler, REALS, seed=seed)[0] for seed in (1, 2))
    assert [trial.point for trial in one] != [trial.point for trial in other]


def test_a_grid_has_no_seed():
    assert asked("grid", LISTS, seed=1)[0] == asked("grid", LISTS, seed=2)[0]


@every
def test_the_random_generators_of_the_process_are_neither_read_nor_moved(sampler):
    import numpy as np

    random.seed(1)
    np.random.seed(1)
    first = asked(sampler, texts_for(sampler))[0]
    after = (random.random(), np.random.random())
    random.seed(2)
    np.random.seed(2)
    assert asked(sampler, texts_for(sampler))[0] == first
    random.seed(1)
    np.random.seed(1)
    assert (random.random(), np.random.random()) == after


@every
@pytest.mark.parametrize("texts", [LISTS, MODELS], ids=["lists", "models"])
def test_each_recipe_is_proposed_once_and_numbered_from_one(sampler, texts):
    found, _ = asked(sampler, texts, trials=11)
    assert len({trial.made.to_json() for trial in found}) == len(found)
    assert [trial.number for trial in found] == list(range(1, len(found) + 1))


@every
def test_a_recipe_that_two_points_share_is_proposed_once(sampler):
    """`naive_bayes` has no `logreg.c`: written for both, three values of it would be one recipe thrice."""
    texts = {"model": "naive_bayes", "max_features": "10,20", "ngram_min": "1,1"}
    found, _ = asked(sampler, texts, value=lambda point: 0.0)
    assert [trial.made.parameters["max_features"] for trial in found] in ([10, 20], [20, 10])


@every
def test_trials_stay_inside_the_space(sampler):
    texts = texts_for(sampler)
    space = space_of(texts)
    found, _ = asked(sampler, texts, trials=40)
    assert len(found) == 40
    for trial in found:
        assert list(trial.point) == list(texts)
        for axis in space.axes:
            value = trial.point[axis.key]
            inside = value in axis.values if axis.values is not None else axis.low <= value <= axis.high
            assert inside, (axis.key, value)


@drawn
def test_values_are_of_the_type_that_the_parameter_takes(sampler):
    """numpy's numbers are neither JSON nor what `train` would log."""
    for trial in asked(sampler, REALS | {"sublinear_tf": "true,false"})[0]:
        kinds = {key: type(value) for key, value in trial.point.items()}
        assert kinds == {"c": float, "tol": float, "max_features": int, "ngram_max": int, "sublinear_tf": bool}


@every
def test_a_trial_has_the_parameters_of_its_own_model_only(sampler):
    found, _ = asked(sampler, MODELS, trials=None if sampler == "grid" else 11)
    assert {trial.made.model for trial in found} == {"logreg", "naive_bayes"}
    for trial in found:
        own = {"logreg": "logreg.c", "naive_bayes": "naive_bayes.alpha"}[trial.made.model]
        assert set(trial.point) == {"model", "max_features", "sublinear_tf", own}
        assert trial.made.parameters[own.partition(".")[2]] == trial.point[own]


@pytest.mark.parametrize("sampler", [entry(name) for name in SAMPLERS if not SAMPLERS[name].learns])
def test_a_finite_space_is_exhausted_and_that_is_the_end(sampler):
    """30 recipes: 2 x 3 x (3 + 2)."""
    found, proposals = asked(sampler, MODELS, trials=1000)
    assert len(found) == 30
    assert proposals.ask() is None
    assert not proposals.repeats


@pytest.mark.parametrize("sampler", [entry(name) for name in SAMPLERS if SAMPLERS[name].learns])
def test_a_sampler_that_learns_ends_when_it_proposes_nothing_new(sampler, monkeypatch):
    """It comes back to the best ones; the rest of a finite space may never be proposed."""
    monkeypatch.setattr(samplers, "_MISSES", 100)
    found, proposals = asked(sampler, MODELS, trials=1000)
    assert STARTUP <= len(found) <= 30
    assert proposals.repeats == (len(found) < 30)
    assert proposals.total == 30


def test_trials_that_are_all_proposed_are_no_repeats():
    assert not asked("tpe", REALS, trials=11)[1].repeats
    assert not asked("random", REALS, trials=5)[1].repeats


@every
def test_no_more_trials_are_proposed_than_asked_for(sampler):
    found, proposals = asked(sampler, LISTS, trials=7)
    assert len(found) == 7
    assert proposals.ask() is None


@every
def test_points_that_contradict_themselves_are_counted_by_their_reason(sampler):
    texts = {"ngram_min": "1,2,3", "ngram_max": "1,2,3"}
    found, proposals = asked(sampler, texts, trials=100, value=lambda point: 0.0)
    assert {(trial.point["ngram_min"], trial.point["ngram_max"]) for trial in found} == {
        (1, 1), (1, 2), (1, 3), (2, 2), (2, 3), (3, 3),
    }  # fmt: skip
    assert set(proposals.left_out) == {f"ngram_min {a} is above ngram_max {b}" for a, b in ((2, 1), (3, 1), (3, 2))}


def test_a_grid_counts_every_contradictory_combination_once():
    texts = {"stop_words": "none,english", "analyzer": "word,char", "c": "1,2"}
    found, proposals = asked("grid", texts, trials=None)
    assert len(found) == 6
    assert proposals.left_out == {"stop_words needs analyzer=word": 2}


def test_contradictory_points_use_up_no_trial():
    found, _ = asked("grid", {"ngram_min": "2,1", "ngram_max": "1,2"}, trials=2, value=lambda point: 0.0)
    assert [trial.point for trial in found] == [
        {"ngram_min": 1, "ngram_max": 1}, {"ngram_min": 1, "ngram_max": 2},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sampler", "texts", "trials", "total"),
    [
        ("grid", LISTS, None, 48),
        ("grid", LISTS, 5, 5),
        ("grid", LISTS, 500, 48),
        ("random", REALS, None, DEFAULT_TRIALS),
        ("random", REALS, 7, 7),
        ("tpe", LISTS, 100, 48),
        ("qmc", {"c": "1,2"}, None, 2),
    ],
)
def test_the_total_is_known_before_the_first_trial(sampler, texts, trials, total):
    proposals = Proposals(space_of(texts), sampler, trials=trials, seed=1, higher_is_better=True)
    assert proposals.total == total


@every
def test_trials_that_failed_stop_no_sampler(sampler):
    """None is told for them; the sampler goes on with what it has, nothing at all included."""
    assert len(asked(sampler, texts_for(sampler), trials=20, value=lambda point: None)[0]) == 20


@every
def test_trials_may_be_told_late_and_in_another_order(sampler):
    proposals = Proposals(space_of(texts_for(sampler)), sampler, trials=12, seed=1, higher_is_better=True)
    found = [proposals.ask() for _ in range(12)]
    for trial in reversed(found):
        assert trial is not None
        proposals.tell(trial, near_one(trial.point))
    assert proposals.ask() is None


def test_tpe_finds_what_is_better_in_either_direction():
    def median(higher: bool) -> float:
        proposals = Proposals(space_of({"tol": "0.01..1.0"}), "tpe", trials=40, seed=3, higher_is_better=higher)
        late = []
        while (trial := proposals.ask()) is not None:
            tol = trial.point["tol"]
            assert isinstance(tol, float)
            proposals.tell(trial, tol)
            late.append(tol)
        return sorted(late[20:])[10]

    assert median(higher=True) > 0.9
    assert median(higher=False) < 0.2


def test_what_learns_is_marked_and_answers_change_its_trials():
    for name in (name for name in SAMPLERS if not missing(name)):
        texts = texts_for(name)
        one = asked(name, texts, trials=30)[0]
        other = asked(name, texts, trials=30, value=lambda point: -near_one(point))[0]
        assert (one != other) == SAMPLERS[name].learns, name


def test_an_unknown_sampler_is_told_with_the_closest():
    with pytest.raises(UsageError) as caught:
        check_sampler("gird")
    assert caught.value.message == "unknown sampler 'gird', did you mean 'grid'?"
    assert caught.value.hint == "--sampler grid | random | tpe | qmc | gp"


def test_a_sampler_whose_package_is_missing_says_which(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError) as caught:
        check_sampler("gp")
    assert (caught.value.message, caught.value.hint) == ("--sampler gp needs the package torch", "pip install torch")


def results(count: int) -> list[tuple[SearchPoint, float]]:
    """Points of LISTS where c alone decides the value, and max_features makes none."""
    source = random.Random(5)
    points: list[SearchPoint] = [
        {
            "c": source.choice((0.1, 1.0, 10.0, 100.0)),
            "max_features": source.choice((10, None, 50)),
            "sublinear_tf": source.choice((True, False)),
            "ngram_max": source.choice((1, 2)),
        }
        for _ in range(count)
    ]
    return [(point, near_one(point)) for point in points]


def test_importance_finds_the_parameter_that_alone_matters():
    shares = importance(space_of(LISTS), results(60), higher_is_better=True)
    assert next(iter(shares)) == "c"
    assert shares["c"] > 0.8
    assert sum(shares.values()) == pytest.approx(1)
    assert list(shares.values()) == sorted(shares.values(), reverse=True)


def test_importance_is_the_same_each_time():
    assert importance(space_of(LISTS), results(40), higher_is_better=True) == importance(
        space_of(LISTS), results(40), higher_is_better=True
    )


def test_importance_needs_twenty_results_and_two_parameters():
    assert importance(space_of(LISTS), results(19), higher_is_better=True) == {}
    assert importance(space_of(LISTS), results(20), higher_is_better=True) != {}
    alone = [({"c": point["c"]}, value) for point, value in results(40)]
    assert importance(space_of({"c": LISTS["c"]}), alone, higher_is_better=True) == {}


def test_importance_of_conditional_parameters_does_not_fail():
    found, _ = asked("grid", MODELS, trials=None)
    shares = importance(space_of(MODELS), [(t.point, near_one(t.point)) for t in found], higher_is_better=True)
    assert set(shares) <= set(MODELS)


@pytest.mark.parametrize("value", [0.0, 1e300])
def test_importance_where_all_came_out_alike_does_not_fail(value):
    alike = [(point, value) for point, _ in results(30)]
    assert set(importance(space_of(LISTS), alike, higher_is_better=False)) <= set(LISTS)
