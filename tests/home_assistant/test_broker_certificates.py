"""Certificates of the client and the version of MQTT: dialogs, what is kept, and its end."""

import json
import logging
import ssl
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from homeassistant.config_entries import SOURCE_REAUTH
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.kamerplanter import config_flow
from custom_components.kamerplanter.const import DOMAIN
from custom_components.kamerplanter.diagnostics import async_get_config_entry_diagnostics
from custom_components.kamerplanter.telemetry.broker_source import LOOK_EVERY, broker_settings
from custom_components.kamerplanter.telemetry.client_certificate import (
    CertificateError,
    checked_key,
    expires_at,
    load_identity,
)
from kamerplanter_backend.telemetry.broker.aiomqtt_source import OwnBroker
from kamerplanter_backend.telemetry.broker.settings import (
    BrokerSettings,
    CertificateRefused,
    HostUnreachable,
    LoginRefused,
    Protocol,
)
from tests.backend.telemetry.brokers import (
    HOST,
    certificate,
    mosquitto,
    password_lines,
    scripted_broker,
    tls_lines,
)
from tests.home_assistant.garden import STORE_ID, Garden, new_entry
from tests.home_assistant.test_broker_source import (
    broker_data,
    connected,
    refusals,
    source_of,
    tank_ec,
)
from tests.home_assistant.test_config_flow import (
    broker_input,
    default_of,
    go_on,
    suggested,
    to_broker,
)

pytestmark = pytest.mark.usefixtures("socket_enabled", "gardens_are_closed")

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
ISSUE = f"broker_certificate_{STORE_ID}"


class Identity:
    """A certificate and its key as texts.

    Args:
        start: From when it is valid.
        end: Until when.
        key: Of a certificate that is renewed.
    """

    def __init__(
        self, start: datetime, end: datetime, key: ec.EllipticCurvePrivateKey | None = None
    ) -> None:
        self.private = key or ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "garden")])
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.private.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self.private, hashes.SHA256())
            .public_bytes(serialization.Encoding.PEM)
            .decode()
        )
        self.key = self._written(serialization.NoEncryption())
        self.locked_key = self._written(serialization.BestAvailableEncryption(b"secret"))

    def _written(self, encryption: serialization.KeySerializationEncryption) -> str:
        return self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
        ).decode()


def valid() -> Identity:
    """Return an identity that is valid on the day of `NOW`, to 3 June."""
    return Identity(NOW - timedelta(days=1), NOW + timedelta(days=30))


# --- The texts themselves ------------------------------------------------------------------


def test_a_key_that_fits_is_kept_as_it_is() -> None:
    one = valid()

    assert checked_key(one.certificate, one.key, None, now=NOW) == one.key
    assert checked_key(one.certificate, one.key, "for nothing", now=NOW) == one.key
    assert expires_at(one.certificate) == datetime(2026, 6, 3, 12, tzinfo=UTC)


def test_a_locked_key_is_kept_open_and_its_password_is_not() -> None:
    one = valid()

    kept = checked_key(one.certificate, one.locked_key, "secret", now=NOW)

    assert kept == one.key
    assert "ENCRYPTED" not in kept


def test_the_first_of_a_chain_is_the_one_of_the_client() -> None:
    one, signer = valid(), valid()

    assert checked_key(one.certificate + signer.certificate, one.key, None, now=NOW) == one.key
    with pytest.raises(CertificateError, match="key_does_not_fit"):
        checked_key(signer.certificate + one.certificate, one.key, None, now=NOW)


@pytest.mark.parametrize(
    ("change", "error", "field"),
    [
        ({"certificate_text": "rubbish"}, "bad_certificate", "client_certificate"),
        ({"key_text": "rubbish"}, "bad_key", "client_key"),
        ({"key_text": None}, "key_needed", "client_key"),
        ({"key_text": valid().key}, "key_does_not_fit", "client_key"),
        ({"now": NOW + timedelta(days=30)}, "certificate_expired", "client_certificate"),
        ({"now": NOW - timedelta(days=2)}, "certificate_not_yet", "client_certificate"),
    ],
    ids=lambda item: item if isinstance(item, str) else "",
)
def test_what_cannot_be_used_is_named(change: dict[str, Any], error: str, field: str) -> None:
    one = valid()
    good = {"certificate_text": one.certificate, "key_text": one.key, "password": None, "now": NOW}

    with pytest.raises(CertificateError) as raised:
        checked_key(**(good | change))

    assert (raised.value.key, raised.value.field) == (error, field)


