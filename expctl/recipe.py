"""The recipe: everything a run is made from, and the table of its options. Frozen, JSON, logged with the run.

Same recipe, same data, same packages: same bytes. Knows how it is written down (as JSON, as logged parameters, as a
command line); `training/models/configure.py` knows which recipes are valid.

To add an option, add a field to `Recipe`, made by `option`: its flag, its key in a config file, its recorded parameter,
its validation and its words on a command line are all read from there, through `OPTIONS`.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from expctl.columns import read_columns, told_columns, written_columns
from expctl.extra_metrics import read_extra_metrics
from expctl.parameters import FLAG, NONE, Interval, Options, Parameter, parameter_words
from expctl.records import Value

if TYPE_CHECKING:
    from expctl.parameters import Domain

Panel = Literal["Data", "Model"]
# What was done before there was a parameter, of those that came after the first recipes were recorded: they are written
# down only where they are something else, so that older recipes and what is recorded of them stay as they are.
LATER_PARAMETERS: Final[Mapping[str, Value]] = {
    "binary": False, "use_idf": True, "smooth_idf": True, "norm": "l2", "tfidf_norm": "l2", "strip_accents": None,
    "token_pattern": r"(?u)\b\w\w+\b", "char_ngram_min": 3, "char_ngram_max": 5,
}  # fmt: skip
# What options were called in recipes, and on runs, that are older than their name.
RENAMED: Final[Mapping[str, str]] = {"label_column": "target"}
# What `explain` does where two recipes differ in an option: change it with the other data or the model, alone, or not.
Factor = Literal["data", "model", "alone", "none"]


def renamed(given: Mapping[str, Any]) -> dict[str, Any]:
    """What was given or recorded by key, under the present names of its options."""
    return {RENAMED.get(key, key): value for key, value in given.items()}


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a recipe: its `key` for people, in files and on a run, what it takes, and what it is for.

    Without `domains` it is a text. `default` is that of a new recipe. At most one option that `makes_test_set` is
    set. A sweep varies those that `may_vary`. The content of a file (`is_file`) decides, not where it lies. One that is
    `repeatable` has commas between its values.
    """

    help: str
    metavar: str | None = None
    panel: Panel = "Data"
    domains: tuple[Domain, ...] = ()
    makes_test_set: bool = False
    may_vary: bool = False
    factor: Factor = "alone"
    is_file: bool = False
    repeatable: bool = False
    parameter: str = ""  # of a run, where it is not the key
    spelled: str = ""  # its flag, where it is not --KEY
    also: str = ""  # another flag for it
    key: str = ""
    default: Value = None

    @property
    def is_flag(self) -> bool:
        """Whether it is said by --KEY or --no-KEY, without a value."""
        return self.domains == (FLAG,)

    @property
    def flag(self) -> str:
        """How it is spelled on the command line."""
        return self.spelled or f"--{self.key.replace('_', '-')}"

    @property
    def off(self) -> str:
        """How a flag is taken back on the command line."""
        return f"--no-{self.key.replace('_', '-')}"

    def number(self) -> Parameter:
        """How a value that is not just a text is read and checked."""
        return Parameter(self.key, self.key, self.domains, self.default, self.help)

    def words(self, value: object) -> list[str]:
        """The words of a command line that say a value, typed or as text."""
        if self.is_flag:
            return [self.flag if str(value).lower() == "true" else self.off]
        values = str(value).split(",") if self.repeatable else [str(value)]
        return [word for one in values for word in (self.flag, one)]


def option(help: str, *, default: Any = MISSING, before: Any = MISSING, **definition: Any) -> Any:
    """A field of `Recipe` that people can set.

    `before`: what was done before the option existed; it is written only where it is another, so that the JSON of
    older recipes stays as it is.
    """
    return field(default=default, metadata={"option": Option(help, **definition), "before": before})


