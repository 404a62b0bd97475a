"""What a person asks a training command for: flags, `-p` and `-t` pairs and the config file, put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from expctl.cli.config_file import RECORD_KEYS, read_config, without_rival_tests
from expctl.cli.options.common import read_pairs
from expctl.errors import UsageError
from expctl.training.models.configure import RECIPE_KEYS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """`recipe`: for `configure`; `said`: the `RECORD_KEYS`, None where nothing was said; `tags`: the user's own."""

    recipe: dict[str, Any]
    said: dict[str, Any]
    tags: dict[str, str]


def put_together(
    flags: Mapping[str, object], param: Sequence[str] | None, tag: Sequence[str] | None, config: Path | None
) -> TrainingRequest:
    """Flags (None: not given) and pairs win over the config file.

    Raises UsageError for a pair that is none, or is given twice or as a flag too, and for a config file that is wrong.
    """
    given = {key: value for key, value in flags.items() if value is not None}
    pairs = read_pairs(param or [], "-p")
    for key in pairs:
        if key in (*RECIPE_KEYS, *RECORD_KEYS):
            raise UsageError(f"-p {key}: {key} is not a parameter of the model", hint=f"--{key.replace('_', '-')}")
        if key in given:
            raise UsageError(f"{key} is given both as --{key.replace('_', '-')} and with -p", hint="give it once")
    from_file = read_config(config) if config is not None else {}
    tags = {**from_file.pop("tag", {}), **read_pairs(tag or [], "-t")}
    recipe: dict[str, Any] = {**without_rival_tests(from_file, given), **given, **pairs}
    said = {key: recipe.pop(key, None) for key in RECORD_KEYS}
    return TrainingRequest(recipe, said, tags)
