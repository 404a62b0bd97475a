"""The peer: the loop of nested runs that a user would write with MLflow's fluent API."""

import sys
from itertools import product

import mlflow
import mlflow.sklearn
import pandas as pd
from grid import GRIDS
from mlflow.models import infer_signature
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

mlflow.set_tracking_uri("sqlite:///mlflow.db")
mlflow.set_experiment("plain")
data = pd.read_csv(sys.argv[1])
axes = GRIDS["24"]
train_x, test_x, train_y, test_y = train_test_split(
    data["text"], data["label"], test_size=0.2, random_state=42, stratify=data["label"]
)
with mlflow.start_run():
    for values in product(*axes.values()):
        point = dict(zip(axes, values, strict=True))
        with mlflow.start_run(nested=True):
            mlflow.log_params({**point, "max_iter": 1000, "test_size": 0.2, "random_state": 42})
            model = make_pipeline(
                TfidfVectorizer(max_features=point["max_features"], ngram_range=(1, point["ngram_max"])),
                LogisticRegression(C=point["c"], max_iter=1000),
            )
            model.fit(train_x, train_y)
            predictions = model.predict(test_x)
            mlflow.log_metric("accuracy", accuracy_score(test_y, predictions))
            mlflow.log_metric("f1_score", f1_score(test_y, predictions, average="weighted"))
            mlflow.sklearn.log_model(model, name="model", signature=infer_signature(train_x, predictions))
