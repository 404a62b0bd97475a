"""Sharing changes nothing: every trial is, bit for bit, the training of the same recipe alone."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from expctl.data_issues import counts
from expctl.errors import DataError, TrainingFailed, UsageError
from expctl.training.data import prepared_columns, term_counts
from expctl.training.data.column_kinds import decided
from expctl.training.data.dataset import load_split
from expctl.training.fit.compare_estimators import differing
from expctl.training.fit.skops_file import reloaded
from expctl.training.fit.trainer import train
from expctl.training.models.families import families_of, is_factory
from expctl.training.models.pipeline import build_pipeline
from expctl.training.search import shared_data as module
from expctl.training.search.shared_data import prepare, representatives
from expctl.training.search.space import read_space
from tests.conftest import write_reviews
from tests.tracking.recorded import OWN_MODELS

FAMILIES = families_of()  # of texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from expctl.recipe import Recipe
    from expctl.training.fit.trainer import TrainResult
    from expctl.training.search.space import SearchSpace

CLOCKS = ("fit_seconds", "predict_seconds")


@pytest.fixture(scope="module", autouse=True)
def _here(tmp_path_factory):
    """A folder with data; reading it is all that these tests do there."""
    folder = tmp_path_factory.mktemp("prepared")
    write_reviews(folder / "small.csv", 80)
    write_reviews(folder / "other.csv", 40)
    frame = pd.read_csv(folder / "small.csv")
    frame["part"] = ["test" if i % 3 == 0 else "train" for i in range(len(frame))]
    frame["stars"] = [i % 5 for i in range(len(frame))]
    frame.to_csv(folder / "parts.csv", index=False)
    (folder / "own_prepared.py").write_text(OWN_MODELS + NEEDY)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield


NEEDY = """

def needy(c):
    return counted(c)


class Two(Exception):
    def __init__(self, one, two):
        super().__init__(one + two)


class Odd(Broken):
    def fit(self, X, y):
        if self.reason == "exit":
            raise SystemExit("left")
        raise Two("no ", "luck")


def odd(reason):
    return Odd(reason)
