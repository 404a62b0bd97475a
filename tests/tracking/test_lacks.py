"""What a server lacks is found out without changing anything."""

from __future__ import annotations

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from expctl.tracking.lacks import Lack, found_by_asking
from tests.faults.proxy import Fault, before

CALLS = {Lack.MODELS: "logged-models", Lack.DATASETS: "log-inputs", Lack.ALIASES: "registered-models/alias"}


def test_a_server_of_the_installed_mlflow_lacks_nothing(server):
    assert found_by_asking(MlflowClient(server)) == set()


@pytest.mark.parametrize("lack", Lack)
@pytest.mark.parametrize("status", [404, 405, 501])
def test_what_a_server_does_not_know_is_lacking(server, lack, status):
    with before(server, Fault(CALLS[lack], status, body="<html>")) as proxy:
        assert found_by_asking(MlflowClient(proxy.uri)) == {lack}
        asked = [call for call in proxy.calls if "/create" in call or "PUT" in call or "/update" in call]
        assert asked == []


def test_a_server_that_fails_is_not_said_to_lack_anything(server, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with before(server, Fault("logged-models", 500)) as proxy, pytest.raises(MlflowException):
        found_by_asking(MlflowClient(proxy.uri))
