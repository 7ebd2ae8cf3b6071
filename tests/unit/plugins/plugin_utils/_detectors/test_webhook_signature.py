# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import _webhook_signature
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._webhook_signature import (
    SignatureError,
    key,
    sign,
    verify,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

NOW = 1_614_265_330
SECRET = key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "secret_file")
BODY = b'{"test": 2432232314}'
HEADERS = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": str(NOW),
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}


def fault(headers: dict[str, str], body: bytes = BODY, now: float = NOW, secret: bytes = SECRET) -> SignatureError:
    with pytest.raises(SignatureError) as raised:
        verify([secret], headers, body, now, 300)
    return raised.value


def test_the_message_of_the_standards_own_tests_is_taken() -> None:
    assert verify([SECRET], HEADERS, BODY, NOW, 300) == "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert sign(SECRET, HEADERS["webhook-id"], str(NOW), BODY) == HEADERS["webhook-signature"]


def test_a_sender_that_changes_its_secret_may_sign_with_both_and_so_may_we_keep_both() -> None:
    both = {**HEADERS, "webhook-signature": f"v1a,xyz v1,{'A' * 43}= {HEADERS['webhook-signature']}"}
    assert verify([SECRET], both, BODY, NOW, 300)
    assert verify([b"x" * 24, SECRET], HEADERS, BODY, NOW, 300)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_header_that_is_missing_is_named(name: str) -> None:
    assert str(fault({key: value for key, value in HEADERS.items() if key != name})) == f"the header {name} is missing"


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-id": "msg_other"},
        {"webhook-timestamp": str(NOW + 1)},
        {"webhook-timestamp": f"0{NOW}"},
        {"webhook-signature": HEADERS["webhook-signature"].replace("g0h", "g0H")},
        {"webhook-signature": HEADERS["webhook-signature"].removeprefix("v1,")},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,\udcff"},
        {"webhook-signature": " ".join(["v1,AAAA"] * 8 + [HEADERS["webhook-signature"]])},
    ],
)
def test_nothing_may_be_changed(changed: dict[str, str]) -> None:
    error = fault({**HEADERS, **changed})
    assert (error.kind, str(error)) == ("signature", "its signature is not that of the sender's secret")


def test_neither_body_nor_secret_may_be_another() -> None:
    assert fault(HEADERS, BODY + b" ").kind == "signature"
    assert fault(HEADERS, secret=SECRET[:-1] + b"x").kind == "signature"


@pytest.mark.parametrize(
    ("name", "value"),
    [("webhook-id", "a.1"), ("webhook-id", "a b"), ("webhook-id", "x" * 129), ("webhook-timestamp", "1.5"),
     ("webhook-timestamp", "-1"), ("webhook-timestamp", "\u0661"), ("webhook-timestamp", "9" * 13)],
)  # fmt: skip
def test_a_header_of_another_form_is_refused_before_anything_is_computed(name: str, value: str) -> None:
    assert "has not the form of Standard Webhooks" in str(fault({**HEADERS, name: value}))


@pytest.mark.parametrize(("later", "where"), [(301, "ago"), (-301, "from now")])
def test_what_was_recorded_cannot_be_sent_again_later(later: int, where: str) -> None:
    assert verify([SECRET], HEADERS, BODY, NOW + later // 301 * 300, 300)
    error = fault(HEADERS, now=NOW + later)
    assert error.kind == "timestamp"
    assert f"it was signed 301 s {where}, which is more than 300 s" in str(error)


def test_the_time_is_told_only_to_who_has_the_secret() -> None:
    assert fault({**HEADERS, "webhook-signature": "v1,AAAA"}, now=NOW + 9999).kind == "signature"


def test_a_secret_may_be_a_text() -> None:
    assert key("a secret of 24 octets...", "secret_file") == b"a secret of 24 octets..."


@pytest.mark.parametrize("text", ["short", "whsec_", "whsec_AAAA", "whsec_%%%", "x" * 513])
def test_a_secret_that_is_none_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(InvalidValueError) as raised:
        key(text, "webhook.senders[0].secret_file")
    assert str(raised.value).startswith("webhook.senders[0].secret_file ")
    assert text.removeprefix("whsec_") == "" or text.removeprefix("whsec_") not in str(raised.value)


@given(st.dictionaries(st.sampled_from(sorted(HEADERS)), st.text(max_size=40)), st.binary(max_size=80))
def test_nothing_that_a_stranger_sends_is_taken_or_raises_another_error(headers: dict[str, str], body: bytes) -> None:
    fault({**headers}, body)


@given(st.binary(min_size=24, max_size=64), st.from_regex(_webhook_signature._ID, fullmatch=True), st.binary(max_size=80))
def test_what_is_signed_is_taken(secret: bytes, identifier: str, body: bytes) -> None:
    signature = sign(secret, identifier, str(NOW), body)
    headers = {"webhook-id": identifier, "webhook-timestamp": str(NOW), "webhook-signature": signature}
    assert verify([key("whsec_" + base64.b64encode(secret).decode(), "s")], headers, body, NOW, 1) == identifier