"""


def space_of(texts: Mapping[str, str], **fixed: object) -> SearchSpace:
    return read_space(texts, {"data": "small.csv", **fixed})


def alone(recipe: Recipe) -> TrainResult | str:
    """The training of a recipe as `expctl train` does it, or why it fails."""
    try:
        return train(recipe, load_split(recipe, all_columns=is_factory(recipe.model)), build_pipeline(recipe))
    except TrainingFailed as error:
        return error.message


def without_clocks(metrics: Mapping[str, float]) -> dict[str, float]:
    return {key: value for key, value in metrics.items() if key not in CLOCKS}


def same(ours: TrainResult, theirs: TrainResult) -> None:
    """Every number and text that is recorded of them is equal, to the last bit."""
    pd.testing.assert_frame_equal(ours.predictions, theirs.predictions, check_exact=True)
    pd.testing.assert_frame_equal(ours.sample, theirs.sample)
    pd.testing.assert_frame_equal(ours.example, theirs.example)
    assert repr(without_clocks(ours.metrics)) == repr(without_clocks(theirs.metrics))
    assert [*map(repr, map(without_clocks, ours.folds))] == [*map(repr, map(without_clocks, theirs.folds))]
    assert (ours.test_set, ours.warnings) == (theirs.test_set, theirs.warnings)
    assert ours.data_issues == theirs.data_issues
    assert ours.evaluation.limits == theirs.evaluation.limits


def each_the_same(space: SearchSpace) -> int:
    """Compare every trial of a grid; says how many there were."""
    prepared = prepare(space)
    count = 0
    for point in space.grid():
        try:
            recipe = space.at(point)
        except UsageError:
            continue
        theirs = alone(recipe)
        if isinstance(theirs, str):
            with pytest.raises(TrainingFailed) as caught:
                prepared.train(recipe)
            assert caught.value.message == theirs
        else:
            same(prepared.train(recipe), theirs)
        count += 1
    return count


@pytest.mark.parametrize("model", [name for name in FAMILIES if name != "random_forest"])
def test_every_family_learns_the_same(model):
    texts = {"max_features": "20,none", "ngram_max": "1,2", "sublinear_tf": "true,false"}
    assert each_the_same(space_of(texts, model=model, min_df=2)) == 8


def test_a_forest_learns_the_same():
    assert each_the_same(space_of({"max_features": "20,none"}, model="random_forest", n_estimators=5)) == 2


def test_models_side_by_side_learn_the_same():
    texts = {"model": "logreg,naive_bayes,linear_svm", "max_df": "0.5,1.0", "logreg.c": "0.1,10"}
    assert each_the_same(space_of(texts)) == 8


def test_calibrated_models_and_others_learn_the_same_from_one_split_and_count():
    space = space_of({"calibrate": "none,sigmoid,isotonic", "model": "linear_svm,naive_bayes"})
    assert each_the_same(space) == 6
    assert (len(prepare(space).splits), len(prepare(space).counts)) == (1, 1)


@pytest.mark.slow
def test_folds_learn_the_same():
    texts = {"model": "naive_bayes,ridge", "min_df": "1,3", "random_state": "1,2"}
    assert each_the_same(space_of(texts, cv=3)) == 8


def test_folds_that_are_not_stratified_learn_the_same():
    assert each_the_same(space_of({"stratify": "true,false"}, cv=3, model="naive_bayes")) == 2


@pytest.mark.slow
def test_several_splits_learn_the_same():
    texts = {"random_state": "1..3", "test_size": "0.1,0.3", "stratify": "true,false"}
    assert each_the_same(space_of(texts, model="naive_bayes")) == 12


def test_every_analyzer_learns_the_same():
    texts = {"analyzer": "word,char,char_wb", "ngram_min": "1,2", "ngram_max": "3", "lowercase": "true,false"}
    assert each_the_same(space_of(texts, model="naive_bayes")) == 12


def test_stop_words_learn_the_same_beside_analyzers_that_take_none():
    assert each_the_same(space_of({"stop_words": "none,english", "analyzer": "word,char"}, model="naive_bayes")) == 3


def test_a_test_file_of_its_own_gives_the_same():
    assert each_the_same(space_of({"ngram_max": "1,2"}, test_data="other.csv", model="naive_bayes", cv=2)) == 2


def test_a_column_that_says_what_is_tested_gives_the_same():
    given = {"data": "parts.csv", "split_column": "part", "model": "naive_bayes", "cv": 2}
    assert each_the_same(read_space({"ngram_max": "1,2"}, given)) == 2


def test_another_text_and_label_column_give_the_same():
    given = {"data": "parts.csv", "text_column": "text", "target": "stars", "model": "naive_bayes"}
    assert each_the_same(read_space({"ngram_max": "1,2"}, given)) == 2


def test_a_factory_reads_the_texts():
    texts = {"model": "own_prepared:counted,naive_bayes", "max_features": "10,20"}
    assert each_the_same(space_of(texts)) == 4


def test_a_factory_gets_every_column_and_families_beside_it_the_text():
    given = {"data": "parts.csv", "target": "label"}
    space = read_space({"model": "naive_bayes,own_prepared:counted"}, given)
    prepared = prepare(space)
    assert list(next(iter(prepared.splits.values())).train.frame) == ["text", "part", "stars"]
    bayes = next(space.at(point) for point in space.grid() if point["model"] == "naive_bayes")
    same(prepared.train(bayes), alone(bayes))


def test_what_a_factory_needs_may_be_varied():
    assert each_the_same(space_of({"c": "1.0,2.0"}, model="own_prepared:needy")) == 2


def test_a_trial_that_fails_alone_fails_in_the_same_words():
    assert each_the_same(space_of({"solver": "lbfgs,liblinear"}, dual=True)) == 2


@pytest.mark.parametrize(("reason", "words"), [("exit", "SystemExit: left"), ("two", "Two: no luck")])
def test_whatever_a_model_raises_fails_its_trial(reason, words):
    space = space_of({"reason": reason}, model="own_prepared:odd")
    with pytest.raises(TrainingFailed) as caught:
        prepare(space).train(space.at({"reason": reason}))
    assert caught.value.message == words


def test_the_terms_are_counted_once_for_all_that_share_them(monkeypatch):
    counted = []
    original = term_counts.count
    monkeypatch.setattr(term_counts, "count", lambda *given, **named: counted.append(1) or original(*given, **named))
    texts = {"c": "1,2", "max_features": "10,20", "ngram_max": "1,2,3", "min_df": "1,2", "model": "logreg,linear_svm"}
    prepare(space_of(texts, cv=3))
    assert len(counted) == 1


def test_workers_are_not_given_texts_that_nobody_reads():
    space = space_of({"c": "1,2"})
    split = next(iter(prepare(space).splits.values()))
    assert set(split.train.frame["text"]) == {""}
    assert (split.test.frame["text"] != "").sum() <= 12


def test_too_many_splits_to_share_are_read_again_and_learn_the_same(monkeypatch):
    monkeypatch.setattr(module, "_MOST", 4)
    space = space_of({"random_state": "0..4"}, model="naive_bayes")
    recipes, complete = representatives(space)
    assert (len(recipes), complete) == (1, False)
    assert each_the_same(space) == 5


def test_too_many_analyzers_to_share_learn_the_same(monkeypatch):
    monkeypatch.setattr(module, "_MOST", 2)
    assert each_the_same(space_of({"analyzer": "word,char,char_wb"}, model="naive_bayes")) == 3


def test_analyzers_behind_contradictory_ones_learn_the_same(monkeypatch):
    monkeypatch.setattr(module, "_MOST", 3)
    texts = {"stop_words": "english,none", "analyzer": "char,char_wb,word"}
    assert each_the_same(space_of(texts, model="naive_bayes")) == 4


def test_n_grams_that_one_model_alone_has_longer_learn_the_same():
    texts = {"model": "logreg,naive_bayes", "naive_bayes.ngram_max": "1,3"}
    assert each_the_same(space_of(texts)) == 3


def test_n_grams_that_the_first_model_has_longer_learn_the_same():
    texts = {"model": "naive_bayes,logreg", "naive_bayes.ngram_max": "1,3"}
    assert each_the_same(space_of(texts)) == 3


def test_reals_of_the_split_are_read_when_they_come_and_learn_the_same():
    space = space_of({"test_size": "0.1..0.4"}, model="naive_bayes")
    prepared = prepare(space)
    for size in (0.1, 0.25, 0.39):
        recipe = space.at({"test_size": size})
        same(prepared.train(recipe), alone(recipe))


def test_data_that_changed_on_disk_is_noticed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_reviews(Path("small.csv"), 80)
    space = space_of({"random_state": "0..40"}, model="naive_bayes")
    prepared = prepare(space)
    write_reviews(Path("small.csv"), 82)
    same(prepared.train(space.at({"random_state": 0})), prepared.train(space.at({"random_state": 0})))
    with pytest.raises(DataError) as caught:
        prepared.train(space.at({"random_state": 1}))
    assert caught.value.message == "small.csv changed during the sweep"


def test_the_hashes_are_those_of_the_files():
    import hashlib

    hashes = [hashlib.sha256(Path(name).read_bytes()).hexdigest() for name in ("small.csv", "other.csv")]
    assert prepare(space_of({"c": "1,2"}, test_data="other.csv")).hashes == tuple(hashes)
    assert prepare(space_of({"c": "1,2"})).hashes == (hashes[0], None)


def test_data_that_no_trial_could_be_trained_on_is_told_at_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Path("small.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["text", "label"], *[["!!!", "good"], ["...", "bad"]] * 10])
    with pytest.raises(DataError, match="no term in any training text"):
        prepare(space_of({"c": "1,2"}))


def test_more_rows_asked_for_than_there_are_is_told_at_once():
    with pytest.raises(UsageError, match="min_df 65 is more than the 64 training rows"):
        prepare(space_of({"c": "1,2"}, min_df=65))


def test_a_space_of_contradictions_alone_is_no_space():
    """It is told as `train` tells its first combination."""
    with pytest.raises(UsageError, match="ngram_min 3 is above ngram_max 2"):
        prepare(space_of({"ngram_min": "3,4", "ngram_max": "1,2"}))


def test_splits_and_analyzers_have_a_recipe_each():
    space = space_of({"random_state": "1,2", "analyzer": "word,char", "c": "1,2", "ngram_max": "1,2,3"})
    recipes, complete = representatives(space)
    assert complete
    assert sorted((one.random_state, one.parameters["analyzer"], one.parameters["ngram_max"]) for one in recipes) == [
        (1, "char", 3), (1, "word", 3), (2, "char", 3), (2, "word", 3),
    ]  # fmt: skip


def test_reals_that_decide_the_split_are_never_complete():
    recipes, complete = representatives(space_of({"test_size": "0.1..0.4"}))
    assert ([one.test_size for one in recipes], complete) == ([0.1], False)


def test_data_that_lies_elsewhere_is_read_there_and_trials_keep_its_old_name(tmp_path):
    there = tmp_path / "moved.csv"
    there.write_bytes(Path("small.csv").read_bytes())
    space = space_of({"c": "1,2"}, data="gone.csv")
    prepared = prepare(space, data=str(there))
    assert prepared.hashes == prepare(space_of({"c": "1,2"})).hashes
    assert (
        prepared.train(space.at({"c": 1.0})).metrics["accuracy"]
        == alone(space_of({"c": "1,2"}).at({"c": 1.0})).metrics["accuracy"]
    )


@pytest.mark.parametrize(
    ("fixed", "words"),
    [({"c": -1}, "c must be a number above 0"), ({"max_itr": 5}, "did you mean 'max_iter'")],
)
def test_a_fixed_value_that_is_wrong_is_told_as_train_tells_it(fixed, words):
    with pytest.raises(UsageError, match=words):
        prepare(space_of({"max_features": "10,20"}, **fixed))


WORDS = ["good", "bad", "a", "the", "Good", "not good", "naïve", "日本語", "x1", "42", "!!", "co-op"]
corpora = st.lists(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map(" ".join), min_size=12, max_size=30
)  # fmt: skip


@st.composite
def searched(draw: st.DrawFn) -> dict[str, str]:
    """A small grid over features and model."""
    some = {
        "model": ["naive_bayes", "ridge", "dummy", "linear_svm"],
        "analyzer": ["word", "char", "char_wb", "word+char_wb"],
        "binary": ["true", "false"],
        "use_idf": ["true", "false"],
        "norm": ["l1", "none"],
        "strip_accents": ["ascii", "none"],
        "token_pattern": ["[^ ]+", "..+"],
        "ngram_max": ["1", "2", "4"],
        "ngram_min": ["1", "2"],
        "min_df": ["1", "2", "0.2"],
        "max_df": ["1.0", "0.6", "5"],
        "max_features": ["none", "3", "9"],
        "sublinear_tf": ["true", "false"],
        "random_state": ["1", "2"],
    }
    keys = draw(st.lists(st.sampled_from(list(some)), min_size=1, max_size=3, unique=True))
    return {key: ",".join(draw(st.lists(st.sampled_from(some[key]), min_size=1, max_size=2))) for key in keys}


@pytest.mark.slow
@given(corpora, searched(), st.sampled_from([None, 2, 3]), st.randoms(use_true_random=False))
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_random_corpora_and_grids_learn_the_same(texts, varied, cv, source):
    path = Path("random.csv")
    with path.open("w", newline="") as file:
        rows = [[text, "yes" if i % 2 else "no"] for i, text in enumerate(texts)]
        source.shuffle(rows)
        csv.writer(file).writerows([["text", "label"], *rows])
    given = {"data": "random.csv", "test_size": 0.3, "cv": cv}
    given |= {} if "model" in varied else {"model": "naive_bayes"}
    space = read_space(varied, given)
    try:
        prepare(space)
    except (DataError, UsageError):
        assume(False)
    each_the_same(space)


@pytest.fixture
def repeating():
    """Rows of which many repeat the text of another, for the tests of one module's folder."""
    frame = pd.read_csv("small.csv")
    pd.concat([frame, frame.head(30)]).to_csv("repeating.csv", index=False)
    return "repeating.csv"