@dataclass(frozen=True, slots=True)
class Recipe:
    """Data, columns, split, model, parameters, random state.

    Exactly one of `test_size` (a share of the rows), `test_data` (another file) and `split_column` (a column that
    says train or test) makes the test set. `parameters` holds every feature and classifier parameter by its expctl
    key, defaults included, so that a later change of a default does not change an old recipe. `model_hash` is the
    sha256, in hex, of the file that a model's factory is written in, `extra_metric_hash` that of the files of metrics,
    `stop_words_hash` that of a file of stop words.
    With `dedupe` all copies of a text are on one side of the split, and of the folds; with `group_column` all rows with
    the same value there. With `time_column` the latest `test_size` of the rows are tested on, and folds go forward.
    `columns` are those of a table that the model reads, each with its kind as it was decided when the recipe was made,
    in the order of `by_kind`; None: the text column alone.
    """

    data: str = option(
        "A table (CSV, TSV, JSON, JSONL, Parquet, also .gz or .zip), lines with labels (.txt), a folder with a folder"
        " for each class, or a URL.  [EXPCTL_DATA, else data/reviews.csv]",
        metavar="FILE",
        factor="data",
        is_file=True,
        parameter="data_path",
    )
    text_column: str = option("Column of the texts.", default="text", metavar="NAME", factor="data")
    target: str = option(
        "Column to predict: labels, or numbers.", default="label", metavar="NAME", factor="data", also="--label-column"
    )
    task: str | None = option(
        "What to learn of a table, else told by the target: classification or regression.",
        default=None,
        before=None,
        metavar="TASK",
        domains=(Options(("classification", "regression")), NONE),
        factor="data",
    )
    features: str | None = option(
        "Columns of a table to learn from, by * and ?; repeatable.  [default: all others]",
        default=None,
        before=None,
        metavar="NAMES",
        factor="data",
        repeatable=True,
    )
    drop: str | None = option(
        "Columns of a table to leave out; repeatable.",
        default=None,
        before=None,
        metavar="NAMES",
        factor="data",
        repeatable=True,
    )
    kinds: str | None = option(
        "What a column is: numeric, categorical, text, datetime; repeatable.",
        default=None,
        before=None,
        metavar="NAME=KIND",
        factor="data",
        repeatable=True,
        spelled="--as",
    )
    missing: str | None = option(
        "Words of a table for what is missing, in every column; repeatable.",
        default=None,
        before=None,
        metavar="WORD",
        factor="data",
        repeatable=True,
    )
    delimiter: str | None = option(
        "What separates the columns of a text file, if not what its ending says: , ; | : tab or whitespace.",
        default=None,
        before=None,
        metavar="SIGN",
        domains=(Options((",", ";", "|", ":", "tab", "whitespace")), NONE),
        factor="data",
    )
    names: str | None = option(
        "The file has no header: its columns are called so; repeatable.",
        default=None,
        before=None,
        metavar="NAMES",
        factor="data",
        repeatable=True,
    )
    encoding: str = option("Encoding of CSV, TSV and JSONL.", default="utf-8", metavar="NAME", factor="data")
    test_size: float | None = option(
        "Share of the rows to test on.",
        default=0.2,
        metavar="SHARE",
        domains=(Interval(float, 0, 1, "neither"),),
        makes_test_set=True,
        may_vary=True,
    )
    test_data: str | None = option(
        "Test on this file instead.", default=None, metavar="FILE", makes_test_set=True, factor="data", is_file=True
    )
    split_column: str | None = option(
        "Column that says train or test.", default=None, metavar="NAME", makes_test_set=True, factor="data"
    )
    stratify: bool = option("Keep the classes' shares on both sides.", default=True, domains=(FLAG,), may_vary=True)
    dedupe: bool = option(
        "Keep all copies of a text on one side.", default=False, before=False, domains=(FLAG,), factor="data"
    )
    group_column: str | None = option(
        "Keep the rows of a group on one side: author, source, ...",
        default=None,
        before=None,
        metavar="NAME",
        factor="data",
    )
    time_column: str | None = option(
        "Test on the latest rows, by this column; folds go forward.",
        default=None,
        before=None,
        metavar="NAME",
        factor="data",
    )
    gap: int | None = option(
        "With a time column: rows left out before the test set, and before each fold.",
        default=None,
        before=None,
        metavar="ROWS",
        domains=(Interval(int, 1), NONE),
        factor="data",
    )
    slice: str | None = option(
        "Record this column of the test rows, for --by; repeatable. length: of the text.",
        default=None,
        before=None,
        metavar="NAME",
        factor="none",
        repeatable=True,
    )
    random_state: int = option(
        "Seed of the split and the model.",
        default=42,
        metavar="N",
        domains=(Interval(int, 0, 2**32 - 1),),
        may_vary=True,
    )
    cv: int | None = option(
        "Cross-validate on the training rows, K folds.",
        default=None,
        metavar="K",
        panel="Model",
        domains=(Interval(int, 2), NONE),
        factor="none",
    )
    extra_metric: str | None = option(
        "Measure this too, a function of y_true and y_pred; repeatable.",
        default=None,
        before=None,
        metavar="package.module:function",
        panel="Model",
        factor="none",
        repeatable=True,
    )
    calibrate: str | None = option(
        "Calibrate the probabilities, on five folds of the training rows: sigmoid or isotonic.",
        default=None,
        before=None,
        metavar="METHOD",
        panel="Model",
        domains=(Options(("sigmoid", "isotonic")), NONE),
        may_vary=True,
    )
    model: str = option(
        "{models}, or package.module:factory.",
        default="logreg",
        metavar="NAME",
        panel="Model",
        may_vary=True,
        factor="model",
    )
    parameters: Mapping[str, Value] = field(default_factory=dict)
    columns: Mapping[str, str] | None = field(default=None, metadata={"before": None})
    model_hash: str | None = field(default=None, metadata={"before": None})
    extra_metric_hash: str | None = field(default=None, metadata={"before": None})
    stop_words_hash: str | None = field(default=None, metadata={"before": None})

    def to_json(self) -> str:
        """One line of JSON with sorted keys: equal recipes have equal text, those recorded by an older expctl too."""
        written = {**asdict(self), "parameters": self._written()}
        if self.columns is not None:
            written["columns"] = written_columns(self.columns)
        for key, before in _before(type(self)).items():
            if written[key] == before:
                del written[key]
        return json.dumps(written, sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """The recipe whose `to_json` gave `text`. Raises ValueError or TypeError for any other text."""
        values = {**_before(cls), **json.loads(text)}
        values = renamed(values)
        return cls(**{**values, "columns": read_columns(values["columns"])})

    @property
    def own_code(self) -> list[str]:
        """The code of the user's own that the recipe runs, as package.module:function: its model, its metrics."""
        metrics = [] if self.extra_metric is None else [one.path for one in read_extra_metrics(self.extra_metric)]
        return [*([self.model] if ":" in self.model else []), *metrics]

    def values(self) -> dict[str, Value]:
        """Every option and every parameter by its key; None of options that are not set."""
        return {**{key: getattr(self, key) for key in OPTIONS}, **self.parameters}

    def logged(self) -> dict[str, Value]:
        """The parameters a run is logged with: what was chosen and why it comes out as it does.

        `data` is logged as `data_path`, the name the record of a run has for it, and first.
        """
        flat = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("data", "parameters", "columns")}
        if self.columns is not None:
            flat |= {"text_column": None, "columns": self.told_columns()}
        chosen = {logged_as(key): value for key, value in flat.items() if value is not None}
        return {logged_as("data"): self.data, **chosen, **self._written()}

    def told_columns(self) -> str:
        """How many columns of each kind the model reads: `5 numeric, 2 categorical`; empty of a text's recipe."""
        return told_columns(self.columns or {})

    def _written(self) -> dict[str, Value]:
        """The parameters but for later ones of a family that are as they were before there was a choice."""
        if ":" in self.model:  # a factory's are its own
            return dict(self.parameters)
        return {
            key: value
            for key, value in self.parameters.items()
            if key not in LATER_PARAMETERS or not is_same(value, LATER_PARAMETERS[key])
        }

    def command(self, defaults: Mapping[str, Value]) -> str:
        """The `expctl train` line that makes this recipe again.

        `defaults` are the present default parameters of the recipe's model; only what differs from them is written,
        in value or in type: `max_df` 1 is one row, 1.0 all of them.
        """
        words = ["expctl", "train"]
        for one in sorted(OPTIONS.values(), key=_place):
            value = getattr(self, one.key)
            if value is not None and value != one.default:
                words += one.words(value)
        for key, value in self.parameters.items():
            if key not in defaults or not is_same(defaults[key], value):
                words += parameter_words(key, value, by_flag=key in defaults)
        return shlex.join(words)


def is_same(one: Value, other: Value) -> bool:
    """Equal in value and in type: `max_df` 1 is one row, 1.0 all of them."""
    return (type(one), one) == (type(other), other)


def options_of(recipe: type[Recipe]) -> dict[str, Option]:
    """The table of the options that a class of recipes has, by key."""
    table = {}
    for one in fields(recipe):
        if "option" in one.metadata:
            default = None if one.default is MISSING else one.default
            table[one.name] = replace(one.metadata["option"], key=one.name, default=default)
    return table


OPTIONS: Final = options_of(Recipe)


def logged_as(key: str) -> str:
    """The parameter of a run that has an option of its recipe, or a parameter of its model."""
    return (OPTIONS[key].parameter if key in OPTIONS else "") or key


def _before(recipe: type[Recipe]) -> dict[str, Value]:
    """What was done before there was an option, for each that came after the first recipes were recorded."""
    found = {one.name: one.metadata.get("before", MISSING) for one in fields(recipe)}
    return {key: value for key, value in found.items() if value is not MISSING}


def _place(one: Option) -> int:
    """Where an option stands on a command line: the data first, what makes the test set, values, flags."""
    return 0 if one.key == "data" else 1 if one.makes_test_set else 3 if one.is_flag else 2
