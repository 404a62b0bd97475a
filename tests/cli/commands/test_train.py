"""`expctl train`: bad input is told in one line before any run is made, and a run that begins always ends."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from expctl.errors import ExitCode
from expctl.tracking.runs.metadata import OWN_FILES
from tests.conftest import write_reviews
from tests.tracking.recorded import OWN_MODELS, names, statuses, store_of
from tests.warm import Process


def write(path: str, *rows: list[str], header: tuple[str, ...] = ("text", "label")) -> None:
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows] if header else rows)


def reviews(count: int, labels: tuple[str, ...] = ("good", "bad")) -> list[list[str]]:
    return [[f"review number {i} is {labels[i % len(labels)]}", labels[i % len(labels)]] for i in range(count)]


def refused(done, code: int, *words: str) -> None:
    """Exactly one line on stderr, nothing on stdout, the documented exit code, and what helps in the line."""
    assert (done.exit_code, done.stdout) == (code, ""), done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("expctl: ")
    for word in words:
        assert word in done.stderr


DATA = {
    "missing file": (lambda: None, "no file data.csv (--data FILE)"),
    "folder": (lambda: Path("data.csv").mkdir(), "data.csv has no folder with texts of a class"),
    "empty file": (lambda: Path("data.csv").touch(), "data.csv is empty (0 bytes)"),
    "header only": (lambda: write("data.csv"), "data.csv has a header and no rows"),
    "missing column": (lambda: write("data.csv", ["a", "b"], header=("txt", "lable")), "did you mean 'txt'"),
    "missing label column": (lambda: write("data.csv", ["a", "b"], header=("text", "kind")), "it has text, kind"),
    "one class": (lambda: write("data.csv", *reviews(20, ("good",))), "have the label 'good'"),
    "class with a single row": (
        lambda: write("data.csv", *reviews(20), ["alone", "rare"]),
        "class 'rare' in data.csv has a single row",
    ),
    "one row": (lambda: write("data.csv", *reviews(1)), "data.csv"),
    "all texts empty": (lambda: write("data.csv", *([["", "good"], ["  ", "bad"]] * 5)), "no row has a text"),
    "all labels empty": (lambda: write("data.csv", *([["one", ""], ["two", " "]] * 5)), "no row has a label"),
    "no words": (lambda: write("data.csv", *([["!!!", "good"], ["...", "bad"]] * 10)), "no term in any training text"),
    "fractions as labels": (lambda: write("data.csv", *reviews(20, ("0.25", "0.75"))), "continuous values (0.25)"),
    "duplicate column names": (
        lambda: write("data.csv", ["a", "b", "c"], header=("text", "label", "text")),
        "the header names 'text' more than once",
    ),
    "undecodable bytes": (
        lambda: Path("data.csv").write_bytes(b"text,label\nfine,good\ncaf\xe9,bad\n"),
        "line 3 is not utf-8 (byte 0xe9 at ",
    ),
    "ragged row": (lambda: write("data.csv", ["a", "b"], ["a", "b", "c"]), "line 3 has 3 fields, the header has 2"),
    "unclosed quote": (lambda: Path("data.csv").write_text('text,label\n"open,good\n'), "a quote is never closed"),
    "few rows for the classes": (lambda: write("data.csv", *reviews(4)), "4 rows cannot be split"),
}


@pytest.mark.parametrize(("make", "word"), DATA.values(), ids=DATA)
def test_bad_data_is_told_before_any_run(cli, folder, make, word):
    make()
    refused(cli("train", "--data", "data.csv"), ExitCode.DATA, word)
    assert statuses(folder) == []


USAGE = {
    "c is 0": (["--c", "0"], "c must be a number above 0; '0' is not"),
    "c is below 0": (["--c=-1"], "c must be a number above 0"),
    "c is nan": (["--c", "nan"], "c must be a number above 0"),
    "c is infinite": (["--c", "inf"], "c must be a number above 0"),
    "c is a word": (["--c", "abc"], "c must be a number above 0"),
    "test_size is 0": (["--test-size", "0"], "test_size must be a number above 0 below 1"),
    "test_size is 1": (["--test-size", "1"], "test_size must be a number above 0 below 1"),
    "test_size is below 0": (["--test-size=-0.1"], "test_size must be"),
    "test_size is nan": (["--test-size", "nan"], "test_size must be"),
    "max_features is 0": (["--max-features", "0"], "max_features must be an integer from 1"),
    "max_features is below 0": (["--max-features=-1"], "max_features must be"),
    "max_features is a fraction": (["--max-features", "1.5"], "max_features must be"),
    "random_state is below 0": (["--random-state=-1"], "from 0 to 4294967295"),
    "random_state is too large": (["--random-state", "4294967296"], "from 0 to 4294967295"),
    "one fold": (["--cv", "1"], "cv must be an integer from 2"),
    "ngram_max is 0": (["-p", "ngram_max=0"], "ngram_max must be"),
    "ngrams reversed": (["-p", "ngram_min=2"], "ngram_min 2 is above ngram_max 1"),
    "min_df is a fraction above 1": (["-p", "min_df=1.5"], "min_df must be"),
    "unknown family": (["--model", "logrec"], "did you mean 'logreg'?"),
    "unknown parameter": (["-p", "mindf=2"], "did you mean 'min_df'?"),
    "another family's parameter": (["-p", "alpha=1"], "logreg has no parameter 'alpha'"),
    "parameter without a value": (["-p", "min_df"], "-p 'min_df' is not KEY=VALUE"),
    "parameter without a key": (["-p", "=2"], "is not KEY=VALUE"),
    "parameter twice": (["-p", "min_df=1", "-p", "min_df=2"], "-p gives 'min_df' twice"),
    "parameter as flag too": (["--c", "1", "-p", "c=2"], "c is given both as --c and with -p"),
    "flag as parameter": (["-p", "data=x"], "(--data)"),
    "tag without a value": (["-t", "team"], "-t 'team' is not KEY=VALUE"),
    "tag twice": (["-t", "a=1", "-t", "a=2"], "-t gives 'a' twice"),
    "reserved tag": (["-t", "mlflow.user=eve"], "are reserved"),
    "our own tag": (["-t", "expctl.complete=true"], "are reserved"),
    "tag too long": (["-t", "a=" + "x" * 8001], "8,001 characters"),
    "tag of a key with a line": (["-t", "a\nb=1"], "a key has letters"),
    "name of another meaning": (["--run-name", "best:mcc"], "means the best run wherever it is typed"),
    "name of two lines": (["--run-name", "two\nlines"], "the run's name 'two\\nlines' has a line end or a control"),
    "experiment of two lines": (["-e", "two\nlines"], "--experiment 'two\\nlines' has a line end or a control"),
    "empty experiment": (["-e", ""], "--experiment is empty"),
    "empty model": (["--model", ""], "--model is empty"),
    "name too long": (["--run-name", "x" * 251], "the run's name has 251 characters, the limit is 250"),
    "name empty": (["--run-name", " "], "the run's name is empty"),
    "note too long": (["--note", "x" * 8001], "8,001 characters"),
    "parameter too long": (["--model", "own_models:counted", "-p", "k=" + "x" * 6001], "6,001 characters"),
    "experiment too long": (["-e", "x" * 257], "--experiment has 257 characters, the limit is 256"),
    "two test sets": (["--test-size", "0.5", "--test-data", "x.csv"], "test_size and test_data both make a test set"),
    "text is label": (["--text-column", "label"], "are both 'label'"),
    "no such factory module": (["--model", "nowhere:make"], "cannot import 'nowhere'"),
    "no such factory": (["--model", "own_models:nothing"], "has no callable 'nothing'"),
    "factory of something else": (["--model", "os:getcwd"], "returned a str"),
    "parameter the factory has not": (["--model", "own_models:tree", "-p", "depth=1"], "has no parameter 'depth'"),
    "unknown option": (["--nope"], "No such option"),
    "parameter as an option": (["--stop-words", "english"], "(try: expctl train -p stop_words=english)"),
    "its value behind =": (["--ngram-max=2", "--cv", "3"], "(try: expctl train -p ngram_max=2)"),
    "without a value": (["--binary"], "(try: expctl train -p binary=VALUE)"),
    "option without a value": (["--c"], "requires an argument"),
    "unknown format": (["--format", "xml"], "unknown format 'xml'"),
    "config file missing": (["--config", "none.toml"], "cannot read none.toml"),
}


@pytest.mark.parametrize(("words", "word"), USAGE.values(), ids=USAGE)
def test_wrong_usage_is_told_before_any_run(cli, small, words, word):
    Path("own_models.py").write_text(OWN_MODELS)
    refused(cli("train", "--data", "small.csv", *words), ExitCode.USAGE, word)
    assert statuses(small.parent) == []


def test_missing_texts_and_labels_are_left_out_with_a_count(cli, folder):
    write("data.csv", *reviews(40), ["", "good"], ["  ", "bad"], ["no label", ""])
    done = cli("train", "--data", "data.csv", "--format", "id")
    assert done.exit_code == 0
    assert done.stderr.splitlines()[:2] == [
        "expctl: warning: left out 2 of 43 rows of data.csv that have no text",
        "expctl: warning: left out 1 of 43 rows of data.csv that have no label",
    ]
    assert json.loads(cli("show", "latest", "--format", "json").stdout)["data"]["dataset_size"] == 40


@pytest.mark.parametrize(
    ("labels", "answers"),
    [(("1", "0"), {0, 1}), (("True", "false"), {True, False}), (("1.0", "2.0"), {1.0, 2.0}),
     (("01", "02"), {"01", "02"})],
    ids=["integers", "booleans", "floats", "numbered words"],
)  # fmt: skip
def test_labels_that_are_no_words_are_learnt_and_come_back_as_they_are(cli, folder, labels, answers):
    write("data.csv", *reviews(60, labels))
    assert cli("train", "--data", "data.csv").exit_code == 0
    rows = cli("predict", "--input", "data.csv", "--format", "jsonl", "--quiet").stdout.splitlines()
    predicted = {json.loads(row)["prediction"] for row in rows}
    assert predicted == answers
    assert {type(answer) for answer in predicted} == {type(answer) for answer in answers}


@pytest.mark.every_store
def test_a_training_ends_with_its_table_on_stdout_and_the_next_step_on_stderr(cli, small):
    done = cli("train", "--data", "small.csv", "--run-name", "first")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "run: first"
    run_id = lines[1].removeprefix("run_id: ")
    assert lines[3].split() == ["metric", "value", "low", "high"]
    accuracy = next(line.split() for line in lines if line.startswith("accuracy"))
    assert float(accuracy[2]) < float(accuracy[1]) < float(accuracy[3])
    assert done.stderr == f"expctl: next: expctl show {run_id[:8]}, or expctl compare {run_id[:8]} RUN\n"


@pytest.mark.parametrize("format", ["table", "json", "jsonl", "csv", "md", "id"])
def test_every_format_is_quiet_on_stderr_when_asked(cli, small, format):
    done = cli("train", "--data", "small.csv", "--model", "dummy", "--format", format, "--quiet")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout


def test_json_of_a_training_holds_run_and_metrics(cli, small):
    document = json.loads(cli("train", "--data", "small.csv", "--cv", "2", "--format", "json").stdout)
    assert set(document) == {"version", "kind", "run", "run_id", "metrics"}
    assert (document["version"], document["kind"], len(document["run_id"])) == (1, "trained", 32)
    assert set(document["metrics"]["f1_score"]) == {"value", "low", "high", "cv_mean", "cv_std"}


def test_the_id_format_feeds_the_next_command(cli, small):
    done = cli("train", "--data", "small.csv", "--format", "id")
    run_id = done.stdout.strip()
    assert done.stdout == f"{run_id}\n"
    assert cli("show", run_id, "--format", "id").stdout == done.stdout


@pytest.mark.every_store
def test_tags_note_version_and_name_are_on_the_run(cli, small):
    words = ["-t", "team=nlp", "--tag", "stage = prod=1", "--note", "why\nnot", "--data-version", "v2"]
    assert cli("train", "--data", "small.csv", *words, "--run-name", "[red]n[/red]").exit_code == 0
    document = json.loads(cli("show", "latest", "--format", "json").stdout)
    assert document["run"]["name"] == "[red]n[/red]"
    assert document["run"]["note"] == "why\nnot"
    assert document["tags"]["team"] == "nlp"
    assert document["tags"]["stage"] == " prod=1"
    assert document["data"]["data_version"] == "v2"


CONFIG = """\
# what the team trains with
data = "small.csv"
c = 0.5
max_features = 30
model = "logreg"
stratify = false
run_name = "from file"

