"""From records to sheets: which columns there are, in which order, and that no value is lost on the way."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import timedelta

from expctl.analysis.ranking import rank
from expctl.data_issues import DATA_ISSUES
from expctl.records import Tag
from expctl.render.formats import as_csv, as_json, plain_table
from expctl.render.sheet import FIRST_TO_GO, Setting, Size
from expctl.render.views import metric_rows, ranking_sheet, run_sheet, runs_sheet, trained_sheet
from tests.render.run_records import keys, run


def params(**changes: str) -> dict[str, str]:
    return {"model": "logreg", "c": "1.0", "max_features": "5000", **changes}


USUAL = ["run_id", "name", "status", "started", "f1_score", "accuracy"]


def test_the_list_shows_the_parameters_in_which_its_runs_differ() -> None:
    """What people chose is what they look for; what is the same in all rows is noise."""
    sheet = runs_sheet([run(1), run(2, params=params(c="0.1"))], columns=None, total=7)
    assert keys(sheet) == [*USUAL, "c"]
    assert [row[-1] for row in sheet.rows] == [1.0, 0.1]
    assert (sheet.kind, sheet.total, list(sheet.ids)) == ("runs", 7, ["00000001" * 4, "00000002" * 4])


def test_the_list_leaves_out_what_follows_from_the_data() -> None:
    """Hash and row counts differ whenever the data does, and would crowd out what was chosen."""
    follows = {
        "data_hash": "a",
        "dataset_size": "9",
        "train_rows": "7",
        "test_rows": "2",
        "test_data_hash": "b",
        **dict.fromkeys(DATA_ISSUES, "1"),
    }
    runs = [
        run(1, params=params()),
        run(2, params=params(**follows)),
        run(3, params=params(**dict.fromkeys(follows, "z"))),
    ]
    assert keys(runs_sheet(runs, columns=None, total=3)) == USUAL


def test_a_list_of_one_run_or_none_has_the_usual_columns() -> None:
    assert keys(runs_sheet([run()], columns=None, total=1)) == USUAL
    assert keys(runs_sheet([], columns=None, total=0)) == USUAL


def test_asked_columns_come_in_their_order_and_a_repeated_one_once() -> None:
    sheet = runs_sheet([run()], columns=["c", "id", "duration", "c", "nothing"], total=1)
    assert keys(sheet) == ["c", "run_id", "duration", "nothing"]
    assert list(sheet.rows[0]) == [1.0, "00000001" * 4, timedelta(seconds=3), None]


def test_columns_with_one_short_name_keep_their_full_ones() -> None:
    """Autologging writes a parameter and a metric of one name: in JSON the second would replace the first."""
    one = run(params=params(score="5"), metrics={"score": 0.7}, tags={"score": "high"})
    sheet = runs_sheet([one], columns=["params.score", "metrics.score", "tags.score", "accuracy"], total=1)
    assert json.loads(as_json(sheet))["rows"] == [
        {"params.score": 5, "metrics.score": 0.7, "tags.score": "high", "accuracy": None}
    ]


def test_a_parameter_called_name_does_not_hide_the_run_s_name() -> None:
    """Other people's runs log what they like."""
    runs = [run(1, params=params(name="a", rank="x")), run(2, params=params(name="b", rank="y"))]
    assert keys(runs_sheet(runs, columns=None, total=2)) == [*USUAL, "params.name", "rank"]
    ranked = ranking_sheet(rank(runs, "f1_score"))
    assert len(set(keys(ranked))) == len(keys(ranked))
    first = json.loads(as_json(ranked))["rows"][0]
    assert (first["rank"], first["name"], first["params.name"], first["params.rank"]) == (1, "run-2", "b", "y")


def test_a_column_called_section_makes_no_sections() -> None:
    """A parameter, or a column of somebody's CSV, may be called so: its rows must not fold into an object."""
    runs = [run(i, params=params(section="intro")) for i in (1, 2, 3)]
    sheet = runs_sheet(runs, columns=["section", "name"], total=3)
    assert json.loads(as_json(sheet))["rows"] == [{"section": "intro", "name": f"run-{i}"} for i in (1, 2, 3)]


