"""Both suites, against published vectors and against each other."""

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from fingertip_server.protection.suite import AES_256_GCM_SHA256, SM4_GCM_SM3, Suite
from tests.protection.rings import SUITES


def test_sm4_gcm_agrees_with_rfc_8998() -> None:
    """Appendix A.1 of RFC 8998."""
    key = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
    nonce = bytes.fromhex("00001234567800000000ABCD")
    context = bytes.fromhex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2")
    plaintext = bytes.fromhex(
        "AAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBCCCCCCCCCCCCCCCCDDDDDDDDDDDDDDDD"
        "EEEEEEEEEEEEEEEEFFFFFFFFFFFFFFFFEEEEEEEEEEEEEEEEAAAAAAAAAAAAAAAA"
    )
    ciphertext = bytes.fromhex(
        "17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735"
        "D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D"
        "83DE3541E4C2B58177E065A9BF7B62EC"
    )
    assert SM4_GCM_SM3.encrypt(key, nonce, plaintext, context) == ciphertext
    assert SM4_GCM_SM3.decrypt(key, nonce, ciphertext, context) == plaintext


def test_aes_gcm_agrees_with_the_test_case_16_of_its_authors() -> None:
    """Test case 16 of McGrew and Viega, "The Galois/Counter Mode of Operation"."""
    key = bytes.fromhex("feffe9928665731c6d6a8f9467308308" * 2)
    nonce = bytes.fromhex("cafebabefacedbaddecaf888")
    context = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    plaintext = bytes.fromhex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    )
    tag = bytes.fromhex("76fc6ece0f4e1768cddf8853bb2d551b")
    assert AES_256_GCM_SHA256.encrypt(key, nonce, plaintext, context).endswith(tag)


@pytest.mark.parametrize(
    ("suite", "digest"),
    [
        (
            AES_256_GCM_SHA256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
        # GB/T 32905-2016, appendix A.1.
        (SM4_GCM_SM3, "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
    ],
)
def test_the_hash_of_abc_is_the_published_one(suite: Suite, digest: str) -> None:
    assert suite.hash(b"abc").hex() == digest


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
@given(plaintext=st.binary(max_size=300), context=st.binary(max_size=100))
def test_what_is_encrypted_decrypts_only_in_its_context(
    suite: Suite, plaintext: bytes, context: bytes
) -> None:
    key, nonce = b"k" * 32, b"n" * 12
    ciphertext = suite.encrypt(key, nonce, plaintext, context)
    assert suite.decrypt(key, nonce, ciphertext, context) == plaintext
    with pytest.raises(InvalidTag):
        suite.decrypt(key, nonce, ciphertext, context + b"x")


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_mac_and_derivation_depend_on_key_and_input(suite: Suite) -> None:
    for keyed in (suite.mac, suite.derive):
        made = {keyed(key, value) for key in (b"1" * 32, b"2" * 32) for value in (b"a", b"b")}
        assert len(made) == 4
        assert {len(digest) for digest in made} == {32}


def test_suites_have_numbers_of_their_own() -> None:
    assert [suite.number for suite in SUITES] == [1, 2]
