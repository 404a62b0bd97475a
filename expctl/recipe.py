"""The recipe: everything a run is made from. Frozen, JSON, logged with the run.

Same recipe, same data, same packages: same bytes. Knows how it is written down (as JSON, as logged parameters, as a
command line); `training/configure.py` knows which recipes are valid.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Final

from expctl.records import Value

if TYPE_CHECKING:
    from collections.abc import Mapping


# Fields that came later, with what was done before there was a choice: written only where it is another.
_LATER: Final = {"dedupe": False, "model_hash": None}


@dataclass(frozen=True, slots=True)
class Recipe:
    """Data, columns, split, model, parameters, random state.

    Exactly one of `test_size` (a share of the rows), `test_data` (another file) and `split_column` (a column that
    says train or test) makes the test set. `parameters` holds every feature and classifier parameter by its expctl
    key, defaults included, so that a later change of a default does not change an old recipe. `model_hash` is the
    sha256, in hex, of the file that a model's factory is written in. With `dedupe` all copies of a text are on one side
    of the split, and of the folds.
    """

    data: str
    text_column: str = "text"
    label_column: str = "label"
    encoding: str = "utf-8"
    test_size: float | None = 0.2
    test_data: str | None = None
    split_column: str | None = None
    stratify: bool = True
    dedupe: bool = False
    random_state: int = 42
    cv: int | None = None
    model: str = "logreg"
    parameters: Mapping[str, Value] = field(default_factory=dict)
    model_hash: str | None = None

    def to_json(self) -> str:
        """One line of JSON with sorted keys: equal recipes have equal text, those recorded by an older expctl too."""
        written = asdict(self)
        for key, before in _LATER.items():
            if written[key] == before:
                del written[key]
        return json.dumps(written, sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """The recipe whose `to_json` gave `text`. Raises ValueError or TypeError for any other text."""
        return cls(**json.loads(text))

    def logged(self) -> dict[str, Value]:
        """The parameters a run is logged with: what was chosen and why it comes out as it does.

        `data` is logged as `data_path`, the name the record of a run has for it.
        """
        flat = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("data", "parameters")}
        chosen = {key: value for key, value in flat.items() if value is not None}
        return {"data_path": self.data, **chosen, **self.parameters}

    def command(self, defaults: Mapping[str, Value]) -> str:
        """The `expctl train` line that makes this recipe again.

        `defaults` are the present default parameters of the recipe's model; only what differs from them is written,
        in value or in type: `max_df` 1 is one row, 1.0 all of them.
        """
        words = ["expctl", "train", "--data", self.data]
        if self.test_data is not None:
            words += ["--test-data", self.test_data]
        elif self.split_column is not None:
            words += ["--split-column", self.split_column]
        elif self.test_size is not None and self.test_size != 0.2:
            words += ["--test-size", repr(self.test_size)]
        plain = {"text_column": "text", "label_column": "label", "encoding": "utf-8", "random_state": 42, "cv": None}
        for name, default in {**plain, "model": "logreg"}.items():
            value = getattr(self, name)
            if value != default:
                words += [f"--{name.replace('_', '-')}", str(value)]
        if not self.stratify:
            words.append("--no-stratify")
        if self.dedupe:
            words.append("--dedupe")
        for key, value in self.parameters.items():
            if key not in defaults or (type(defaults[key]), defaults[key]) != (type(value), value):
                words += ["-p", f"{key}={'none' if value is None else value}"]
        return shlex.join(words)
