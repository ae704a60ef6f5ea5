"""Settings: defaults that admit real models, bad values named, help complete."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from lamina_server.config import (
    GIB,
    Settings,
    SettingsError,
    available_cores,
    describe,
    load_settings,
    unknown_variables,
    variable,
)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)


def test_every_setting_is_described_with_its_range() -> None:
    described = {item.variable: item for item in describe()}
    assert list(described) == [variable(name) for name in Settings.model_fields]
    assert all(item.default and "(" in item.doc for item in described.values())
    assert described["LAMINA_MAX_MESSAGE_BYTES"].default == "67108864 (64 MiB)"
    assert "from 1 to 1000000" in described["LAMINA_MAX_LAYERS"].doc
    assert "one of cpu, cuda" in described["LAMINA_DEVICE"].doc


def test_defaults_listen_on_loopback_only_and_admit_the_zoo() -> None:
    settings = load_settings()
    assert (settings.host, settings.port, settings.http_port) == ("127.0.0.1", 8500, 8502)
    assert settings.device == "cpu" and not settings.reflection
    assert settings.max_layers > 1_041  # the deepest
    assert settings.max_macs > 1.0e12  # vit_h_14 at 518 pixels
    assert 1.89 * GIB < settings.max_weight_bytes < 2 * GIB


@pytest.mark.parametrize(
    ("name", "value", "legal"),
    [
        ("LAMINA_PORT", "99999", "a whole number from 0 to 65535"),
        ("LAMINA_PORT", "8500.5", "a whole number from 0 to 65535"),
        ("LAMINA_DEVICE", "gpu", "one of cpu, cuda"),
        ("LAMINA_MAX_LAYERS", "0", "a whole number of layers from 1 to 1000000"),
        ("LAMINA_MAX_WEIGHT_BYTES", "2147483649", "a whole number of bytes from 1 to 2 GiB"),
        ("LAMINA_MAX_MACS", "lots", "a whole number of multiply-adds from 1 to"),
        ("LAMINA_DRAIN_SECONDS", "nan", "a number of seconds from 0 to 3600"),
        ("LAMINA_DRAIN_SECONDS", "inf", "a number of seconds from 0 to 3600"),
        ("LAMINA_REFLECTION", "maybe", "true or false"),
        ("LAMINA_LOG_LEVEL", "loud", "one of debug, info, warning, error"),
        ("LAMINA_PARENT_PID", "-4", "a whole number"),
    ],
)
def test_nonsense_names_variable_value_and_legal_range(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, legal: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert f"{name} is '{value}', but must be {legal}" in str(caught.value)
    assert caught.value.exit_code == 2


def test_every_bad_value_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMINA_STORE_DIR", "")
    monkeypatch.setenv("LAMINA_WORKERS", "-1")
    with pytest.raises(SettingsError, match=r"LAMINA_STORE_DIR is empty, .* LAMINA_WORKERS is '-1'"):
        load_settings()


def test_ports_must_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMINA_HTTP_PORT", "8500")
    with pytest.raises(SettingsError, match="LAMINA_PORT and LAMINA_HTTP_PORT are both 8500"):
        load_settings()
    monkeypatch.setenv("LAMINA_PORT", "0")
    monkeypatch.setenv("LAMINA_HTTP_PORT", "0")
    assert load_settings().port == 0


def test_port_of_a_kubernetes_service_link_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMINA_PORT", "tcp://10.0.0.1:8500")
    with pytest.raises(SettingsError, match="enableServiceLinks: false"):
        load_settings()


def test_unknown_variables_are_named_with_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMINA_MAX_LAYER", "3")
    monkeypatch.setenv("LAMINA_ZZZ", "3")
    monkeypatch.setenv("LAMINA_SERVICE_PORT_GRPC", "8500")  # Kubernetes' own
    monkeypatch.setenv("LAMINA_PORT_8500_TCP_ADDR", "10.0.0.1")
    assert unknown_variables() == [
        "LAMINA_MAX_LAYER sets nothing; did you mean LAMINA_MAX_LAYERS?",
        "LAMINA_ZZZ sets nothing; `lamina serve --help` lists what can be set.",
    ]


def test_settings_are_frozen() -> None:
    settings = Settings(port=0)
    with pytest.raises(ValidationError):
        settings.port = 1


def test_store_follows_xdg_unless_relative(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert load_settings().store_dir == tmp_path / "lamina"
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load_settings().store_dir == tmp_path / ".local/state/lamina"
    monkeypatch.setenv("LAMINA_STORE_DIR", "~/stacks")
    assert load_settings().store_dir == tmp_path / "stacks"


def test_limits_are_what_a_request_may_ask_for() -> None:
    limits = {name: value for name, value, _ in Settings(max_layers=7).limits}
    assert limits["LAMINA_MAX_LAYERS"] == 7
    assert len(limits) == 7 and "LAMINA_MAX_SESSIONS" not in limits


@pytest.mark.parametrize(("quota", "cores"), [("max 100000", 8), ("150000 100000", 2), ("10000 100000", 1), ("", 8)])
def test_cores_respect_the_quota_of_a_container(monkeypatch: pytest.MonkeyPatch, quota: str, cores: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: quota)
    assert available_cores() == cores
