"""The gateway's configuration: strict TOML, refused with file, line, key and nearest name."""

import math
import os
from pathlib import Path
from typing import Literal

import msgspec

from greenhearth.metrics import METRIC_UNITS, METRICS, WINDOWS
from greenhearth.strict import Document

TOKEN_VARIABLE = "GREENHEARTH_INFLUX_TOKEN"
PASSWORD_VARIABLE = "GREENHEARTH_INFLUX_PASSWORD"

Priority = Literal["low", "medium", "high"]


class GatewayHead(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """``[gateway]``: who this gateway is."""

    id: str
    title: str


class BrokerPart(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """``[broker]``: where the MQTT broker is and which sites are listened to."""

    host: str = "127.0.0.1"
    port: int = 1883
    site: str = "+"
    """One site id, or ``+`` for all."""


class JournalPart(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """``[journal]``: how long data is kept; 0 keeps it for ever."""

    retention_days: float = 0.0


class HttpPart(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """``[http]``: where the page and the API answer; port 0 takes a free one."""

    host: str = "127.0.0.1"
    port: int = 8080


class InfluxPart(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """``[influx]``: the projection into an InfluxDB, off unless enabled."""

    enabled: bool = False
    url: str = ""
    api: Literal["v2", "v1"] = "v2"
    """``v1`` writes to /write as InfluxDB 1.x has it, ``v2`` to /api/v2/write."""
    org: str = ""
    bucket: str = "greenhearth"
    """Bucket, or the database of an InfluxDB 1.x."""
    token_file: str = ""
    """File with the token (v2); else the environment's GREENHEARTH_INFLUX_TOKEN."""
    username: str = ""
    password_file: str = ""
    """File with the password (v1); else the environment's GREENHEARTH_INFLUX_PASSWORD."""


class AlarmPart(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """``[alarm.ID]``: one high limit on one metric of one line and window."""

    line: str
    window: str
    metric: str
    high: float
    deadband: float = 0.0
    """The alarm returns only below ``high - deadband``, in the metric's unit."""
    on_delay_s: float = 0.0
    """How long the value must stay above, in data time."""
    off_delay_s: float = 0.0
    silence_s: float = 60.0
    """Results further apart than this do not advance a delay: nobody saw what lay between."""
    priority: Priority
    title: str
    cause: str
    consequence: str
    action: str
    respond_within_min: float

    @property
    def unit(self) -> str:
        """Unit of the metric and so of the limit."""
        return METRIC_UNITS[METRICS.index(self.metric)]


class Config(msgspec.Struct, kw_only=True):
    """A gateway file, checked."""

    path: str
    gateway: GatewayHead
    broker: BrokerPart
    journal: JournalPart
    http: HttpPart
    influx: InfluxPart
    alarms: dict[str, AlarmPart]


def load_config(path: Path) -> Config:
    """Read and check a gateway file; ConfigError names file, line, key and the nearest name."""
    doc = Document(path)
    doc.only("gateway", "broker", "journal", "http", "influx", "alarm")
    config = Config(
        path=str(path),
        gateway=doc.table("gateway", GatewayHead),
        broker=doc.convert(doc.data.get("broker", {}), BrokerPart, "broker"),
        journal=doc.convert(doc.data.get("journal", {}), JournalPart, "journal"),
        http=doc.convert(doc.data.get("http", {}), HttpPart, "http"),
        influx=doc.convert(doc.data.get("influx", {}), InfluxPart, "influx"),
        alarms=doc.tables("alarm", AlarmPart),
    )
    _check_ports(doc, config)
    _check_broker(doc, config.broker)
    _check_influx(doc, config.influx)
    for name, alarm in config.alarms.items():
        _check_alarm(doc, f"alarm.{name}", alarm)
    return config


def influx_secret(part: InfluxPart) -> str:
    """Return the token (v2) or password (v1), from its file or the environment, or ''."""
    file = part.token_file if part.api == "v2" else part.password_file
    if file:
        return Path(file).read_text(encoding="utf-8").strip()
    return os.environ.get(TOKEN_VARIABLE if part.api == "v2" else PASSWORD_VARIABLE, "")


def split_address(text: str, what: str) -> tuple[str, int]:
    """Split ``HOST:PORT``; ValueError says what was expected."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{what} {text!r}: expected HOST:PORT, for example 127.0.0.1:1883")
    return host, int(port)


def _check_ports(doc: Document, config: Config) -> None:
    if not 0 < config.broker.port <= 65535:
        raise doc.error("broker.port", f"{config.broker.port} is not a port (1..65535)")
    if not 0 <= config.http.port <= 65535:
        raise doc.error("http.port", f"{config.http.port} is not a port (0..65535)")
    if not 0 <= config.journal.retention_days < math.inf:
        raise doc.error("journal.retention_days", "must be 0 (keep for ever) or above")


def _check_broker(doc: Document, part: BrokerPart) -> None:
    if not part.site or (part.site != "+" and set(part.site) & set("+#/")):
        raise doc.error("broker.site", f"'{part.site}' is neither a site id nor '+' for all")


def _check_influx(doc: Document, part: InfluxPart) -> None:
    if part.enabled and not part.url.startswith(("http://", "https://")):
        raise doc.error(
            "influx.url", "an enabled projection needs 'url' as http://HOST:PORT or https://HOST:PORT"
        )
    for key in ("token_file", "password_file"):
        file = getattr(part, key)
        if part.enabled and file and not os.access(file, os.R_OK):
            raise doc.error(f"influx.{key}", f"'{file}' cannot be read")


def _check_alarm(doc: Document, key: str, alarm: AlarmPart) -> None:
    if alarm.window not in WINDOWS:
        raise doc.error_naming(f"{key}.window", f"no window '{alarm.window}'", alarm.window, WINDOWS)
    if alarm.metric not in METRICS:
        raise doc.error_naming(f"{key}.metric", f"no metric '{alarm.metric}'", alarm.metric, METRICS)
    if not math.isfinite(alarm.high):
        raise doc.error(f"{key}.high", "must be a finite number")
    for name in ("deadband", "on_delay_s", "off_delay_s", "silence_s", "respond_within_min"):
        if not 0 <= getattr(alarm, name) < math.inf:
            raise doc.error(f"{key}.{name}", "must be 0 or above")
    for name in ("title", "cause", "consequence", "action"):
        if not getattr(alarm, name).strip():
            raise doc.error(f"{key}.{name}", "is empty; an alarm without it is only noise to an operator")
