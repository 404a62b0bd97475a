"""What twelve trainings record, pinned: whatever is moved or mended, a run's evidence stays the same to the last bit.

Looks at runs through the command line and MLflow's public client only, so that no module of the package is pinned.

    EXPCTL_GOLDEN=write pytest tests/golden      # pins anew; look at the difference before it is committed
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import REVIEWS, STORE, real_data

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

pytestmark = pytest.mark.skipif(STORE != "sqlite", reason="pinned on an SQLite store")

PINNED = Path(__file__).parent / "training.json"
WRITE = os.environ.get("EXPCTL_GOLDEN") == "write"

FACTORY = """
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline


def counted(c=1.0, random_state=0):
    return make_pipeline(CountVectorizer(), LogisticRegression(C=c, random_state=random_state))
"""

# Every family, both ways beside a random split, folds, copies kept together, feature parameters, a factory.
RECIPES: dict[str, tuple[str, list[str]]] = {
    "plain": ("reviews.csv", []),
    "folds": ("reviews.csv", ["--c", "0.3", "--cv", "3", "--random-state", "7", "-p", "ngram_max=2"]),
    "characters": ("reviews.csv", ["--model", "linear_svm", "-p", "analyzer=char_wb", "-p", "ngram_max=3"]),
    "unstratified": ("reviews.csv", ["--model", "complement_nb", "--no-stratify", "--test-size", "0.33", "--cv", "2"]),
    "forest": ("reviews.csv", ["--model", "random_forest", "-p", "n_estimators=8", "--max-features", "300"]),
    "factory": ("reviews.csv", ["--model", "own_golden:counted", "-p", "c=0.5"]),
    "sentiment": ("sentiment3k.csv", ["--model", "ridge", "-p", "stop_words=english", "-p", "sublinear_tf=true"]),
    "descent": ("sentiment3k.csv", ["--model", "sgd", "-p", "loss=log_loss", "-p", "min_df=2", "-p", "max_df=0.9"]),
    "copies": ("sms_spam.csv", ["--dedupe", "-p", "class_weight=balanced", "--cv", "3"]),
    "baseline": ("sms_spam.csv", ["--model", "dummy", "-p", "strategy=stratified", "--max-features", "none"]),
    "split": ("banking77.csv", ["--split-column", "split", "--model", "naive_bayes", "-p", "alpha=0.1"]),
    "split_copies": ("banking77.csv", ["--split-column", "split", "--dedupe", "--model", "naive_bayes"]),
}

# What is measured by a clock is there, with another value each time.
CLOCK = ("fit_seconds", "predict_seconds")
# By these the last bits of a metric are made; by the file's writer the bytes of the same table.
DECIDING = ("numpy", "scipy", "scikit-learn")


def made_with() -> dict[str, str]:
    """What floating-point results depend on, and the writer of the file."""
    from threadpoolctl import threadpool_info

    blas = sorted({str(one.get("architecture")) for one in threadpool_info() if one["user_api"] == "blas"})
    versions = {name: version(name) for name in (*DECIDING, "pandas", "pyarrow")}
    return {**versions, "machine": platform.machine(), "blas": ",".join(blas)}


def content_digest(path: Path) -> str:
    """sha256 over names, types and exact values of a Parquet file, whoever wrote it."""
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    lines = [f"{field.name} {field.type}" for field in table.schema]
    lines += [repr(column.to_pylist()) for column in table.columns]
    lines.append(repr({key: value for key, value in (table.schema.metadata or {}).items() if b"expctl" in key}))
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def evidence(run_id: str, folder: Path) -> dict[str, Any]:
    """All of a run that is the same wherever and whenever it is trained."""
    from mlflow import MlflowClient
    from mlflow.artifacts import download_artifacts

    uri = f"sqlite:///{folder}/mlflow.db"
    run = MlflowClient(uri).get_run(run_id)
    files = Path(download_artifacts(run_id=run_id, tracking_uri=uri, dst_path=str(folder / "files")))
    tags = run.data.tags
    digest = {
        name: hashlib.sha256((files / name).read_bytes()).hexdigest()
        for name in ("per_class.json", "classification_report.txt", "sample_predictions.csv")
    }
    return {
        "recipe": json.loads(tags["expctl.recipe"]),
        "test_set": tags["expctl.test_set"],
        "predictions": hashlib.sha256((files / "predictions.parquet").read_bytes()).hexdigest(),
        "predictions_content": content_digest(files / "predictions.parquet"),
        "data_rows_content": content_digest(files / "data_rows.parquet"),
        "digests": digest,
        "parameters": dict(sorted(run.data.params.items())),
        "metrics": {
            key: None if any(clock in key for clock in CLOCK) else value.hex()
            for key, value in sorted(run.data.metrics.items())
        },
        "tags": sorted(key for key in tags if not key.startswith("git_") and "git" not in key),
        "files": sorted(str(path.relative_to(files)) for path in files.rglob("*") if path.is_file()),
        "warnings": len(json.loads(tags.get("expctl.warnings", "[]"))),  # their words may change
    }


def trained(name: str, folder: Path, cli: Callable[..., Any]) -> dict[str, Any]:
    data, options = RECIPES[name]
    shutil.copy(REVIEWS if data == "reviews.csv" else real_data(data), folder / data)
    (folder / "own_golden.py").write_text(FACTORY)
    done = cli("train", "--data", data, *options, "--format", "id", "--run-name", name, "-t", "team=golden")
    assert done.exit_code == 0, done.stderr
    return evidence(done.stdout.strip(), folder)


def expected(found: dict[str, Any], pinned: Mapping[str, Any], here: Mapping[str, str]) -> dict[str, Any]:
    """What must come out here: all of it where the packages and the processor are those it was pinned with.

    Elsewhere last bits may differ, and with them what is made from them; names, recipe and test set may not.
    """
    want, there = dict(pinned["runs"]), pinned["made_with"]
    same_numbers = all(here[key] == there[key] for key in (*DECIDING, "machine", "blas"))
    if not same_numbers:
        for key in ("predictions", "predictions_content", "digests"):
            want[key] = found[key]
        if set(want["metrics"]) == set(found["metrics"]):
            want["metrics"] = {
                key: found["metrics"][key] if near(found["metrics"][key], value) else value
                for key, value in want["metrics"].items()
            }
    elif here["pyarrow"] != there["pyarrow"] or here["pandas"] != there["pandas"]:
        want["predictions"] = found["predictions"]  # other bytes, the same table: its content is held to
    return want


def near(one: str | None, other: str | None) -> bool:
    """Whether two metrics could be of the same recipe on another processor.

    Of terms that are equally frequent, scikit-learn keeps those that NumPy's argsort puts first: which that are depends
    on the processor's vector instructions, and a forest of eight trees on 300 terms is another one then.
    """
    if one is None or other is None:
        return one is other
    return float.fromhex(one) == pytest.approx(float.fromhex(other), rel=0.2, abs=0.05)


@pytest.mark.parametrize("name", RECIPES)
def test_a_training_records_what_it_always_did(name: str, folder: Path, cli: Callable[..., Any]) -> None:
    found = trained(name, folder, cli)
    if WRITE:
        pinned = json.loads(PINNED.read_text()) if PINNED.exists() else {}
        pinned[name] = {"made_with": made_with(), "runs": found}
        PINNED.write_text(json.dumps(pinned, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
        return
    pinned = json.loads(PINNED.read_text())[name]
    assert found == expected(found, pinned, made_with())


def test_all_families_are_pinned() -> None:
    """A new family asks for a recipe here; --help lists them."""
    pinned = json.loads(PINNED.read_text())
    assert sorted(pinned) == sorted(RECIPES)
    models = {one["runs"]["recipe"]["model"] for one in pinned.values()}
    assert {"logreg", "linear_svm", "sgd", "naive_bayes", "complement_nb", "ridge", "random_forest", "dummy"} <= models
