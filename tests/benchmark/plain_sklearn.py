"""The floor: the same training without any tracking."""

import sys

import joblib
import matplotlib as mpl
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import ConfusionMatrixDisplay, accuracy_score, f1_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

mpl.use("Agg")

data = pd.read_csv(sys.argv[1])
train_x, test_x, train_y, test_y = train_test_split(
    data["text"], data["label"], test_size=0.2, random_state=42, stratify=data["label"]
)
model = make_pipeline(TfidfVectorizer(max_features=5000), LogisticRegression(C=1.0, max_iter=1000))
model.fit(train_x, train_y)
predictions = model.predict(test_x)
sys.stdout.write(f"{accuracy_score(test_y, predictions)} {f1_score(test_y, predictions, average='weighted')}\n")
ConfusionMatrixDisplay.from_predictions(test_y, predictions, cmap="Blues").figure_.savefig("confusion_matrix.png")
joblib.dump(model, "model.joblib")
