"""The config file of `train`: TOML with the keys of the flags. Owns its errors, which name the line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from expctl.errors import UsageError, closest
from expctl.recipe import OPTIONS, renamed
from expctl.training.models.configure import NUMBERS, RECIPE_KEYS, TEXTS

if TYPE_CHECKING:
    from pathlib import Path

# What a config file, or a flag, says besides the recipe and the parameters of the model.
RECORD_KEYS: Final = ("run_name", "note", "data_version", "autolog", "strict", "experiment")
_TABLES: Final = ("tag", "param")
_LIMIT: Final = 1_000_000
# Options that can be repeated: several values are a list, or one text with commas.
_SEVERAL: Final = tuple(key for key, one in OPTIONS.items() if one.repeatable)


def read_config(path: Path) -> dict[str, Any]:
    """The options of a TOML file: keys as the flags with underscores, parameters beside them or in [param].

    Raises UsageError, with the line, for what is no TOML, an unknown key or a value of the wrong type.
    """
    import tomllib

    try:
        if path.exists() and not path.is_file():  # a pipe never ends, nor does /dev/zero
            raise UsageError(f"{path} is not a file", hint="--config FILE.toml")
        if path.stat().st_size > _LIMIT:
            raise UsageError(f"{path} is larger than {_LIMIT:,} bytes", hint="a config file holds a few options")
        text = path.read_text("utf-8")
        content = renamed(tomllib.loads(text))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", hint="--config FILE.toml") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is not TOML: {error}", hint="one key = value a line, as in c = 0.5") from error
    parameters = _table(content.pop("param", {}), "param", path, text)
    for key in parameters:
        if key in content:
            raise UsageError(f"{path}{_line(text, key)}: {key} is in [param] too", hint="give it once")
    content.update(parameters)
    content["tag"] = {key: str(value) for key, value in _table(content.get("tag", {}), "tag", path, text).items()}
    for key, value in content.items():
        where = f"{path}{_line(text, key)}"
        if key == "tag":
            continue
        if key in _SEVERAL and isinstance(value, list) and value and all(isinstance(one, str) for one in value):
            content[key] = value = ",".join(value)
        if isinstance(value, (dict, list)):
            raise UsageError(
                f"{where}: {key} is a {type(value).__name__}, not a value", hint="tables are [tag] and [param]"
            )
        if key in ("run_name", "note", "data_version", "experiment", *TEXTS) and not isinstance(value, str):
            raise UsageError(f"{where}: {key} must be text in quotes, not {value!r}")
        if key in ("autolog", "strict") and not isinstance(value, bool):
            raise UsageError(f"{where}: {key} must be true or false, not {value!r}")
    _check_config(content, path, text)
    return content


def _table(value: Any, key: str, path: Path, text: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UsageError(f"{path}{_line(text, key)}: {key} must be a table", hint=f"[{key}] on a line of its own")
    return value


def _line(text: str, key: str) -> str:
    """`, line 3` for the line that sets a key. By hand: neither tomllib nor tomlkit keeps where a key stood."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.split("=")[0].strip().strip("\"'") in (key, f"[{key}]"):
            return f", line {number}"
    return ""


def _check_config(content: dict[str, Any], path: Path, text: str) -> None:
    """Raise the UsageError that a key or value would cause later with its line, which only the file knows."""
    from expctl.training.models.families import all_parameters

    model = content.get("model", "logreg")
    parameters = all_parameters() if ":" not in model else None
    known = (*RECIPE_KEYS, *RECORD_KEYS, *_TABLES, *(parameters or ()))
    for key, value in content.items():
        where = f"{path}{_line(text, key)}"
        if parameters is not None and key not in known:
            raise UsageError(f"{where}: unknown key {key!r}{closest(key, known)}", hint=f"it takes {', '.join(known)}")
        if key in NUMBERS:
            try:
                NUMBERS[key].read(value)
            except UsageError as error:
                raise UsageError(f"{where}: {error.message}", hint=error.hint) from error
