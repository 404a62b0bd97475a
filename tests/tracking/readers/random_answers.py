"""What a server might say: MLflow's own answers with parts of them exchanged for something else, by a seed.

    python -m tests.tracking.readers.random_answers [CASES]

asks every call of the REST reader so often, and prints what became of it.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from expctl.errors import StoreError
from expctl.filters.expression import EVERY_RUN
from expctl.records import RunRecord
from expctl.tracking.readers import rest
from expctl.tracking.readers.protocol import Experiment, HistoryPoint, Query
from tests.tracking.forged import RUN_ID, a_run

if TYPE_CHECKING:
    from collections.abc import Callable

_MODEL: Final = {
    "info": {"model_id": f"m-{RUN_ID}", "name": "model", "artifact_uri": f"mlflow-artifacts:/1/m-{RUN_ID}"}
}
_RUN: Final = {
    **a_run(f"mlflow-artifacts:/1/{RUN_ID}/artifacts", **{"mlflow.note.content": "a note"}),
    "inputs": {
        "dataset_inputs": [
            {
                "dataset": {"name": "reviews", "digest": "abc"},
                "tags": [{"key": "mlflow.data.context", "value": "training"}],
            }
        ]
    },
    "outputs": {"model_outputs": [{"model_id": f"m-{RUN_ID}", "step": "0"}]},
}
_FILES: Final = {"files": [{"path": "a.txt", "is_dir": False, "file_size": "5"}, {"path": "plots", "is_dir": True}]}
_VALUES: Final = {"metrics": [{"key": "f1_score", "value": 0.5, "timestamp": "1700000000000", "step": "1"}]}
_EXPERIMENTS: Final = {"experiments": [{"experiment_id": "1", "name": "expctl", "lifecycle_stage": "active"}]}


def right(call: str) -> Any:
    """What MLflow says to a call."""
    if call.startswith("experiments/search"):
        return _EXPERIMENTS
    if call.startswith("runs/search"):
        return {"runs": [_RUN, _RUN]}
    if call.startswith("runs/get"):
        return {"run": _RUN}
    if call.startswith("metrics/get-history"):
        return _VALUES
    if call.startswith("logged-models/search"):
        return {"models": [_MODEL]}
    if call.startswith("logged-models"):
        return {"model": _MODEL}
    return {} if "plots" in call else _FILES


def wrong(seed: random.Random) -> Any:
    """Any value of JSON, also some that only Python's has."""
    words = ["", "x", "NaN", "Infinity", "-1", "1e400", "\0", "\ud800", "../../etc", "a" * 5000, "FINISHED", "1_0", "٣"]
    return seed.choice(
        [
            lambda: None,
            lambda: seed.random() < 0.5,
            lambda: seed.choice([0, -1, 5, 2**31, 2**63, 2**64, 10**400, -(10**30)]),
            lambda: seed.choice([0.5, -0.0, float("nan"), float("inf"), 1e308, 1.5]),
            lambda: seed.choice(words),
            lambda: [wrong(seed) for _ in range(seed.randrange(3))],
            lambda: {
                seed.choice([*words, "key", "value", "info", "path"]): wrong(seed) for _ in range(seed.randrange(3))
            },
        ]
    )()


