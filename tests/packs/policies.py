"""The demo bank with one of its numbers changed, for a test."""

from types import MappingProxyType

from fingertip_server.app import App
from fingertip_server.packs.schema_policies import Policies, PolicyValue


def change_policy(server: App, key: str, value: PolicyValue) -> None:
    """Has a running server go by another number."""
    bank = server.frame.bank
    bank.policies = Policies(MappingProxyType({**bank.policies.values, key: value}))
