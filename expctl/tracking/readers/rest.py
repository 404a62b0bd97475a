"""A tracking server read directly, by MLflow's documented REST API 2.0 and the standard library.

Honours MLflow's variables for tokens, passwords, insecure TLS, timeouts and retries, and leaves to MLflow's client what
takes more than that: `connect` says what. How calls are sent: `exchange.py`; what is taken for an answer: `answers.py`.
"""

from __future__ import annotations

import base64
import json
import os
import re
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote, unquote, urlencode, urlsplit

from expctl.errors import mask_secrets
from expctl.tracking.credentials import credentials_file, in_netrc
from expctl.tracking.readers import answers
from expctl.tracking.readers.exchange import Exchange
from expctl.tracking.readers.mlflow_search import PAGE, find_by_pages, keys_of, spaces_of
from expctl.tracking.readers.protocol import Experiment, HistoryPoint, NotServed, moment, stored_number
from expctl.tracking.runs.locations import bounded

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from expctl.filters.expression import FieldKind
    from expctl.records import RunRecord
    from expctl.tracking.readers.protocol import Query

_Thing = TypeVar("_Thing")

# What only MLflow's client, or the library below it, knows how to do.
_CLIENTS_OWN: Final = (
    "MLFLOW_TRACKING_AUTH", "MLFLOW_TRACKING_AWS_SIGV4", "MLFLOW_TRACKING_CLIENT_CERT_PATH", "MLFLOW_WORKSPACE",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy",
)  # fmt: skip
_LATER: Final = "it is busy: try again later"
_NO_CALL: Final = (404, 405, 501)
_VALUES: Final = 25_000  # of a metric in an answer: the most that MLflow gives
_PAGES: Final = 10_000  # of an answer
_SECONDS: Final = 600  # for all pages of an answer


