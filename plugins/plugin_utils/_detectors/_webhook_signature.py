# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who sent a request, and is it a new one: signatures in the form of Standard Webhooks 1.0. Private: may change at any time.

Three headers (https://github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md): ``webhook-id`` names the
message and is the same when it is sent again, ``webhook-timestamp`` is when this try was made, in seconds since 1970, and
``webhook-signature`` has one or more of ``v1,BASE64``, separated by blanks: HMAC-SHA-256 over ``ID.TIMESTAMP.BODY``. So what
somebody has recorded is worth nothing when the time is over, and before that it is a repetition, which the table knows.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
PREFIX = "whsec_"
#: Octets of a key that is worth the name.
MIN_KEY, MAX_KEY = 24, 512
#: Signatures that are looked at: one for each key of a sender that changes its keys.
_MAX_SIGNATURES = 8
#: No dots: they would let one message be read as another.
_ID = re.compile(r"[A-Za-z0-9_:-]{1,128}")
_SECONDS = re.compile(r"[0-9]{1,12}")


class SignatureError(InvalidValueError):
    """A request is not from the sender, or not of now; ``kind`` is what is counted."""

    def __init__(self, kind: str, text: str) -> None:
        """Keep both."""
        super().__init__(text)
        self.kind = kind


def key(text: str, what: str) -> bytes:
    """Give the key of a secret as it is written: ``whsec_`` and BASE64, or a text. Never shows it."""
    octets = text.encode()
    if text.startswith(PREFIX):
        try:
            octets = base64.b64decode(text.removeprefix(PREFIX), validate=True)
        except (binascii.Error, ValueError):
            msg = f"{what} has a secret that begins with {PREFIX}, but what follows is not BASE64"
            raise InvalidValueError(msg) from None
    if not MIN_KEY <= len(octets) <= MAX_KEY:
        msg = (
            f"{what} must have a secret of {MIN_KEY} to {MAX_KEY} octets; it has {len(octets)}. Make one with:"
            " echo whsec_$(openssl rand -base64 32)"
        )
        raise InvalidValueError(msg)
    return octets


def sign(secret: bytes, identifier: str, timestamp: str, body: bytes) -> str:
    """Give the value of the header ``webhook-signature``."""
    digest = hmac.new(secret, b".".join((identifier.encode(), timestamp.encode(), body)), hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def verify(keys: Sequence[bytes], headers: Mapping[str, str], body: bytes, now: float, tolerance: float) -> str:
    """Give the message's id; raises SignatureError. ``headers`` do not distinguish upper and lower case.

    The time is looked at last: that a clock is wrong is told only to who has the key.
    """
    identifier, timestamp, given = (headers.get(name, "") for name in (ID, TIMESTAMP, SIGNATURE))
    for name, value, form in ((ID, identifier, _ID), (TIMESTAMP, timestamp, _SECONDS)):
        if not value:
            raise SignatureError("signature", f"the header {name} is missing")
        if not form.fullmatch(value):
            raise SignatureError("signature", f"the header {name} has not the form of Standard Webhooks: {_identifiers.shown(value)}")
    if not given:
        raise SignatureError("signature", f"the header {SIGNATURE} is missing")
    signatures = [one.encode(errors="replace") for one in given.split(" ")[:_MAX_SIGNATURES]]
    wanted = [sign(secret, identifier, timestamp, body).encode() for secret in keys]
    # All are compared, so that the time tells nothing.
    if not sum(hmac.compare_digest(one, other) for one in signatures for other in wanted):
        raise SignatureError("signature", "its signature is not that of the sender's secret")
    off = int(timestamp) - now
    if abs(off) > tolerance:
        raise SignatureError(
            "timestamp",
            f"it was signed {abs(off):.0f} s {'from now' if off > 0 else 'ago'}, which is more than {tolerance:.0f} s:"
            " a clock is wrong, or somebody sends again what he has recorded",
        )
    return identifier
