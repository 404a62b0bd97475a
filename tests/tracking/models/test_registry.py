"""The model registry: names and aliases that MLflow takes, versions of runs, and aliases that move or say why not."""

from __future__ import annotations

import json

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.tracking._model_registry.client import ModelRegistryClient

from expctl.errors import RunNotFound, StoreError, UsageError
from expctl.tracking.models import registry
from expctl.tracking.models.registry import Registered, Version
from tests.tracking.recorded import model_folder, store_of


@pytest.fixture
def store(runs):
    """Four runs, oldest first: weak, strong, bayes, broken (failed)."""
    return store_of(runs)


def run_of(store, name: str):
    return store.find(f"name = '{name}'")[0]


def held(store, name: str = "reviews"):
    """What is registered: the run of each version by name, and the aliases."""
    model = registry.read(store, name)
    return {number: store.get(one.run_id).name for number, one in model.versions.items()}, dict(model.aliases)


@pytest.mark.parametrize(
    "name",
    ["", " ", "a/b", "a:b", "a@b", "a?b", "..", ".a", "-a", "tab\there", "x" * 251, "\udcff", "\u202e"],
    ids=repr,
)
def test_a_name_that_cannot_be_registered_or_written_is_refused(name):
    with pytest.raises(UsageError, match=r"no / : @ \?"):
        registry.check_name(name)


@pytest.mark.parametrize("alias", ["", "latest", "LATEST", "v1", "V22", "a b", "a.b", "-a", "x" * 251], ids=repr)
def test_an_alias_that_mlflow_refuses_is_refused(alias):
    with pytest.raises(UsageError, match="letters, digits, _ and - only"):
        registry.check_alias(alias)


def test_any_other_name_and_alias_is_taken():
    for name in ("reviews", "it's", "日本 👍", "x" * 250, "a.b-c"):
        registry.check_name(name)
    for alias in ("champion", "v1a", "v", "a_b-c", "x" * 250):
        registry.check_alias(alias)


VERSIONS = {2: Version(2, "b" * 32, {}), 1: Version(1, None, {})}
MODEL = Registered("reviews", VERSIONS, {"champion": 2, "best": 2, "old": 1})


def test_aliases_are_known_by_their_version_and_versions_by_their_alias():
    assert (MODEL.aliases_of(2), MODEL.aliases_of(3)) == (["best", "champion"], [])
    assert MODEL.version_of("old") == 1


def test_an_alias_that_is_not_there_is_told_with_the_closest():
    with pytest.raises(RunNotFound, match="has no alias 'champoin', did you mean 'champion'") as caught:
        MODEL.version_of("champoin")
    assert caught.value.hint == "expctl promote --list reviews"


def test_under_a_name_that_is_not_registered_there_is_nothing(store):
    assert registry.read(store, "reviews") == Registered("reviews", {}, {}, exists=False)
    with pytest.raises(RunNotFound, match=r"no model 'reviews' is registered$"):
        registry.known(store, "reviews")


@pytest.mark.parametrize("name", ["it's", "both ' and \"", "日本 👍", "[red]x", "100%", "a b", "a#b"])
def test_a_name_of_any_characters_is_found_again_and_no_other(store, name):
    run = run_of(store, "strong")
    assert registry.register(store, run, registry.read(store, name), {"why": "so"}) == 1
    registry.register(store, run_of(store, "weak"), registry.read(store, "other"), {})
    registry.point_alias(store, name, "champion", 1, {})
    model = registry.known(store, name)
    assert [(one.number, one.run_id, one.tags["why"]) for one in model.versions.values()] == [(1, run.run_id, "so")]
    assert model.aliases == {"champion": 1}
    with pytest.raises(RunNotFound, match="did you mean"):
        registry.known(store, f"{name}x")


