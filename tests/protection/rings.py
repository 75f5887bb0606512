"""Key rings for tests, with every suite."""

from fingertip_server.protection.keyring import KeyRing, KeyVersion
from fingertip_server.protection.suite import AES_256_GCM_SHA256, SM4_GCM_SM3, Suite

SUITES = (AES_256_GCM_SHA256, SM4_GCM_SM3)


def ring_of(*suites: Suite, active: int = 1, seed: int = 0) -> KeyRing:
    """Returns a ring with one version per suite, whose keys depend on the seed alone."""
    versions = {
        number: KeyVersion(number, suite, bytes([seed, number]) * 16)
        for number, suite in enumerate(suites, start=1)
    }
    return KeyRing(versions, active=versions[active], lookup=versions[1])
