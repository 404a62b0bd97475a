"""expctl: train, record, compare and rank scikit-learn text classifiers from a shell, over MLflow."""

__version__ = "0.1.0"
