"""The peer of `promote` and `export`: what MLflow's documentation shows for the newest run of the experiment `plain`.

python tests/benchmark/plain_registry.py promote NAME
python tests/benchmark/plain_registry.py export FOLDER
"""

import json
import os
import sys
from pathlib import Path

import mlflow

mlflow.set_tracking_uri(os.environ["MLFLOW_TRACKING_URI"])
client = mlflow.MlflowClient()
experiment = client.get_experiment_by_name("plain")
run = client.search_runs([experiment.experiment_id], order_by=["attributes.start_time DESC"], max_results=1)[0]
model = f"models:/{run.outputs.model_outputs[0].model_id}"
if sys.argv[1] == "promote":
    version = mlflow.register_model(model, sys.argv[2])
    client.set_registered_model_alias(sys.argv[2], "champion", version.version)
else:
    folder = Path(sys.argv[2])
    mlflow.artifacts.download_artifacts(run_id=run.info.run_id, dst_path=str(folder / "artifacts"))
    mlflow.artifacts.download_artifacts(artifact_uri=model, dst_path=str(folder / "model"))
    (folder / "run.json").write_text(json.dumps(run.to_dictionary()))
