"""How a run is told: every form of reference, and every way in which one can be wrong. Nothing is picked silently."""

from __future__ import annotations

import pytest

from expctl.errors import RunNotFound
from expctl.filters.expression import EVERY_RUN
from expctl.filters.parse import FilterError
from expctl.records import RunRecord
from expctl.tracking.runs.references import best_run, is_set, resolve, resolve_set
from tests.tracking.recorded import store_of


@pytest.fixture
def store(runs):
    """Four runs, oldest first: weak, strong, bayes, broken (failed)."""
    return store_of(runs)


@pytest.fixture
def make(folder):
    """A function that makes an empty run of this name, id and age in an otherwise empty store; and the store."""
    import sqlite3

    store = store_of(folder)
    experiment = store.ensure_experiment()

    def made(name: str, run_id: str | None = None, **metrics: float) -> str:
        run = store.client.create_run(experiment, run_name=name)
        for key, value in metrics.items():
            store.client.log_metric(run.info.run_id, key, value)
        store.client.set_terminated(run.info.run_id)
        if run_id is None:
            return str(run.info.run_id)
        with sqlite3.connect(folder / "mlflow.db") as database:
            for table in ("runs", "tags", "metrics", "latest_metrics"):
                database.execute(f"UPDATE {table} SET run_uuid = ? WHERE run_uuid = ?", (run_id, run.info.run_id))
        database.close()
        return run_id

    made.store = store
    return made


def named(store, reference: str) -> str:
    found = resolve(store, reference)
    assert isinstance(found, RunRecord)
    return found.name


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("weak", "weak"), ("strong", "strong"), ("broken", "broken"),
        ("latest", "broken"), ("latest~0", "broken"), ("latest~1", "bayes"), ("latest~3", "weak"),
        ("best", "strong"), ("best:f1_score", "strong"), ("best:log_loss", "strong"),
    ],
)  # fmt: skip
def test_a_reference_by_name_age_or_rank_means_its_run(store, reference, name):
    assert named(store, reference) == name


def test_best_takes_the_direction_of_its_metric(store):
    losses = {run.name: run.metrics["log_loss"] for run in store.find() if "log_loss" in run.metrics}
    assert named(store, "best:log_loss") == min(losses, key=losses.get)
    assert best_run(store, "log_loss").name == min(losses, key=losses.get)


def test_a_full_id_and_the_start_of_one_mean_their_run(store):
    for run in store.find():
        assert resolve(store, run.run_id) == run
        assert resolve(store, run.run_id[:8]) == run
    with pytest.raises(RunNotFound):
        resolve(store, run.run_id[:3])  # too short to mean anything


def test_a_full_id_is_found_in_any_experiment_and_a_name_in_its_own(store, runs):
    other = store_of(runs, experiment="other")
    run = resolve(store, "strong")
    assert resolve(other, run.run_id) == run
    for reference in ("strong", run.run_id[:8], "latest", "best"):
        with pytest.raises(RunNotFound):
            resolve(other, reference)


def test_registered_versions_and_aliases_mean_the_run_that_made_them(store):
    run = resolve(store, "strong")
    store.client.create_registered_model("reviews")
    version = store.client.create_model_version("reviews", f"runs:/{run.run_id}/model", run.run_id)
    store.client.set_registered_model_alias("reviews", "champion", version.version)
    for reference in ("reviews@champion", "models:/reviews@champion", "models:/reviews/1"):
        assert resolve(store, reference) == run
    for reference, word in (
        ("reviews@nobody", "nobody"),
        ("models:/reviews/2", "version=2"),
        ("models:/nothing/1", "nothing"),
        ("nothing@champion", "nothing"),
    ):
        with pytest.raises(RunNotFound, match=word):
            resolve(store, reference)


def test_a_registered_version_that_no_run_made_is_told(store):
    store.client.create_registered_model("strays")
    store.client.create_model_version("strays", "/tmp/anywhere")
    with pytest.raises(RunNotFound, match="version 1 of model 'strays' was not made by a run"):
        resolve(store, "models:/strays/1")


