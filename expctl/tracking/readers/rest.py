"""A tracking server read directly, by MLflow's documented REST API 2.0 and the standard library.

Honours MLflow's variables for tokens, passwords, insecure TLS, timeouts and retries, and leaves to MLflow's client what
takes more than that: `connect` says what. Redirects are not followed, for they would carry the password elsewhere.

Not by urllib3, which MLflow brings: to import it takes 85 ms where http.client takes 33, beside the 160 of our whole
command line, and by itself it obeys a Retry-After of up to six hours. A connection a call costs 1 ms, some round trips
more over TLS; a `list` makes a few calls, and never meets a connection that the server has closed meanwhile.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import time
import weakref
from http.client import BadStatusLine, HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, IncompleteRead
from pathlib import Path
from ssl import SSLError
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote, unquote, urlencode, urlsplit

from expctl.errors import StoreError, mask_secrets
from expctl.records import Dataset, RunRecord, Status
from expctl.tracking.credentials import credentials_file, in_netrc
from expctl.tracking.readers.mlflow_search import PAGE, find_by_pages, keys_of, spaces_of
from expctl.tracking.readers.protocol import Experiment, HistoryPoint, NotServed, datasets_in, moment, stored_number

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from expctl.filters.expression import FieldKind
    from expctl.tracking.readers.protocol import Query

# What only MLflow's client, or the library below it, knows how to do.
_CLIENTS_OWN: Final = (
    "MLFLOW_TRACKING_AUTH", "MLFLOW_TRACKING_AWS_SIGV4", "MLFLOW_TRACKING_CLIENT_CERT_PATH", "MLFLOW_WORKSPACE",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy",
)  # fmt: skip
_CERTIFICATES: Final = ("MLFLOW_TRACKING_SERVER_CERT_PATH", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_RETRIED: Final = (429, 500, 502, 503, 504)
_NO_CALL: Final = (404, 405, 501)
_RETRIES: Final = 3  # MLflow's own 7 last four minutes, and are taken where somebody asks for them
_TIMEOUT: Final = 30.0
_LONGEST_WAIT: Final = 30.0
_VALUES: Final = 25_000  # of a metric in an answer: the most that MLflow gives


class RestReader:
    """The runs of a tracking server."""

    def __init__(self, uri: str, headers: Mapping[str, str]) -> None:
        self._uri = uri
        self._headers = headers
        self._pages: dict[tuple[str, ...], list[RunRecord]] = {}
        self._models: dict[str, list[str]] = {}  # ids of the models of runs that have ended, as a page told of them
        self._idle: list[HTTPConnection] = []  # open ones, of which a thread takes one for a call
        weakref.finalize(self, _close_all, self._idle)
        self._timeout = _number_of("MLFLOW_HTTP_REQUEST_TIMEOUT", _TIMEOUT)
        self._retries = int(_number_of("MLFLOW_HTTP_REQUEST_MAX_RETRIES", _RETRIES))
        self._backoff = _number_of("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", 1)

    def experiments(self) -> list[Experiment]:
        """See Reader."""
        found: list[Experiment] = []
        token = ""
        while True:
            asked = {"view_type": "ALL", "max_results": PAGE, "page_token": token}
            page = self._ask("POST", "experiments/search", asked)
            found.extend(
                Experiment(str(one["experiment_id"]), one["name"], one.get("lifecycle_stage") == "deleted")
                for one in page.get("experiments", ())
            )
            token = page.get("next_page_token", "")
            if not token:
                return sorted(found, key=lambda one: (len(one.experiment_id), one.experiment_id))

    def find(self, query: Query) -> list[RunRecord]:
        """See Reader."""
        view = "DELETED_ONLY" if query.deleted else "ACTIVE_ONLY"

        def fetch(filter: str, order: list[str], most: int, token: str | None) -> tuple[list[RunRecord], str | None]:
            return self._page(query.experiments, filter, order, most, token, view)

        return find_by_pages(fetch, query) if query.experiments else []

    def _page(
        self, experiments: Sequence[str], filter: str, order: list[str], most: int, token: str | None, view: str
    ) -> tuple[list[RunRecord], str | None]:
        asked = {
            "experiment_ids": list(experiments),
            "filter": filter,
            "run_view_type": view,
            "max_results": most,
            "order_by": order,
            "page_token": token or "",
        }
        page = self._ask("POST", "runs/search", asked)
        runs = page.get("runs", ())
        for run in runs:
            if "outputs" in run and run["info"].get("status") != "RUNNING":  # a server before MLflow 3 tells of none
                self._models[run["info"]["run_id"]] = _models_of(run)
        return [record(run) for run in runs], page.get("next_page_token") or None

    def count(self, query: Query) -> int | None:
        """See Reader."""
        return None

    def tally(self, query: Query, metric: str) -> Mapping[tuple[str, str], int] | None:
        """See Reader."""
        return None

    def get(self, run_id: str) -> RunRecord | None:
        """See Reader."""
        found = self._ask("GET", "runs/get", {"run_id": run_id})
        return record(found["run"]) if "run" in found else None

    def history(self, run_id: str, metric: str) -> list[HistoryPoint]:
        """See Reader."""
        found: list[Any] = []
        token = ""
        while True:
            # Without a number of its own a server of MLflow 3.13 gives a token that it does not take back.
            asked = {"run_id": run_id, "metric_key": metric, "max_results": _VALUES, "page_token": token}
            asked = {key: value for key, value in asked.items() if value}
            page = self._ask("GET", "metrics/get-history", asked)
            found.extend(page.get("metrics", ()))
            token = page.get("next_page_token", "")
            if not token:
                break
        values = [(int(one.get("step", 0)), int(one["timestamp"]), float(one["value"])) for one in found]
        values.sort(key=lambda one: (one[0], one[1], one[2] != one[2], one[2]))
        return [HistoryPoint(stored_number(value), step, moment(at)) for step, at, value in values]

    def spaces(self, key: str, experiments: Sequence[str]) -> Collection[FieldKind]:
        """See Reader. Looks at the newest runs only."""
        return spaces_of(self._newest(experiments), key)

    def keys(self) -> Mapping[FieldKind, Sequence[str]]:
        """See Reader. Looks at the newest runs only."""
        return keys_of(self._newest([one.experiment_id for one in self.experiments() if not one.deleted]))

    def _newest(self, experiments: Sequence[str]) -> list[RunRecord]:
        """A page of runs, asked for once: every key of a filter is looked for in it."""
        wanted = tuple(experiments)
        if wanted not in self._pages:
            self._pages[wanted] = self._page(wanted, "", ["attributes.start_time DESC"], PAGE, None, "ALL")[0]
        return self._pages[wanted]

    def folders(self, run: RunRecord) -> list[tuple[str, str]]:
        """See Reader."""
        ids = self._models.get(run.run_id)
        if ids is None:
            ids = _models_of(self._ask("GET", "runs/get", {"run_id": run.run_id}).get("run", {}))
        models = [self._ask("GET", f"logged-models/{quote(one, safe='')}", {}) for one in ids]
        if any("model" not in one for one in models):  # dropped ones, or a server that cannot tell of a single one
            by_run = f"source_run_id = '{run.run_id}'"
            asked = {"experiment_ids": [run.experiment_id], "filter": by_run}
            found = self._ask("POST", "logged-models/search", asked).get("models", ())
            models = [one for one in ({"model": one} for one in found) if one["model"]["info"]["model_id"] in ids]
        infos = [one["model"]["info"] for one in models if "model" in one]
        return [("", run.artifact_uri), *((str(one["name"]), str(one["artifact_uri"])) for one in infos)]

    def file(self, folder: str, path: str) -> bytes | None:
        """The content of a file in a folder that `hands_out`; None if there is no such file."""
        status, content = self._exchange("GET", f"mlflow-artifacts/artifacts/{_path_of(folder)}/{quote(path)}")
        if status == 200:
            return content
        self._answer(status, content)
        return None

    def download(self, folder: str, path: str, target: Path) -> bool:
        """Write a file in a folder that `hands_out`, however large it is, to `target`; False if there is none."""
        call = f"mlflow-artifacts/artifacts/{_path_of(folder)}/{quote(path)}"
        status, content = self._exchange("GET", call, into=target)
        if status == 200:
            return True
        self._answer(status, content)
        return False

    def files(self, folder: str) -> Iterator[tuple[str, int | None]]:
        """Path and size of each file in a folder that `hands_out`, at any depth."""
        inner = [""]
        while inner:
            below = inner.pop()
            asked = urlencode({"path": f"{_path_of(folder)}/{below}".rstrip("/")})
            for one in self._answer(*self._exchange("GET", f"mlflow-artifacts/artifacts?{asked}")).get("files", ()):
                path = f"{below}/{one['path']}".lstrip("/")
                if one.get("is_dir"):
                    inner.append(path)
                else:
                    size = one.get("file_size")
                    yield path, None if size is None else int(size)

    def _ask(self, method: str, path: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a call; empty where the server has no such thing. Raises StoreError for any other refusal."""
        body = json.dumps(asked).encode() if method == "POST" else None
        query = f"?{urlencode(asked)}" if method == "GET" and asked else ""
        return self._answer(*self._exchange(method, f"mlflow/{path}{query}", body), path)

    def _exchange(
        self, method: str, path: str, body: bytes | None = None, into: Path | None = None
    ) -> tuple[int, bytes]:
        """Status and content of an answer, asked for again where that may help. Raises StoreError for none.

        A content that is asked for `into` a file is written there, and empty here.
        """
        where = f"{urlsplit(self._uri).path.rstrip('/')}/api/2.0/{path}"
        for attempt in range(self._retries + 1):
            try:
                status, content, wait = self._send(method, where, body, into)
            except SSLError as error:
                raise self._failed(
                    error.reason or str(error), "is it https, and MLFLOW_TRACKING_SERVER_CERT_PATH its certificate?"
                ) from error
            except (OSError, HTTPException) as error:
                if attempt < self._retries and not isinstance(error, TimeoutError):
                    time.sleep(min(self._backoff * 2**attempt, _LONGEST_WAIT))
                    continue
                raise self._failed(
                    f"{getattr(error, 'strerror', None) or error or type(error).__name__}", "is the server running?"
                ) from error
            if status not in _RETRIED or attempt == self._retries:
                break
            time.sleep(min(self._backoff * 2**attempt if wait is None else wait, _LONGEST_WAIT))
        return status, content

    def _send(self, method: str, where: str, body: bytes | None, into: Path | None) -> tuple[int, bytes, float | None]:
        headers = {"Content-Type": "application/json", **self._headers}
        while True:
            try:
                connection, fresh = self._idle.pop(), False
            except IndexError:
                connection, fresh = _connection(self._uri, self._timeout), True
            try:
                connection.request(method, where, body, headers)
                response = connection.getresponse()
                content = response.read() if into is None or response.status != 200 else _written(response, into)
            except (ConnectionError, BadStatusLine):
                connection.close()
                if fresh:
                    raise
                continue  # the server has closed it in the meantime
            except BaseException:
                connection.close()
                raise
            if response.will_close:
                connection.close()
            else:
                self._idle.append(connection)
            wait = response.headers.get("Retry-After", "")
            return response.status, content, float(wait) if wait.isdigit() else None

    def _answer(self, status: int, content: bytes, call: str = "") -> dict[str, Any]:
        if status in (401, 403):
            raise self._failed(
                f"refused ({status})", "check MLFLOW_TRACKING_USERNAME and _PASSWORD, or MLFLOW_TRACKING_TOKEN"
            )
        try:
            answer = json.loads(content)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict) and status in _NO_CALL and call.startswith("logged-models/"):
            return {}  # an MLflow before 3, or another program: then its runs have their models among their files
        if not isinstance(answer, dict):
            raise self._failed(f"the answer ({status}) is not MLflow's", "is it the address of an MLflow server?")
        if status == 200:
            return answer
        if answer.get("error_code") == "RESOURCE_DOES_NOT_EXIST":
            return {}
        said = str(answer.get("message") or answer.get("error_code") or status).splitlines()[0][:200]
        raise self._failed(mask_secrets(said), None)

    def _failed(self, why: str, hint: str | None) -> StoreError:
        return StoreError(f"the store {mask_secrets(self._uri)} failed: {why}", hint=hint)


