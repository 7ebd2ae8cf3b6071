# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import (
    _ber,
    _snmp_engine,
    _snmp_message,
    _usm,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._ber import MalformedError

ENGINE = bytes.fromhex("80001f8805000102030405060708090a0b")
SENDER = bytes.fromhex("8000000001020304")
HERE = "192.0.2.10"
USER = _usm.User("library", "sha256", "aes128", b"authentication", b"privacy of it")
STATS = "1.3.6.1.6.3.15.1.1."
REPORTS = {"level": 1, "time": 2, "user": 3, "engine": 4, "digest": 5, "decryption": 6}


def new_engine(clock: Any, boots: int = 3, communities: tuple[bytes, ...] = ()) -> _snmp_engine.Engine:
    return _snmp_engine.Engine(ENGINE, boots, {"library": (USER, (SENDER,))}, communities, clock)


@pytest.fixture
def engine(clock: Any) -> _snmp_engine.Engine:
    return new_engine(clock)


@pytest.fixture
def library(agent: Any) -> Any:
    return agent(ENGINE, boots=3)


def refused(engine: _snmp_engine.Engine, message: bytes, address: str = HERE) -> _snmp_engine.RefusedError:
    with pytest.raises(_snmp_engine.RefusedError) as raised:
        engine.take(message, address)
    return raised.value


def report(library: Any, error: _snmp_engine.RefusedError, name: str) -> _snmp_message.Header:
    """Check that the reply is the report of this name, and give its header."""
    assert error.reply is not None
    header, pdu = library.read(error.reply)
    assert pdu.tag == _snmp_message.REPORT
    assert [_ber.oid_text(oid) for oid, _tag, _value in pdu.varbinds] == [f"{STATS}{REPORTS[name]}.0"]
    assert header.engine_id == ENGINE
    assert header.boots == 3
    assert not header.flags & _snmp_message.REPORTABLE
    return header


def test_an_inform_is_taken_and_its_answer_repeats_its_variables(engine: Any, library: Any) -> None:
    variables = library.reserved()
    incoming = engine.take(library.message(variables, request_id=77, message_id=5), HERE)
    assert incoming.confirmed
    assert incoming.user == "library"
    assert incoming.sender_engine == b""
    header, pdu = library.read(engine.answer(incoming))
    assert header.flags == _snmp_message.AUTH | _snmp_message.PRIV
    assert header.message_id == 5
    assert (pdu.tag, pdu.request_id, pdu.raw) == (_snmp_message.RESPONSE, 77, variables)


def test_an_answer_has_the_context_of_its_inform(engine: Any, library: Any) -> None:
    pdu = _snmp_message.write_pdu(_snmp_message.INFORM, 1, library.reserved())
    scoped = _snmp_message.write_scoped_pdu(b"another engine", b"a context", pdu)
    message = _usm.protected(library.keys, 1, 7, library.authority, scoped, bytes(8))
    answer = engine.answer(engine.take(message, HERE))
    header, _model = _snmp_message.read_v3(answer, _snmp_message.version(answer)[1])
    assert header is not None
    scope = _snmp_message.read_scoped_pdu(_usm.decrypted(library.keys, header))
    assert scope[:2] == (b"another engine", b"a context")


def test_two_answers_never_have_the_same_salt(engine: Any, library: Any) -> None:
    incoming = engine.take(library.message(library.reserved()), HERE)
    assert library.read(engine.answer(incoming))[0].salt != library.read(engine.answer(incoming))[0].salt


def test_a_sender_that_knows_nothing_is_told_the_engine(engine: Any, agent: Any, library: Any, clock: Any) -> None:
    clock.now += 70
    error = refused(engine, agent(b"", 0).plain(b"0\x00", user=b""))
    assert (error.kind, error.routine) == ("discovery", True)
    assert report(library, error, "engine").time == 70


def test_a_sender_that_does_not_know_boots_and_time_is_told_them_authentically(
    engine: Any, agent: Any, library: Any
) -> None:
    error = refused(engine, agent(ENGINE, boots=0).message(library.reserved()))
    assert (error.kind, error.routine) == ("time_window", True)
    assert report(library, error, "time").flags == _snmp_message.AUTH


@pytest.mark.parametrize("difference", [-151, 151])
def test_an_inform_outside_of_the_time_window_is_refused(
    engine: Any, library: Any, clock: Any, difference: int
) -> None:
    clock.now += 500
    error = refused(engine, library.message(library.reserved(), time=500 + difference))
    assert (error.kind, error.routine) == ("time_window", False)
    report(library, error, "time")


