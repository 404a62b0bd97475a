"""The tables of the topics are those of the code."""

from __future__ import annotations

import re

import pytest

from expctl.data_issues import DATA_ISSUES
from expctl.errors import MEANINGS
from expctl.metrics import METRICS
from expctl.settings import VARIABLES, Settings
from expctl.training.models.families import FAMILIES
from expctl.training.models.features import FEATURES
from expctl.training.models.regressors import REGRESSORS
from expctl.training.search.samplers import SAMPLERS
from tests.docs.pages import README, TOPICS, Page, topic


def test_every_sampler_is_documented():
    table = topic("sweeps").text.split("| `--sampler` | tries |")[1]
    rows = re.findall(r"^\| `(\w+)` \| ([^|`]+?)(?:; needs `(\w+)`)? \|$", table, re.M)
    assert rows == [(name, one.help, one.needs or "") for name, one in SAMPLERS.items()]


@pytest.mark.parametrize("page", [README, topic("exit-codes")], ids=lambda page: page.name)
def test_the_exit_codes_are_the_documented_ones(page: Page):
    table = re.findall(r"^\| (\d+) \| ([^|]+) \|$", page.text, re.M)
    assert [(int(code), meaning) for code, meaning in table] == [
        (code.value, words) for code, words in MEANINGS.items()
    ]


def test_every_family_and_parameter_is_documented_with_its_default():
    for name, family in (*FAMILIES.items(), *REGRESSORS.items()):
        row = re.search(rf"^\| `{name}` \| `{family.path.split(':')[1]}`: .* \| (.*) \|$", topic("models").text, re.M)
        assert row is not None, name
        assert [pair.split("=")[0] for pair in row[1].split(", ")] == [p.key for p in family.parameters]
        for pair in row[1].split(", "):
            key, _, text = pair.partition("=")
            assert family.by_key[key].read(text) == family.by_key[key].default, key


def test_every_feature_parameter_and_metric_is_documented():
    for parameter in FEATURES.values():
        text = re.search(rf"`{parameter.key}=([^`]*)`", topic("models").text)
        assert text is not None, parameter.key
        assert parameter.read(text[1]) == parameter.default
    for metric in METRICS:
        assert f"`{metric}`" in topic("runs").text


def test_every_setting_is_documented_with_its_default():
    for name, variable in VARIABLES.items():
        row = re.search(rf"^\| `{variable}` \|.*\|$", topic("settings").text, re.M)
        assert row is not None, variable
        default = getattr(Settings(), name)
        assert not default or f"`{default}`" in row[0]


def test_every_filter_that_is_shown_can_be_read():
    from expctl.filters.parse import parse

    shown = [text for page in (README, *TOPICS) for text in re.findall(r'--filter "(.+?)"', page.text)]
    shown += re.findall(r'"((?:stage|random_state|c) .+?)"', "".join(page.text for page in TOPICS))
    assert len(shown) >= 12
    for text in shown:
        parse(text)


def test_what_is_said_of_names_and_columns_is_the_code_s():
    from expctl.analysis.columns import AGGREGATES
    from expctl.compat import REVISIONS
    from expctl.filters.resolve import known_field
    from expctl.records import STATUSES

    filters = topic("filters").text
    names = re.search(r"an attribute \((.*?)\), else", filters)
    assert names is not None
    for name in re.findall(r"`(\w+)`", names[1]):
        field = known_field(name, lambda key: ())
        assert field is not None
        assert field.space == "attributes", name
    assert [word for word in STATUSES if f"`{word}`" not in filters] == []
    assert [function for function in AGGREGATES if f"{function}(" not in topic("listing").text] == []
    assert [release for release in REVISIONS.values() if release not in topic("mlflow").text] == []


def test_every_check_of_the_data_is_documented():
    table = topic("data").text.split("| parameter | counts |")[1].split("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \| (.+) \|$", table, re.M) == [
        (key, check.counts) for key, check in DATA_ISSUES.items()
    ]


def _of_the_file() -> list[str]:
    """The Python of the topic that reads and writes predictions.parquet; the other lines call log_predictions."""
    return [block for block in topic("predictions").blocks("python") if "log_predictions" not in block]


