"""The peer without any tracking: GridSearchCV over the same grid, with 5 folds (its default) or one fixed split."""

import sys

import pandas as pd
from grid import GRIDS
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, ShuffleSplit, train_test_split
from sklearn.pipeline import Pipeline

data = pd.read_csv(sys.argv[1])
axes = GRIDS[sys.argv[3]]
grid = {
    "tfidf__max_features": axes["max_features"],
    "tfidf__ngram_range": [(1, longest) for longest in axes["ngram_max"]],
    "classifier__C": axes["c"],
}
pipeline = Pipeline([("tfidf", TfidfVectorizer()), ("classifier", LogisticRegression(max_iter=1000))])
if sys.argv[2] == "one":
    # As many rows to fit and to score as the sweep has, and no fit on all of them at the end.
    split = ShuffleSplit(1, test_size=0.2, random_state=42)
    search = GridSearchCV(pipeline, grid, scoring="f1_weighted", n_jobs=2, cv=split, refit=False)
    search.fit(data["text"], data["label"])
else:
    train_x, _, train_y, _ = train_test_split(
        data["text"], data["label"], test_size=0.2, random_state=42, stratify=data["label"]
    )
    GridSearchCV(pipeline, grid, scoring="f1_weighted", n_jobs=2).fit(train_x, train_y)
