"""The peers of the benchmark of tables: plain pandas and scikit-learn, without any record.

python plain_table.py train DATA TARGET      fit on 80 % of the rows, measure on the others, keep model.joblib
python plain_table.py search DATA TARGET     24 trials of GridSearchCV with one split, two at a time
python plain_table.py predict DATA TARGET    the answers of model.joblib to all rows, in plain.csv
"""

import sys

import joblib
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import accuracy_score, f1_score, r2_score
from sklearn.model_selection import GridSearchCV, ShuffleSplit, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

GRID = {"learning_rate": [0.05, 0.1, 0.2], "max_leaf_nodes": [15, 31, 63, 127], "l2_regularization": [0.0, 1.0]}


def pipeline(rows: pd.DataFrame, *, regresses: bool) -> Pipeline:
    words = list(rows.select_dtypes(exclude="number"))
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=float("nan"))
    columns = ColumnTransformer([("words", encoder, words)], remainder="passthrough")
    kind = HistGradientBoostingRegressor if regresses else HistGradientBoostingClassifier
    model = kind(categorical_features=list(range(len(words))), random_state=42)
    return Pipeline([("columns", columns), ("model", model)])


def main() -> None:
    what, path, target = sys.argv[1:]
    data = pd.read_csv(path)
    rows = data.drop(columns=[target])
    if what == "predict":
        data["prediction"] = joblib.load("model.joblib").predict(rows)
        data.to_csv("plain.csv", index=False)
        return
    labels = data[target]
    regresses = labels.dtype.kind in "if"
    model = pipeline(rows, regresses=regresses)
    if what == "search":
        grid = {f"model__{key}": values for key, values in GRID.items()}
        split = ShuffleSplit(1, test_size=0.2, random_state=42)
        GridSearchCV(model, grid, scoring="f1_weighted", n_jobs=2, cv=split, refit=False).fit(rows, labels)
        return
    fitted, asked, true, wanted = train_test_split(
        rows, labels, test_size=0.2, random_state=42, stratify=None if regresses else labels
    )
    predicted = model.fit(fitted, true).predict(asked)
    if regresses:
        sys.stdout.write(f"{r2_score(wanted, predicted)}\n")
    else:
        sys.stdout.write(f"{accuracy_score(wanted, predicted)} {f1_score(wanted, predicted, average='weighted')}\n")
    joblib.dump(model, "model.joblib")


if __name__ == "__main__":
    main()
