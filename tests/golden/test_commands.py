"""What each command prints as JSON on a small store, pinned: keys, values, and the exit codes of a whole session.

Looks at the command line only. What cannot be the same twice is replaced by `stable`.

    EXPCTL_GOLDEN=write pytest tests/golden      # pins anew; look at the difference before it is committed
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import STORE, write_reviews
from tests.golden.test_training import made_with

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.skipif(STORE != "sqlite", reason="pinned on an SQLite store")

PINNED = Path(__file__).parent / "commands.json"
WRITE = os.environ.get("EXPCTL_GOLDEN") == "write"

# A session, in order: each line is one command. `{weak}` is the id of the run of that name.
SESSION: list[list[str]] = [
    ["train", "--data", "small.csv", "--c", "0.01", "--run-name", "weak", "-t", "team=red", "--note", "first"],
    ["train", "--data", "small.csv", "--c", "10", "--run-name", "strong", "--data-version", "v2", "--cv", "2"],
    ["train", "--data", "small.csv", "--model", "naive_bayes", "--run-name", "bayes"],
    ["train", "--data", "other.csv", "--run-name", "elsewhere"],
    ["sweep", "--data", "small.csv", "-g", "c=0.1,1", "--run-name", "swept", "--jobs", "1"],
    ["sweep", "--data", "small.csv", "-g", "c=0.1,1", "-g", "max_features=10,none", "--dry-run"],
    ["list"],
    ["list", "--flat", "--sort", "name"],
    ["list", "--filter", "f1_score > 0.5 and c >= 1"],
    ["show", "weak"],
    ["show", "strong"],
    ["show", "swept"],
    ["compare", "weak", "strong"],
    ["compare", "weak", "strong", "bayes", "--per-class"],
    ["compare", "weak", "elsewhere"],
    ["best"],
    ["best", "--metric", "log_loss", "--top", "3"],
    ["gate", "strong", "--baseline", "weak"],
    ["gate", "weak", "--baseline", "strong"],
    ["gate", "weak", "--baseline", "strong", "--max-drop", "0.99"],
    ["predict", "--run", "strong", "the film was lovely", "awful and dull"],
    ["predict", "--run", "strong", "the film was lovely", "--proba"],
    ["explain", "weak", "strong"],
    ["reproduce", "strong", "--no-record"],
    ["promote", "strong", "reviews", "--alias", "champion"],
    ["promote", "--list", "reviews"],
    ["delete", "bayes", "--yes"],
    ["restore", "{bayes}"],
    ["doctor"],
    ["show", "nothing"],
    ["train", "--data", "small.csv", "--c", "0"],
    ["train", "--data", "missing.csv"],
    ["list", "--filter", "c >"],
]

_ID = re.compile(r"\b[0-9a-f]{32}\b|\bm-[0-9a-f]{32}\b")
# Facts of the machine, the day and the clock, by the key they stand under.
_VOLATILE = re.compile(
    r"seconds|duration|started|created|host|pid|developer|git_|python|platform|cpu|blas|threads|uri|sha256|bytes|machine"
    r"|^(reason|found|settings|checks|environment|artifacts|promoted|by|expctl\.version)$"
)
_KEPT = ("test_set",)


def stable(value: Any, names: dict[str, str], key: str = "") -> Any:
    """A document in which ids are numbered as they appear, and what the machine or the clock makes is a type name."""
    if isinstance(value, dict):
        return {_ids(k, names): stable(v, names, key if _is_volatile(key) else k) for k, v in value.items()}
    if isinstance(value, list):
        return [stable(one, names, key) for one in value]
    if _is_volatile(key):
        return f"<{type(value).__name__}>"
    if isinstance(value, str):
        return _ids(value, names)
    return value


def _is_volatile(key: str) -> bool:
    return _VOLATILE.search(key) is not None and key not in _KEPT


def _ids(text: str, names: dict[str, str]) -> str:
    full = _ID.sub(lambda match: names.setdefault(match[0], f"<id {len(names) + 1}>"), text)
    for known, name in names.items():
        full = full.replace(known[:8], f"{name[:-1]} short>")
    return full


def rounded(value: Any) -> Any:
    """Numbers to nine digits, for packages and processors other than those of the pins."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return float(f"{value:.9g}") if isinstance(value, float) else value


def test_each_command_prints_what_it_always_did(
    folder: Path, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("EXPCTL_TEST_STORE", "EXPCTL_TEST_DATA"):  # doctor lists what it finds of our variables
        monkeypatch.delenv(name, raising=False)
    write_reviews(folder / "small.csv", 200)
    write_reviews(folder / "other.csv", 120)
    names: dict[str, str] = {}
    ids: dict[str, str] = {}
    found: list[dict[str, Any]] = []
    for words in SESSION:
        arguments = [word.format(**ids) if word.startswith("{") else word for word in words]
        if words[0] not in ("delete", "restore"):
            arguments += ["--format", "json"]
        done = cli(*arguments)
        shown = done.stdout
        document = json.loads(shown) if shown.startswith(("{", "[")) else _ids(shown, names)
        found.append({"command": " ".join(words), "exit": done.exit_code, "stdout": stable(document, names)})
        listed = cli("list", "--flat", "--format", "json", "--limit", "100")
        ids |= {row["name"]: row["run_id"] for row in json.loads(listed.stdout)["rows"]}
    if WRITE:
        pins = {"made_with": made_with(), "session": found}
        PINNED.write_text(json.dumps(pins, indent=1, ensure_ascii=False) + "\n")
        return
    pinned = json.loads(PINNED.read_text())
    exact = pinned["made_with"] == made_with()
    for now, before in zip(found, pinned["session"], strict=True):
        assert (now if exact else rounded(now)) == (before if exact else rounded(before))
