"""A fitted model as bytes, written and read by us and by skops itself: prints one row of a table.

python tests/benchmark/model_files.py TERMS CLASSES
"""

from __future__ import annotations

import random
import sys
import time
from typing import TYPE_CHECKING, Any

import pandas as pd
from measure import ROOT, write

if TYPE_CHECKING:
    from collections.abc import Callable

sys.path.insert(0, str(ROOT))

from expctl.training.data.text import after_fit
from expctl.training.fit.skops_file import dumped, loaded, trusted_types
from expctl.training.models.configure import configure
from expctl.training.models.pipeline import build_pipeline


def timed(function: Callable[..., Any], *given: Any) -> tuple[float, Any]:
    """Seconds of a call, and what it gives."""
    started = time.perf_counter()
    value = function(*given)
    return time.perf_counter() - started, value


def main() -> None:
    terms, classes = int(sys.argv[1]), int(sys.argv[2])
    source = random.Random(1)
    words = [f"w{number}" for number in range(terms)]
    texts = [" ".join(words[at : at + 50]) for at in range(0, terms, 50)]
    labels = [f"class{source.randrange(classes)}" for _ in texts]
    recipe = configure({"data": "none.csv", "model": "naive_bayes", "max_features": terms})
    frame = pd.DataFrame({recipe.text_column: pd.Series(texts, dtype=object)})
    pipeline = build_pipeline(recipe).fit(frame, labels)

    import skops.io  # after numpy and scikit-learn, and by itself: this is what others get

    their_writing, theirs = timed(skops.io.dumps, pipeline)
    their_reading, _ = timed(lambda content: skops.io.loads(content, trusted=list(trusted_types())), theirs)
    after_fit(pipeline)
    our_writing, (ours, _) = timed(dumped, pipeline)
    our_reading, _ = timed(loaded, ours, trusted_types())
    write(
        f"| {terms:,} | {len(set(labels))} "
        f"| {their_writing:.2f} | {our_writing:.2f} | {our_writing / their_writing:.3f} "
        f"| {their_reading:.2f} | {our_reading:.2f} | {our_reading / their_reading:.3f} "
        f"| {len(theirs) / 1e6:.1f} | {len(ours) / 1e6:.1f} |"
    )


if __name__ == "__main__":
    main()