@pytest.mark.parametrize(
    ("password", "error"), [(None, "key_password_needed"), ("wrong", "key_password_wrong")]
)
def test_a_locked_key_needs_its_password(password: str | None, error: str) -> None:
    one = valid()

    with pytest.raises(CertificateError) as raised:
        checked_key(one.certificate, one.locked_key, password, now=NOW)

    assert (raised.value.key, raised.value.field) == (error, "client_key_password")


def test_the_file_of_a_key_is_for_nobody_else_and_gone_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, seen = valid(), []
    folder = tmp_path / "files"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    class Looking:
        def load_cert_chain(self, name: str) -> None:
            seen.append(Path(name).stat().st_mode & 0o777)
            context.load_cert_chain(name)

    load_identity(Looking(), one.certificate, one.key)  # type: ignore[arg-type]
    with pytest.raises(ssl.SSLError):
        load_identity(Looking(), one.certificate, valid().key)  # type: ignore[arg-type]

    assert seen == [0o600, 0o600]
    assert list(folder.iterdir()) == []


def test_an_entry_from_before_these_fields_is_read_as_before() -> None:
    settings = broker_settings(broker_data(1883), STORE_ID)

    assert settings.protocol is Protocol.V311
    assert settings.tls_context is None


def test_a_certificate_is_never_given_to_the_contexts_that_all_share() -> None:
    one = valid()
    data = broker_data(8883) | {"tls": True}
    mine = {"client_certificate": one.certificate, "client_key": one.key}

    for verify in (True, False):
        shared = broker_settings(data | {"verify_certificate": verify}, STORE_ID).tls_context
        own = broker_settings(data | mine | {"verify_certificate": verify}, STORE_ID).tls_context
        assert own is not None
        assert own is not shared
        assert own.check_hostname is verify
        assert own.verify_mode is (ssl.CERT_REQUIRED if verify else ssl.CERT_NONE)


# --- The dialog ----------------------------------------------------------------------------


