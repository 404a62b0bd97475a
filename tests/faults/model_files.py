"""Model files with damaged arrays: each is refused, or predicts something; none crashes or hangs the process.

    python -m tests.faults.model_files [200] [--seed 0]

Of every family a small model is damaged that many times: one number, length or type of one fitted array (of a matrix, a
tree, a vocabulary), or some bytes of the file. A family is tried in a process of its own, which says what it does
before it does it: the last line tells what it died of.
"""

from __future__ import annotations

import argparse
import faulthandler
import io
import random
import subprocess
import sys
import warnings
import zipfile
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from expctl import compat
from expctl.errors import DataError
from expctl.tracking.models.storage import _load_skops
from expctl.training.models.configure import configure
from expctl.training.models.families import families_of
from expctl.training.models.pipeline import build_pipeline
from expctl.training.models.steps import final_estimator

FAMILIES = families_of()  # of texts

WORDS = ("good", "bad", "film", "dull", "warm", "slow", "a", "the", "very", "not")
EXTREMES = (-1, -2, 0, 1, 7, 2**31 - 1, -(2**31), 2**62, -(2**62), 1_000_000)
SECONDS = 300


def frame(source: random.Random, rows: int) -> pd.DataFrame:
    texts = [" ".join(source.choices(WORDS, k=6)) for _ in range(rows)]
    return pd.DataFrame({"text": pd.Series(texts, dtype="object")})


def fitted(model: str, source: random.Random) -> Any:
    """A small model of three classes."""
    rows = frame(source, 60)
    small = {"n_estimators": 3} if "n_estimators" in FAMILIES[model].by_key else {}
    labels = np.array(["abc"[i % 3] for i in range(60)], dtype=object)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return build_pipeline(configure({"data": "a.csv", "model": model, **small})).fit(rows, labels)


def bent(array: np.ndarray, source: random.Random) -> np.ndarray:
    """An array with one thing changed."""
    how = source.choice(["value", "value", "value", "cut", "double", "type", "empty"])
    changed = array.copy()
    if how == "value" and changed.size and changed.dtype.kind in "iufb":
        limits = np.iinfo(changed.dtype) if changed.dtype.kind in "iu" else None
        value = source.choice(EXTREMES)
        value = value if limits is None else max(limits.min, min(limits.max, value))
        changed.flat[source.randrange(changed.size)] = value
        return changed
    if how == "double":
        return np.concatenate([changed, changed]) if changed.ndim else changed
    if how == "type" and changed.dtype.kind in "iufb":
        return changed.astype(source.choice([np.int8, np.int64, np.float32, np.float64]))
    return changed[: 0 if how == "empty" else -1] if changed.ndim else changed


def damage(pipeline: Any, source: random.Random) -> str:
    """Change one fitted array, number or index of a pipeline in place; gives what."""
    classifier = final_estimator(pipeline)
    vectorizer = pipeline.named_steps["features"].named_transformers_["tfidf"]
    holder = source.choice([classifier, classifier, classifier, vectorizer, *getattr(classifier, "estimators_", [])])
    held = {key: value for key, value in vars(holder).items() if isinstance(value, (np.ndarray, int))}
    held |= {
        key: value for key, value in vars(holder).items() if sparse.issparse(value) or key in ("tree_", "vocabulary_")
    }
    key = source.choice(list(held))
    value = held[key]
    if key == "vocabulary_":
        value[source.choice(list(value))] = source.choice(EXTREMES)
    elif key == "tree_":
        state = value.__getstate__()
        name = source.choice([*state["nodes"].dtype.names, "node_count"])
        if name == "node_count":
            state["node_count"] = max(0, source.choice(EXTREMES))
        else:
            state["nodes"] = state["nodes"].copy()
            state["nodes"][name] = bent(state["nodes"][name], source)[: len(state["nodes"])]
        value.__setstate__(state)
    elif sparse.issparse(value):
        part = source.choice(["data", "indices", "indptr"])
        setattr(value, part, bent(getattr(value, part), source))
        key = f"{key}.{part}"
    else:
        setattr(holder, key, source.choice(EXTREMES) if isinstance(value, int) else bent(value, source))
    return f"{type(holder).__name__}.{key}"


def flipped(content: bytes, source: random.Random) -> bytes:
    """A model file with some bytes of one of its arrays changed, and whole as a zip file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(packed, "w") as new:
        names = old.namelist()
        chosen = source.choice([name for name in names if name.endswith((".npy", ".npz"))] or names)
        for name in names:
            data = bytearray(old.read(name))
            for _ in range(source.randrange(1, 9) if name == chosen else 0):
                data[source.randrange(len(data))] = source.randrange(256)
            new.writestr(name, bytes(data))
    return packed.getvalue()


def try_one(content: bytes, model: str, rows: pd.DataFrame) -> str:
    """What becomes of a file: how it is refused, or that it predicts."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = _load_skops(content, f"model {model}", trust=False)
            for method in ("predict", "predict_proba", "decision_function"):
                if hasattr(loaded, method):
                    getattr(loaded, method)(rows)
    except DataError as error:
        return f"refused: {error.message}"
    except Exception as error:  # what loads and predicts raises whatever its parts raise; callers take it all
        return f"raised {type(error).__name__}"
    return "predicted"


def child(model: str, number: int, seed: int) -> None:
    """All of a family."""
    faulthandler.enable()
    source = random.Random(seed)
    rows = frame(source, 30)
    whole = fitted(model, source)
    content = compat.dump_unindented(whole)
    counts = {"predicted": 0, "refused": 0, "raised": 0}
    ended = try_one(content, model, rows)
    assert ended == "predicted", ended
    for i in range(number):
        if i % 4 == 3:
            what, damaged = "bytes", flipped(content, source)
        else:
            copy = _load_skops(content, model, trust=False)
            try:
                what = damage(copy, source)
                damaged = compat.dump_unindented(copy)
            except Exception:  # numpy and scipy refuse to hold some of it themselves
                continue
        sys.stdout.write(f"{model} {i}: {what}\n")
        sys.stdout.flush()
        counts[try_one(damaged, model, rows).partition(":")[0].partition(" ")[0]] += 1
    sys.stdout.write(f"{model}: {', '.join(f'{count} {what}' for what, count in counts.items())}\n")


def run(model: str, number: int, seed: int) -> tuple[bool, str]:
    """Whether a family outlived it, and its last line."""
    command = [sys.executable, "-m", "tests.faults.model_files", str(number), "--seed", str(seed), "--child", model]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        return False, f"hung: {(error.stdout or b'').decode().splitlines()[-1:]}"
    last = (done.stdout.splitlines() or [""])[-1]
    return (
        done.returncode == 0,
        last if done.returncode == 0 else f"exit {done.returncode} at {last}\n{done.stderr[-1500:]}",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("number", nargs="?", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--child")
    asked = parser.parse_args()
    if asked.child is not None:
        for model in asked.child.split(","):
            child(model, asked.number, asked.seed)
        return
    lived = True
    for model in FAMILIES:
        well, told = run(model, asked.number, asked.seed)
        lived &= well
        sys.stdout.write(f"{told}\n")
        sys.stdout.flush()
    raise SystemExit(not lived)


if __name__ == "__main__":
    main()
