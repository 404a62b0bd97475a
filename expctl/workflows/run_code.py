"""`show --code`: a recorded run as a Python script of pandas and scikit-learn, which prints the recorded metrics."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from expctl.columns import COLUMN_KINDS
from expctl.errors import RunNotFound, UsageError
from expctl.tracking.runs.predictions import read_predictions
from expctl.tracking.runs.references import resolve
from expctl.training.data.cells import BLANK, MISSING
from expctl.training.data.class_folders import is_class_folder
from expctl.training.data.column_kinds import missing_words
from expctl.training.data.kinds import features_of
from expctl.training.data.table_formats import DELIMITERS, WHITESPACE, layout_of
from expctl.training.data.tables import TYPED, kind_of
from expctl.training.models.configure import recorded
from expctl.training.models.constructors import constructor
from expctl.training.models.families import is_factory
from expctl.training.models.pipeline import build_pipeline
from expctl.training.models.word_file import is_word_file
from expctl.wording import listed

if TYPE_CHECKING:
    from expctl.analysis.predictions import RunPredictions
    from expctl.recipe import Recipe
    from expctl.records import RunRecord
    from expctl.tracking.store import Store

_OF_NO_NAME: Final = re.compile(r"unnamed_\d+|.* \(column \d+\)", re.DOTALL)
_TEXT_ROWS: Final = """\
data = data[(data[{text}].str.strip() != "") & (data[{target}].str.strip() != "")]
X = data[[{text}]].astype(object)
"""
_TYPED_TEXT_ROWS: Final = """\
present = [all(not is_missing(cell, BLANK) for cell in row) for row in zip(data[{text}], data[{target}])]
data = data[present]
X = pd.DataFrame({{{text}: pd.Series([str(cell) for cell in data[{text}]], dtype=object)}})
"""
_DATES: Final = """\
def parts(name, cells):
    read = [None if is_missing(cell, MISSING) else moment(cell) for cell in cells]
    read = [one if one is None or one.tzinfo is None else one.astimezone(timezone.utc) for one in read]
    found = {
        "year": lambda time: time.year,
        "month": lambda time: time.month,
        "day": lambda time: time.day,
        "weekday": lambda time: time.weekday(),
        "hour": lambda time: time.hour,
    }
    return {
        f"{name}.{part}": [float("nan") if time is None else float(of(time)) for time in read]
        for part, of in found.items()
    }


"""
# How a cell is read, of a text file and of one whose cells have types.
_TEXT_CELLS: Final = """\

def is_missing(cell, words):
    return not cell.strip() or cell.strip().lower() in words


def word(cell):
    return cell.strip()


{moment}"""
_TYPED_CELLS: Final = """\

def is_missing(cell, words):
    if isinstance(cell, str):
        return not cell.strip() or cell.strip().lower() in words
    return cell is None or cell != cell


def word(cell):
    if isinstance(cell, bool):
        return str(cell).lower()
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()


{moment}"""
_TEXT_MOMENT: Final = """\
def moment(cell):
    return datetime.fromisoformat(cell.strip())


"""
_TYPED_MOMENT: Final = """\
def moment(cell):
    if isinstance(cell, str):
        return datetime.fromisoformat(cell.strip())
    return cell if isinstance(cell, datetime) else datetime(cell.year, cell.month, cell.day)


"""
_TABLE_ROWS: Final = """\
{cells}def numbers(cells):
    return [float("nan") if is_missing(cell, MISSING) else float(cell) for cell in cells]


def categories(cells):
    return [None if is_missing(cell, BLANK) else word(cell) for cell in cells]


def texts(cells):
    return ["" if is_missing(cell, BLANK) else str(cell) for cell in cells]