@pytest.mark.parametrize(
    "reference",
    [
        "nobody", "", " ", "a/b", "../x", "it's", 'say "no"', "'\"", "%", "_", "a;b", "a\nb", "\x00",
        "\\",
        "(" * 200, "x" * 10_000, "latest~99", "latest~-1", "latest~", "latest ", "best:", "models:/x",
        "models:/x/", "@x", "x@", "0" * 32, "0123", "DEADBEEF", "None", "日本", "\udcff", "x\udcff*",
    ],
    ids=lambda reference: repr(reference)[:30],
)  # fmt: skip
def test_what_means_no_run_is_not_found_and_says_what_to_type(store, reference):
    with pytest.raises(RunNotFound) as raised:
        resolve(store, reference)
    assert "expctl list" in raised.value.hint or raised.value.hint == "expctl experiments"


def test_a_start_of_an_id_that_is_too_short_and_a_metric_that_no_run_has_say_what_would_do(store):
    with pytest.raises(RunNotFound, match="no run is called '7cb' in experiment 'expctl'") as raised:
        resolve(store, "7cb")
    assert raised.value.hint == "the start of an id has 4 characters or more"
    with pytest.raises(RunNotFound, match=r"no finished run has f1_scor, did you mean 'f1_score'\?") as raised:
        resolve(store, "best:f1_scor")
    assert raised.value.hint.startswith("best:METRIC of accuracy, f1_score, ")


@pytest.mark.parametrize(
    ("reference", "where"),
    [("f1_score > > 0.8", 11), ("c = ", 3), ("' or 1=1 --", 0), ("f1_score > [0.8", 11), ("accuracy 'x' = 1", 9)],
)
def test_a_broken_filter_in_place_of_a_run_is_told_with_the_place_where_it_breaks(store, reference, where):
    for find in (resolve, resolve_set):
        with pytest.raises(FilterError) as raised:
            find(store, reference)
        assert raised.value.excerpt == (reference, where)


@pytest.mark.parametrize(
    "name",
    [
        "it's", 'say "no"', "both ' and \"", "''''", "team/alice", "a b", "100%", "under_score", "[red]x", "tab\there",
        "two\nlines", "\x1b[31m", "日本 👍", "x@y", "models:/x/y", "-v", "--", "DEADBEEF", "latest ", "best run",
        "' or 1=1 --",
    ],
    ids=repr,
)  # fmt: skip
def test_a_name_of_any_characters_finds_its_run_and_no_other(make, name):
    make("other")
    make(name.replace("'", "").replace("_", "x") + "!")
    wanted = make(name)
    assert resolve(make.store, name).run_id == wanted


def test_a_name_given_twice_is_ambiguous_and_lists_both(make):
    ids = {make("twin"), make("twin")}
    with pytest.raises(RunNotFound) as raised:
        resolve(make.store, "twin")
    assert raised.value.message.startswith("'twin' matches several runs: ")
    assert all(f"{run_id[:8]} (twin)" in raised.value.message for run_id in ids)
    assert raised.value.hint == "use more of the id"


def test_a_start_that_fits_several_ids_is_ambiguous_and_lists_them(make):
    make("one", "abcd" + "1" * 28)
    make("two", "abcd" + "2" * 28)
    with pytest.raises(RunNotFound) as raised:
        resolve(make.store, "abcd")
    assert raised.value.message == "'abcd' matches several runs: abcd2222 (two), abcd1111 (one)"
    assert resolve(make.store, "abcd1").name == "one"


def test_of_many_candidates_five_are_listed(make):
    for _ in range(7):
        make("same")
    with pytest.raises(RunNotFound) as raised:
        resolve(make.store, "same")
    assert raised.value.message.count("(same)") == 5
    assert raised.value.message.endswith(", ...")


def test_a_name_that_reads_like_the_start_of_another_runs_id_is_ambiguous(make):
    make("something", "beef" + "0" * 28)
    assert resolve(make.store, "beef").name == "something"
    make("beef", "1" * 32)
    with pytest.raises(RunNotFound, match=r"matches several runs: 11111111 \(beef\), beef0000 \(something\)"):
        resolve(make.store, "beef")
    assert resolve(make.store, "beef0").name == "something"


def test_a_name_that_is_the_start_of_its_own_id_is_not_ambiguous(make):
    wanted = make("cafe", "cafe" + "0" * 28)
    assert resolve(make.store, "cafe").run_id == wanted


def test_a_name_goes_before_the_filter_that_it_reads_as(make):
    named, other = make("c=0.1"), make("plain")
    make.store.client.log_param(other, "c", "0.1")
    assert resolve(make.store, "c=0.1").run_id == named
    assert resolve(make.store, "c = 0.1").run_id == other