def test_parameters_are_shown_as_written_and_metrics_rounded() -> None:
    """c=0.00001 was typed; 0.8810000001 was measured."""
    one = run(params=params(c="1e-05", note="007"), metrics={"f1_score": 0.8810000001})
    sheet = runs_sheet([one], columns=["c", "params.c", "note", "f1_score", "metrics.f1_score"], total=1)
    assert [type(cell) for cell in sheet.rows[0]] == [Setting, Setting, str, float, float]
    assert plain_table(sheet).splitlines()[1].split() == ["1e-05", "1e-05", "007", "0.8810", "0.8810"]


def test_a_parameter_is_shown_shortly_and_as_one_types_it_and_exact_to_programs() -> None:
    """`-p class_weight=none` is logged as None; a sampler's c has 16 digits."""
    runs = [
        run(1, params=params(c="0.5611516415334505", w="None")),
        run(2, name="None", params=params(c="10.0", w="x")),
    ]
    sheet = runs_sheet(runs, columns=["name", "c", "w"], total=2)
    assert [line.split() for line in plain_table(sheet).splitlines()[1:]] == [
        *(["run-1", "0.5612", "none"], ["None", "10.0", "x"]),
    ]
    assert [(row["c"], row["w"]) for row in json.loads(as_json(sheet))["rows"]] == [
        *((0.5611516415334505, "None"), (10.0, "x")),
    ]
    assert as_csv(sheet, formulas="escape").splitlines()[1] == "run-1,0.5611516415334505,None"
    shown = plain_table(run_sheet(runs[0], command=None, artifacts=[]))
    assert "0.5611516415334505" in shown  # of one run, whole
    assert " none" in shown


def test_on_a_narrow_terminal_a_metric_of_each_program_stays_and_parameters_come_before_the_rest() -> None:
    ours = run(1, metrics={"f1_score": 0.9, "accuracy": 0.8}, params=params(c="1"))
    other = run(2, metrics={"loss": 0.9, "wer": 0.8}, params=params(c="2"))
    sheet = runs_sheet([ours, other], columns=None, total=2)
    spare = {column.key: column.spare for column in sheet.columns}
    assert spare == {
        **{"run_id": 0, "name": 0, "status": 0, "started": 0},
        **{"f1_score": 0, "accuracy": FIRST_TO_GO, "loss": 0, "wer": FIRST_TO_GO, "c": 1},
    }
    assert not any(column.spare for column in runs_sheet([ours, other], columns=None, total=2, wide=True).columns)
    vary = ["run_id", "name", "params.c", "metrics.loss"]
    assert [one.spare for one in runs_sheet([ours, other], columns=vary, total=2, named=False).columns] == [0, 0, 1, 1]
    assert [one.spare for one in runs_sheet([ours, other], columns=vary, total=2).columns] == [0, 0, 0, 0]


def test_columns_of_numbers_are_aligned_as_numbers_and_mixed_ones_as_text() -> None:
    runs = [run(1, params={"a": "1", "b": "1", "c": "True"}), run(2, params={"a": "2.5", "b": "x"})]
    kinds = {column.key: column.kind for column in runs_sheet(runs, columns=["a", "b", "c", "d"], total=2).columns}
    assert kinds == {"a": "number", "b": "text", "c": "text", "d": "text"}


def test_the_ranking_has_places_the_metric_with_its_limits_and_what_varies() -> None:
    metrics = {"mcc": 0.7, "mcc_low": 0.6, "mcc_high": 0.8, "f1_score": 0.9, "fit_seconds": 1.0}
    runs = [run(1, metrics=metrics), run(2, metrics={"mcc": 0.75}, params=params(c="0.1", model="ridge"))]
    sheet = ranking_sheet(rank(runs, "mcc"))
    assert keys(sheet) == ["rank", "run_id", "name", "mcc", "mcc_low", "mcc_high", "f1_score", "model", "c", "started"]
    assert [list(row[:9]) for row in sheet.rows] == [
        [1, "00000002" * 4, "run-2", 0.75, None, None, None, "ridge", 0.1],
        [2, "00000001" * 4, "run-1", 0.7, 0.6, 0.8, 0.9, "logreg", 1.0],
    ]
    assert list(sheet.ids) == ["00000002" * 4, "00000001" * 4]


def test_counts_of_a_sweep_are_whole_numbers() -> None:
    sheet = run_sheet(run(metrics={"trials_finished": 5.0, "trials_failed": 0.0}), command=None, artifacts=[])
    lines = [line.split() for line in plain_table(sheet).splitlines() if line.startswith("trials_")]
    assert sorted(lines) == [["trials_failed", "0"], ["trials_finished", "5"]]


