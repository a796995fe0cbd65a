"""Standard Webhooks: the vectors of the project both ways, the official verifier, rotation, and keys at rest."""

from __future__ import annotations

import json
import time

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from shared.webhooks import (
    EncryptionError,
    Keys,
    Secret,
    SecretCipher,
    delivery_id,
    new_secret,
    signature_header,
    verify,
)
from shared.webhooks.signing import _decoded, _hmac
from tests.support.material import shared_dir

MASTER = "m" * 40
BODY = '{"title":"Café – ferry"}'.encode()


@pytest.mark.data
def test_every_vector_both_ways() -> None:
    """What the vectors call valid is accepted and nothing else; and we sign what they sign, letter for letter."""
    vectors = json.loads((shared_dir() / "data/peers/standard_webhooks_vectors.json").read_text("utf-8"))
    signed = 0
    for vector in vectors:
        stamp, body = str(vector["timestamp"]), vector["body"].encode()
        got = verify(vector["secret"], vector["id"], stamp, vector["signature"], body, now=vector["now"])
        assert got is vector["valid"], vector["name"]
        if vector["valid"]:
            key = Secret(_decoded(vector["secret"].removeprefix("whsec_")), new_secret().seed)
            ours = signature_header([key], vector["id"], vector["timestamp"], body).split(" ")[0]
            assert ours in vector["signature"].split(" "), vector["name"]
            signed += 1
    print(f"{len(vectors)} vectors verified, {signed} signed")
    assert len(vectors) >= 16
    assert signed >= 6


def headers(keys: Keys, *, at: int, body: bytes = BODY) -> dict[str, str]:
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(at),
        "webhook-signature": signature_header(keys, "msg_1", at, body),
    }


def test_the_official_verifier_takes_what_we_sign_and_nothing_that_was_touched() -> None:
    now, key = int(time.time()), new_secret()
    official = Webhook(key.shown)
    assert official.verify(BODY, headers((key,), at=now)) == json.loads(BODY)
    for body, at, change in (
        (BODY.replace(b"ferry", b"bridge"), now, {}),
        (BODY, now, {"webhook-id": "msg_2"}),
        (BODY, now, {"webhook-timestamp": str(now - 1)}),
        (BODY, now - 360, {}),
    ):
        with pytest.raises(WebhookVerificationError):
            official.verify(body, headers((key,), at=at) | change)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret().shown).verify(BODY, headers((key,), at=now))


def test_while_a_secret_is_rotated_receivers_with_either_are_satisfied() -> None:
    now, old, new = int(time.time()), new_secret(), new_secret()
    both = headers((new, old), at=now)
    assert [part.split(",")[0] for part in both["webhook-signature"].split(" ")] == ["v1", "v1a", "v1", "v1a"]
    for key in (old, new):
        Webhook(key.shown).verify(BODY, both)
        for known in (key.shown, key.public_key):
            assert verify(known, "msg_1", str(now), both["webhook-signature"], BODY, now=now)
            assert not verify(known, "msg_1", str(now), both["webhook-signature"], BODY + b" ", now=now)
    assert not verify(new.public_key, "msg_1", str(now), headers((old,), at=now)["webhook-signature"], BODY, now=now)


def test_a_secret_is_32_random_bytes_and_never_shows_itself_by_accident() -> None:
    keys = {new_secret().hmac for _ in range(50)}
    assert {len(key) for key in keys} == {32}
    assert len(keys) == 50
    secret = new_secret()
    assert secret.shown[6:20] not in repr(secret) + str((secret,))
    assert _hmac(b"k" * 32, b"x") != _hmac(b"k" * 31 + b"j", b"x")


@pytest.mark.parametrize("header", ["", "v1", "v1,", "v1,???", "v1a,AAAA", ", ,", "v1,\x00", "v1," + "A" * 10_000])
def test_a_broken_header_is_refused_and_raises_nothing(header: str) -> None:
    for known in (new_secret().shown, new_secret().public_key, "whsec_", "whpk_", "whsec_?", "whpk_AAAA"):
        assert verify(known, "msg_1", "1000", header, BODY, now=1000) is False
    assert verify(new_secret().shown, "msg_1", "soon", header, BODY, now=1000) is False


def test_the_same_event_of_the_same_subscription_has_the_same_id() -> None:
    assert delivery_id("sub_1", "e1") == delivery_id("sub_1", "e1")
    assert len({delivery_id(one, other) for one in ("sub_1", "sub_2") for other in ("e1", "e2")}) == 4
    assert "." not in delivery_id("sub_1", "e1")


def test_sealed_keys_open_with_the_same_master_key_for_the_same_endpoint_only() -> None:
    keys = (new_secret(), Secret(b"h" * 32, b"s" * 32, 1_700_000_000_000))
    sealed = SecretCipher(MASTER).encrypt(keys, owner="sub_1")
    assert SecretCipher(MASTER).decrypt(sealed, owner="sub_1") == keys
    assert keys[0].shown.removeprefix("whsec_") not in sealed
    assert SecretCipher(MASTER).encrypt(keys, owner="sub_1") != sealed
    for cipher, owner, text in (
        (SecretCipher("n" * 40), "sub_1", sealed),
        (SecretCipher(MASTER), "sub_2", sealed),
        (SecretCipher(MASTER), "sub_1", sealed[:-8] + "AAAAAAA="),
        (SecretCipher(MASTER), "sub_1", "not base64"),
        (SecretCipher(MASTER), "sub_1", ""),
    ):
        with pytest.raises(EncryptionError):
            cipher.decrypt(text, owner=owner)
    with pytest.raises(EncryptionError):
        SecretCipher("too short")