def test_the_documented_hashes_are_those_of_the_code():
    from expctl.training.data.dataset import fingerprint
    from expctl.training.data.rows import text_hashes

    page = topic("predictions")
    texts, labels = ["a great film", "an awful meal"], ["positive", "negative"]
    known: dict[str, object] = {}
    exec(_of_the_file()[0], known)
    assert known["text_hash"](texts[0]) == text_hashes(texts)[0].decode()
    assert known["fingerprint"](texts, labels) == fingerprint(text_hashes(texts), labels)
    for value in (known["text_hash"](texts[0]), known["fingerprint"](texts, labels)):
        assert f"`{value}`" in page.text


def test_predictions_written_as_documented_are_read_as_they_were_meant(tmp_path):
    from expctl.tracking.runs.predictions import predictions_in

    known: dict[str, object] = {}
    for block in _of_the_file()[:2]:
        exec(block, known)
    path = tmp_path / "predictions.parquet"
    texts, scores = ["a great film", "an awful meal", "a film"], [[0.1, 0.9], [0.8, 0.2], [0.6, 0.4]]
    known["write_predictions"](path, texts, ["good", "bad", "good"], ["good", "bad", "bad"], scores, ["bad", "good"])
    read = predictions_in(path.read_bytes())
    assert [read.classes[code] for code in read.labels] == ["good", "bad", "good"]
    assert [read.classes[code] for code in read.predicted] == ["good", "bad", "bad"]
    assert read.scores.tolist() == scores
    assert (read.score_kind, read.score_classes) == ("probability", ["bad", "good"])
    assert read.keys.tolist() == [known["text_hash"](text).encode() for text in texts]


def test_predictions_that_expctl_writes_have_the_documented_columns(cli, small):
    import io

    import pyarrow.parquet as pq

    from tests.tracking.recorded import store_of

    run_id = cli("train", "--data", "small.csv", "--format", "id").stdout.strip()
    store = store_of(small.parent)
    run = store.get(run_id)
    table = pq.read_table(io.BytesIO(store.read_artifact(run, "predictions.parquet")))
    documented = re.findall(r"^\| `(\w+)` \| .* \| .* \|$", topic("predictions").text, re.M)
    assert table.column_names == documented
    known: dict[str, object] = {}
    exec(_of_the_file()[0], known)
    lines = small.read_text().splitlines()
    texts = [lines[row + 1].rpartition(",")[0].strip('"') for row in table["row"].to_pylist()]
    assert [known["text_hash"](text) for text in texts] == table["text_hash"].to_pylist()
    assert known["fingerprint"](texts, table["label"].to_pylist()) == run.test_set


def test_runs_of_another_program_that_writes_the_documented_files_are_compared(cli, folder):
    import json

    from tests.tracking.recorded import store_of

    known: dict[str, object] = {}
    for block in _of_the_file()[:2]:
        exec(block, known)
    store = store_of(folder)
    texts = [f"review number {i}" for i in range(200)]
    labels = ["good" if i % 2 else "bad" for i in range(200)]
    for name, wrong in (("sure", 5), ("unsure", 60)):
        predicted = [("bad" if one == "good" else "good") if i < wrong else one for i, one in enumerate(labels)]
        scores = [[0.2, 0.8] if one == "good" else [0.8, 0.2] for one in predicted]
        known["write_predictions"](folder / "predictions.parquet", texts, labels, predicted, scores, ["bad", "good"])
        run_id = store.client.create_run(store.ensure_experiment(), run_name=name).info.run_id
        store.client.log_artifact(run_id, str(folder / "predictions.parquet"))
        store.client.set_tag(run_id, "expctl.test_set", known["fingerprint"](texts, labels))
        store.client.log_metric(run_id, "accuracy", 1 - wrong / 200)
        store.client.set_terminated(run_id)
    compared = json.loads(cli("compare", "unsure", "sure", "--format", "json").stdout)
    assert (compared["same_test_set"], compared["metrics"]["accuracy"]["verdict"]) == (True, "better")
    assert cli("gate", "sure", "--baseline", "unsure", "--metric", "accuracy").exit_code == 0
    assert cli("gate", "unsure", "--baseline", "sure", "--metric", "accuracy").exit_code == 1
