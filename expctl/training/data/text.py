"""Text as features: one column, TF-IDF of it, of its words, its characters or both. All that is special to text in a
training is here.

The members are those of `FeatureKind`; `oov.py` and `term_counts.py` do the work of two of them.
"""

from __future__ import annotations

import itertools
import shlex
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from expctl.errors import DataError, UsageError
from expctl.training.data.rows import text_hashes
from expctl.training.models.features import BOTH, FEATURES, vectorizer_arguments
from expctl.training.models.steps import TFIDF, TFIDF_CHARACTERS, fitted_transformer, unfitted_transformer
from expctl.training.models.word_file import is_word_file, read_words

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    import numpy as np
    import pandas as pd
    from sklearn.pipeline import Pipeline

    from expctl.recipe import Recipe
    from expctl.records import Value
    from expctl.training.data.rows import Rows
    from expctl.training.data.table_formats import TableColumns
    from expctl.training.data.term_counts import Counts, Part

NOUN: Final = "text"
COLUMN_OPTION: Final = "--text-column"
# The parameters that decide which terms a text has; the others choose among the terms, or weigh them.
# ngram_min is one of them: char_wb gives a word shorter than it once, and only then.
# char_ngram_max too: only one key can be the widest.
COUNT_KEYS: Final = (
    "analyzer", "ngram_min", "lowercase", "stop_words", "strip_accents", "token_pattern", "char_ngram_min",
    "char_ngram_max",
)  # fmt: skip
WIDEST_KEY: Final = "ngram_max"
STEPS: Final = (TFIDF, TFIDF_CHARACTERS)


@dataclass(frozen=True)
class TermCounts:
    """What one vectorizer counts of all rows, and of each training's own: 0 the whole, 1, 2, ... the folds."""

    counts: Counts
    parts: list[Part]


def columns(recipe: Recipe) -> list[str]:
    """The text column."""
    return [recipe.text_column]


def inputs(recipe: Recipe) -> list[str]:
    """The text column as it is."""
    return columns(recipe)


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
    return [(name, vectorizer, recipe.text_column) for name, vectorizer in unfitted_vectorizers(recipe).items()]