{parts}# Words that mean a missing cell: of numbers, dates and the target, and of categories and texts.
MISSING = {missing}
BLANK = {blank}
data = data[[not is_missing(cell, MISSING) for cell in data[{target}]]]
numeric = {numeric}
categorical = {categorical}
text = {text}
columns = {{name: numbers(data[name]) for name in numeric}}
columns.update({{name: pd.Series(categories(data[name]), dtype=object) for name in categorical}})
columns.update({{name: pd.Series(texts(data[name]), dtype=object) for name in text}})
{dates}X = pd.DataFrame(columns)
"""
_LABELS: Final = {
    str: "data[{target}].str.strip().to_numpy(dtype=object)",
    bool: 'np.array([cell.strip().lower() == "true" for cell in data[{target}]])',
    int: "np.array([int(cell.strip()) for cell in data[{target}]])",
    float: "np.array([float(cell.strip()) for cell in data[{target}]])",
}
_TYPED_LABELS: Final = {
    str: "np.array([str(cell).strip() for cell in data[{target}]], dtype=object)",
    bool: "np.array(list(data[{target}]), dtype=bool)",
    int: "np.array(list(data[{target}]), dtype=np.int64)",
    float: "np.array(list(data[{target}]), dtype=np.float64)",
}
# Of the bytes of a file a table: of a text file as pandas reads it, each cell a text; of others cell by cell.
_CSV: Final = "data = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False{options})\n"
_UNQUOTED: Final = """\

def unquoted(cell):
    inside = cell[1:-1].replace('""', "")
    whole = len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in inside
    return cell[1:-1].replace('""', '"') if whole else cell


data = data.apply(lambda column: column.map(unquoted))
"""
_RECORDS: Final = """\
text = content.decode({encoding})
if text.lstrip().startswith("["):
    records = json.loads(text)
else:
    records = [json.loads(line) for line in io.StringIO(text) if line.strip()]