@pytest.mark.mosquitto
async def test_a_broker_that_asks_for_a_certificate_lets_in_who_has_it(
    hass: HomeAssistant, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server, client = certificate(tmp_path, "server"), certificate(tmp_path, "client")
    stranger = certificate(tmp_path, "stranger")
    lines = (*tls_lines(*server), f"cafile {client[0]}", "require_certificate true")
    async with mosquitto(tmp_path, *lines) as broker:
        base = broker_input(broker.port, tls=True, ca_certificate=server[0].read_text())
        flow = await to_broker(hass)
        assert default_of(flow, "protocol") == "3.1.1"

        flow = await go_on(hass, flow, base)
        assert flow["errors"] == {"base": "certificate_refused"}
        foreign = {
            "client_certificate": stranger[0].read_text(),
            "client_key": stranger[1].read_text(),
        }
        flow = await go_on(hass, flow, base | foreign)
        assert flow["errors"] == {"base": "certificate_refused"}
        assert suggested(flow)["client_certificate"] == foreign["client_certificate"]
        assert "client_key" not in suggested(flow)
        flow = await go_on(hass, flow, base | {"client_certificate": client[0].read_text()})
        assert flow["errors"] == {"client_key": "key_does_not_fit"}
        known = {"client_certificate": client[0].read_text(), "client_key": client[1].read_text()}
        result = await go_on(hass, flow, base | known | {"protocol": "5"})

        assert result["type"] is FlowResultType.CREATE_ENTRY
        entry = result["result"]
        kept = entry.data["broker"]
        assert kept["client_certificate"] == known["client_certificate"].strip()
        assert kept["client_key"] == known["client_key"].strip()
        assert kept["protocol"] == "5"
        garden = Garden(hass, entry, None)
        await connected(garden, await tank_ec(garden))

        told = json.dumps(await async_get_config_entry_diagnostics(hass, entry), default=str)
        await garden.unload()

    secret = known["client_key"].splitlines()[1]
    assert secret not in told
    assert kept["client_certificate"].splitlines()[1] not in told
    assert secret not in caplog.text


def _expired() -> dict[str, object]:
    one = Identity(NOW - timedelta(days=60), NOW - timedelta(days=30))
    return {"client_certificate": one.certificate, "client_key": one.key, "tls": True}


async def test_a_german_dialog_writes_the_end_of_a_certificate_as_germans_do(
    hass: HomeAssistant,
) -> None:
    hass.config.language = "de"

    flow = await go_on(hass, await to_broker(hass), broker_input(8883, **_expired()))

    assert flow["description_placeholders"]["date"] == "04.04.2026"


@pytest.mark.parametrize(
    ("given", "errors"),
    [
        (lambda one: {"client_key": one.key}, {"client_certificate": "certificate_needed"}),
        (
            lambda one: {
                "client_certificate": one.certificate,
                "client_key": one.key,
                "tls": False,
            },
            {"tls": "certificate_needs_tls"},
        ),
        (lambda one: {"client_certificate": "no"}, {"client_certificate": "bad_certificate"}),
        (
            lambda one: {"client_certificate": one.certificate, "client_key": one.locked_key},
            {"client_key_password": "key_password_needed"},
        ),
        (lambda _one: _expired(), {"client_certificate": "certificate_expired"}),
    ],
)
async def test_the_dialog_says_what_is_wrong_where_it_is(
    hass: HomeAssistant, given: Callable[[Identity], dict[str, Any]], errors: dict[str, str]
) -> None:
    now = dt_util.utcnow()
    one = Identity(now - timedelta(days=1), now + timedelta(days=30))

    flow = await go_on(
        hass, await to_broker(hass), broker_input(8883, **{"tls": True} | given(one))
    )

    assert flow["errors"] == errors
    if "certificate_expired" in errors.values():
        # NOW is 4 May 2026; 30 days before it is 4 April.
        assert flow["description_placeholders"]["date"] == "2026-04-04"


async def test_who_hangs_up_is_said_to_have_done_so(hass: HomeAssistant) -> None:
    async with scripted_broker(hangs_up=True) as port:
        flow = await go_on(hass, await to_broker(hass), broker_input(port))

    assert flow["errors"] == {"base": "broker_closed"}


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[BrokerSettings]:
    """Let every broker be reached; keeps how."""
    found: list[BrokerSettings] = []

    async def check(settings: BrokerSettings) -> None:
        found.append(settings)

    monkeypatch.setattr(config_flow, "check_connection", check)
    return found


def entry_with(one: Identity) -> Any:
    data = broker_data(1) | {
        "tls": True,
        "client_certificate": one.certificate.strip(),
        "client_key": one.key.strip(),
        "username": "anna",
        "password": "rose",
    }
    return new_entry("broker", broker=data)


async def test_a_renewed_certificate_for_the_same_key_needs_no_key_typed(
    hass: HomeAssistant, tried: list[BrokerSettings]
) -> None:
    now = dt_util.utcnow()
    one = Identity(now - timedelta(days=1), now + timedelta(days=3))
    renewed = Identity(now - timedelta(days=1), now + timedelta(days=300), one.private)
    entry = entry_with(one)
    entry.add_to_hass(hass)
    flow = await go_on(hass, await entry.start_reconfigure_flow(hass), {"readings": "broker"})
    shown = suggested(flow)
    assert shown["client_certificate"] == one.certificate.strip()
    assert not {"client_key", "password", "client_key_password"} & shown.keys()

    result = await go_on(
        hass,
        flow,
        broker_input(1, tls=True, username="anna", client_certificate=renewed.certificate),
    )

    assert result["reason"] == "reconfigure_successful"
    kept = entry.data["broker"]
    assert kept["client_certificate"] == renewed.certificate.strip()
    assert (kept["client_key"], kept["password"]) == (one.key.strip(), "rose")
    assert len(tried) == 1


async def test_an_emptied_certificate_takes_its_key_along(
    hass: HomeAssistant, tried: list[BrokerSettings]
) -> None:
    entry = entry_with(valid())
    entry.add_to_hass(hass)
    flow = await go_on(hass, await entry.start_reconfigure_flow(hass), {"readings": "broker"})

    await go_on(hass, flow, broker_input(1, tls=True))

    kept = entry.data["broker"]
    assert (kept["client_certificate"], kept["client_key"]) == (None, None)
    assert len(tried) == 1


async def test_a_refused_certificate_is_renewed_where_it_is_asked_for(
    hass: HomeAssistant, tried: list[BrokerSettings]
) -> None:
    now = dt_util.utcnow()
    renewed = Identity(now - timedelta(days=1), now + timedelta(days=300))
    entry = entry_with(Identity(now - timedelta(days=9), now - timedelta(days=1)))
    entry.add_to_hass(hass)
    entry.async_start_reauth(hass, data={"reauth": "broker"})
    await hass.async_block_till_done()
    (flow,) = hass.config_entries.flow.async_progress()
    # What is shown comes back with the form, and that is the old one.
    old = entry.data["broker"]["client_certificate"]
    again = await go_on(hass, flow, {"username": "anna", "client_certificate": old})
    assert again["errors"] == {"client_certificate": "certificate_expired"}

    result = await go_on(
        hass,
        again,
        {
            "username": "anna",
            "client_certificate": renewed.certificate,
            "client_key": renewed.locked_key,
            "client_key_password": "secret",
        },
    )

    assert result["reason"] == "reauth_successful"
    kept = entry.data["broker"]
    assert kept["client_certificate"] == renewed.certificate.strip()
    assert kept["client_key"].strip() == renewed.key.strip()
    assert (kept["password"], kept["tls"]) == ("rose", True)
    assert "client_key_password" not in kept


# --- While it runs -------------------------------------------------------------------------


def reauths(hass: HomeAssistant) -> list[str]:
    flows = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    return [flow["step_id"] for flow in flows if flow["context"]["source"] == SOURCE_REAUTH]


@pytest.mark.mosquitto
async def test_a_certificate_that_is_refused_later_asks_for_another(
    hass: HomeAssistant, tmp_path: Path
) -> None:
    server, client = certificate(tmp_path, "server"), certificate(tmp_path, "client")
    lines = (*tls_lines(*server), f"cafile {client[0]}", "require_certificate true")
    async with mosquitto(tmp_path, *lines) as broker:
        stranger = certificate(tmp_path, "stranger")
        data = broker_data(broker.port) | {
            "tls": True,
            "ca_certificate": server[0].read_text(),
            "client_certificate": stranger[0].read_text(),
            "client_key": stranger[1].read_text(),
        }
        garden = Garden(hass, new_entry("broker", broker=data), None)
        with refusals(OwnBroker) as refused:
            await garden.set_up()
            await refused(CertificateRefused)
        async_fire_time_changed(hass, dt_util.utcnow() + LOOK_EVERY)
        await garden.settle()

        assert reauths(hass) == ["reauth_confirm"]
        await garden.unload()


@pytest.mark.mosquitto
async def test_a_password_that_is_right_again_takes_the_question_back(
    hass: HomeAssistant, tmp_path: Path, issue_registry: ir.IssueRegistry
) -> None:
    lines = password_lines(tmp_path, "garden", "right")
    async with mosquitto(tmp_path, *lines) as broker:
        login = {"username": "garden", "password": "right"}
        garden = Garden(hass, new_entry("broker", broker=broker_data(broker.port) | login), None)
        await garden.set_up()
        entity_id = await tank_ec(garden)
        await connected(garden, entity_id)
        with refusals(OwnBroker) as refused:
            await broker.stop()
            password_lines(tmp_path, "garden", "other")
            await broker.start()
            await refused(LoginRefused)
        async_fire_time_changed(hass, dt_util.utcnow() + LOOK_EVERY)
        await garden.settle()
        assert reauths(hass) == ["reauth_confirm"]

        await broker.stop()
        password_lines(tmp_path, "garden", "right")
        await broker.start()
        await connected(garden, entity_id)
        await garden.settle()

        assert reauths(hass) == []
        assert [key for key in issue_registry.issues if "reauth" in key[1]] == []
        await garden.unload()


@pytest.mark.parametrize(
    ("left_d", "is_told", "language", "form"),
    [(13, True, "en", "%Y-%m-%d"), (13, True, "de", "%d.%m.%Y"), (15, False, "en", "")],
)
async def test_the_end_of_a_certificate_is_told_two_weeks_before(
    hass: HomeAssistant,
    issue_registry: ir.IssueRegistry,
    *,
    left_d: int,
    is_told: bool,
    language: str,
    form: str,
) -> None:
    hass.config.language = language
    now = dt_util.utcnow()
    one = Identity(now - timedelta(days=1), now + timedelta(days=left_d))
    garden = Garden(hass, entry_with(one), None)
    with refusals(OwnBroker) as refused:
        await garden.set_up()
        await refused(HostUnreachable)
    issue = issue_registry.async_get_issue(DOMAIN, ISSUE)

    assert (issue is not None) is is_told
    if issue is not None:
        ends_on = dt_util.as_local(now + timedelta(days=left_d)).strftime(form)
        assert issue.translation_placeholders == {"name": "Garden", "host": HOST, "date": ends_on}
    source_of(garden)._look(now + timedelta(days=2))
    assert issue_registry.async_get_issue(DOMAIN, ISSUE) is not None, "13 days are left now"
    await garden.unload()
    assert issue_registry.async_get_issue(DOMAIN, ISSUE) is None


async def test_a_certificate_that_was_damaged_in_the_store_asks_for_another(
    hass: HomeAssistant, caplog: pytest.LogCaptureFixture
) -> None:
    garden = Garden(hass, entry_with(valid()), None)
    broker = dict(garden.entry.data["broker"]) | {"client_key": "damaged"}
    garden = Garden(hass, new_entry("broker", broker=broker), None)
    await garden.set_up()
    while "cannot be used" not in caplog.text:
        await hass.async_add_executor_job(lambda: None)
    await garden.settle()

    assert reauths(hass) == ["reauth_confirm"]
    assert caplog.text.count("cannot be used") == 1
    assert "damaged" not in caplog.text
    await garden.unload()
