"""The server does not start when contract and code disagree, or a setting is wrong."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from fingertip.audit.v1 import audit_service_pb2
from fingertip.identity.v1 import identity_service_pb2
from fingertip_server import settings
from fingertip_server.audit import handlers
from fingertip_server.identity import handlers as identity
from fingertip_server.rpc import binding
from fingertip_server.rpc.binding import ContractMismatch
from fingertip_server.settings import SettingsRefused

_IDENTITY = identity_service_pb2.DESCRIPTOR.services_by_name["IdentityService"]
_AUDIT = audit_service_pb2.DESCRIPTOR.services_by_name["AuditService"]


def test_a_bound_service_has_every_method() -> None:
    methods = binding.bind({_AUDIT: [handlers]})
    assert [m.name for m in methods] == [
        "audit.v1.AuditService/ListEntries",
        "audit.v1.AuditService/VerifyChain",
    ]
    assert all(m.is_read and m.is_audited and m.permission == "audit.read" for m in methods)


def test_every_missing_handler_and_every_stray_phase_is_named_at_once() -> None:
    module = SimpleNamespace(verify_chain=handlers.verify_chain, wait_for_rain=print)
    with pytest.raises(ContractMismatch) as caught:
        binding.bind({_AUDIT: [module]})
    text = str(caught.value)
    assert "ListEntries has no handler" in text
    assert "wait_for_rain belongs to no method" in text


def test_handlers_may_stand_in_several_modules_but_each_with_its_phases() -> None:
    reading = SimpleNamespace(list_entries=handlers.list_entries)
    proving = SimpleNamespace(verify_chain=handlers.verify_chain)
    assert len(binding.bind({_AUDIT: [reading, proving]})) == 2
    reading.prepare_verify_chain = print
    with pytest.raises(ContractMismatch, match="prepare_verify_chain is not beside its handler"):
        binding.bind({_AUDIT: [reading, proving]})


def test_a_secret_that_comes_with_a_repetition_is_checked_or_nothing_starts() -> None:
    phases = {name: phase for name, phase in vars(identity).items() if name != "replay_sign_in"}
    with pytest.raises(ContractMismatch, match="SignIn takes a secret"):
        binding.bind({_IDENTITY: [SimpleNamespace(**phases)]})


def test_all_wrong_settings_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://somewhere/else")
    monkeypatch.setenv("FINGERTIP_LISTEN", "everywhere")
    monkeypatch.setenv("FINGERTIP_CALLS_MAX", "0")
    with pytest.raises(SettingsRefused) as caught:
        settings.load()
    text = str(caught.value)
    for name in (
        "DATABASE_URL",
        "FINGERTIP_KEY_RING",
        "FINGERTIP_AUTHORITY",
        "FINGERTIP_LISTEN",
        "FINGERTIP_CALLS_MAX",
    ):
        assert name in text


def test_a_url_of_postgresql_becomes_that_of_the_driver(tmp_path: Path) -> None:
    loaded = settings.load(
        database_url="postgresql://app@db/bank", key_ring=tmp_path, authority=tmp_path
    )
    assert loaded.database_url == "postgresql+asyncpg://app@db/bank"
