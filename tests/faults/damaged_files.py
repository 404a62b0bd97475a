"""Model files with one thing changed: a number, length or type of an array, a value of the JSON, some bytes."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import random

SCHEMA = "schema.json"
EXTREMES = (-1, -2, 0, 1, 7, 2**31 - 1, -(2**31), 2**62, -(2**62), 1_000_000)
VALUES = (*EXTREMES, 0.5, -1e300, True, None, "", "no such thing")
ARRAYS = (".npy", ".npz")


def damaged(content: bytes, source: random.Random) -> tuple[str, bytes]:
    """A model file with one thing changed, whole as a zip file, and what was changed."""
    with zipfile.ZipFile(io.BytesIO(content)) as old:
        members = {name: old.read(name) for name in old.namelist()}
    arrays = [name for name in members if name.endswith(".npy")]
    how = source.choice(["array", "array", "array", "json", "json", "bytes"])
    if how == "array" and arrays:
        name = source.choice(arrays)
        array = np.load(io.BytesIO(members[name]))
        packed = io.BytesIO()
        np.save(packed, bent(array, source), allow_pickle=False)
        members[name] = packed.getvalue()
        what = f"array {name} {array.dtype} {array.shape}"
    elif how == "bytes":
        name = source.choice([name for name in members if name.endswith(ARRAYS)] or list(members))
        changed = bytearray(members[name])
        for _ in range(source.randrange(1, 9)):
            changed[source.randrange(len(changed))] = source.randrange(256)
        members[name] = bytes(changed)
        what = f"bytes of {name}"
    else:
        schema = json.loads(members[SCHEMA])
        what = f"json {'.'.join(changed_value(schema, source))}"
        members[SCHEMA] = json.dumps(schema).encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as new:
        for name, data in members.items():
            new.writestr(name, data)
    return what, packed.getvalue()


def bent(array: np.ndarray, source: random.Random) -> np.ndarray:
    """An array with one thing changed; of an array of records, of one field."""
    how = source.choice(["value", "value", "value", "cut", "double", "type", "empty", "columns"])
    if array.dtype.names and how in ("value", "type"):
        changed = array.copy()
        field = source.choice(array.dtype.names)
        changed[field] = with_value(array[field], source)
        return changed
    if how == "value":
        return with_value(array, source)
    if how == "double":
        return np.concatenate([array, array]) if array.ndim else array
    if how == "type" and array.dtype.kind in "iufb":
        return array.astype(source.choice([np.int8, np.int64, np.float32, np.float64, np.uint8]))
    if how == "columns" and array.ndim > 1:
        return array[:, : source.randrange(array.shape[1] + 1)]
    return array[: 0 if how == "empty" else -1] if array.ndim else array


def with_value(array: np.ndarray, source: random.Random) -> np.ndarray:
    """A copy with one number at an extreme of its type, or a word in place of another."""
    changed = array.copy()
    if not changed.size:
        return changed
    place, kind = source.randrange(changed.size), changed.dtype.kind
    if kind in "iu":
        limits = np.iinfo(changed.dtype)
        changed.flat[place] = max(limits.min, min(limits.max, source.choice(EXTREMES)))
    elif kind in "fb":
        changed.flat[place] = source.choice([*EXTREMES, np.nan, np.inf, -np.inf])
    else:
        changed.flat[place] = changed.flat[source.randrange(changed.size)]
    return changed


def changed_value(node: Any, source: random.Random) -> list[str]:
    """Change something of the JSON of a file in place, down a random way; gives the way.

    A value becomes another, a part of an object, list or dict goes, or becomes another part of it.
    """
    if isinstance(node, dict) and node.get("__loader__") == "JsonNode":
        node["content"] = json.dumps(source.choice(VALUES))
        return ["value"]
    inner = node
    while isinstance(inner, dict) and isinstance(inner.get("content"), (dict, list)):
        inner = inner["content"]
    if isinstance(inner, dict) and "__reduce__" in inner and source.random() < 0.3:
        return ["arguments", *changed_value(inner["__reduce__"]["args"], source)]
    keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
    ways = [key for key in keys if isinstance(inner[key], (dict, list)) and key not in ("key_types", "__reduce__")]
    if not ways:
        return ["nothing"]
    key = source.choice(ways)
    chance = source.random()
    if chance < 0.04:
        del inner[key]
        return [str(key), "gone"]
    if chance < 0.08:
        other = source.choice(ways)
        inner[key] = inner[other]
        return [str(key), f"as {other}"]
    return [str(key), *changed_value(inner[key], source)]
