"""HTTP API client of the command line. Errors become one line on stderr."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Self

import httpx

from broadsheet.cli.target import StackTarget
from broadsheet.failure import CliFailure

TIMEOUT: Final = httpx.Timeout(60.0, connect=5.0)


class Api:
    """The two HTTP services of a target, with its key. A context manager."""

    def __init__(self, target: StackTarget) -> None:
        self._target = target
        headers = {"Authorization": f"Bearer {target.key}"} if target.key else {}
        self.http = httpx.Client(headers=headers, timeout=TIMEOUT)

    @property
    def public_url(self) -> str:
        """Public base URL of serve, for links."""
        return self._target.public_url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def read(self, path: str, params: Mapping[str, str | int] | None = None) -> Any:
        """GET from serve; the JSON response. Raises CliFailure."""
        with translated():
            return refuse_errors(self.http.get(self._target.serve_url + path, params=params)).json()

    def try_read(self, path: str) -> Any | None:
        """GET from serve; None for 404."""
        with translated():
            answer = self.http.get(self._target.serve_url + path)
            return None if answer.status_code == httpx.codes.NOT_FOUND else refuse_errors(answer).json()

    def write(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """POST, PATCH or DELETE at serve; the JSON answer, None when there is none. Raises CliFailure."""
        with translated():
            answer = refuse_errors(self.http.request(method, self._target.serve_url + path, json=body))
            return answer.json() if answer.content else None

    def delete(self, path: str) -> httpx.Response:
        """DELETE at ingest; any status is returned. Raises CliFailure when ingest cannot be reached."""
        with translated():
            return self.http.delete(self._target.ingest_url + path)

    def ingest(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Request to ingest; the JSON answer, None when there is none. Raises CliFailure."""
        with translated():
            answer = refuse_errors(self.http.request(method, self._target.ingest_url + path, json=body))
            return answer.json() if answer.content else None

    def post(
        self,
        path: str,
        data: bytes,
        media_type: str,
        params: Mapping[str, str],
        *,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """POST to ingest; any status is returned. Raises CliFailure when ingest cannot be reached."""
        with translated():
            return self.http.post(
                self._target.ingest_url + path,
                params=params,
                content=data,
                headers={"Content-Type": media_type, **(headers or {})},
            )


@contextmanager
def translated() -> Iterator[None]:
    """Turn transport errors into a CliFailure that names the address."""
    try:
        yield
    except httpx.HTTPError as error:
        raise CliFailure(f"{error.request.url.copy_with(query=None)}: {str(error) or type(error).__name__}") from error
    except ValueError as error:
        raise CliFailure(f"the response is not JSON: {error}") from error


def refuse_errors(answer: httpx.Response) -> httpx.Response:
    """Return the response, or raise CliFailure with the problem detail for status 400 and above."""
    if answer.status_code >= httpx.codes.BAD_REQUEST:
        raise CliFailure(problem_line(answer))
    return answer


def problem_line(answer: httpx.Response) -> str:
    """`422 title: detail (field)` of a problem+json, else the status and the beginning of the body."""
    try:
        problem = answer.json()
        words = [str(problem.get("title") or ""), str(problem.get("detail") or "")]
        named = problem.get("field") or problem.get("errors")
    except (ValueError, AttributeError):
        return f"{answer.status_code} {answer.reason_phrase}: {answer.text[:200]}"
    return f"{answer.status_code} {': '.join(filter(None, words))}" + (f" ({named})" if named else "")