def hands_out(uri: str) -> bool:
    """Whether the tracking server itself has the files of a folder. An odd path is left to MLflow's client."""
    return re.fullmatch(r"mlflow-artifacts:/(?!/)[\w./-]+", uri, re.ASCII) is not None


def _path_of(folder: str) -> str:
    return folder.removeprefix("mlflow-artifacts:/").rstrip("/")


def connect(uri: str) -> RestReader:
    """A reader of a server. Raises NotServed where MLflow's client is needed to speak with it."""
    own = next((name for name in _CLIENTS_OWN if os.environ.get(name)), None)
    if own is not None:
        raise NotServed(f"{own} is set")
    parts = urlsplit(uri)
    if in_netrc(parts.hostname or ""):
        raise NotServed("the file of passwords that curl and MLflow read, .netrc, names the server")
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    user = os.environ.get("MLFLOW_TRACKING_USERNAME") or unquote(parts.username or "")
    password = os.environ.get("MLFLOW_TRACKING_PASSWORD") or unquote(parts.password or "")
    if not (token or user) and credentials_file().is_file():
        raise NotServed("there is a file of credentials")
    if user:
        pair = base64.b64encode(f"{user}:{password}".encode()).decode()
        return RestReader(uri, {"Authorization": f"Basic {pair}"})
    return RestReader(uri, {"Authorization": f"Bearer {token}"} if token else {})


