"""A wrong gateway file is refused with file, line, key and the nearest right name."""

import pytest

from greenhearth.shelf import configs_root
from greenhearth.strict import ConfigError
from greenhearth_gateway.config import influx_secret, load_config, split_address


def refusal(tmp_path, text):
    path = tmp_path / "gateway.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    return caught.value


def test_the_demo_file_is_accepted():
    config = load_config(configs_root() / "sites" / "demo_gateway.toml")
    assert {alarm.line for alarm in config.alarms.values()} == {"furnace", "kiln", "cell"}
    assert config.alarms["kiln_co2_high"].unit == "kg CO2e/t"
    assert not config.influx.enabled


def test_a_file_with_the_least_that_is_needed_gets_safe_defaults(tmp_path):
    path = tmp_path / "gateway.toml"
    path.write_text('[gateway]\nid = "g"\ntitle = "t"\n')
    config = load_config(path)
    assert (config.http.host, config.http.port) == ("127.0.0.1", 8080)
    assert (config.broker.host, config.broker.site) == ("127.0.0.1", "+")


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "nearest"),
    [
        ('title = "Test works"', 'titel = "Test works"', 4, "gateway.titel", "title"),
        ("[http]", "[htpp]", 6, "htpp", "http"),
        ("port = 0", "port = 70000", 7, "http.port", ""),
        ("port = 0", 'port = "80"', 7, "http.port", ""),
        (
            'metric = "energy_kwh_per_t"',
            'metric = "energy_kwh_per_ton"',
            12,
            "alarm.hot.metric",
            "energy_kwh_per_t",
        ),
        ('window = "batch"', 'window = "15 min"', 11, "alarm.hot.window", "15min"),
        ("deadband = 20.0", "deadband = -1.0", 14, "alarm.hot.deadband", ""),
        ("high = 500.0", "high = nan", 13, "alarm.hot.high", ""),
        ('priority = "high"', 'priority = "urgent"', 15, "alarm.hot.priority", ""),
        ('action = "Close the door."', 'action = " "', 19, "alarm.hot.action", ""),
        ('action = "Close the door."', "", 9, "alarm.hot", ""),
        ("[http]", '[broker]\nsite = "a/b"\n[http]', 7, "broker.site", ""),
        ("[http]", "[influx]\nenabled = true\n[http]", 6, "influx.url", ""),
        ("[http]", "[journal]\nretention_days = -1\n[http]", 7, "journal.retention_days", ""),
    ],
)
def test_what_is_not_understood_is_refused_by_name(tmp_path, make, old, new, line, key, nearest):
    assert old in make.GATEWAY
    error = refusal(tmp_path, make.GATEWAY.replace(old, new, 1))
    assert (error.line, error.key, error.nearest) == (line, key, nearest)
    assert str(error).startswith(f"{tmp_path}/gateway.toml:{line}: ")


def test_a_secret_file_that_is_missing_is_refused(tmp_path, make):
    text = '[influx]\nenabled = true\nurl = "http://x:1"\ntoken_file = "/nowhere/token"\n'
    error = refusal(tmp_path, make.GATEWAY + text)
    assert error.key == "influx.token_file"


def test_secrets_come_from_a_file_or_the_environment_only(tmp_path, make, monkeypatch):
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    path = tmp_path / "gateway.toml"
    influx = f'[influx]\nenabled = true\nurl = "http://x:1"\ntoken_file = "{token}"\n'
    path.write_text(make.GATEWAY + influx)
    assert influx_secret(load_config(path).influx) == "s3cret"
    path.write_text(make.GATEWAY + influx.replace(f'token_file = "{token}"\n', ""))
    monkeypatch.setenv("GREENHEARTH_INFLUX_TOKEN", "from the environment")
    assert influx_secret(load_config(path).influx) == "from the environment"
    assert refusal(tmp_path, make.GATEWAY + influx + 'token = "open"\n').key == "influx.token"


def test_an_address_is_host_and_port():
    assert split_address("::1:1883", "broker") == ("::1", 1883)
    for wrong in ("localhost", "localhost:", ":1883", "localhost:http", "localhost:99999"):
        with pytest.raises(ValueError, match="expected HOST:PORT"):
            split_address(wrong, "broker")