@pytest.mark.parametrize("difference", [-150, 0, 150])
def test_an_inform_within_the_time_window_is_taken(engine: Any, library: Any, clock: Any, difference: int) -> None:
    clock.now += 500
    assert engine.take(library.message(library.reserved(), time=500 + difference), HERE)


def test_after_a_restart_a_sender_with_the_old_boots_is_told_the_new_ones(clock: Any, agent: Any) -> None:
    error = refused(new_engine(clock, boots=3), agent(ENGINE, boots=2).message(agent.reserved()))
    assert error.routine
    report(agent(ENGINE), error, "time")


def test_with_boots_at_their_end_nothing_is_taken(clock: Any, agent: Any) -> None:
    last = agent(ENGINE, boots=_snmp_engine.MAX_BOOTS)
    assert refused(new_engine(clock, boots=_snmp_engine.MAX_BOOTS), last.message(last.reserved())).kind == "time_window"


def test_a_wrong_authentication_passphrase_is_refused_and_reported(engine: Any, agent: Any, library: Any) -> None:
    error = refused(engine, agent(ENGINE, 3, auth_passphrase="something else").message(library.reserved()))
    assert error.kind == "digest"
    assert str(error) == "its digest is wrong: auth_protocol or auth_passphrase of user 'library' differ there"
    assert report(library, error, "digest").flags == 0


def test_a_wrong_authentication_protocol_is_refused(engine: Any, agent: Any, library: Any) -> None:
    assert refused(engine, agent(ENGINE, 3, auth="sha512").message(library.reserved())).kind == "digest"


@pytest.mark.parametrize("change", [{"priv_passphrase": "something else"}, {"priv": "aes256"}])
def test_a_wrong_privacy_passphrase_or_protocol_is_refused_and_reported(
    engine: Any, agent: Any, library: Any, change: dict[str, str]
) -> None:
    error = refused(engine, agent(ENGINE, 3, **change).message(library.reserved()))
    assert error.kind == "decryption"
    report(library, error, "decryption")


def test_a_salt_of_another_length_cannot_be_decrypted(engine: Any, library: Any) -> None:
    message, at = _snmp_message.write_v3(1, 7, library.authority, b"library", bytes(24), b"short", b"\x04\x00")
    digest = _usm._digest(library.keys, message)
    assert refused(engine, message[:at] + digest + message[at + 24 :]).kind == "decryption"


def test_an_unknown_user_is_refused_and_reported(engine: Any, agent: Any, library: Any) -> None:
    error = refused(engine, agent(ENGINE, 3, user="nobody").message(library.reserved()))
    assert error.kind == "user"
    assert str(error) == "there is no user 'nobody' in snmp.users"
    report(library, error, "user")


@pytest.mark.parametrize("tag", [_snmp_message.INFORM, _snmp_message.TRAP])
@pytest.mark.parametrize("flags", [0, 4])
def test_a_message_without_authentication_is_refused(engine: Any, library: Any, flags: int, tag: int) -> None:
    error = refused(engine, library.plain(library.reserved(), user=b"library", flags=flags, tag=tag))
    assert error.kind == "security_level"
    if flags:
        report(library, error, "level")
    else:
        assert error.reply is None


def test_a_message_without_encryption_is_refused(engine: Any, library: Any) -> None:
    error = refused(engine, library.message(library.reserved(), flags=5))
    assert error.kind == "security_level"
    report(library, error, "level")


@pytest.mark.parametrize("user", [b"", b"library"])
@pytest.mark.parametrize("flags", [0, 1])
@pytest.mark.parametrize("authority", [ENGINE, SENDER, bytes.fromhex("800000000909090909")])
def test_a_trap_that_nobody_signed_is_refused_whoever_it_names(
    engine: Any, agent: Any, authority: bytes, flags: int, user: bytes
) -> None:
    # pysnmp 7.1.30 gives these to the application: it looks at the level only where it is the authority itself.
    message = agent(authority, 3).plain(agent.reserved(), user=user, flags=flags, tag=_snmp_message.TRAP)
    assert refused(engine, message).reply is None


def test_encryption_without_authentication_is_malformed(engine: Any, library: Any) -> None:
    with pytest.raises(MalformedError, match="encryption without authentication"):
        engine.take(library.plain(library.reserved(), user=b"library", flags=6), HERE)


def test_a_trap_of_a_configured_engine_is_taken_and_has_its_engine(engine: Any, agent: Any) -> None:
    sender = agent(SENDER, boots=9)
    incoming = engine.take(sender.message(sender.reserved(), tag=_snmp_message.TRAP, time=12345), HERE)
    assert not incoming.confirmed
    assert incoming.sender_engine == SENDER


