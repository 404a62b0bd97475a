"""Terms counted once for many trainings: what TF-IDF is made from, at every setting that does not change the analyzer.

Owns the arrays and the derivation of a training's own counts from them; what scikit-learn makes of counts stays its
own work. Knows no recipe of a sweep and no worker.
"""

from __future__ import annotations

from array import array
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from expctl import compat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from expctl.records import Value


@dataclass(frozen=True)
class Counts:
    """How often each term stands in each text.

    Row i is `terms[starts[i]:starts[i + 1]]` (term numbers, in the order in which the text first has them) and
    `numbers` beside it. `lengths` are the terms' n-gram lengths, `ranks` their places in alphabetical order; term j is
    `letters[spelling[j]:spelling[j + 1]]` in UTF-8. Plain arrays, so that workers can map them into memory.
    """

    starts: np.ndarray
    terms: np.ndarray
    numbers: np.ndarray
    lengths: np.ndarray
    ranks: np.ndarray
    letters: np.ndarray
    spelling: np.ndarray


def count(texts: Iterable[str], analyze: Callable[[str], Iterable[str]], *, words: bool) -> Counts:
    """Count the terms that `analyze` finds in each text. `words`: its n-grams are words joined by blanks, not letters.

    The analyzer has to give n-grams in the order of their length, as scikit-learn's do within each of their passes.
    """
    known: dict[str, int] = {}
    starts, terms, numbers = array("q", [0]), array("i"), array("i")
    for text in texts:
        found: dict[int, int] = {}
        for term in analyze(text):
            number = known.setdefault(term, len(known))
            found[number] = found.get(number, 0) + 1
        terms.extend(found.keys())
        numbers.extend(found.values())
        starts.append(len(terms))
    alphabetical = sorted(known)
    ranks = np.empty(len(known), dtype=np.int32)
    ranks[[known[term] for term in alphabetical]] = np.arange(len(known), dtype=np.int32)
    spelled = [term.encode("utf-8", "surrogatepass") for term in known]
    return Counts(
        starts=np.frombuffer(starts, dtype=np.int64),
        terms=np.frombuffer(terms, dtype=np.int32) if terms else np.empty(0, np.int32),
        numbers=np.frombuffer(numbers, dtype=np.int32) if numbers else np.empty(0, np.int32),
        lengths=np.array([term.count(" ") + 1 if words else len(term) for term in known], dtype=np.int32),
        ranks=ranks,
        letters=np.frombuffer(b"".join(spelled), dtype=np.uint8),
        spelling=np.cumsum([0, *map(len, spelled)], dtype=np.int64),
    )


@dataclass(frozen=True)
class Part:
    """The counts of one training: of the rows it is fitted on and of those it is measured on.

    As scikit-learn lays them out: `fit` numbers the terms as the rows to fit on first have them, `measure`
    alphabetically, and each row is in the order of these numbers, which decides the last bits of its norm. Both are
    (starts, columns, numbers). `by_name` lists the columns of `fit` alphabetically; `lengths`, `rows` (how many have
    the term) and `totals` are in alphabetical order too. `terms` are the numbers in `Counts` of the columns of `fit`.
    `measured[i, n]` is how many terms of at most n words or letters row i of those measured on has, known or not.
    """

    fit: tuple[np.ndarray, np.ndarray, np.ndarray]
    measure: tuple[np.ndarray, np.ndarray, np.ndarray]
    terms: np.ndarray
    by_name: np.ndarray
    lengths: np.ndarray
    rows: np.ndarray
    totals: np.ndarray
    measured: np.ndarray


def part_of(counts: Counts, fit_on: np.ndarray, measure_on: np.ndarray) -> Part:
    """The counts of the rows at positions `fit_on`, in their order, and of those at `measure_on`."""
    starts, terms, numbers = _rows(counts, fit_on)
    first = np.full(len(counts.lengths), -1, dtype=np.int64)
    first[terms[::-1]] = np.arange(len(terms) - 1, -1, -1)  # of equal ones the last written, the first in the text
    present = np.flatnonzero(first >= 0)
    ordered = present[np.argsort(first[present])]
    column = np.full(len(counts.lengths), -1, dtype=np.int32)
    column[ordered] = np.arange(len(ordered), dtype=np.int32)
    fit = _sorted(starts, column[terms], numbers, len(ordered))
    by_name = np.argsort(counts.ranks[ordered]).astype(np.int32)
    place = np.empty(len(ordered), dtype=np.int32)
    place[by_name] = np.arange(len(ordered), dtype=np.int32)
    starts, terms, numbers = _rows(counts, measure_on)
    measured = _by_length(starts, counts.lengths[terms], numbers)
    known = column[terms] >= 0
    measure = _sorted(_shortened(starts, known), place[column[terms[known]]], numbers[known], len(ordered))
    rows = np.bincount(fit[1], minlength=len(ordered))
    totals = np.bincount(fit[1], weights=fit[2], minlength=len(ordered))
    return Part(
        fit, measure, ordered, by_name, counts.lengths[ordered[by_name]], rows[by_name], totals[by_name], measured
    )


