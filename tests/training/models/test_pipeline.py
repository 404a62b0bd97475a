"""A recipe becomes a Pipeline; a user's factory is called as it wishes, and what is wrong with it is told by name."""

from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import issparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from expctl.errors import UsageError
from expctl.training.data.dataset import load_split
from expctl.training.fit.trainer import train
from expctl.training.models.configure import configure
from expctl.training.models.pipeline import as_installed, build_pipeline
from expctl.training.models.steps import selects_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MODULE = "model_of_a_test"


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    """Write the user's module into the folder they work in; gives the name to import it by."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def write(source: str) -> str:
        (tmp_path / f"{MODULE}.py").write_text(textwrap.dedent(source))
        return MODULE

    yield write
    sys.modules.pop(MODULE, None)


def build(model: str, **parameters: Any) -> Pipeline:
    return build_pipeline(configure({"data": "a.csv", "model": model, **parameters}))


def refusal(model: str, **parameters: Any) -> tuple[str, str | None]:
    with pytest.raises(UsageError) as refused:
        build(model, **parameters)
    return refused.value.message, refused.value.hint


TEXT_FACTORY = """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    def make(c=1.0, random_state=None, name=None):
        return make_pipeline(TfidfVectorizer(), LogisticRegression(C=c, random_state=random_state))
"""

FRAME_FACTORY = """
    from sklearn.compose import ColumnTransformer
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    def make(column):
        columns = ColumnTransformer([("t", TfidfVectorizer(), column), ("n", "passthrough", ["stars"])])
        return make_pipeline(columns, LogisticRegression())