def test_a_trap_of_an_engine_that_is_not_configured_is_refused_with_the_option_to_set(engine: Any, agent: Any) -> None:
    other = agent(bytes.fromhex("8000000009090909"), boots=9)
    error = refused(engine, other.message(other.reserved(), tag=_snmp_message.TRAP))
    assert (error.kind, error.reply) == ("engine", None)
    assert str(error) == (
        "no user in snmp.users has the security_engine_id 8000000009090909, "
        "and a trap of SNMPv3 needs that of its sender"
    )


def test_an_inform_for_an_engine_that_is_gone_is_told_ours(engine: Any, agent: Any, library: Any) -> None:
    before = agent(bytes.fromhex("80001f880509090909"), boots=9)
    error = refused(engine, before.message(before.reserved()))
    assert error.kind == "engine"
    report(library, error, "engine")


def test_an_inform_whose_authority_is_its_sender_is_refused(engine: Any, agent: Any) -> None:
    sender = agent(SENDER, boots=9)
    assert refused(engine, sender.message(sender.reserved())).kind == "engine"


def test_nothing_is_reported_to_a_sender_that_is_the_authority_itself(engine: Any, agent: Any) -> None:
    stranger = agent(SENDER, boots=9, user="nobody")
    error = refused(engine, stranger.message(stranger.reserved()))
    assert (error.kind, error.reply) == ("user", None)


def trap(sender: Any, time: int) -> bytes:
    message: bytes = sender.message(sender.reserved(), tag=_snmp_message.TRAP, time=time)
    return message


def test_a_trap_that_is_sent_again_much_later_is_refused(engine: Any, agent: Any, clock: Any) -> None:
    sender = agent(SENDER, boots=9)
    old = trap(sender, time=100)
    engine.take(old, HERE)
    clock.now += 400
    engine.take(trap(sender, time=500), HERE)
    error = refused(engine, old)
    assert (error.kind, error.reply) == ("time_window", None)


def test_a_trap_of_earlier_boots_is_refused(engine: Any, agent: Any) -> None:
    engine.take(trap(agent(SENDER, boots=9), time=100), HERE)
    assert refused(engine, trap(agent(SENDER, boots=8), time=5000)).kind == "time_window"


def test_traps_may_overtake_each_other_within_the_time_window(engine: Any, agent: Any) -> None:
    sender = agent(SENDER, boots=9)
    engine.take(trap(sender, time=200), HERE)
    assert engine.take(trap(sender, time=100), HERE)


def test_a_trap_that_was_overtaken_does_not_turn_the_senders_time_back(engine: Any, agent: Any) -> None:
    sender = agent(SENDER, boots=9)
    engine.take(trap(sender, time=200), HERE)
    engine.take(trap(sender, time=100), HERE)
    assert refused(engine, trap(sender, time=49)).kind == "time_window"


def test_the_senders_time_goes_on_while_it_is_silent(engine: Any, agent: Any, clock: Any) -> None:
    sender = agent(SENDER, boots=9)
    old = trap(sender, time=100)
    engine.take(old, HERE)
    clock.now += _snmp_engine.TIME_WINDOW + 1
    assert refused(engine, old).kind == "time_window"


def test_a_silent_sender_may_go_on_after_a_long_time(engine: Any, agent: Any, clock: Any) -> None:
    sender = agent(SENDER, boots=9)
    engine.take(trap(sender, time=100), HERE)
    clock.now += 100_000
    assert engine.take(trap(sender, time=100_100), HERE)


def test_the_same_octets_from_another_address_are_refused(engine: Any, library: Any) -> None:
    message = library.message(library.reserved())
    engine.take(message, HERE)
    engine.take(message, HERE)
    error = refused(engine, message, "192.0.2.66")
    assert error.kind == "replayed"
    assert str(error) == "192.0.2.10 has sent the same message before"


def test_what_is_kept_against_repetition_ends_with_the_time_window(engine: Any, library: Any, clock: Any) -> None:
    engine.take(library.message(library.reserved()), HERE)
    assert len(engine._digests) == 1
    clock.now += 2 * _snmp_engine.TIME_WINDOW + 1
    engine.take(library.message(library.reserved(), time=301), HERE)
    assert len(engine._digests) == 1


