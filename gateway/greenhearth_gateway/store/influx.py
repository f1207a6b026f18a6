"""The only `import influxdb_client`: ready line protocol into InfluxDB 2, 1.x and what speaks like them."""

import base64
from typing import Any

from influxdb_client.client.exceptions import InfluxDBError
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from urllib3.exceptions import HTTPError

from greenhearth_gateway.config import InfluxPart
from greenhearth_gateway.store.projection import WriteFailedError

TIMEOUT_MS = 10_000


class InfluxTarget:
    """A server that is written to as the configuration says; times in ns."""

    def __init__(self, part: InfluxPart, secret: str) -> None:
        self._part = part
        self._client: Any = InfluxDBClient(
            url=part.url,
            token=secret if part.api == "v2" else "",
            org=part.org,
            timeout=TIMEOUT_MS,
        )
        self._writer: Any = self._client.write_api(write_options=SYNCHRONOUS)
        self._headers = {"Content-Type": "text/plain; charset=utf-8"}
        if part.api == "v1" and part.username:
            pair = base64.b64encode(f"{part.username}:{secret}".encode()).decode()
            self._headers["Authorization"] = f"Basic {pair}"

    @property
    def where(self) -> str:
        """Address and bucket, for people."""
        return f"InfluxDB at {self._part.url} ({self._part.bucket})"

    def write(self, body: bytes) -> None:
        """Write lines; WriteFailedError carries the server's status, reason and Retry-After."""
        try:
            if self._part.api == "v2":
                self._write_v2(body)
            else:
                self._write_v1(body)
        except InfluxDBError as error:
            raise _failure(error) from error
        except (HTTPError, OSError) as error:
            raise WriteFailedError(0, f"it cannot be reached ({type(error).__name__})") from error

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _write_v2(self, body: bytes) -> None:
        self._writer.write(self._part.bucket, self._part.org, body, write_precision="ns")

    def _write_v1(self, body: bytes) -> None:
        self._client.api_client.call_api(
            "/write",
            "POST",
            query_params=[("db", self._part.bucket), ("precision", "ns")],
            header_params=self._headers,
            body=body,
        )


def _failure(error: InfluxDBError) -> WriteFailedError:
    body = getattr(error, "body", None)
    said = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body or error.message)
    reason = said.strip()[:500] or "no reason given"
    return WriteFailedError(getattr(error, "status", 0) or 0, reason, _seconds(error.retry_after))


def _seconds(retry_after: str | None) -> float | None:
    """Read Retry-After where it is a number of seconds; a date is left to the back-off."""
    try:
        return max(0.0, float(retry_after)) if retry_after else None
    except ValueError:
        return None
