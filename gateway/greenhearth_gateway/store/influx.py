"""The only `import influxdb_client`: ready line protocol into InfluxDB 2, 1.x and what speaks like them."""

import base64
import json
import math
import time
from email.utils import parsedate_to_datetime
from typing import Any

from influxdb_client.client.exceptions import InfluxDBError
from influxdb_client.client.influxdb_client import InfluxDBClient
from urllib3.exceptions import HTTPError, ReadTimeoutError

from greenhearth_gateway.config import InfluxPart
from greenhearth_gateway.store.delivery import WriteFailedError

TIMEOUT_MS = 10_000
TAKEN = 204
"""What every server of this kind answers to a write; 200 with a page comes from something in between."""

REASON_HEAD, REASON_TAIL = 200, 300
"""Characters kept of a long reason: servers repeat the line first and say what is wrong with it last."""


class InfluxTarget:
    """A server that is written to as the configuration says; times in ns."""

    def __init__(self, part: InfluxPart, secret: str) -> None:
        self._part = part
        self._client: Any = InfluxDBClient(url=part.url, token="", org=part.org, timeout=TIMEOUT_MS)
        self._headers = {"Content-Type": "text/plain; charset=utf-8", **_authorization(part, secret)}
        self._path = "/write" if part.api == "v1" else "/api/v2/write"
        names = [("db", part.bucket)] if part.api == "v1" else [("bucket", part.bucket), ("org", part.org)]
        self._query = [*names, ("precision", "ns")]

    @property
    def where(self) -> str:
        """Address and bucket, for people."""
        return f"InfluxDB at {self._part.url} ({self._part.bucket})"

    def write(self, body: bytes) -> None:
        """Write lines; WriteFailedError carries the server's status, reason and Retry-After."""
        try:
            self._post(body)
        except InfluxDBError as error:
            raise _failure(error) from error
        except (HTTPError, OSError) as error:
            raise _unreached(error) from error
        except ValueError as error:  # an answer that is no text
            raise WriteFailedError(0, f"its answer cannot be read ({error})") from error

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _post(self, body: bytes) -> None:
        api = self._client.api_client
        _, status, _ = api.call_api(
            self._path, "POST", query_params=self._query, header_params=dict(self._headers), body=body
        )
        if status != TAKEN and api.last_response.data:
            said = _shortened(str(api.last_response.data))
            raise WriteFailedError(status, f"what answers there is no such server: {said}")


def _authorization(part: InfluxPart, secret: str) -> dict[str, str]:
    if part.api == "v2":
        return {"Authorization": f"Token {secret}"} if secret else {}
    if not part.username:
        return {}
    pair = base64.b64encode(f"{part.username}:{secret}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def _unreached(error: HTTPError | OSError) -> WriteFailedError:
    if isinstance(error, ReadTimeoutError) or any(isinstance(cause, TimeoutError) for cause in error.args):
        return WriteFailedError(0, f"it was not done within {TIMEOUT_MS / 1000:g} s", slow=True)
    return WriteFailedError(0, f"it cannot be reached ({type(error).__name__})")


def _failure(error: InfluxDBError) -> WriteFailedError:
    status = getattr(error, "status", 0) or 0
    return WriteFailedError(status, _shortened(_said(error)), retry_after_s(error.retry_after))


def _said(error: InfluxDBError) -> str:
    """Return the server's own words, out of its JSON where it is one."""
    body = getattr(error, "body", None) or error.message or getattr(error, "reason", None) or ""
    said = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
    try:
        document = json.loads(said)
    except (ValueError, RecursionError):
        return said
    found = document.get("error") or document.get("message") if isinstance(document, dict) else None
    return found if isinstance(found, str) else said


def _shortened(text: str) -> str:
    said = " ".join(text.split()) or "no reason given"
    if len(said) <= REASON_HEAD + REASON_TAIL:
        return said
    return f"{said[:REASON_HEAD]} ... {said[-REASON_TAIL:]}"


def retry_after_s(header: str | None) -> float | None:
    """Read Retry-After, seconds or an HTTP date, as seconds from now; None where it is neither."""
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        return _seconds_until(header)
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _seconds_until(date: str) -> float | None:
    try:
        return max(0.0, parsedate_to_datetime(date).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
