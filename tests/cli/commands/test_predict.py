"""`expctl predict`: labels for texts, files and streams; the output is whole or not there, and never the input."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import sklearn

from tests.tracking.kinds import local_folder
from tests.tracking.recorded import execute, model_folder, names, settings_of, store_of
from tests.warm import Process

QUIET = ("predict", "--quiet", "--run", "strong")


def refused(done, code: int, *words: str) -> None:
    assert (done.exit_code, done.stdout) == (code, ""), done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("expctl: ")
    for word in words:
        assert word in done.stderr


@pytest.fixture
def many(runs):
    """2,500 rows to predict, with columns of their own beside the text."""
    path = runs / "many.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", "note, with comma"])
        writer.writerows(
            [i, f"the {('film', 'meal')[i % 2]} {i} was {('great', 'awful')[i % 2]}", "=1+1"] for i in range(2500)
        )
    return path


@pytest.mark.every_store
def test_texts_are_labelled_by_the_best_run_which_is_named(cli, runs):
    done = cli("predict", "the film was great and superb", "an awful, dull meal")
    assert done.exit_code == 0
    assert [line.split()[-1] for line in done.stdout.splitlines()] == ["prediction", "positive", "negative"]
    run = store_of(runs).find("attributes.run_name = 'strong'")[0]
    assert done.stderr == (
        f"expctl: model of the best run: strong ({run.run_id[:8]}), f1_score {run.metrics['f1_score']:.4f}\n"
    )
    assert cli("predict", "a film", "--quiet").stderr == ""


def test_a_text_that_is_the_name_of_a_table_is_labelled_and_told(cli, runs):
    done = cli("predict", "--run", "strong", "small.csv", "none.csv", "a film", "/" * 5000 + "x.csv", "-f", "jsonl")
    assert (done.exit_code, len(done.stdout.splitlines())) == (0, 4)
    assert done.stderr.startswith("expctl: small.csv is a file: --input small.csv labels its rows\n")
    assert done.stderr.count("is a file") == 1


def test_a_run_called_best_is_not_taken_for_the_best_run(cli, runs):
    store = store_of(runs)
    run = store.find("attributes.run_name = 'weak'")[0]
    store.client.set_tag(run.run_id, "mlflow.runName", "best")
    store.client.update_run(run.run_id, name="best")
    done = cli("predict", "a fine film")
    assert done.exit_code == 0
    assert "model of the best run: strong" in done.stderr


def test_a_best_run_that_its_name_calls_without_metrics_does_not_matter(cli, runs):
    store = store_of(runs)
    store.client.create_run(store.ensure_experiment(), run_name="best")
    assert cli("predict", "a fine film").exit_code == 0


@pytest.mark.every_store
def test_json_has_the_documented_keys_and_probabilities_add_up(cli, runs):
    done = cli(*QUIET, "a great film", "a dull film", "--proba", "--format", "json")
    document = json.loads(done.stdout)
    assert (document["version"], document["kind"]) == (1, "predictions")
    for row in document["rows"]:
        assert list(row) == ["text", "prediction", "proba_negative", "proba_positive"]
        assert row["proba_negative"] + row["proba_positive"] == pytest.approx(1)
        assert row["prediction"] == max(("negative", "positive"), key=lambda label: row[f"proba_{label}"])


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "tsv", "jsonl", "parquet"])
def test_a_file_keeps_its_columns_and_gains_a_prediction(cli, many, kind):
    frame = pd.read_csv(many)
    path = f"in.{kind}"
    if kind == "jsonl":
        frame.to_json(path, orient="records", lines=True)
    elif kind == "parquet":
        frame.to_parquet(path)
    elif kind == "csv.gz":
        Path(path).write_bytes(gzip.compress(many.read_bytes()))
    else:
        frame.to_csv(path, index=False, sep="\t" if kind == "tsv" else ",")
    done = cli(*QUIET, "--input", path, "--format", "jsonl")
    assert (done.exit_code, done.stderr) == (0, "")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == 2500
    assert list(rows[0]) == ["id", "text", "note, with comma", "prediction"]
    assert [str(row["id"]) for row in rows] == [str(i) for i in range(2500)]
    assert {row["prediction"] for row in rows} == {"positive", "negative"}


def test_pieces_of_a_file_give_what_the_whole_gives(cli, many, monkeypatch):
    whole = cli(*QUIET, "--input", "many.csv", "--proba").stdout
    from expctl.training.data import tables

    parts = tables.chunks
    monkeypatch.setattr(tables, "chunks", lambda *args, **kwargs: parts(*args, **{**kwargs, "rows": 7}))
    assert cli(*QUIET, "--input", "many.csv", "--proba").stdout == whole
    assert len(whole.splitlines()) == 2501


@pytest.mark.parametrize("output", ["out.csv", "out.tsv", "out.jsonl", "out.parquet"])
def test_an_output_file_holds_all_rows(cli, many, output):
    done = cli("predict", "--run", "strong", "--input", "many.csv", "--output", output)
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == f"expctl: 2,500 predictions of strong in {output}\n"
    readers = {
        ".csv": pd.read_csv, ".tsv": lambda path: pd.read_csv(path, sep="\t"),
        ".jsonl": lambda path: pd.read_json(path, lines=True), ".parquet": pd.read_parquet,
    }  # fmt: skip
    frame = readers[Path(output).suffix](output)
    assert len(frame) == 2500
    assert list(frame) == ["id", "text", "note, with comma", "prediction"]
    assert [name for name in names(many.parent) if name.startswith(".out")] == []


def test_an_existing_output_is_replaced_as_a_whole(cli, many):
    Path("out.csv").write_text("old")
    assert cli(*QUIET, "--input", "many.csv", "--output", "out.csv").exit_code == 0
    assert len(Path("out.csv").read_text().splitlines()) == 2501


@pytest.mark.parametrize("way", ["same", "dotted", "link to input", "input is link"])
def test_the_input_is_never_the_output(cli, many, way):
    before = many.read_bytes()
    source, target = "many.csv", {"same": "many.csv", "dotted": "./x/../many.csv"}.get(way, "link.csv")
    if way == "dotted":
        Path("x").mkdir()
    if "link" in way:
        Path("link.csv").symlink_to("many.csv")
    if way == "input is link":
        source, target = target, source
    refused(cli("predict", "--run", "strong", "--input", source, "--output", target), 2, "is the input")
    assert many.read_bytes() == before


def test_a_failure_in_the_middle_leaves_the_old_output_and_nothing_new(cli, many):
    with many.open("a") as file:
        file.write("one,two,three,four\n")
    Path("out.csv").write_text("old")
    before = names(many.parent)
    refused(cli(*QUIET, "--input", "many.csv", "--output", "out.csv"), 5, "line 2502 has 4 fields")
    assert Path("out.csv").read_text() == "old"
    assert names(many.parent) == before


@pytest.mark.parametrize(
    ("words", "code", "word"),
    [
        ([], 2, "give texts, or --input FILE (- is standard input) (try: expctl predict"),
        (["a film", "--input", "many.csv"], 2, "not both"),
        (["a film", "--output", "out.xls"], 2, "unknown extension (use .csv"),
        (["a film", "--output", "nowhere/out.csv"], 2, "cannot write nowhere/out.csv: No such file"),
        (["a film", "--output", "folder.csv"], 2, "folder.csv is a folder"),
        (["a film", "--output", "out.csv", "--format", "csv"], 2, "leave out --format"),
        (["a film", "--format", "id"], 2, "unknown format 'id'"),
        (["a film", "--run", "nobody"], 3, "no run 'nobody'"),
        (["a film", "--run", "broken"], 3, "has no model: it is failed"),
        (["--input", "none.csv"], 5, "no file none.csv"),
        (["--input", "folder.csv"], 5, "folder.csv has no folder with texts of a class"),
        (["--input", "/dev/null"], 5, "/dev/null"),
        (["--input", "many.doc"], 5, "unknown file format"),
        (["--input", "other.csv"], 5, "did you mean 'txt'? (it has id, txt; --text-column names another)"),
        (["--input", "many.csv", "--text-column", "texts"], 5, "did you mean 'text'?"),
        (["--input", "predicted.csv"], 5, "has a column 'prediction' already"),
        (["--input", "empty.csv"], 5, "empty.csv is empty"),
        (["--input", "latin.csv"], 5, "latin.csv: "),
        (["--input", "fifo.csv"], 5, "not a regular file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_predicted_is_one_line(cli, many, words, code, word):
    Path("folder.csv").mkdir()
    Path("other.csv").write_text("id,txt\n1,fine\n")
    Path("predicted.csv").write_text("text,prediction\nfine,x\n")
    Path("empty.csv").touch()
    Path("latin.csv").write_bytes(b"text\ncaf\xe9\n")
    os.mkfifo("fifo.csv")
    before = names(many.parent)
    refused(cli("predict", "--quiet", *([] if "--run" in words else ["--run", "strong"]), *words), code, word)
    assert names(many.parent) == before


def test_a_header_without_rows_is_an_output_without_rows(cli, runs):
    Path("none.csv").write_text("id,text\n")
    done = cli(*QUIET, "--input", "none.csv")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "id,text,prediction\n", "")
    assert cli(*QUIET, "--input", "none.csv", "--proba", "--output", "out.parquet").exit_code == 0
    assert list(pd.read_parquet("out.parquet")) == ["id", "text", "prediction", "proba_negative", "proba_positive"]


def test_another_text_column_can_be_named(cli, runs):
    Path("other.csv").write_text("id,review\n1,a great film\n2,an awful meal\n")
    done = cli(*QUIET, "--input", "other.csv", "--text-column", "review", "--format", "jsonl")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"id": "1", "review": "a great film", "prediction": "positive"},
        {"id": "2", "review": "an awful meal", "prediction": "negative"},
    ]


def test_rows_without_text_get_no_prediction_and_are_counted(cli, runs):
    Path("gaps.csv").write_text("text,id\na great film,1\n,2\n")
    done = cli("predict", "--run", "strong", "--input", "gaps.csv")
    assert done.stdout == "text,id,prediction\na great film,1,positive\n,2,\n"
    assert done.stderr == "expctl: warning: 1 of 2 rows have no text and got no prediction\n"


def test_a_model_without_probabilities_says_so(cli, runs):
    assert cli("train", "--data", "small.csv", "--model", "linear_svm", "--run-name", "svm").exit_code == 0
    refused(cli("predict", "--quiet", "--run", "svm", "a film", "--proba"), 2, "gives no probabilities")


def test_integer_labels_come_back_as_integers(cli, runs):
    text = Path("small.csv").read_text().replace("positive", "1").replace("negative", "0")
    Path("numbers.csv").write_text(text)
    assert cli("train", "--data", "numbers.csv", "--run-name", "numbers").exit_code == 0
    done = cli("predict", "--quiet", "--run", "numbers", "a great film", "--proba", "--format", "jsonl")
    row = json.loads(done.stdout)
    assert row["prediction"] == 1
    assert type(row["prediction"]) is int
    assert {"proba_0", "proba_1"} <= set(row)


def test_formulas_are_tamed_in_csv_and_exact_in_jsonl(cli, many):
    first = next(csv.DictReader(io.StringIO(cli(*QUIET, "--input", "many.csv").stdout)))
    assert first["note, with comma"] == "'=1+1"
    assert json.loads(cli(*QUIET, "-i", "many.csv", "-f", "jsonl").stdout.splitlines()[0])["note, with comma"] == "=1+1"


def test_hostile_texts_stay_on_their_row(cli, runs):
    done = cli(*QUIET, "one\ntwo\x1b[31m", "[red]x[/red]")
    assert len(done.stdout.splitlines()) == 3
    assert "one\\ntwo\\x1b[31m" in done.stdout
    assert "[red]x[/red]" in done.stdout


@pytest.mark.every_store
def test_a_damaged_model_is_refused_with_its_run(cli, runs):
    run = store_of(runs).find("attributes.run_name = 'strong'")[0]
    path = model_folder(run) / "model.skops"
    path.write_bytes(path.read_bytes()[:-1])
    refused(cli(*QUIET, "a film"), 5, f"model of run strong ({run.run_id[:8]})", "has changed since it was recorded")


@pytest.fixture
def foreign(runs):
    """The run `strong`, as if scikit-learn 0.1.2 had made its model."""
    run = store_of(runs).find("attributes.run_name = 'strong'")[0]
    path = model_folder(run) / "MLmodel"
    path.write_text(path.read_text().replace(f"sklearn_version: {sklearn.__version__}", "sklearn_version: 0.1.2"))
    return run


WARNED = (
    f"expctl: warning: trained with scikit-learn 0.1.2, predicting with {sklearn.__version__}: the answers may differ"
    " (--isolated takes the packages of the run)\n"
)


def test_another_scikit_learn_is_warned_of_before_it_answers(cli, foreign):
    done = cli("predict", "--run", "strong", "a film")
    assert (done.exit_code, done.stderr) == (0, WARNED)


def test_a_model_that_another_scikit_learn_made_and_this_cannot_load_is_told(cli, foreign, monkeypatch):
    import skops.io

    def changed(*given: object, **named: object) -> None:
        raise TypeError("unexpected argument 'old_name'")

    monkeypatch.setattr(skops.io, "loads", changed)
    done = cli("predict", "--run", "strong", "a film")
    assert (done.exit_code, done.stdout) == (5, "")
    assert done.stderr == (
        f"{WARNED}expctl: the model of run strong ({foreign.run_id[:8]}) was made with scikit-learn 0.1.2, and"
        f" {sklearn.__version__} cannot load it: TypeError: unexpected argument 'old_name'"
        " (--isolated predicts with the packages it was made with)\n"
    )


def test_a_model_that_answers_otherwise_than_it_did_is_refused_also_in_silence(cli, foreign):
    sample = local_folder(foreign.artifact_uri) / "sample_predictions.csv"
    rows = list(csv.reader(io.StringIO(sample.read_text())))
    rows[1][3] = {"positive": "negative", "negative": "positive"}[rows[1][3]]
    with sample.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    done = cli(*QUIET, "a film")
    refused(done, 5, f"model of run strong ({foreign.run_id[:8]}) was made with scikit-learn 0.1.2", "--isolated")
    assert f"gives 1 of 10 recorded rows another answer under {sklearn.__version__}" in done.stderr


def test_a_model_that_cannot_predict_any_more_is_refused(cli, foreign, monkeypatch):
    from sklearn.linear_model import LogisticRegression

    def renamed(*given: object) -> None:
        raise AttributeError("no attribute 'new_name_'")

    monkeypatch.setattr(LogisticRegression, "predict", renamed)
    refused(cli(*QUIET, "a film"), 5, "AttributeError: no attribute 'new_name_'", "(--isolated predicts with")


@pytest.mark.slow
def test_in_an_environment_of_its_own_it_reads_and_writes_the_same_streams(runs, cli, monkeypatch):
    """With this environment in place of a fresh one, which takes a minute to make."""
    monkeypatch.setattr("expctl.workflows.environments._made", lambda *given: sys.executable)
    lines = Path("lines.csv")
    lines.write_text("text\n-a great film\n")
    with lines.open("rb") as stdin:
        kept = os.dup(0)
        os.dup2(stdin.fileno(), 0)
        try:
            done = cli("predict", "--isolated", "--run", "strong", "-i", "-", "--proba")
        finally:
            os.dup2(kept, 0)
            os.close(kept)
    plain = cli("predict", "--run", "strong", "-i", "lines.csv", "--proba")
    assert (done.exit_code, done.stdout, done.stderr) == (0, plain.stdout, plain.stderr)
    done = cli("predict", "--isolated", "--oov", "-f", "json", "--", "-a great film", "--proba")
    assert [row["text"] for row in json.loads(done.stdout)["rows"]] == ["-a great film", "--proba"]
    assert done.stderr.count("model of the best run: strong") == 1


def test_before_an_environment_is_made_the_words_are_checked(cli, runs, monkeypatch):
    monkeypatch.setattr("expctl.workflows.environments._made", lambda *given: pytest.fail("made"))
    refused(cli("predict", "--isolated", "--run", "strong", "-i", "none.csv"), 5, "no file none.csv")
    refused(cli("predict", "--isolated", "--run", "nobody", "a film"), 3, "no run 'nobody'")


def test_a_file_is_laid_out_as_the_training_data_was_or_as_options_say(cli, folder):
    rows = [f"{i % 7},{i % 5},{3 * (i % 7) - (i % 5)}" for i in range(60)]
    Path("bare.csv").write_text("\n".join(rows).replace(",", ";") + "\n")
    words = ["--data", "bare.csv", "--delimiter", ";", "--names", "a,b,y", "--target", "y", "--task", "regression"]
    assert cli("train", *words, "--run-name", "laid").exit_code == 0
    for name, header, sign, given in (
        ("same.csv", "", ";", []),
        ("headed.csv", "a,b,y\n", ",", ["--delimiter", ","]),
        ("fewer.csv", "", "|", ["--delimiter", "|", "--names", "b,a"]),
        ("other.tsv", "a\tb\ty\n", "\t", []),
    ):
        cells = [row.split(",") for row in rows[:3]]
        if name == "fewer.csv":
            cells = [[b, a] for a, b, _ in cells]
        Path(name).write_text(header + "".join(sign.join(row) + "\n" for row in cells))
        done = cli("predict", "-q", "--run", "laid", "-i", name, *given)
        assert done.exit_code == 0, (name, done.stderr)
        found = [float(row["prediction"]) for row in csv.DictReader(io.StringIO(done.stdout))]
        assert found == pytest.approx([0, 2, 4], abs=0.5), name
    refused(cli("predict", "-q", "--run", "laid", "-i", "headed.csv"), 5, "headed.csv")
    refused(cli("predict", "-q", "--run", "laid", "-i", "same.csv", "--delimiter", "x"), 2, "--delimiter")


def test_standard_input_is_csv_or_jsonl(cli, run_command, runs, monkeypatch):
    done = run_command(*QUIET, "--input", "-", stdin="id,text\n1,a great film\n2,an awful meal\n")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == "id,text,prediction\n1,a great film,positive\n2,an awful meal,negative\n"
    lines = io.BufferedReader(io.BytesIO(b'{"text": "a great film"}\n{"text": null}\n'))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(lines))
    done = cli(*QUIET, "-i", "-", "-f", "jsonl")
    assert [json.loads(line)["prediction"] for line in done.stdout.splitlines()] == ["positive", None]


def test_a_closed_standard_input_is_told(cli, runs, monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    refused(cli(*QUIET, "--input", "-"), 2, "standard input is closed")


def begun(runs: Path, **options: object) -> subprocess.Popen[bytes]:
    """A prediction that has begun to write its output and waits for more of its input."""
    command = [sys.executable, "-m", "expctl", *QUIET, "--input", "-", "--output", "out.csv"]
    process = Process(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    process.stdin.write(b"text\n" + b"a great film\n" * 25_000)
    process.stdin.flush()
    while not [name for name in names(runs) if name.startswith(".out.csv.")]:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    return process


def test_a_prediction_that_is_stopped_in_the_middle_leaves_nothing(runs):
    process = begun(runs)
    process.send_signal(signal.SIGTERM)
    err = process.communicate(timeout=600)[1]
    assert (process.returncode, err) == (143, b"expctl: stopped by SIGTERM\n")
    assert [name for name in names(runs) if "out" in name] == []


def test_a_prediction_that_is_killed_in_the_middle_leaves_the_old_output(runs):
    Path("out.csv").write_text("old")
    process = begun(runs)
    process.kill()
    process.communicate(timeout=600)
    assert Path("out.csv").read_text() == "old"


def test_an_output_that_cannot_grow_is_told_and_taken_away(many):
    many.write_text("text\n" + "a great film\n" * 50_000)
    done = subprocess.run(
        [sys.executable, "-m", "expctl", *QUIET, "--input", "many.csv", "--output", "out.csv"],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000)),
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "expctl: cannot write out.csv: File too large (no partial file was left)\n"
    assert [name for name in names(many.parent) if "out" in name] == []


def test_the_model_comes_from_the_store_that_is_named_wherever_one_is(cli, runs, tmp_path_factory, monkeypatch):
    import mlflow

    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    address = settings_of(runs).tracking_uri
    mlflow.set_tracking_uri("sqlite:///nowhere.db")
    done = cli("predict", "a great film", "--run", "strong", "--tracking-uri", address, "--quiet")
    assert (done.exit_code, done.stderr) == (0, "")
    assert not Path("nowhere.db").exists()


def test_the_share_of_unknown_terms_is_a_column_in_every_format(cli, runs):
    texts = ("a great film", "great qux", "qux", "!")
    rows = [json.loads(line) for line in cli(*QUIET, *texts, "--oov", "--format", "jsonl").stdout.splitlines()]
    assert [list(row) for row in rows] == [["text", "prediction", "oov"]] * 4
    assert [row["oov"] for row in rows] == [0.0, 0.5, 1.0, None]
    assert [row["oov"] for row in json.loads(cli(*QUIET, *texts, "--oov", "--format", "json").stdout)["rows"]] == [
        0.0, 0.5, 1.0, None,
    ]  # fmt: skip
    assert [line.split()[-1] for line in cli(*QUIET, *texts, "--oov").stdout.splitlines()] == [
        "oov", "0.0000", "0.5000", "1.0000", "–",
    ]  # fmt: skip
    assert cli(*QUIET, "qux", "--oov", "--proba", "--format", "csv").stdout.startswith(
        "text,prediction,proba_negative,proba_positive,oov\n"
    )


@pytest.mark.parametrize("flags", [(), ("--oov",)])
def test_texts_of_another_kind_are_warned_of(cli, runs, flags):
    run = store_of(runs).find("attributes.run_name = 'strong'")[0]
    Path("new.csv").write_text("text\n" + "quux zzyzx film\n" * 50)
    done = cli("predict", "--run", "strong", "--input", "new.csv", *flags)
    assert done.stderr == (
        f"expctl: warning: 67% of a text's terms are unknown to the model, {run.metrics['oov']:.0%} in its test rows:"
        " texts of another kind, for which its metrics say little\n"
    )
    assert len(done.stdout.splitlines()) == 51
    assert cli("predict", "--run", "strong", "--input", "small.csv", *flags).stderr == ""


def test_a_run_from_before_there_was_a_share_is_not_judged_by_it(cli, runs):
    for table in ("metrics", "latest_metrics"):
        execute(runs, f"DELETE FROM {table} WHERE key = 'oov'")
    done = cli("predict", "--run", "strong", "quux zzyzx", "--oov", "--format", "csv")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1].endswith(",1.0")


def test_a_factorys_model_keeps_its_terms_to_itself(cli, runs):
    assert cli("train", "--data", "small.csv", "--model", "own_models:counted", "--run-name", "mine").exit_code == 0
    refused(
        cli("predict", "--run", "mine", "a film", "--oov"),
        2,
        "--oov: this model does not expose",
        "leave out",
    )
    assert cli("predict", "--run", "mine", "quux zzyzx").stderr == ""
