"""What a tracking server may lack of what MLflow has added since 2.0, and for which something else stands in.

Knows how to find that out without changing anything; what stands in is written and read where the thing itself is.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from expctl.tracking.errors import lacks_endpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from mlflow import MlflowClient


class Lack(StrEnum):
    """What is lacking, and what there is instead."""

    MODELS = "the model is among the files of its run"  # logged models came with MLflow 3
    DATASETS = "a tag of the run tells of its data sets"  # data sets with 2.4
    ALIASES = "tags of the versions tell of aliases, to expctl alone"  # aliases with 2.3


def found_by_asking(client: MlflowClient) -> set[Lack]:
    """What the server of a client lacks, by calls that find nothing. Raises MlflowException for a server that fails."""
    from mlflow.entities import Dataset, DatasetInput
    from mlflow.exceptions import MlflowException

    nothing = "0" * 32
    data = [DatasetInput(Dataset("none", "0", "local", "{}"))]
    calls: dict[Lack, Callable[[], object]] = {
        Lack.MODELS: lambda: client.search_logged_models([nothing], max_results=1),
        Lack.DATASETS: lambda: client.log_inputs(nothing, data),
        Lack.ALIASES: lambda: client.get_model_version_by_alias(nothing, nothing),
    }
    lacking = set()
    for lack, call in calls.items():
        try:
            call()
        except MlflowException as error:
            if lacks_endpoint(error):
                lacking.add(lack)
            elif error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "NOT_FOUND"):
                raise
    return lacking