"""


def classifier_of(pipeline: Pipeline) -> LogisticRegression:
    return pipeline.named_steps["model"].named_steps["logisticregression"]


def test_a_family_is_a_named_column_and_a_classifier() -> None:
    pipeline = build("logreg", text_column="review", random_state=7)
    assert list(pipeline.named_steps) == ["features", "classifier"]
    assert pipeline.named_steps["features"].transformers[0][2] == "review"
    assert pipeline.named_steps["classifier"].random_state == 7
    assert selects_columns(pipeline)


def test_the_features_stay_sparse_however_many_terms_a_text_has() -> None:
    frame = pd.DataFrame({"text": pd.Series(["good film"] * 40 + ["good"], dtype="object")})
    assert issparse(build("logreg").named_steps["features"].fit_transform(frame))


def test_a_factory_of_a_text_estimator_learns_from_the_column_by_name(module: Any, tmp_path: Path) -> None:
    lines = [f"{('good', 'bad')[i % 2]} film {i},{('pos', 'neg')[i % 2]},{i}" for i in range(40)]
    (tmp_path / "a.csv").write_text("review,label,stars\n" + "\n".join(lines))
    recipe = configure({"data": "a.csv", "model": f"{module(TEXT_FACTORY)}:make", "text_column": "review", "c": "2"})
    pipeline = build_pipeline(recipe)
    assert selects_columns(pipeline)
    result = train(recipe, load_split(recipe, all_columns=True), pipeline)
    assert result.metrics["accuracy"] == 1.0
    frame = pd.DataFrame({"stars": [1.0], "review": pd.Series(["a bad film"], dtype="object")})
    assert result.pipeline.predict(frame).tolist() == ["neg"]
    assert list(result.example) == ["review"]


def test_a_factory_of_a_data_frame_estimator_gets_every_column(module: Any, tmp_path: Path) -> None:
    lines = [f"same film,{('pos', 'neg')[i % 2]},{i % 2}" for i in range(40)]
    (tmp_path / "a.csv").write_text("text,label,stars\n" + "\n".join(lines))
    recipe = configure({"data": "a.csv", "model": f"{module(FRAME_FACTORY)}:make", "column": "text"})
    pipeline = build_pipeline(recipe)
    assert not selects_columns(pipeline)
    result = train(recipe, load_split(recipe, all_columns=True), pipeline)
    assert result.metrics["accuracy"] == 1.0
    assert list(result.example) == ["text", "stars"]


def test_parameters_and_random_state_are_handed_over(module: Any) -> None:
    name = module(TEXT_FACTORY)
    classifier = classifier_of(build(f"{name}:make", c="0.5", random_state=7))
    assert (classifier.C, classifier.random_state) == (0.5, 7)
    assert classifier_of(build(f"{name}:make")).C == 1.0


def test_a_factory_without_a_random_state_is_not_given_one(module: Any) -> None:
    name = module("""
        from sklearn.dummy import DummyClassifier

        def plain():
            return DummyClassifier()

        def catches_all(**given):
            assert given == {"strategy": "uniform"}
            return DummyClassifier(**given)
    """)
    build(f"{name}:plain")
    build(f"{name}:catches_all", strategy="uniform")


def test_a_class_is_a_factory_too() -> None:
    assert build("sklearn.dummy:DummyClassifier", strategy="uniform").named_steps["model"].strategy == "uniform"


def test_an_unknown_parameter_names_the_closest(module: Any) -> None:
    assert refusal(f"{module(TEXT_FACTORY)}:make", rando_state=1) == (
        f"{MODULE}:make has no parameter 'rando_state', did you mean 'random_state'?",
        "it has c, random_state, name",
    )


def test_a_factory_without_parameters_says_so(module: Any) -> None:
    assert refusal(f"{module('def make(): ...')}:make", x=1) == (f"{MODULE}:make has no parameter 'x'", "it has none")


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (None, "ModuleNotFoundError: No module named 'model_of_a_test'"),
        ("def broken(:", "SyntaxError: "),
        ("import nothing_of_that_name", "ModuleNotFoundError: No module named 'nothing_of_that_name'"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(0)", "SystemExit: 0"),
    ],
    ids=["no module", "bad syntax", "an import of its own", "an error", "a script that ends"],
)
def test_a_module_that_cannot_be_imported_says_why(module: Any, source: str | None, problem: str) -> None:
    if source is not None:
        module(source)
    message, hint = refusal(f"{MODULE}:make")
    assert message.startswith(f"cannot import {MODULE!r} for --model {MODULE}:make: {problem}")
    assert hint == "write it as package.module:factory, importable from this folder"


@pytest.mark.parametrize("model", [":make", ".relative:make"])
def test_a_name_that_is_no_module_is_told(model: str) -> None:
    assert refusal(model)[0].startswith(f"cannot import {model.partition(':')[0]!r} for --model {model}: ")


@pytest.mark.parametrize("name", ["absent", "NUMBER", "", "a:b"])
def test_a_name_that_is_no_callable_is_told(module: Any, name: str) -> None:
    assert refusal(f"{module('NUMBER = 1')}:{name}") == (
        f"{MODULE} has no callable {name!r}",
        "--model package.module:factory",
    )


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("raise ValueError('no such colour')", "raised ValueError: no such colour"),
        ("import sys; sys.exit('usage: make')", "raised SystemExit: usage: make"),
        ("return undefined", "raised NameError: name 'undefined' is not defined"),
        ("return None", "returned a NoneType"),
        ("return 'logreg'", "returned a str"),
        ("import sklearn.dummy; return sklearn.dummy.DummyClassifier", "returned a type"),
        ("import sklearn.preprocessing; return sklearn.preprocessing.StandardScaler()", "returned a StandardScaler"),
    ],
)
def test_a_factory_that_makes_no_classifier_is_told(module: Any, body: str, problem: str) -> None:
    assert refusal(f"{module(f'def make(): {body}')}:make")[0] == f"{MODULE}:make {problem}"


def test_a_factory_that_needs_what_it_is_not_given_is_told(module: Any) -> None:
    message, _ = refusal(f"{module('def make(size): ...')}:make")
    assert message == f"{MODULE}:make raised TypeError: make() missing 1 required positional argument: 'size'"


def test_a_callable_without_a_signature_is_told() -> None:
    assert refusal("builtins:int")[0].startswith("cannot tell the parameters of builtins:int: ")


def test_the_users_folder_is_looked_into_once_and_first(module: Any, tmp_path: Path) -> None:
    name = module(TEXT_FACTORY)
    build(f"{name}:make")
    build(f"{name}:make")
    assert sys.path[0] == str(tmp_path)
    assert sys.path.count(str(tmp_path)) == 1


LINEAR = LogisticRegression()


def test_a_text_estimator_gets_one_text_a_row_not_a_column_of_them() -> None:
    pipeline = build("sklearn.dummy:DummyClassifier")
    assert not selects_columns(pipeline)
    given: list[Any] = []

    class Listening(TfidfVectorizer):
        def fit_transform(self, X: Any, y: Any = None) -> Any:
            given.append(X)
            return super().fit_transform(X, y)

    sys.modules[MODULE] = type(sys)(MODULE)
    try:
        sys.modules[MODULE].make = lambda: make_pipeline(Listening(), LINEAR)  # type: ignore[attr-defined]
        frame = pd.DataFrame({"text": pd.Series(["good film", "bad film"], dtype="object"), "x": [1, 2]})
        build(f"{MODULE}:make").fit(frame, np.array(["pos", "neg"]))
    finally:
        del sys.modules[MODULE]
    assert given[0].tolist() == ["good film", "bad film"]


@pytest.mark.parametrize(
    ("ratio", "penalty"),
    [(0.0, {"penalty": "l2"}), (1.0, {"penalty": "l1"}), (0.3, {"penalty": "elasticnet", "l1_ratio": 0.3})],
)
def test_logistic_regression_is_asked_for_its_penalty_as_the_installed_release_wants(
    ratio: float, penalty: dict[str, Any]
) -> None:
    def former(self: Any, *, penalty: str = "l2", C: float = 1.0, l1_ratio: float | None = None) -> None: ...
    def later(self: Any, *, penalty: str = "deprecated", C: float = 1.0, l1_ratio: float = 0.0) -> None: ...

    given = {"C": 2.0, "l1_ratio": ratio}
    assert as_installed(type("LogisticRegression", (), {"__init__": former}), given) == {"C": 2.0, **penalty}
    assert as_installed(type("LogisticRegression", (), {"__init__": later}), given) == given
    assert as_installed(type("SGDClassifier", (), {"__init__": former}), given) == given


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_share_of_the_lasso_penalty_is_what_is_fitted_whatever_the_release() -> None:
    """The lasso leaves out what ridge only shrinks."""
    generator = np.random.default_rng(0)
    rows, labels = generator.normal(size=(80, 12)), generator.integers(0, 2, 80)
    left_out = []
    for ratio in (0.0, 0.5, 1.0):
        classifier = build("logreg", l1_ratio=ratio, solver="saga", c=0.2).named_steps["classifier"]
        left_out.append(int((classifier.fit(rows, labels).coef_ == 0).sum()))
    assert left_out[0] == 0 < left_out[1] < left_out[2]
