"""The rows of the benchmark that train, sweep and predict. Each takes a folder and how it is measured, and prints."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grid import GRIDS
from measure import DATA, EXPCTL, HERE, MLFLOW, once, race, show, write
from texts import make_texts

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Measuring:
    """How a row is measured: see run.py. It may fill the folder, and finds it empty."""

    folder: Path
    rounds: int
    scale: float
    data: tuple[Path, ...]
    sizes: tuple[int, ...]
    over: tuple[str, ...]
    patience: float

    def size(self, full: int, least: int) -> int:
        """A size of the row, on the scale that was asked for."""
        return max(least, round(full * self.scale))


def script(name: str, *arguments: object) -> list[str]:
    """The command of one of the scripts here."""
    return [sys.executable, str(HERE / name), *map(str, arguments)]


def training(given: Measuring) -> None:
    """One training, beside the same without tracking and the script that MLflow's documentation shows."""
    for data in (DATA, *given.data):
        commands = {
            "plain scikit-learn script": script("plain_sklearn.py", data),
            "plain MLflow script": script("plain_mlflow.py", data),
            "expctl train": [*EXPCTL, "train", "--data", str(data)],
        }
        asked = "1.1 of the script without tracking, 0.25 of the one with MLflow"
        show(
            f"train, {data.name}",
            race(commands, given.folder, given.rounds),
            "plain scikit-learn script",
            asked,
        )


def large_training(given: Measuring) -> None:
    """Trainings whose time is the data's and not that of imports."""
    for rows, words, classes in ((50_000, 150, 2), (500_000, 12, 77)):
        size = given.size(rows, 1000)
        data = make_texts(given.folder / f"{rows}.csv", size, words=words, classes=classes)
        commands = {
            "plain scikit-learn script": script("plain_sklearn.py", data),
            "expctl train": [*EXPCTL, "train", "--data", str(data)],
        }
        show(
            f"train, {size:,} texts of {words} words, {classes} classes",
            race(commands, given.folder, given.rounds),
            "plain scikit-learn script",
            "1.1, memory 1.0",
        )


def _sweep(data: Path, grid: str) -> list[str]:
    spaces = [part for key, values in GRIDS[grid].items() for part in ("-g", f"{key}={','.join(map(str, values))}")]
    return [*EXPCTL, "sweep", "--data", str(data), *spaces]


def sweeping(given: Measuring) -> None:
    """24 trials, beside GridSearchCV, which records nothing, and beside a loop of nested runs."""
    for data in (DATA, *given.data):
        one, five = (f"GridSearchCV(n_jobs=2), {folds}" for folds in ("one split", "5 folds"))
        commands = {
            one: script("grid_search.py", data, "one", 24),
            five: script("grid_search.py", data, "five", 24),
            "nested runs with MLflow": script("nested_mlflow.py", data),
            "expctl sweep --jobs 2": [*_sweep(data, "24"), "--jobs", "2"],
            "the same --keep-models 1": [*_sweep(data, "24"), "--jobs", "2", "--keep-models", "1"],
        }
        asked = "0.9 of one split, 0.05 of nested runs"
        show(f"sweep, 24 trials, {data.name}", race(commands, given.folder, given.rounds), one, asked)


def large_sweeping(given: Measuring) -> None:
    """18 trials of long texts, whose time is the fits'."""
    size = given.size(50_000, 1000)
    data = make_texts(given.folder / "long.csv", size, words=150, classes=2)
    peer = "GridSearchCV(n_jobs=2), one split"
    commands = {
        peer: script("grid_search.py", data, "one", 18),
        "expctl sweep --jobs 2": [*_sweep(data, "18"), "--jobs", "2"],
    }
    show(f"sweep, 18 trials, {size:,} long texts", race(commands, given.folder, given.rounds), peer, "0.28")


def growing(given: Measuring) -> None:
    """What a trial costs beyond the first, and memory, as there are more trials of 900 rows."""
    lines = DATA.read_text("utf-8").splitlines(keepends=True)[:901]
    data = given.folder / "900.csv"
    data.write_text("".join(lines), "utf-8")
    sweep = [*EXPCTL, "sweep", "--data", str(data), "--jobs", "2"]
    first = once([*sweep, "-g", "c=1"], given.folder)
    write("\n### sweep of more and more trials of 900 rows (asked: equal within 5 %, memory flat)\n")
    write("| trials | s | s a trial beyond the row above | CPU s of one | peak MB |\n|---:|---:|---:|---:|---:|")
    write(f"| 1 | {first.wall:.2f} | | | {first.peak:.0f} |")
    before, fewer = first, 1
    for tens in dict.fromkeys((2, given.size(20, 2), given.size(100, 2))):
        # Two axes, as the text of one may have 6,000 characters.
        values, trials = ",".join(f"{0.5 + i / tens:.3f}" for i in range(tens)), 10 * tens
        cost = once([*sweep, "-g", f"c={values}", "-g", "max_iter=1000..1009"], given.folder)
        wall, cpu = (cost.wall - before.wall) / (trials - fewer), (cost.cpu - before.cpu) / (trials - fewer)
        write(f"| {trials:,} | {cost.wall:.2f} | {wall:.4f} | {cpu:.4f} | {cost.peak:.0f} |")
        before, fewer = cost, trials


def predicting(given: Measuring) -> None:
    """One text, beside MLflow's own command; a file of many, beside the bare pipeline."""
    folder = given.folder
    once(script("plain_sklearn.py", DATA), folder)  # leaves model.joblib
    done = subprocess.run(
        [*EXPCTL, "train", "--data", str(DATA), "--format", "id"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    run = done.stdout.strip()
    (folder / "one.csv").write_text("text\na film that I liked\n")
    few = {
        "mlflow models predict": [
            *MLFLOW, "models", "predict", "-m", f"runs:/{run}/model", "-t", "csv", "-i", "one.csv", "-o", "theirs.json",
            "--env-manager", "local",
        ],
        "bare pipeline": script("plain_predict.py", "one.csv", "plain.csv"),
        "expctl predict": [*EXPCTL, "predict", "--run", run, "a film that I liked"],
    }  # fmt: skip
    local = {"MLFLOW_TRACKING_URI": "sqlite:///mlflow.db"}
    title = "predict one text"
    show(title, race(few, folder, given.rounds, environment=local), "mlflow models predict", "0.35")
    for size in dict.fromkeys((given.size(100_000, 1000), given.size(1_000_000, 1000))):
        data = make_texts(folder / "many.csv", size, words=12, classes=2)
        many = {
            "bare pipeline": script("plain_predict.py", data, "plain.csv"),
            "expctl predict": [*EXPCTL, "predict", "--run", run, "--input", str(data), "--output", "ours.csv"],
        }
        costs = race(many, folder, given.rounds)
        show(f"predict {size:,} texts", costs, "bare pipeline", "1.1, memory constant")


def model_files(given: Measuring) -> None:
    """A model as bytes, beside skops itself."""
    write("\n### a model of 151 classes as bytes, s (asked: 0.1 of skops)\n")
    write(f"| terms | classes | {' | '.join(f'skops {do} | ours | of it' for do in ('writes', 'reads'))} | MB | ours |")
    write("|---:|" + "---:|" * 9)
    for terms in dict.fromkeys((given.size(50_000, 5000), given.size(200_000, 5000))):
        subprocess.run(script("model_files.py", terms, 151), check=True)
