"""Text as features: one column, TF-IDF of it. All that is special to text in a training is here.

The members are those of `FeatureKind`; `oov.py` and `term_counts.py` do the work of two of them.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from expctl.errors import DataError, UsageError
from expctl.training.data.rows import text_hashes
from expctl.training.models.features import vectorizer_arguments
from expctl.training.models.steps import TFIDF, fitted_transformer, unfitted_transformer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager

    import numpy as np
    import pandas as pd
    from sklearn.pipeline import Pipeline

    from expctl.recipe import Recipe
    from expctl.records import Value
    from expctl.training.data.rows import Rows
    from expctl.training.data.tables import TableColumns
    from expctl.training.data.term_counts import Counts, Part

NOUN: Final = "text"
COLUMN_OPTION: Final = "--text-column"
# The parameters that decide which terms a text has; the others choose among the terms, or weigh them.
# ngram_min is one of them: char_wb gives a word shorter than it once, and only then.
COUNT_KEYS: Final = ("analyzer", "ngram_min", "lowercase", "stop_words")
WIDEST_KEY: Final = "ngram_max"


@dataclass(frozen=True)
class TermCounts:
    """The counts of all rows, and of each training's own: 0 the whole, 1, 2, ... the folds."""

    counts: Counts
    parts: list[Part]


def columns(recipe: Recipe) -> list[str]:
    """The text column."""
    return [recipe.text_column]


def read_cells(table: TableColumns, recipe: Recipe) -> tuple[TableColumns, list[bool]]:
    """The texts, and which rows have none. Raises DataError for cells that are not text."""
    texts = [as_text(value) for value in table[recipe.text_column]]
    return {recipe.text_column: texts}, [text is None or not text.strip() for text in texts]


def as_text(value: object) -> str | None:
    """A cell of a text column as text; None and NaN are missing. Raises DataError for bytes, lists and objects."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (bytes, list, dict)):
        raise DataError(f"a text is a {type(value).__name__}, not text", hint="--text-column names another column")
    return None if value != value else str(value)


def row_hashes(cells: TableColumns) -> np.ndarray:
    """The `text_hashes` of the one column."""
    (texts,) = cells.values()
    return text_hashes(texts)


def build_transformers(recipe: Recipe) -> list[tuple[str, Any, Any]]:
    """TF-IDF of the text column."""
    return [(TFIDF, _vectorizer(recipe), recipe.text_column)]


def _vectorizer(recipe: Recipe) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(**vectorizer_arguments(recipe.parameters))


def vectorizer_of(estimator: Any) -> Any:
    """The fitted vectorizer of a pipeline that `build_pipeline` made of features; None for a factory's."""
    return fitted_transformer(estimator, TFIDF)


def check_fit(pipeline: Pipeline, frame: pd.DataFrame, recipe: Recipe) -> None:
    """Raise DataError if no training text has a single term: found at the first text that has one, before any run.

    Raises UsageError if `min_df` asks for more rows than there are.
    """
    vectorizer = unfitted_transformer(pipeline, TFIDF)
    if vectorizer is None:
        return
    if vectorizer.min_df > len(frame):
        raise UsageError(f"min_df {vectorizer.min_df} is more than the {len(frame):,} training rows")
    analyze = vectorizer.build_analyzer()
    if not any(analyze(text) for text in frame[recipe.text_column]):
        raise DataError(
            "no term in any training text: they hold only stop words, single letters or signs",
            hint="-p analyzer=char_wb reads letters instead of words; -p stop_words=none keeps all words",
        )


def after_fit(pipeline: Pipeline) -> None:
    """Turn the indices of the TF-IDF vocabulary into Python integers, equal in value.

    numpy's make skops write each as an array of its own: 0.7 s in place of 0.1 s for 5,000 terms.
    """
    vectorizer = vectorizer_of(pipeline)
    if vectorizer is not None:
        vectorizer.vocabulary_ = {term: int(index) for term, index in vectorizer.vocabulary_.items()}


def unknown_shares(pipeline: Pipeline, frame: pd.DataFrame, recipe: Recipe) -> np.ndarray | None:
    """The share of each text's terms that are not in the vocabulary; None for a factory's model."""
    from expctl.training.data import oov

    vectorizer = vectorizer_of(pipeline)
    return None if vectorizer is None else oov.unknown_shares(vectorizer, frame[recipe.text_column])


def share_metrics(shares: np.ndarray) -> dict[str, float]:
    """The mean share of unknown terms, if any text has a term."""
    from expctl.training.data.oov import Seen

    seen = Seen()
    seen.add(shares)
    return {"oov": seen.mean} if seen.with_terms else {}


def sample(frame: pd.DataFrame, recipe: Recipe) -> dict[str, np.ndarray]:
    """The texts."""
    return {"text": frame[recipe.text_column].to_numpy()}


def schema(recipe: Recipe) -> dict[str, object]:
    """The name of the text column."""
    return {"text": recipe.text_column}


def count(recipe: Recipe, frames: Sequence[pd.DataFrame], parts: Iterable[tuple[np.ndarray, np.ndarray]]) -> TermCounts:
    """The terms of all texts, with n-grams as long as the recipe's."""
    from expctl.training.data import term_counts

    texts = itertools.chain.from_iterable(frame[recipe.text_column] for frame in frames)
    analyze = _vectorizer(recipe).build_analyzer()
    counts = term_counts.count(texts, analyze, words=recipe.parameters["analyzer"] == "word")
    return TermCounts(counts, [term_counts.part_of(counts, fit_on, measure_on) for fit_on, measure_on in parts])


def counted(
    pipeline: Pipeline, counts: TermCounts, part: int, parameters: Mapping[str, Value]
) -> AbstractContextManager[np.ndarray]:
    """In the block, the vectorizer makes its matrices from the counts: see `term_counts.counted`."""
    from expctl.training.data import term_counts

    vectorizer = unfitted_transformer(pipeline, TFIDF)
    return term_counts.counted(vectorizer, counts.counts, counts.parts[part], parameters)


def emptied(rows: Rows, keep: np.ndarray, recipe: Recipe) -> Rows:
    """The rows with empty texts, but for those at the positions `keep`."""
    import numpy as np
    import pandas as pd

    texts = np.full(len(rows), "", dtype=object)
    texts[keep] = rows.frame[recipe.text_column].to_numpy()[keep]
    frame = pd.DataFrame({recipe.text_column: pd.Series(texts, rows.frame.index, "object")})
    return replace(rows, frame=frame)


if TYPE_CHECKING:  # mypy holds this module to what a kind has to say
    from expctl.training.data import kinds, text

    _: kinds.FeatureKind = text