def test_strangers_leave_nothing_behind(engine: Any, agent: Any, library: Any) -> None:
    for number in range(50):
        stranger = agent(ENGINE, 3, user=f"user{number}")
        refused(engine, stranger.message(library.reserved()), f"192.0.2.{number}")
        other = agent(bytes([128, 0, 0, 0, number]), 3)
        refused(engine, other.message(library.reserved(), tag=_snmp_message.TRAP))
    assert (len(engine._digests), len(engine._senders), len(engine._keys)) == (0, 0, 2)


@pytest.mark.parametrize("tag", [0xA0, 0xA1, 0xA2, 0xA3, 0xA5, 0xA8])
def test_other_pdus_are_refused(engine: Any, library: Any, tag: int) -> None:
    assert refused(engine, library.message(library.reserved(), tag=tag)).kind == "pdu"


def test_an_authentic_message_with_a_broken_pdu_is_malformed(engine: Any, library: Any) -> None:
    with pytest.raises(MalformedError):
        engine.take(library.message(b"0\x03\x30\x01\x00"), HERE)


def v2c(library: Any, community: bytes, tag: int = _snmp_message.INFORM) -> bytes:
    return _snmp_message.write_v2c(community, _snmp_message.write_pdu(tag, 9, library.reserved()))


def test_snmpv2c_is_not_taken_by_default(engine: Any, library: Any) -> None:
    error = refused(engine, v2c(library, b"public"))
    assert (error.kind, error.reply) == ("version", None)
    assert str(error) == "it is of SNMPv2c, which snmp.allow_v2c does not allow"


def test_snmpv2c_is_taken_with_a_configured_community(clock: Any, library: Any) -> None:
    engine = new_engine(clock, communities=(b"first", b"second"))
    incoming = engine.take(v2c(library, b"second"), HERE)
    answer = engine.answer(incoming)
    community, pdu = _snmp_message.read_v2c(answer, _snmp_message.version(answer)[1])
    assert (community, pdu.tag, pdu.request_id, pdu.raw) == (b"second", _snmp_message.RESPONSE, 9, library.reserved())
    assert not engine.take(v2c(library, b"first", _snmp_message.TRAP), HERE).confirmed


@pytest.mark.parametrize("community", [b"", b"firs", b"first ", b"First", b"\0first"])
def test_another_community_is_refused(clock: Any, library: Any, community: bytes) -> None:
    error = refused(new_engine(clock, communities=(b"first",)), v2c(library, community))
    assert (error.kind, error.reply) == ("community", None)
    assert "first" not in str(error)


@pytest.mark.parametrize(("version", "name"), [(0, "SNMPv1"), (2, "version 2"), (99, "version 99")])
def test_other_versions_are_refused(engine: Any, version: int, name: str) -> None:
    error = refused(engine, _ber.element(_ber.SEQUENCE, _ber.integer(version), b"\x04\x00"))
    assert str(error) == f"it is of {name}, which is not taken"


def test_another_security_model_is_refused(engine: Any, library: Any) -> None:
    message = library.message(library.reserved())
    changed = message.replace(b"\x04\x01\x07\x02\x01\x03", b"\x04\x01\x07\x02\x01\x04", 1)
    assert refused(engine, changed).kind == "security_model"


def test_every_truncation_of_an_inform_is_refused(engine: Any, library: Any) -> None:
    message = library.message(library.reserved())
    for length in range(len(message)):
        with pytest.raises((MalformedError, _snmp_engine.RefusedError)):
            engine.take(message[:length], HERE)


def test_something_behind_the_message_is_malformed(engine: Any, library: Any) -> None:
    with pytest.raises(MalformedError):
        engine.take(library.message(library.reserved()) + b"\0", HERE)


SAMPLES: list[Callable[[Any], bytes]] = [
    lambda library: library.message(library.reserved()),
    lambda library: library.plain(library.reserved(), user=b"library"),
    lambda library: v2c(library, b"public"),
    lambda _library: b"",
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_octets_get_anything_else_than_a_refusal(clock: Any, agent: Any, data: st.DataObject) -> None:
    library = agent(ENGINE, 3)
    message = bytearray(data.draw(st.sampled_from(SAMPLES))(library))
    for place, octet in data.draw(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1)):
        message[place % (len(message) + 1) : place % (len(message) + 1) + data.draw(st.integers(0, 2))] = bytes([octet])
    engine = new_engine(clock, communities=(b"public",))
    with contextlib.suppress(MalformedError, _snmp_engine.RefusedError):
        engine.take(bytes(message), HERE)


def test_a_new_engine_id_has_the_form_of_rfc_3411() -> None:
    first, second = _snmp_engine.new_engine_id(), _snmp_engine.new_engine_id()
    assert first != second
    assert 5 <= len(first) <= 32
    assert first[:5].hex() == "80001f8805"