"""
_PARQUET: Final = "table = pyarrow.parquet.read_table(io.BytesIO(content))\n"
_OBJECTS: Final = """\
names = {names}
data = pd.DataFrame({{name: pd.Series({cells}, dtype=object) for name in names}})
"""
# By metric: the function of sklearn.metrics and its further arguments.
_CLASSES: Final = {
    "accuracy": ("accuracy_score", ""),
    "f1_score": ("f1_score", ', average="weighted", zero_division=0'),
    "precision": ("precision_score", ', average="weighted", zero_division=0'),
    "recall": ("recall_score", ', average="weighted", zero_division=0'),
    "f1_macro": ("f1_score", ', average="macro", zero_division=0'),
    "balanced_accuracy": ("recall_score", ', labels=np.unique(y_test), average="macro"'),
    "mcc": ("matthews_corrcoef", ""),
}
# scikit-learn has it for many classes from 1.7 on, and sums in another order.
_BRIER: Final = """\
right = scores[np.arange(len(y_test)), pipeline.classes_.searchsorted(y_test)]
scores = np.ascontiguousarray(scores[:, pipeline.classes_.astype(str).argsort(kind="stable")])
distances = np.einsum("ij,ij->i", scores, scores, dtype=float) + 1 - 2 * right.astype(float)
results["brier_score"] = np.sort(np.maximum(distances, 0){halved}).mean()"""
_VALUES: Final = {
    "r2": ("r2_score", ""),
    "rmse": ("root_mean_squared_error", ""),
    "mae": ("mean_absolute_error", ""),
    "median_ae": ("median_absolute_error", ""),
    "mape": ("mean_absolute_percentage_error", ""),
}


def run_code(store: Store, reference: str) -> str:
    """The script of a run. Raises RunNotFound for a run that has no script, with the reason."""
    run = resolve(store, reference)
    if run.recipe_json is None:
        raise RunNotFound(f"run {run.described} has no recipe of which to make a script", hint="a run of expctl train")
    recipe, said = recorded(run.recipe_json), read_predictions(store, run)
    if said is None:
        raise RunNotFound(f"run {run.described} has no predictions.parquet", hint=f"expctl show {run.run_id[:8]}")
    beyond = _beyond(recipe)
    if beyond:
        raise RunNotFound(
            f"run {run.described}: a script cannot show {listed(beyond)}", hint=f"expctl reproduce {run.run_id[:8]}"
        )
    imports = {("sklearn.model_selection", "train_test_split")}
    try:
        pipeline = constructor(build_pipeline(recipe), imports)
    except (ValueError, UsageError) as error:
        raise RunNotFound(f"run {run.described}: a script cannot show {error}") from error
    metrics = _metrics(run, said, imports)
    return "\n".join([_head(run, recipe, imports), _rows(recipe, said), _fitting(recipe, pipeline), metrics])


def _beyond(recipe: Recipe) -> list[str]:
    """What of a recipe such a script does not do."""
    stop_words = recipe.parameters.get("stop_words")
    found = {
        "data at a URL, in a folder, a zip file or lines of labels and texts": "://" in recipe.data
        or is_class_folder(recipe.data)
        or _form(recipe) in ("zip", "txt"),
        "columns whose names stand twice in the header, or not at all": any(
            _OF_NO_NAME.fullmatch(name) for name in _read_columns(recipe)
        ),
        "a test set that is not drawn at random": recipe.test_size is None or recipe.time_column is not None,
        "--dedupe": recipe.dedupe,
        "--group-column": recipe.group_column is not None,
        "--extra-metric": recipe.extra_metric is not None,
        "--calibrate": recipe.calibrate is not None,
        "a model of your own": is_factory(recipe.model),
        "a file of stop words": isinstance(stop_words, str) and is_word_file(stop_words),
    }
    return [what for what, is_so in found.items() if is_so]


def _form(recipe: Recipe) -> str:
    """The form of the data: csv of any text file with columns."""
    kind = kind_of(recipe.data)
    return "csv" if kind == "txt" and (recipe.delimiter or recipe.names) else kind


def _read_columns(recipe: Recipe) -> list[str]:
    return [*features_of(recipe).columns(recipe), recipe.target]


def _data(recipe: Recipe) -> tuple[str, list[str]]:
    """The lines that make a table of the bytes `content`, and the modules that they need."""
    form = _form(recipe)
    names = "[\n" + "".join(f"    {name!r},\n" for name in _read_columns(recipe)) + "]"
    marked = "utf-8-sig" if recipe.encoding.lower() in ("utf-8", "utf8") else recipe.encoding
    if form == "parquet":
        return _PARQUET + _OBJECTS.format(names=names, cells="table[name].to_pylist()"), ["pyarrow.parquet"]
    if form in ("jsonl", "json"):
        cells = "[record.get(name) for record in records]"
        return _RECORDS.format(encoding=repr(marked)) + _OBJECTS.format(names=names, cells=cells), ["json"]
    tabbed = form == "tsv" and recipe.delimiter is None
    blanks = recipe.delimiter == WHITESPACE
    given = {
        "encoding": recipe.encoding,
        "sep": "\t" if tabbed else r"\s+" if blanks else DELIMITERS[recipe.delimiter or ","],
        "quoting": 3 if tabbed or blanks else 0,  # csv.QUOTE_NONE
        "names": list(layout_of(None, recipe.names).names) or None,
    }
    usual = {"sep": ",", "quoting": 0, "names": None}
    options = "".join(f", {key}={value!r}" for key, value in given.items() if value != usual.get(key, ""))
    stripped = "" if recipe.names else "data.columns = data.columns.str.strip()\n"
    return _CSV.format(options=options) + stripped + (_UNQUOTED if tabbed else ""), []


def _head(run: RunRecord, recipe: Recipe, imports: set[tuple[str, str]]) -> str:
    modules = sorted({module for module, _ in imports})
    names = [f"from {one} import {', '.join(sorted(name for own, name in imports if own == one))}" for one in modules]
    dates = "from datetime import datetime, timezone\n" if "datetime" in (recipe.columns or {}).values() else ""
    data, needed = _data(recipe)
    packed = recipe.data.lower().endswith(".gz")
    plain = sorted({"hashlib", "io", *(["gzip"] if packed else []), *(one for one in needed if one == "json")})
    others = "".join(f"import {one}\n" for one in needed if one != "json")
    return (
        f"# Run {run.run_id} of expctl as a script: it prints the recorded metrics.\n"
        "# They are the same to the last bit with the packages of the run: its file requirements.txt.\n"
        + "".join(f"import {one}\n" for one in plain)
        + f"{dates}from pathlib import Path\n\nimport numpy as np\nimport pandas as pd\n{others}"
        + "\n".join(names)
        + "\nfrom threadpoolctl import threadpool_limits  # comes with scikit-learn\n\n"
        f"content = Path({recipe.data!r}).read_bytes()\n"
        f'digest = "{run.params.get("data_hash", "")}"\n'
        'assert hashlib.sha256(content).hexdigest() == digest, "the data have changed"\n'
        + ("content = gzip.decompress(content)\n" if packed else "")
        + data
    )


def _rows(recipe: Recipe, said: RunPredictions) -> str:
    target, typed = repr(recipe.target), kind_of(recipe.data) in TYPED
    dates = "datetime" in (recipe.columns or {}).values()
    moment = "" if not dates else _TYPED_MOMENT if typed else _TEXT_MOMENT
    read = (_TYPED_CELLS if typed else _TEXT_CELLS).format(moment=moment)
    if recipe.columns is None and typed:
        rows = (
            read + f"BLANK = {sorted(BLANK)}\n" + _TYPED_TEXT_ROWS.format(text=repr(recipe.text_column), target=target)
        )
    elif recipe.columns is None:
        rows = _TEXT_ROWS.format(text=repr(recipe.text_column), target=target)
    else:
        given = missing_words(recipe.missing)
        of = {kind: [name for name, own in recipe.columns.items() if own == kind] for kind in COLUMN_KINDS}
        dated = [f"columns.update(parts({name!r}, data[{name!r}]))\n" for name in of["datetime"]]
        rows = _TABLE_ROWS.format(
            cells=read,
            parts=_DATES if dated else "",
            dates="".join(dated),
            missing=sorted(given or MISSING),
            blank=sorted(given or BLANK),
            target=target,
            **{kind: of[kind] for kind in ("numeric", "categorical", "text")},
        )
    kind: Any = float if said.task == "regression" else type(said.values[0])
    return f"{rows}y = {(_TYPED_LABELS if typed else _LABELS)[kind].format(target=target)}\n"


def _fitting(recipe: Recipe, pipeline: str) -> str:
    stratify = ", stratify=y" if recipe.stratify and recipe.task != "regression" else ""
    return (
        f"X_train, X_test, y_train, y_test = train_test_split(\n"
        f"    X, y, test_size={recipe.test_size!r}, random_state={recipe.random_state}{stratify}\n)\n"
        f"pipeline = {pipeline}\n"
        "with threadpool_limits(limits=1):  # sums over several threads end in other last bits\n"
        "    pipeline.fit(X_train, y_train)\n"
        "    predicted = pipeline.predict(X_test)\n"
    )


def _metrics(run: RunRecord, said: RunPredictions, imports: set[tuple[str, str]]) -> str:
    """The recorded metrics that scikit-learn has, each as one line that prints it."""
    imports.add(("sklearn", "metrics"))
    table = _VALUES if said.task == "regression" else _CLASSES
    asked = {key: f"{name}(y_test, predicted{more})" for key, (name, more) in table.items()}
    classes = "pipeline.classes_"
    one = "scores[:, 1]" if said.score_kind == "probability" else "scores"
    asked["roc_auc"] = (
        f"roc_auc_score(y_test == {classes}[1], {one})"
        if len(said.score_classes) == 2
        else f'roc_auc_score(y_test, scores, multi_class="ovr", average="weighted", labels={classes})'
    )
    asked["log_loss"] = f"log_loss(y_test, scores, labels={classes})"
    lines = ["results = {}"]
    if not {"roc_auc", "log_loss", "brier_score"}.isdisjoint(run.metrics):
        by = "predict_proba" if said.score_kind == "probability" else "decision_function"
        lines = [f"with threadpool_limits(limits=1):\n    scores = pipeline.{by}(X_test)", *lines]
    lines += [f'results["{key}"] = metrics.{call}' for key, call in asked.items() if key in run.metrics]
    if "brier_score" in run.metrics:
        lines.append(_BRIER.format(halved=" / 2" if len(said.score_classes) == 2 else ""))
    return "\n".join([*lines, "for name, value in results.items():\n    print(name, float(value))"]) + "\n"
