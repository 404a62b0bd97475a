"""Damaged model files: each is refused, raises a clean error, or predicts; none crashes or hangs the process.

    python -m tests.faults.model_files [200] [--seed 0] [--only tables]

Of every family of texts, and of every kind of model that reads tables, a small model is damaged that many times, one
thing at a time (see `damaged_files.py`). Each is tried in a process of its own, which says what it does before it does
it: the last line tells what it died of. A damage that takes 30 s of processor time is a hang; more than 4 GB of memory
are not given.

Other answers are those of a file whose change is as good as what stood there, such as a threshold. Of a recorded run no
such file is used: its sha256 is recorded, which `load_model` asks for first, and what is tried here lies behind that.
"""

from __future__ import annotations

import argparse
import faulthandler
import random
import resource
import signal
import subprocess
import sys
import warnings
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

from expctl import compat
from expctl.errors import DataError
from expctl.tracking.models.storage import _load_skops
from expctl.training.models.configure import configure
from expctl.training.models.families import families_of
from expctl.training.models.pipeline import build_pipeline
from tests.faults import table_models
from tests.faults.damaged_files import damaged

FAMILIES = families_of()  # of texts

WORDS = ("good", "bad", "film", "dull", "warm", "slow", "a", "the", "very", "not")
PROCESSOR_SECONDS = 30
MEMORY = 4 << 30
METHODS = ("predict", "predict_proba", "decision_function")
ENDS = ("the same", "other answers", "refused", "raised")


def texts(source: random.Random, rows: int) -> pd.DataFrame:
    lines = [" ".join(source.choices(WORDS, k=6)) for _ in range(rows)]
    return pd.DataFrame({"text": pd.Series(lines, dtype="object")})


def small_model(name: str, source: random.Random) -> tuple[Any, pd.DataFrame]:
    """A small model of three classes or of numbers, and rows to predict."""
    if ":" in name:
        return table_models.fitted(name, table_models.table(source, 60), source), table_models.table(source, 30)
    small = {"n_estimators": 3} if "n_estimators" in families_of()[name].by_key else {}
    labels = np.array(["abc"[i % 3] for i in range(60)], dtype=object)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline = build_pipeline(configure({"data": "a.csv", "model": name, **small}))
        return pipeline.fit(texts(source, 60), labels), texts(source, 30)


def answers(content: bytes, rows: pd.DataFrame) -> tuple[str, list[np.ndarray]]:
    """What becomes of a file: how it is refused, or what it predicts."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = _load_skops(content, "model", trust=False)
            return "predicted", [np.asarray(getattr(loaded, one)(rows)) for one in METHODS if hasattr(loaded, one)]
    except DataError as error:
        return f"refused: {error.message}", []
    except Exception as error:  # what loads and predicts raises whatever its parts raise; callers take it all
        return f"raised {type(error).__name__}: {error}", []


def child(name: str, number: int, seed: int) -> None:
    """All of one model."""
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    source = random.Random(seed)
    model, rows = small_model(name, source)
    content = compat.dump_unindented(model)
    ended, whole = answers(content, rows)
    assert ended == "predicted", ended
    counts = dict.fromkeys(ENDS, 0)
    others: Counter[str] = Counter()  # by what was changed: a threshold is as good as another
    for i in range(number):
        what, changed = damaged(content, source)
        sys.stdout.write(f"{name} {i}: {what}\n")
        sys.stdout.flush()
        signal.setitimer(signal.ITIMER_PROF, PROCESSOR_SECONDS)  # the signal ends the process
        ended, given = answers(changed, rows)
        signal.setitimer(signal.ITIMER_PROF, 0)
        if ended == "predicted":
            ended = "the same" if all(map(np.array_equal, whole, given)) else "other answers"
        counts[next(one for one in ENDS if ended.startswith(one))] += 1
        others.update([what.partition(" ")[0]] if ended == "other answers" else ())
    told = ", ".join(f"{count} {what}" for what, count in counts.items())
    sys.stdout.write(f"{name}: {told} (of {', '.join(f'{count} {what}' for what, count in others.items())})\n")


def run(names: str, number: int, seed: int) -> tuple[bool, str]:
    """Whether models outlived it, and the last line."""
    command = [sys.executable, "-m", "tests.faults.model_files", str(number), "--seed", str(seed), "--child", names]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    last = (done.stdout.splitlines() or [""])[-1]
    return (
        done.returncode == 0,
        last if done.returncode == 0 else f"exit {done.returncode} at {last}\n{done.stderr[-1500:]}",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("number", nargs="?", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=["texts", "tables"])
    parser.add_argument("--child")
    asked = parser.parse_args()
    if asked.child is not None:
        for name in asked.child.split(","):
            child(name, asked.number, asked.seed)
        return
    lived = True
    names = {"texts": list(families_of()), "tables": list(table_models.MODELS)}
    for name in [*names["texts"], *names["tables"]] if asked.only is None else names[asked.only]:
        well, told = run(name, asked.number, asked.seed)
        lived &= well
        sys.stdout.write(f"{told}\n")
        sys.stdout.flush()
    raise SystemExit(not lived)


if __name__ == "__main__":
    main()