[param]
min_df = 2
ngram_max = 2

[tag]
team = "nlp"
year = 2026
"""


def trained(cli, *words: str) -> dict:
    done = cli("train", *words, "--format", "id")
    assert done.exit_code == 0, done.stderr
    return json.loads(cli("show", done.stdout.strip(), "--format", "json").stdout)


def test_a_config_file_holds_the_same_keys_as_the_flags(cli, small):
    Path("c.toml").write_text(CONFIG)
    document = trained(cli, "--config", "c.toml")
    wanted = {"c": 0.5, "max_features": 30, "stratify": False, "min_df": 2, "ngram_max": 2, "model": "logreg"}
    assert {key: document["parameters"][key] for key in wanted} == wanted
    assert document["run"]["name"] == "from file"
    assert (document["tags"]["team"], document["tags"]["year"]) == ("nlp", "2026")


def test_a_config_file_may_call_the_target_as_it_was_called_before(cli, small):
    Path("c.toml").write_text('data = "small.csv"\nlabel_column = "nothing"\n')
    assert "has no column 'nothing'" in cli("train", "--config", "c.toml").stderr


def test_flags_win_over_the_config_file(cli, small):
    Path("c.toml").write_text(CONFIG)
    flags = ["--c", "2", "--stratify", "--run-name", "by hand", "-p", "min_df=1", "-t", "team=web"]
    document = trained(cli, "--config", "c.toml", *flags)
    wanted = {"c": 2.0, "max_features": 30, "stratify": True, "min_df": 1, "ngram_max": 2}
    assert {key: document["parameters"][key] for key in wanted} == wanted
    assert document["run"]["name"] == "by hand"
    assert document["tags"]["team"] == "web"


def test_a_flag_replaces_the_config_files_way_of_making_a_test_set(cli, small):
    write_reviews(Path("other.csv"), 50)
    Path("c.toml").write_text('data = "small.csv"\ntest_data = "other.csv"\n')
    assert trained(cli, "--config", "c.toml")["data"]["test_rows"] == 50
    assert trained(cli, "--config", "c.toml", "--test-size", "0.5")["data"]["test_rows"] == 100


def test_the_experiment_of_a_config_file_is_where_the_run_goes(cli, small):
    Path("c.toml").write_text('data = "small.csv"\nexperiment = "filed"\nmodel = "dummy"\n')
    done = cli("train", "--config", "c.toml", "--format", "id")
    assert cli("list", "-e", "filed", "--format", "id").stdout == done.stdout
    assert cli("list", "--format", "id").stdout == ""


CONFIGS = {
    "syntax": ("c = 1\nd = = 2\n", "line 2"),
    "unknown key": ("c = 1\n\nmax_feature = 10\n", "line 3: unknown key 'max_feature', did you mean 'max_features'?"),
    "unknown key in a table": ("[param]\nalpa = 1\n", "line 2: unknown key 'alpa'"),
    "number as text": ("c = 1\ndata = 5\n", "line 2: data must be text"),
    "flag as number": ("stratify = 7\n", "line 1: stratify must be"),
    "text as number": ('test_size = "half"\n', "line 1: test_size must be"),
    "out of range": ("cv = 1\n", "line 1: cv must be an integer from 2"),
    "list": ("\nmin_df = [1, 2]\n", "line 2: min_df is a list"),
    "table of its own": ("[extra]\nx = 1\n", "line 1: extra"),
    "tag no table": ('tag = "nlp"\n', "line 1: tag must be a table"),
    "key twice": ("c = 1\nc = 2\n", "line 2"),
    "key in both places": ("c = 1\n[param]\nc = 2\n", "line 1: c is in [param] too"),
    "not text": (b"\xff\xfe\x00", "is not TOML"),
}


@pytest.mark.parametrize(("content", "word"), CONFIGS.values(), ids=CONFIGS)
def test_a_wrong_config_file_is_told_with_its_line(cli, small, content, word):
    Path("c.toml").write_bytes(content if isinstance(content, bytes) else content.encode())
    refused(cli("train", "--data", "small.csv", "--config", "c.toml"), ExitCode.USAGE, "c.toml", word)
    assert statuses(small.parent) == []


@pytest.mark.parametrize(
    ("content", "line"),
    [("c = -1\n", 1), ("x = 1\nc = 1\n", 1), ("[param]\nmin_df = 1\nngram_max = 0\n", 3), ("model = 'logrec'\n", 1)],
)
def test_a_wrong_parameter_in_a_config_file_is_a_usage_error(cli, small, content, line):
    Path("c.toml").write_text(content)
    refused(cli("train", "--data", "small.csv", "--config", "c.toml"), ExitCode.USAGE)
    assert statuses(small.parent) == []


@pytest.mark.parametrize(
    ("content", "what"), [('note = "a\\u0000b"', "--note"), ('[tag]\nteam = "a\\u0000b"', "tag 'team'")]
)
def test_a_nul_character_which_postgresql_refuses_is_told_before_any_run(cli, small, content, what):
    Path("c.toml").write_text(content)
    refused(cli("train", "--data", "small.csv", "--config", "c.toml"), ExitCode.USAGE, f"{what} holds a NUL character")
    assert statuses(small.parent) == []


def test_a_config_file_of_a_megabyte_is_not_read(cli, small):
    Path("c.toml").write_text("#" * 1_000_001)
    refused(cli("train", "--data", "small.csv", "--config", "c.toml"), ExitCode.USAGE, "larger than 1,000,000 bytes")


@pytest.mark.every_store
def test_an_error_in_training_leaves_a_failed_run_with_its_reason(cli, small):
    Path("own_models.py").write_text(OWN_MODELS)
    done = cli("train", "--data", "small.csv", "--model", "own_models:broken", "--run-name", "unlucky")
    refused(done, ExitCode.WORK_FAILED, "ValueError: the moon is full")
    assert statuses(small.parent) == ["FAILED"]
    listed = cli("list", "--status", "failed", "--format", "json")
    assert [row["name"] for row in json.loads(listed.stdout)["rows"]] == ["unlucky"]
    shown = json.loads(cli("show", "unlucky", "--format", "json").stdout)
    assert shown["run"]["reason"] == "ValueError: the moon is full"
    assert json.loads(cli("list", "--status", "finished", "--format", "json").stdout)["rows"] == []


def test_verbose_shows_where_an_error_comes_from(cli, small):
    Path("own_models.py").write_text(OWN_MODELS)
    done = cli("train", "--data", "small.csv", "--model", "own_models:broken", "-p", "reason=dark \x1b[31m", "-v")
    assert done.exit_code == 1
    assert "Traceback (most recent call last)" in done.stderr
    assert "own_models.py" in done.stderr
    assert "\x1b" not in done.stderr
    assert done.stderr.splitlines()[-1] == "expctl: ValueError: dark \\x1b[31m"


@pytest.mark.every_store
def test_a_failing_store_closes_nothing_silently(cli, small, monkeypatch):
    """The upload of the files fails after the fit: the run is not finished, the exit code is the store's."""
    from expctl.tracking.runs import writer

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer, "send_folder", full)
    refused(cli("train", "--data", "small.csv"), ExitCode.STORE, "No space left on device")
    assert statuses(small.parent) == ["FAILED"]