def test_metrics_come_in_the_order_of_the_table_with_limits_and_folds_beside_them() -> None:
    """Limits, means and deviations say how sure a metric is: they belong to its row, not below it."""
    one = run(
        metrics={
            "zebra": 1.0,
            "f1_score": 0.88,
            "accuracy": 0.89,
            "accuracy_low": 0.87,
            "accuracy_high": 0.91,
            "cv_accuracy": 0.9,
            "cv_accuracy_mean": 0.88,
            "cv_accuracy_std": 0.01,
            "apple": math.nan,
        }
    )
    rows = metric_rows(one)
    assert [row[1] for row in rows] == ["accuracy", "f1_score", "apple", "zebra"]
    assert rows[0] == ["metrics", "accuracy", 0.89, 0.87, 0.91, 0.88, 0.01]
    assert rows[1] == ["metrics", "f1_score", 0.88, None, None, None, None]


def test_a_trained_run_shows_its_limits_and_cross_validation_only_if_it_has_them() -> None:
    plain = trained_sheet(run(metrics={"accuracy": 0.89}))
    assert plain_table(plain) == ("run: run-1\nrun_id: " + "00000001" * 4 + "\n\nmetric     value\naccuracy  0.8900\n")
    both = {"accuracy": 0.89, "accuracy_low": 0.87, "accuracy_high": 0.91}
    folds = {"cv_accuracy": 0.9, "cv_accuracy_mean": 0.88, "cv_accuracy_std": 0.01}
    assert plain_table(trained_sheet(run(metrics=both))).splitlines()[3:] == [
        "metric     value     low    high",
        "accuracy  0.8900  0.8700  0.9100",
    ]
    assert plain_table(trained_sheet(run(metrics={**both, **folds}))).splitlines()[3:] == [
        "metric     value     low    high  cv_mean  cv_std",
        "accuracy  0.8900  0.8700  0.9100   0.8800  0.0100",
    ]
    document = json.loads(as_json(trained_sheet(run(metrics={**both, **folds}))))
    assert document["metrics"]["accuracy"] == {
        **{"value": 0.89, "low": 0.87, "high": 0.91},
        **{"cv_mean": 0.88, "cv_std": 0.01},
    }
    assert list(trained_sheet(run()).ids) == ["00000001" * 4]


def test_show_has_every_part_of_a_run_once() -> None:
    """`show` is the whole truth: a parameter that no section took would be gone."""
    one = run(
        status="failed",
        params=params(
            data_path="d.csv", data_hash="ab", test_data_path="t.csv", train_rows="8", test_rows="2", zero="0"
        ),
        tags={
            **{"team": "nlp", "python": "3.11", Tag.HOST: "here", Tag.VERSION: "0.1", Tag.REASON: "it broke"},
            **{Tag.NOTE: "a note", Tag.WARNINGS: '["slow", "odd"]', "mlflow.user": "me", "git_commit": "abc"},
        },
        artifact_uri="file:///a",
    )
    sheet = run_sheet(
        replace(one, experiment="exp"), command="expctl train", artifacts=[("model", None), ("p.parquet", 1234)]
    )
    document = json.loads(as_json(sheet))
    assert document["run"] == {
        **{"run_id": "00000001" * 4, "name": "run-1", "status": "failed", "experiment": "exp"},
        **{"started": "2025-06-01T12:01:00.000Z", "duration": 3.0, "reason": "it broke", "note": "a note"},
        **{"artifact_uri": "file:///a", "command": "expctl train"},
    }
    assert document["parameters"] == {"model": "logreg", "c": 1.0, "max_features": 5000, "zero": 0}
    assert document["data"] == {
        **{"data_path": "d.csv", "data_hash": "ab", "test_data_path": "t.csv", "train_rows": 8, "test_rows": 2}
    }
    assert document["tags"] == {"team": "nlp", "git_commit": "abc"}
    assert document["environment"] == {"python": "3.11", Tag.VERSION: "0.1", Tag.HOST: "here"}
    assert document["warnings"] == {"1": "slow", "2": "odd"}
    assert document["artifacts"] == {"model": None, "p.parquet": 1234}
    assert [type(row[2]) for row in sheet.rows if row[1] == "p.parquet"] == [Size]