class RestReader:
    """The runs of a tracking server."""

    def __init__(self, uri: str, headers: Mapping[str, str]) -> None:
        self._server = Exchange(uri, headers)
        self._pages: dict[tuple[str, ...], list[RunRecord]] = {}
        self._models: dict[str, list[str]] = {}  # ids of the models of runs that have ended, as a page told of them

    def experiments(self) -> list[Experiment]:
        """See Reader."""
        asked = {"view_type": "ALL", "max_results": PAGE}
        found = self._every("POST", "experiments/search", asked, "experiments", answers.experiment)
        return sorted(found, key=lambda one: (len(one.experiment_id), one.experiment_id))

    def find(self, query: Query) -> list[RunRecord]:
        """See Reader."""
        view = "DELETED_ONLY" if query.deleted else "ACTIVE_ONLY"
        paging = _Paging()

        def fetch(filter: str, order: list[str], most: int, token: str | None) -> tuple[list[RunRecord], str | None]:
            page, following = self._page(query.experiments, filter, order, most, token, view)
            paging.check(following, len(page))
            return page, following

        with self._understood("runs/search"):
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
        runs = answers.objects(page, "runs")
        found = [answers.record(run) for run in runs]
        for one, run in zip(found, runs, strict=True):
            if "outputs" in run and one.status != "running":  # a server before MLflow 3 tells of none
                self._models[one.run_id] = answers.model_ids(run)
        return found, answers.page_token(page) or None

    def count(self, query: Query) -> int | None:
        """See Reader."""
        return None

    def tally(self, query: Query, metric: str) -> Mapping[tuple[str, str], int] | None:
        """See Reader."""
        return None

    def get(self, run_id: str) -> RunRecord | None:
        """See Reader."""
        with self._understood("runs/get"):
            found = self._ask("GET", "runs/get", {"run_id": run_id})
            return answers.record(answers.part(found, "run")) if "run" in found else None

    def history(self, run_id: str, metric: str) -> list[HistoryPoint]:
        """See Reader."""
        # Without a number of its own a server of MLflow 3.13 gives a token that it does not take back.
        asked = {"run_id": run_id, "metric_key": metric, "max_results": _VALUES}
        found = self._every("GET", "metrics/get-history", asked, "metrics", answers.point)
        found.sort(key=lambda one: (one[0], one[1], one[2] != one[2], one[2]))
        return [HistoryPoint(stored_number(value), step, moment(at)) for step, at, value in found]

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
            with self._understood("runs/search"):
                self._pages[wanted] = self._page(wanted, "", ["attributes.start_time DESC"], PAGE, None, "ALL")[0]
        return self._pages[wanted]

    def folders(self, run: RunRecord) -> list[tuple[str, str]]:
        """See Reader."""
        with self._understood("logged-models"):
            return [("", run.artifact_uri), *self._models_of(run)]

    def _models_of(self, run: RunRecord) -> list[tuple[str, str]]:
        ids = self._models.get(run.run_id)
        if ids is None:
            found = self._ask("GET", "runs/get", {"run_id": run.run_id})
            ids = answers.model_ids(answers.part(found, "run"))
        said = [self._ask("GET", f"logged-models/{quote(one, safe='')}", {}) for one in ids]
        models = [answers.model(answers.part(one, "model")) for one in said if "model" in one]
        if len(models) < len(said):  # dropped ones, or a server that cannot tell of a single one
            by_run = f"source_run_id = '{run.run_id}'"
            asked = {"experiment_ids": [run.experiment_id], "filter": by_run}
            found = self._ask("POST", "logged-models/search", asked)
            models = [one for one in map(answers.model, answers.objects(found, "models")) if one[0] in ids]
        return [(name, place) for _, name, place in models]

    def file(self, folder: str, path: str) -> bytes | None:
        """The content of a file in a folder that `hands_out`; None if there is no such file."""
        return self._fetched(folder, path)

    def download(self, folder: str, path: str, target: Path) -> bool:
        """Write a file in a folder that `hands_out`, however large it is, to `target`; False if there is none."""
        return self._fetched(folder, path, target) is not None

    def _fetched(self, folder: str, path: str, into: Path | None = None) -> bytes | None:
        """The content of a file, or nothing where it was written `into` one; None if there is no such file.

        Older MLflows (3.1 still does) answer 500 then, as where something fails: the file is looked for in the folder.
        """
        call = f"mlflow-artifacts/artifacts/{_path_of(folder)}/{quote(path)}"
        status, content = self._server.call("GET", call, into=into, file=True, again=False)
        if status == 500:
            if path not in (name for name, _ in self.files(folder)):
                return None
            status, content = self._server.call("GET", call, into=into, file=True)
        if status == 200:
            return content
        self._answer(status, content)
        return None

    def files(self, folder: str) -> Iterator[tuple[str, int | None]]:
        """Path and size of each file in a folder that `hands_out`, at any depth."""
        for path, size, is_folder in bounded(self._entries(folder)):
            if not is_folder:
                yield path, size

    def _entries(self, folder: str) -> Iterator[tuple[str, int | None, bool]]:
        inner, paging = [""], _Paging()
        while inner:
            below = inner.pop()
            asked = urlencode({"path": f"{_path_of(folder)}/{below}".rstrip("/")})
            with self._understood("mlflow-artifacts"):
                page = self._answer(*self._server.call("GET", f"mlflow-artifacts/artifacts?{asked}"))
                listed = [answers.listed_file(one) for one in answers.objects(page, "files")]
                paging.check(below, 1)
            for name, is_folder, size in listed:
                path = f"{below}/{name}".lstrip("/")
                if is_folder:
                    inner.append(path)
                yield path, size, is_folder

    def _every(
        self, method: str, path: str, asked: Mapping[str, Any], key: str, read: Callable[[Mapping[str, Any]], _Thing]
    ) -> list[_Thing]:
        """What the pages of an answer list under a key."""
        found: list[_Thing] = []
        token, paging = "", _Paging()
        with self._understood(path):
            while True:
                page = self._ask(method, path, {**asked, **({"page_token": token} if token else {})})
                listed = answers.objects(page, key)
                found.extend(map(read, listed))
                token = answers.page_token(page)
                paging.check(token, len(listed))
                if not token:
                    return found

    @contextmanager
    def _understood(self, call: str) -> Iterator[None]:
        """Raise StoreError for an answer in the block that is not MLflow's."""
        try:
            yield
        except answers.WrongAnswer as error:
            why = f"its answer to {call} is not MLflow's: {error}"
            raise self._server.failed(why, "is it the address of an MLflow server?") from error

    def _ask(self, method: str, path: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a call; empty where the server has no such thing. Raises StoreError for any other refusal."""
        body = json.dumps(asked).encode() if method == "POST" else None
        query = f"?{urlencode(asked)}" if method == "GET" and asked else ""
        return self._answer(*self._server.call(method, f"mlflow/{path}{query}", body), path)

    def _answer(self, status: int, content: bytes, call: str = "") -> dict[str, Any]:
        if status in (401, 403):
            raise self._server.failed(
                f"refused ({status})", "check MLFLOW_TRACKING_USERNAME and _PASSWORD, or MLFLOW_TRACKING_TOKEN"
            )
        answer = answers.parsed(content)
        if answer is None and status in _NO_CALL and call.startswith("logged-models/"):
            return {}  # an MLflow before 3, or another program: then its runs have their models among their files
        if answer is None:
            raise self._server.failed(
                f"the answer ({status}) is not MLflow's", "is it the address of an MLflow server?"
            )
        if status == 200:
            return answer
        if answer.get("error_code") == "RESOURCE_DOES_NOT_EXIST":
            return {}
        lines = str(answer.get("message") or answer.get("error_code") or status).splitlines()
        why = mask_secrets(lines[0][:200]) if lines else str(status)
        raise self._server.failed(why, _LATER if status in (429, 503) else None)


class _Paging:
    """Whether pages come to an end: each with something on it, by a token that has not been seen."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._end = time.monotonic() + _SECONDS

    def check(self, token: str | None, count: int) -> None:
        """Raise WrongAnswer for a page with so many things, and a token for the next one, that promises no end."""
        if not token:
            return
        late = time.monotonic() > self._end
        if not count or token in self._seen or len(self._seen) >= _PAGES or late:
            raise answers.WrongAnswer("pages without end")
        self._seen.add(token)


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
