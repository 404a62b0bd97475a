"""The floor of predicting: the pipeline that plain_sklearn.py saved, a CSV file of texts, one of predictions."""

import sys

import joblib
import pandas as pd

model = joblib.load("model.joblib")
pd.DataFrame({"prediction": model.predict(pd.read_csv(sys.argv[1])["text"])}).to_csv(sys.argv[2], index=False)