def test_a_signal_in_the_middle_of_training_leaves_a_killed_run_and_its_exit_code(small):
    Path("own_models.py").write_text(OWN_MODELS)
    signals = {signal.SIGINT: ("interrupted", 130), signal.SIGTERM: ("SIGTERM", 143), signal.SIGHUP: ("SIGHUP", 129)}
    running = {}
    for number in signals:
        command = [sys.executable, "-m", "expctl", "train", "--data", "small.csv", "--model", "own_models:sleepy"]
        command += ["-p", f"mark=fitting-{number.name}", "--run-name", number.name]
        running[number] = Process(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for number, process in running.items():
        while not Path(f"fitting-{number.name}").exists():
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        process.send_signal(number)
        out, err = process.communicate(timeout=600)
        word, code = signals[number]
        assert (process.returncode, out) == (code, "")
        assert len(err.splitlines()) == 1
        assert err.startswith("expctl: ")
        assert word in err
    assert statuses(small.parent) == ["KILLED"] * 3
    for run in store_of(small.parent).find():
        assert signals[getattr(signal, run.name)][0].split(" ")[0] in run.tags["expctl.reason"]
        assert "expctl.complete" not in run.tags


def test_nothing_is_left_in_the_temporary_folder(cli, small, tmp_path_factory, monkeypatch):
    import tempfile

    scratch = tmp_path_factory.mktemp("scratch")
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    assert cli("train", "--data", "small.csv").exit_code == 0
    assert cli("predict", "a film", "--run", "latest").exit_code == 0
    assert names(scratch) == []


def test_the_data_of_the_environment_is_used_and_a_flag_wins(cli, small, monkeypatch):
    monkeypatch.setenv("EXPCTL_DATA", "nothing.csv")
    refused(cli("train"), ExitCode.DATA, "nothing.csv")
    assert cli("train", "--data", "small.csv", "--model", "dummy").exit_code == 0
    monkeypatch.setenv("EXPCTL_DATA", "small.csv")
    assert cli("train", "--model", "dummy").exit_code == 0


def test_what_a_users_factory_prints_does_not_reach_stdout(run_command, small):
    (small.parent / "chatty.py").write_text(
        "import os\n"
        "from sklearn.feature_extraction.text import CountVectorizer\n"
        "from sklearn.linear_model import LogisticRegression\n"
        "from sklearn.pipeline import make_pipeline\n\n\n"
        "def make():\n"
        "    print('hello from python')\n"
        "    os.write(1, b'hello from C')\n"
        "    return make_pipeline(CountVectorizer(), LogisticRegression())\n"
    )
    done = run_command("train", "--data", "small.csv", "--model", "chatty:make", "--format", "id")
    assert done.exit_code == 0
    assert len(done.stdout.strip()) == 32
    assert "hello from python" in done.stderr
    assert "hello from C" in done.stderr


@pytest.fixture
def repeating(folder):
    """60 reviews in `data.csv` of the current folder, and every third of them a second time."""
    rows = reviews(60)
    write("data.csv", *rows, *rows[::3])


LEAK = "expctl: warning: {} of 16 test rows have a text that is trained on too (20 of all rows repeat another's):"


def test_what_the_guard_finds_is_told_recorded_and_can_be_filtered_by(cli, repeating):
    done = cli("train", "--data", "data.csv", "--run-name", "leaky", "--format", "id")
    shown = json.loads(cli("show", "leaky", "--format", "json").stdout)
    leaked = shown["data"]["leaked_rows"]
    assert leaked > 0
    assert shown["data"]["repeated_rows"] == 20
    told = f"{LEAK.format(leaked)} --dedupe keeps copies on one side"
    assert done.stderr.splitlines()[0] == told
    assert f"expctl: warning: {shown['warnings']['1']}" == told
    assert cli("train", "--data", "data.csv", "--dedupe", "--run-name", "clean").stderr.startswith("expctl: next:")
    assert "--dedupe" in json.loads(cli("show", "clean", "--format", "json").stdout)["run"]["command"]
    assert cli("list", "--filter", "has params.leaked_rows", "--format", "id").stdout == done.stdout
    header = cli("list", "--format", "csv").stdout.splitlines()[0].split(",")
    assert "dedupe" in header
    assert not {"leaked_rows", "repeated_rows"} & set(header)


def test_strict_refuses_before_any_run_what_would_be_warned_of(cli, repeating):
    Path("c.toml").write_text('data = "data.csv"\nstrict = true\n')
    for words in (("--data", "data.csv", "--strict"), ("--config", "c.toml")):
        refused(cli("train", *words), ExitCode.DATA, "--dedupe keeps copies on one side (leave out --strict")
    assert statuses(Path()) == []
    assert cli("train", "--config", "c.toml", "--dedupe", "--model", "dummy").exit_code == 0


def test_strict_fails_a_run_whose_model_knows_no_term_of_a_test_row(cli, folder):
    write("train.csv", *reviews(40))
    write("test.csv", ["quux", "good"], ["review number 99 is bad", "bad"])
    words = ("train", "--data", "train.csv", "--test-data", "test.csv")
    refused(cli(*words, "--strict"), ExitCode.DATA, "1 of 2 test rows has no term that the model knows")
    assert statuses(Path()) == ["FAILED"]
    reason = json.loads(cli("show", "latest", "--format", "json").stdout)["run"]["reason"]
    assert reason.startswith("1 of 2 test rows has no term that the model knows")
    assert "warning: 1 of 2 test rows" in cli(*words).stderr
    assert json.loads(cli("show", "latest", "--format", "json").stdout)["data"]["unknown_rows"] == 1


def test_a_run_is_trained_again_with_a_change(cli, runs):
    done = cli("train", "--from", "strong", "--c", "3", "--format", "id")
    strong, new = store_of(runs).find("name = 'strong'")[0], store_of(runs).get(done.stdout.strip())
    assert done.stderr.splitlines()[0] == f"expctl: from strong ({strong.run_id[:8]}): c=3.0 (was 10.0)"
    assert {**new.params, "c": "10.0"} == dict(strong.params)


def test_a_dry_run_touches_nothing_and_says_whether_the_run_exists(cli, folder):
    write("data.csv", *reviews(40))
    there = names(folder)
    done = cli("train", "--data", "data.csv", "--dry-run", "--format", "json")
    assert (done.exit_code, names(folder), statuses(folder)) == (0, there, [])
    assert json.loads(done.stdout)["existing_run"] is None
    assert done.stderr.splitlines()[-1] == "expctl: nothing was trained; there is no such run yet"
    run = cli("train", "--data", "data.csv", "--format", "id").stdout.strip()
    assert json.loads(cli("train", "--data", "data.csv", "--dry-run", "--format", "json").stdout)["existing_run"] == run


def test_a_run_that_exists_is_given_instead_of_trained(cli, folder):
    write("data.csv", *reviews(40))
    first = cli("train", "--data", "data.csv", "--skip-existing", "--format", "id")
    second = cli("train", "--data", "data.csv", "--skip-existing", "--format", "id")
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert first.stdout == second.stdout
    assert second.stderr.endswith(f"({first.stdout[:8]}); nothing was trained\n")
    assert statuses(folder) == ["FINISHED"]


def test_files_of_ones_own_are_recorded_with_the_run_also_if_it_fails(cli, runs):
    Path("notes.md").write_text("what I thought")
    words = ("--data", "small.csv", "--artifact", "notes.md", "--artifact", "own_models.py", "--format", "id")
    store, done = store_of(runs), cli("train", *words)
    run = store.get(done.stdout.strip())
    assert store.read_artifact(run, "notes.md") == b"what I thought"
    assert store.read_artifact(run, "own_models.py") is not None
    assert cli("train", *words, "--model", "own_models:broken").exit_code == ExitCode.WORK_FAILED
    assert store.read_artifact(store.find("status = 'failed'")[0], "notes.md") == b"what I thought"


def test_a_file_that_would_take_the_place_of_ours_is_refused(cli, runs):
    recorded = {one.path.partition("/")[0] for run in store_of(runs).find() for one in store_of(runs).artifacts(run)}
    assert recorded <= OWN_FILES
    before = statuses(runs)
    Path("files").mkdir()
    for name in ("predictions.parquet", "extra_metric.x.py"):
        Path("files", name).touch()
        done = cli("train", "--data", "small.csv", "--artifact", f"files/{name}")
        refused(done, ExitCode.USAGE, "expctl records a file of that name")
    refused(cli("train", "--data", "small.csv", "--artifact", "no.txt"), ExitCode.DATA, "no.txt does not exist")
    twice = ("--artifact", "small.csv", "--artifact", "small.csv")
    refused(cli("train", "--data", "small.csv", *twice), ExitCode.USAGE, "another --artifact is of that name")
    assert statuses(runs) == before


LOWERED = """
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline


class Lowered(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X.iloc[:, 0].str.lower()


def lowered(c=1.0):
    return make_pipeline(Lowered(), CountVectorizer(), LogisticRegression(C=c))
"""


@pytest.mark.slow
def test_a_model_that_will_need_trust_is_told_when_it_is_trained(cli, small):
    """Not at the first prediction, which may be months later and elsewhere."""
    (small.parent / "lowered_model.py").write_text(LOWERED)
    told = "its model is used with --trust only: lowered_model.Lowered in it is not known to be safe"
    done = cli("train", "--data", "small.csv", "--model", "lowered_model:lowered", "--run-name", "own")
    assert done.exit_code == 0, done.stderr
    assert f"expctl: warning: {told}\n" in done.stderr
    refused = cli("predict", "good", "--run", "own")
    assert (refused.exit_code, "lowered_model.Lowered" in refused.stderr) == (5, True)
    assert cli("predict", "good", "--run", "own", "--trust").exit_code == 0
    assert told in json.loads(cli("show", "own", "--format", "json").stdout)["warnings"].values()
    words = ("sweep", "--data", "small.csv", "--model", "lowered_model:lowered", "-g", "c=1,2")
    assert cli(*words).stderr.count(told) == 1
    plain = cli("train", "--data", "small.csv", "--run-name", "plain")
    assert "--trust" not in plain.stderr + cli("show", "plain").stdout