def _by_length(starts: np.ndarray, lengths: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    rows, width = len(starts) - 1, int(lengths.max(initial=0)) + 1
    place = np.repeat(np.arange(rows), np.diff(starts)) * width + lengths
    by_length = np.bincount(place, weights=numbers, minlength=rows * width).astype(np.int64)
    return by_length.reshape(rows, width).cumsum(axis=1)


def _term_numbers(part: Part, kept: np.ndarray, ngram_max: int) -> tuple[np.ndarray, np.ndarray]:
    """What `oov.term_numbers` gives for the rows that are measured, if the model knows the terms `kept`."""
    starts, columns, numbers = part.measure
    before = np.concatenate([[0], np.cumsum(numbers * kept[columns])])
    terms = part.measured[:, min(ngram_max, part.measured.shape[1] - 1)]
    return terms, before[starts[1:]] - before[starts[:-1]]


def _rows(counts: Counts, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    lengths = counts.starts[positions + 1] - counts.starts[positions]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    taken = np.repeat(counts.starts[positions] - starts[:-1], lengths) + np.arange(starts[-1])
    return starts, counts.terms[taken], counts.numbers[taken]


def _shortened(starts: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Where the rows begin when only the `kept` entries are left."""
    before = np.concatenate([[0], np.cumsum(kept)])
    return np.asarray(before[starts])


def _sorted(
    starts: np.ndarray, columns: np.ndarray, numbers: np.ndarray, width: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    matrix = sparse.csr_array((numbers, columns, starts), shape=(len(starts) - 1, width))
    matrix.sort_indices()
    return matrix.indptr, matrix.indices, matrix.data


def selected(part: Part, values: Mapping[str, Value]) -> np.ndarray:
    """Which terms, as a mask in alphabetical order, scikit-learn's vectorizer keeps with these feature parameters.

    All that are short enough where none would be kept: the vectorizer then says itself what is wrong.
    """
    limit, ngram_max = values["max_features"], values["ngram_max"]
    assert isinstance(ngram_max, int)
    short = part.lengths <= ngram_max
    kept = (
        short & (part.rows >= _rows_meant(values["min_df"], part)) & (part.rows <= _rows_meant(values["max_df"], part))
    )
    if isinstance(limit, int) and kept.sum() > limit:
        # The very call of scikit-learn on the same numbers: which of equally frequent terms stay is up to this sort.
        totals = part.rows.astype(np.float64) if values["binary"] else part.totals
        most = (-totals[kept]).argsort()[:limit]
        positions = np.flatnonzero(kept)[most]
        kept = np.zeros_like(kept)
        kept[positions] = True
    return kept if kept.any() else short


def _rows_meant(bound: Value, part: Part) -> float:
    """A bound of `min_df` or `max_df` as a number of rows."""
    assert isinstance(bound, (int, float))
    return bound if isinstance(bound, int) else bound * (len(part.fit[0]) - 1)


@contextmanager
def counted(
    vectorizer: Any, counts: Counts, part: Part, values: Mapping[str, Value]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """In the block, an unfitted `vectorizer` of a pipeline reads `part` in place of the texts that it is given.

    Gives the `oov.term_numbers` of the rows that are measured.

    It gets the counts of the terms it will keep from us and does all the rest itself (pruning, order, weights, norm),
    when the pipeline is fitted and when it predicts, so the fitted pipeline is the one that the texts would have made.
    A property test holds it.
    """
    from sklearn.base import clone

    kept = selected(part, values)
    made: list[Any] = []

    def copy() -> Any:
        del vectorizer.__sklearn_clone__
        fresh = clone(vectorizer)
        vectorizer.__sklearn_clone__ = copy
        compat.replace_counting(fresh, partial(_counts_of, counts, part, kept, fresh))
        made.append(fresh)
        return fresh

    vectorizer.__sklearn_clone__ = copy  # ColumnTransformer fits a clone
    assert isinstance(values["ngram_max"], int)
    try:
        yield _term_numbers(part, kept, values["ngram_max"])
    finally:
        del vectorizer.__sklearn_clone__
        for fresh in made:
            compat.restore_counting(fresh)


def _counts_of(
    counts: Counts, part: Part, kept: np.ndarray, vectorizer: Any, documents: Any, fixed_vocab: bool
) -> tuple[dict[str, int], sparse.csr_array]:
    """What `CountVectorizer._count_vocab` returns: the vocabulary and the counts, only of terms that will be kept."""
    vectorizer.build_analyzer()  # it checks the stop words and remembers that it did
    starts, columns, numbers = part.measure if fixed_vocab else part.fit
    if len(documents) != len(starts) - 1:
        raise ValueError(f"{len(documents)} texts, but counts of {len(starts) - 1}")
    if fixed_vocab:
        mask, vocabulary = kept, vectorizer.vocabulary_
    else:
        mask = np.zeros_like(kept)
        mask[part.by_name[kept]] = True
        vocabulary = {_spelled(counts, term): column for column, term in enumerate(part.terms[mask])}
        if not vocabulary:
            raise ValueError("empty vocabulary; perhaps the documents only contain stop words")
    inside = mask[columns]
    renumbered = (np.cumsum(mask, dtype=np.int32) - 1)[columns[inside]]
    matrix = sparse.csr_array(
        (numbers[inside].astype(np.float64), renumbered, _shortened(starts, inside).astype(np.int32)),
        shape=(len(starts) - 1, int(mask.sum())),
    )
    matrix.sort_indices()  # they are: now it knows
    return vocabulary, matrix


def _spelled(counts: Counts, term: int) -> str:
    start, end = counts.spelling[term], counts.spelling[term + 1]
    return bytes(counts.letters[start:end]).decode("utf-8", "surrogatepass")
