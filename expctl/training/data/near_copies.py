"""Texts that are nearly copies of others, found in linear time by min-wise hashing. Knows no recipe and no file.

Two texts are near copies if they share 80 % of their word triples, by estimate: words are runs of letters and digits,
in lower case. Source: Broder 1997, On the resemblance and containment of documents;
Leskovec, Rajaraman and Ullman 2014, Mining of Massive Datasets, chapter 3 (banding).
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

SIMILAR: Final = 0.8  # of all word triples that either text has
MOST_ROWS: Final = 20_000  # of each side that are looked at
_CHARACTERS: Final = 2_000  # of each text
_WORDS: Final = 5  # texts of fewer are alike by chance
_BANDS: Final = 10
_HASHES: Final = 4  # in a band: one in 25 pairs that share half of their triples is looked at in vain, at each band
_TRIPLE: Final = 3
_WORD: Final = re.compile(r"\w+")
_SEED: Final = 20_130


def near_copies(texts: Sequence[str], others: Sequence[str]) -> np.ndarray:
    """Which of the texts have a near copy among the others, that is not the same text, shape (n,), bool.

    Of more than 20,000 on either side only so many are looked at, the first ones: True is never said of the rest.
    """
    import numpy as np

    both = [*texts[:MOST_ROWS], *others[:MOST_ROWS]]
    first = min(len(texts), MOST_ROWS)
    signatures = _signatures(both)
    found = np.zeros(len(texts), dtype=bool)
    long_enough = np.asarray(signatures.any(axis=1))
    for band in range(_BANDS):
        part = np.ascontiguousarray(signatures[:, band * _HASHES : (band + 1) * _HASHES])
        keys = part.view(f"V{part.itemsize * _HASHES}").ravel().tolist()
        there = {key: first + i for i, key in enumerate(keys[first:]) if long_enough[first + i]}
        for i, key in enumerate(keys[:first]):
            at = there.get(key)
            if at is not None and not found[i] and long_enough[i] and both[at] != both[i]:
                found[i] = (signatures[i] == signatures[at]).mean() >= SIMILAR
    return found


def _signatures(texts: Sequence[str]) -> np.ndarray:
    """The least of each of many hashes of a text's word triples, shape (n, hashes), uint32; 0 of texts of few words."""
    import numpy as np

    known: defaultdict[str, int] = defaultdict()
    known.default_factory = known.__len__  # a new word gets the next number
    words: list[int] = []
    sizes = []
    for text in texts:
        found = _WORD.findall(text[:_CHARACTERS].lower())
        sizes.append(len(found))
        words.extend(map(known.__getitem__, found))
    generator = np.random.default_rng(_SEED)
    # Hashed by number, so that a triple is one number without a word for it.
    random = generator.integers(1, 2**63, size=(_TRIPLE, len(known) + 1), dtype=np.uint64)
    codes, lengths = np.array(words, dtype=np.int64), np.array(sizes, dtype=np.int64)
    signatures = np.zeros((len(texts), _BANDS * _HASHES), dtype=np.uint32)
    kept = np.flatnonzero(lengths >= _WORDS)
    if not len(kept):
        return signatures
    triples = np.zeros(len(codes), dtype=np.uint64)
    for place in range(_TRIPLE):
        triples[: len(codes) - place] += random[place][codes[place:]]
    ends = np.cumsum(lengths)
    inside = np.ones(len(codes), dtype=bool)
    for back in range(1, _TRIPLE):  # triples that run into the next text
        inside[ends[lengths >= back] - back] = False
    of_text = np.repeat(np.arange(len(texts)), lengths)
    inside &= lengths[of_text] >= _WORDS
    hashed, of_text = triples[inside], of_text[inside]
    starts = np.searchsorted(of_text, kept)
    product = np.empty_like(hashed)
    for column, factor in enumerate(generator.integers(1, 2**62, size=_BANDS * _HASHES, dtype=np.uint64) * 2 + 1):
        np.multiply(hashed, factor, out=product)  # whose upper half is the hash: of the least product it is the least
        least = np.minimum.reduceat(product, starts) >> np.uint64(32)
        signatures[kept, column] = least.astype(np.uint32) | np.uint32(1)
    return signatures