def test_copies_kept_together_learn_the_same(repeating):
    assert each_the_same(space_of({"c": "0.1,10"}, data=repeating, dedupe=True, cv=3)) == 2


def test_of_several_splits_the_worst_is_told(repeating):
    prepared = prepare(space_of({"random_state": "1..6", "c": "0.1,1"}, data=repeating))
    leaked = [one.count for split in prepared.splits.values() for one in split.data_issues if one.key == "leaked_rows"]
    assert len(set(leaked)) > 1
    assert counts(prepared.data_issues) == {"repeated_rows": 30, "leaked_rows": max(leaked)}


def test_a_split_that_was_not_shared_is_refused_by_a_strict_trial(repeating, monkeypatch):
    space = space_of({"test_size": "0.2,0.4", "c": "0.1,1"}, data=repeating)
    monkeypatch.setattr(module, "_MOST", 1)
    prepared = prepare(space)
    (shared,) = prepared.splits
    other = next(recipe for recipe in map(space.at, space.grid()) if recipe.test_size not in shared)
    assert counts(prepared.train(other).data_issues)["leaked_rows"]
    with pytest.raises(DataError, match="--dedupe keeps"):
        prepared.train(other, strict=True)


HOUSES = str(Path(__file__).parents[3] / "data" / "houses.csv")