def _models_of(run: Mapping[str, Any]) -> list[str]:
    return [str(one["model_id"]) for one in run.get("outputs", {}).get("model_outputs", ())]


def _written(response: HTTPResponse, file: Path) -> bytes:
    with file.open("wb") as stream:
        shutil.copyfileobj(response, stream)
    if response.length:  # which copying takes for the end
        raise IncompleteRead(b"", response.length)
    return b""


def _close_all(connections: list[HTTPConnection]) -> None:
    for connection in connections:
        connection.close()


def _connection(uri: str, timeout: float) -> HTTPConnection:
    parts = urlsplit(uri)
    host = parts.hostname or "localhost"
    if parts.scheme == "http":
        return HTTPConnection(host, parts.port, timeout=timeout)
    import ssl

    trusted = next((os.environ[name] for name in _CERTIFICATES if os.environ.get(name)), None)
    folder = trusted is not None and Path(trusted).is_dir()
    context = ssl.create_default_context(cafile=None if folder else trusted, capath=trusted if folder else None)
    if os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in ("true", "1"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return HTTPSConnection(host, parts.port, timeout=timeout, context=context)


def _number_of(variable: str, default: float) -> float:
    try:
        return max(0.0, float(os.environ.get(variable, "")))
    except ValueError:
        return default


def record(run: Mapping[str, Any]) -> RunRecord:
    """A run of the API as a record."""
    info, data = run["info"], run.get("data", {})
    datasets = [
        Dataset(
            one["dataset"]["name"],
            one["dataset"]["digest"],
            next((tag["value"] for tag in one.get("tags", ()) if tag["key"] == "mlflow.data.context"), None),
        )
        for one in run.get("inputs", {}).get("dataset_inputs", ())
    ]
    tags = {one["key"]: one.get("value", "") for one in data.get("tags", ())}
    datasets = datasets or datasets_in(tags)
    return RunRecord(
        run_id=info["run_id"],
        name=info.get("run_name", ""),
        status=cast(Status, str(info["status"]).lower()),
        experiment_id=str(info["experiment_id"]),
        started=moment(int(info.get("start_time", 0))),
        ended=moment(int(info.get("end_time", 0))),
        params={one["key"]: one.get("value", "") for one in data.get("params", ())},
        metrics={one["key"]: stored_number(float(one.get("value", 0))) for one in data.get("metrics", ())},
        tags=tags,
        deleted=info.get("lifecycle_stage") == "deleted",
        artifact_uri=info.get("artifact_uri", ""),
        user_id=info.get("user_id", ""),
        datasets=tuple(sorted(datasets, key=lambda one: (one.name, one.digest, one.context or ""))),
    )
