"""The peer: the script a user would write with MLflow's fluent API, as its documentation shows."""

import os
import sys
from pathlib import Path

import matplotlib as mpl
import mlflow
import mlflow.sklearn
import pandas as pd
from mlflow.models import infer_signature
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import ConfusionMatrixDisplay, accuracy_score, f1_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

mpl.use("Agg")

mlflow.set_tracking_uri(os.environ.get("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db"))
mlflow.set_experiment("plain")
with mlflow.start_run():
    data = pd.read_csv(sys.argv[1])
    train_x, test_x, train_y, test_y = train_test_split(
        data["text"], data["label"], test_size=0.2, random_state=42, stratify=data["label"]
    )
    mlflow.log_params({"c": 1.0, "max_features": 5000, "max_iter": 1000, "test_size": 0.2, "random_state": 42})
    mlflow.log_param("dataset_size", len(data))
    model = make_pipeline(TfidfVectorizer(max_features=5000), LogisticRegression(C=1.0, max_iter=1000))
    model.fit(train_x, train_y)
    predictions = model.predict(test_x)
    mlflow.log_metric("accuracy", accuracy_score(test_y, predictions))
    mlflow.log_metric("f1_score", f1_score(test_y, predictions, average="weighted"))
    display = ConfusionMatrixDisplay.from_predictions(test_y, predictions, cmap="Blues")
    display.figure_.savefig("confusion_matrix.png")
    mlflow.log_artifact("confusion_matrix.png")
    mlflow.sklearn.log_model(model, name="model", signature=infer_signature(train_x, predictions))
Path("confusion_matrix.png").unlink()