def test_a_run_called_latest_or_best_is_ambiguous_unless_it_is(make):
    make("latest", f1_score=0.1)
    assert resolve(make.store, "latest").name == "latest"
    make("newer", f1_score=0.9)
    with pytest.raises(RunNotFound, match=r"\(latest\), [0-9a-f]{8} \(newer\)"):
        resolve(make.store, "latest")
    make("best", f1_score=0.5)
    with pytest.raises(RunNotFound, match=r"\(best\), [0-9a-f]{8} \(newer\)"):
        resolve(make.store, "best")
    assert best_run(make.store, "f1_score").name == "newer"


def test_a_run_called_like_an_alias_leaves_the_registry_s_way_to_say_it(store):
    run = resolve(store, "strong")
    store.client.create_registered_model("reviews")
    version = store.client.create_model_version("reviews", f"runs:/{run.run_id}/model", run.run_id)
    store.client.set_registered_model_alias("reviews", "champion", version.version)
    store.client.set_tag(resolve(store, "weak").run_id, "mlflow.runName", "reviews@champion")
    with pytest.raises(RunNotFound, match="matches several runs") as raised:
        resolve(store, "reviews@champion")
    assert raised.value.hint == "use the id, or models:/reviews@champion for the registry's"
    assert resolve(store, "models:/reviews@champion") == run


def test_a_name_is_found_where_the_reading_by_its_form_finds_nothing(make):
    for name in ("best:nothing", "latest~9", "model@alias"):
        make(name)
        assert resolve(make.store, name).name == name


def test_a_full_id_wins_over_a_run_that_took_it_as_its_name(make):
    wanted = make("something")
    make(wanted)
    assert resolve(make.store, wanted).name == "something"
    made = make("f" * 32)
    assert resolve(make.store, "f" * 32).run_id == made


def test_a_deleted_run_is_found_by_its_id_alone(store):
    run = resolve(store, "strong")
    store.client.delete_run(run.run_id)
    assert resolve(store, run.run_id).deleted
    for reference in ("strong", run.run_id[:8]):
        with pytest.raises(RunNotFound, match=rf"^run strong \({run.run_id[:8]}\) has been deleted$") as raised:
            resolve(store, reference)
        assert raised.value.hint == f"expctl restore {run.run_id}"
    assert resolve(store, "best").name != "strong"


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("*", ["bayes", "strong", "weak"]),
        ("*a*", ["bayes", "weak"]),
        ("w?ak", ["weak"]),
        ("[sw]*", ["strong", "weak"]),
        ("s*", ["strong"]),
        ("_*", None),
        ("c >= 1", ["strong"]),
        ("has metrics.f1_score", ["bayes", "strong", "weak"]),
        ("not params.model = 'logreg'", ["bayes"]),
        ("team IN ('nlp', 'web')", ["bayes", "strong"]),
        ("params.c is null", ["bayes"]),
        ("name like 'w%'", ["weak"]),
        ("status = failed", None),
        ("weak", ["weak"]),
        ("broken", ["broken"]),  # one run by its name, finished or not
    ],
)
def test_a_set_is_every_finished_run_that_a_glob_or_a_filter_fits(store, reference, found):
    if found is None:
        with pytest.raises(RunNotFound) as raised:
            resolve_set(store, reference)
        assert raised.value.message == f"no finished run matches {reference!r}"
        assert raised.value.hint == "expctl list"
    else:
        assert [run.name for run in resolve_set(store, reference)] == found


def test_a_set_may_be_looked_for_among_other_runs_than_the_finished(store):
    assert [run.name for run in resolve_set(store, "b*", among=EVERY_RUN)] == ["broken", "bayes"]
    with pytest.raises(RunNotFound, match=r"^no run matches 'x\*'$"):
        resolve_set(store, "x*", among=EVERY_RUN)


def test_what_reads_like_a_set_and_is_a_run_s_name_is_that_run(make):
    for name in ("a*", "c = 1", "a[1]"):
        assert is_set(make.store, name)
        made = make(name)
        assert not is_set(make.store, name)
        assert [run.run_id for run in resolve_set(make.store, name)] == [made]
    for reference in ("latest", "c is", "x = ", "a plain name", "has"):
        assert not is_set(make.store, reference)