def _places(value: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Every part of an answer: what holds it, and under which key."""
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        found.append((value, key))
        _places(value[key], found)
    return found


def changed(answer: Any, seed: random.Random) -> Any:
    """An answer with one to three of its parts exchanged, left out, doubled or put in a list."""
    found = {"answer": deepcopy(answer)}
    for _ in range(seed.randrange(1, 4)):
        holder, key = seed.choice(_places(found, []))
        match seed.randrange(6):
            case 0 if "answer" not in holder:
                del holder[key]
            case 1:
                holder[key] = [holder[key]]
            case 2 if isinstance(holder, list):
                holder.append(deepcopy(holder[key]))
            case 3 if isinstance(holder[key], dict):
                holder[key][seed.choice(["next_page_token", "error_code", "x"])] = wrong(seed)
            case _:
                holder[key] = wrong(seed)
    return found["answer"]


def content(call: str, seed: random.Random) -> tuple[int, bytes]:
    """A status and an answer to a call: mostly MLflow's own, changed; else none at all, or bytes that are no JSON."""
    status = seed.choice([200] * 12 + [302, 400, 404, 405, 418, 500, 501])
    said = json.dumps(right(call) if seed.random() < 0.3 else changed(right(call), seed)).encode()
    match seed.randrange(30):
        case 0:
            said = said[: seed.randrange(len(said) + 1)]
        case 1:
            said = seed.choice([b"[" * 100_000, b'{"a":' * 100_000, b"\xff\xfe", b"", b"null", b"1" * 5000, b"<html>"])
        case 2:
            said = json.dumps({"error_code": wrong(seed), "message": wrong(seed)}).encode()
        case 3:
            said = json.dumps({**right(call), "next_page_token": seed.choice(["again", str(seed.random())])}).encode()
    return status, said


def ask(answer: Callable[[str], tuple[int, bytes]], what: str, folder: Path) -> Any:
    """One question to the reader, every call of which is answered so."""
    reader = rest.RestReader("http://localhost:5000", {})

    def call(
        _method: str,
        path: str,
        _body: bytes | None = None,
        into: Path | None = None,
        *,
        file: bool = False,
        again: bool = True,
    ) -> Any:
        status, found = answer(path.removeprefix("mlflow/"))
        if into is not None and status == 200:
            into.write_bytes(found)
            return status, b""
        return status, found

    reader._server.call = call  # type: ignore[method-assign]
    run = RunRecord(RUN_ID, "a", "finished", "1", None, None, {}, {}, {}, artifact_uri="mlflow-artifacts:/1/a")
    questions: dict[str, Callable[[], Any]] = {
        "experiments": reader.experiments,
        "find": lambda: reader.find(Query(("1",), EVERY_RUN, limit=5)),
        "get": lambda: reader.get(RUN_ID),
        "history": lambda: reader.history(RUN_ID, "f1_score"),
        "keys": reader.keys,
        "spaces": lambda: reader.spaces("c", ("1",)),
        "folders": lambda: reader.folders(run),
        "file": lambda: reader.file("mlflow-artifacts:/1/a", "a.txt"),
        "files": lambda: list(reader.files("mlflow-artifacts:/1/a")),
        "download": lambda: reader.download("mlflow-artifacts:/1/a", "a.txt", folder / "a.txt"),
    }
    return questions[what]()


QUESTIONS: Final = (
    *("experiments", "find", "get", "history", "keys", "spaces", "folders", "file", "files", "download"),
)


def check(found: Any) -> None:
    """Raise AssertionError for a value of another type than a reader promises, or a refusal of several lines."""
    if isinstance(found, StoreError):
        assert "\n" not in found.message, found.message
    for one in found if isinstance(found, list) else [found]:
        if isinstance(one, RunRecord):
            texts = (one.run_id, one.name, one.experiment_id, one.artifact_uri, one.user_id)
            assert all(isinstance(text, str) for text in texts), one
            for held in (one.params, one.tags):
                assert all(isinstance(text, str) for pair in held.items() for text in pair), one
            assert all(isinstance(key, str) and isinstance(value, float) for key, value in one.metrics.items()), one
            assert isinstance(one.deleted, bool), one
        elif isinstance(one, Experiment):
            assert isinstance(one.experiment_id, str), one
            assert isinstance(one.name, str), one
        elif isinstance(one, HistoryPoint):
            assert isinstance(one.value, float), one
            assert isinstance(one.step, int), one


def try_one(number: int, folder: Path) -> str:
    """A question and an answer, by the number of the case; gives what became of it: answered, or refused."""
    seed = random.Random(number)
    what = seed.choice(QUESTIONS)
    try:
        found = ask(lambda call: content(call, seed), what, folder)
    except StoreError as refusal:
        check(refusal)
        return f"{what}: refused"
    check(found)
    return f"{what}: answered"


def main(cases: int) -> None:
    counts: Counter[str] = Counter()
    with TemporaryDirectory() as folder:
        for number in range(cases):
            try:
                counts[try_one(number, Path(folder))] += 1
            except Exception as error:
                counts[f"{type(error).__name__}: {str(error)[:80]} (case {number})"] += 1
    for told, count in sorted(counts.items()):
        sys.stdout.write(f"{count:>8,}  {told}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