def test_versions_come_newest_first_and_their_runs_are_found_though_deleted(store):
    for name in ("weak", "strong"):
        registry.register(store, run_of(store, name), registry.read(store, "reviews"), {})
    store.client.create_model_version("reviews", str(model_folder(run_of(store, "weak"))))
    weak = run_of(store, "weak")
    store.client.delete_run(weak.run_id)
    model = registry.known(store, "reviews")
    assert list(model.versions) == [3, 2, 1]
    found = registry.runs_of(store, model)
    assert {one.name: one.deleted for one in found.values()} == {"weak": True, "strong": False}
    assert registry.run_of(store, model, 1) == found[weak.run_id]
    assert registry.run_of(store, model, 3) is None  # which no run made
    assert registry.run_of(store, model, None) is registry.run_of(store, model, 9) is None


def test_of_two_registrations_of_a_run_at_once_one_version_stays(store, monkeypatch):
    real = MlflowClient.create_model_version

    def overtaken(client: MlflowClient, *given: object, **named: object):
        real(client, *given, **named)
        return real(client, *given, **named)

    monkeypatch.setattr(MlflowClient, "create_model_version", overtaken)
    assert registry.register(store, run_of(store, "strong"), registry.read(store, "reviews"), {"why": "so"}) == 1
    assert held(store) == ({1: "strong"}, {})
    assert registry.read(store, "reviews").versions[1].tags == {"why": "so"}


def test_a_name_that_somebody_makes_in_the_meantime_is_used(store):
    nothing = registry.read(store, "reviews")
    store.client.create_registered_model("reviews")
    assert registry.register(store, run_of(store, "strong"), nothing, {}) == 1


def test_the_logged_model_says_of_which_versions_it_is_as_mlflow_has_it(store):
    import mlflow

    ours, theirs = run_of(store, "strong"), run_of(store, "weak")
    for name in ("reviews", "others"):
        registry.register(store, ours, registry.read(store, name), {})
        mlflow.set_tracking_uri(store.uri)
        mlflow.register_model(f"runs:/{theirs.run_id}/model", name)

    def told(run) -> dict[str, int]:
        (logged,) = store.client.search_logged_models(
            [run.experiment_id], filter_string=f"source_run_id = '{run.run_id}'"
        )
        return {one["name"]: one["version"] for one in json.loads(logged.tags["mlflow.modelVersions"])}

    assert (told(ours), told(theirs)) == ({"reviews": 1, "others": 1}, {"reviews": 2, "others": 2})
    first, second = (store.client.get_model_version("reviews", number) for number in ("1", "2"))
    assert all(one.source.startswith("models:/m-") for one in (first, second))
    assert (first.run_id, second.run_id) == (ours.run_id, theirs.run_id)


def test_the_name_of_a_prompt_is_refused_before_anything_is_registered(store):
    store.client.register_prompt("greeting", "Say hello to {{name}}")
    with pytest.raises(UsageError, match="is one of MLflow's prompts"):
        registry.read(store, "greeting")


def test_an_alias_that_cannot_be_moved_tells_what_is_left_and_how_to_end_it(store, monkeypatch):
    registry.register(store, run_of(store, "weak"), registry.read(store, "reviews"), {})
    registry.point_alias(store, "reviews", "champion", 1, {})
    registry.register(store, run_of(store, "strong"), registry.read(store, "reviews"), {})

    def gone(*given: object) -> None:
        raise MlflowException("the server is gone")

    told = r"version 2 of 'reviews' is registered, but champion .*the server is gone"
    with monkeypatch.context() as patch:
        patch.setattr(ModelRegistryClient, "set_registered_model_alias", gone)
        with pytest.raises(StoreError, match=told) as caught:
            registry.point_alias(store, "reviews", "champion", 2, {})
    assert caught.value.hint == "expctl promote models:/reviews/2 reviews --alias champion"
    assert held(store) == ({2: "strong", 1: "weak"}, {"champion": 1})


def test_an_alias_is_taken_away_once(store):
    registry.register(store, run_of(store, "strong"), registry.read(store, "reviews"), {})
    registry.point_alias(store, "reviews", "champion", 1, {})
    assert registry.remove_alias(store, "reviews", "champion") == 1
    assert held(store) == ({1: "strong"}, {})
    with pytest.raises(RunNotFound, match="has no alias 'champion'"):
        registry.remove_alias(store, "reviews", "champion")