def table_space(texts: Mapping[str, str], *, target: str = "price", **fixed: object) -> SearchSpace:
    given = decided({"data": HOUSES, "target": target, "test_size": 0.7, **fixed})
    return read_space(texts, given)


def same_models(space: SearchSpace) -> None:
    """The models are those of trainings alone too, to the last bit, and let their rows go."""
    prepared = prepare(space)
    assert prepared.counts
    for recipe in map(space.at, space.grid()):
        ours, theirs = prepared.train(recipe), alone(recipe)
        assert not isinstance(theirs, str)
        assert differing(reloaded(ours.pipeline), reloaded(theirs.pipeline)) == []
        assert not {"fit_transform", "transform"} & vars(ours.pipeline[0]).keys()
        frame = load_split(recipe).test.frame
        assert (ours.pipeline.predict(frame) == theirs.pipeline.predict(frame)).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("texts", "fixed"),
    [
        ({"max_iter": "3,5", "learning_rate": "0.1,0.5"}, {"model": "hist_gradient_boosting"}),
        ({"alpha": "0.1,10", "encoder": "onehot,target,ordinal", "imputer": "mean,median"}, {"cv": 2}),
        ({"model": "ridge,knn,hist_gradient_boosting", "random_state": "1,2"}, {"min_frequency": 3}),
        ({"max_depth": "2,3"}, {"model": "decision_tree", "scaler": "robust", "missing_indicator": True}),
    ],
)
def test_tables_learn_the_same(texts: dict[str, str], fixed: dict[str, object]) -> None:
    space = table_space(texts, **fixed)
    assert each_the_same(space) == space.size
    if "encoder" not in texts:
        same_models(space)


def test_classes_of_tables_learn_the_same_with_calibration_and_texts() -> None:
    fixed = {"target": "heating", "drop": "sold", "calibrate": "sigmoid", "model": "logreg", "max_iter": 50}
    space = table_space({"c": "0.1,1", "min_df": "1,2"}, **fixed)
    assert each_the_same(space) == 4


def test_the_columns_are_prepared_once_for_all_that_share_them(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = []
    original = prepared_columns.prepare_parts
    monkeypatch.setattr(prepared_columns, "prepare_parts", lambda *given: prepared.append(1) or original(*given))
    texts = {"model": "hist_gradient_boosting,decision_tree", "max_depth": "2,3", "min_samples_leaf": "1,5,20"}
    shared = prepare(table_space(texts))
    assert len(prepared) == 2  # one reads missing cells, and no sparse matrix
    split = next(iter(shared.splits.values()))
    assert split.train.frame.isna().all(axis=None)
    assert 0 < split.test.frame.notna().any(axis=1).sum() <= 12


def test_a_preparation_that_fails_is_told_by_each_trial() -> None:
    space = table_space({"alpha": "1,2"}, max_df=0.0)
    assert each_the_same(space) == 2
    assert not prepare(space).counts