def unfitted_vectorizers(recipe: Recipe) -> dict[str, Any]:
    """The unfitted vectorizers of a recipe by the name of their step: one, of `word+char_wb` two."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    arguments = {TFIDF: vectorizer_arguments(recipe.parameters)}
    stop_words = arguments[TFIDF]["stop_words"]
    if is_word_file(stop_words):
        arguments[TFIDF]["stop_words"] = read_words(stop_words, recipe.stop_words_hash)
    if recipe.parameters["analyzer"] == BOTH:
        arguments[TFIDF_CHARACTERS] = vectorizer_arguments(recipe.parameters, characters=True)
    return {name: TfidfVectorizer(**given) for name, given in arguments.items()}


def vectorizers_of(estimator: Any) -> dict[str, Any]:
    """The fitted vectorizers, by what their terms are made of, of a pipeline that `build_pipeline` made of features.

    None for a factory's.
    """
    found = (fitted_transformer(estimator, name) for name in STEPS)
    return {vectorizer.analyzer: vectorizer for vectorizer in found if vectorizer is not None}


def check_fit(pipeline: Pipeline, frame: pd.DataFrame, recipe: Recipe) -> None:
    """Raise DataError if no training text has a single term: found at the first text that has one, before any run.

    Raises UsageError if `min_df` asks for more rows than there are.
    """
    for vectorizer in _unfitted(pipeline).values():
        check_terms(vectorizer, frame[recipe.text_column])


def check_terms(vectorizer: Any, texts: Collection[str], column: str | None = None) -> None:
    """What `check_fit` does of one vectorizer and its texts, those of a `column` if a table has several."""
    if vectorizer.min_df > len(texts):
        raise UsageError(f"min_df {vectorizer.min_df} is more than the {len(texts):,} training rows")
    analyze = vectorizer.build_analyzer()
    if not any(map(analyze, texts)):
        where, leave = ("", "") if column is None else (f" of column {column!r}", f"--drop {shlex.quote(column)}; ")
        raise DataError(
            f"no term in any training text{where}: they hold only stop words, single letters or signs",
            hint=f"{leave}-p analyzer=char_wb reads letters instead of words; -p stop_words=none keeps all words",
        )


def _unfitted(pipeline: Pipeline) -> dict[str, Any]:
    """The vectorizers of a pipeline as they will be cloned and fitted, by the name of their step."""
    found = {name: unfitted_transformer(pipeline, name) for name in STEPS}
    return {name: vectorizer for name, vectorizer in found.items() if vectorizer is not None}


def after_fit(pipeline: Pipeline) -> None:
    """Turn the indices of the TF-IDF vocabulary into Python integers, equal in value.

    numpy's make skops write each as an array of its own: 0.7 s in place of 0.1 s for 5,000 terms.
    """
    for vectorizer in vectorizers_of(pipeline).values():
        keep_plainly(vectorizer)


def keep_plainly(vectorizer: Any) -> None:
    """What `after_fit` does of one fitted vectorizer."""
    vectorizer.vocabulary_ = {term: int(index) for term, index in vectorizer.vocabulary_.items()}


def unknown_shares(pipeline: Pipeline, frame: pd.DataFrame, recipe: Recipe) -> np.ndarray | None:
    """The share of each text's terms that are not in the vocabulary; None for a factory's model."""
    from expctl.training.data import oov

    vectorizers = vectorizers_of(pipeline)
    return oov.unknown_shares(vectorizers.values(), frame[recipe.text_column].tolist()) if vectorizers else None


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


def count(
    recipe: Recipe,
    frames: Sequence[pd.DataFrame],
    labels: np.ndarray,
    parts: Iterable[tuple[np.ndarray, np.ndarray]],
) -> dict[str, TermCounts] | None:
    """The terms of all texts, with n-grams as long as the recipe's, for each vectorizer by the name of its step.

    None if a token holds a blank, as a `token_pattern` can have it: an n-gram's length is then not to be seen from it.
    """
    from expctl.training.data import term_counts

    del labels
    places = list(parts)
    found = {}
    for name, vectorizer in unfitted_vectorizers(recipe).items():
        words = vectorizer.analyzer == "word"
        if words and vectorizer.token_pattern != FEATURES["token_pattern"].default:
            vectorizer.set_params(tokenizer=_without_blanks(vectorizer.build_tokenizer()), token_pattern=None)
        texts = itertools.chain.from_iterable(frame[recipe.text_column] for frame in frames)
        try:
            counts = term_counts.count(texts, vectorizer.build_analyzer(), words=words)
        except _BlankInTokenError:
            return None
        found[name] = TermCounts(counts, [term_counts.part_of(counts, *positions) for positions in places])
    return found


class _BlankInTokenError(Exception):
    """A token holds a blank."""


def _without_blanks(tokenize: Callable[[str], list[str]]) -> Callable[[str], list[str]]:
    def checked(text: str) -> list[str]:
        tokens = tokenize(text)
        if any(" " in token for token in tokens):
            raise _BlankInTokenError
        return tokens

    return checked


@contextmanager
def counted(
    pipeline: Pipeline, counts: dict[str, TermCounts], part: int, parameters: Mapping[str, Value]
) -> Iterator[np.ndarray]:
    """In the block, the vectorizers make their matrices from the counts: see `term_counts.counted`."""
    import numpy as np

    from expctl.training.data import oov, term_counts

    with ExitStack() as stack:
        numbers = []
        for name, vectorizer in _unfitted(pipeline).items():
            wide = parameters["char_ngram_max" if name == TFIDF_CHARACTERS else WIDEST_KEY]
            own = counts[name]
            values = {**parameters, WIDEST_KEY: wide}
            numbers.append(stack.enter_context(term_counts.counted(vectorizer, own.counts, own.parts[part], values)))
        terms, known = np.sum(numbers, axis=0)
        yield oov.share(terms, known)


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
