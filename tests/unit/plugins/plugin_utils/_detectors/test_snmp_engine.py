# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import collections
import contextlib
import copy
import functools
import gc
import tempfile
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import (
    _snmp_arguments,
    _snmp_engine,
)
from ansible_collections.tapeworks.drive_sharing.tests.bench import snmp_wire as wire

ENGINE = bytes.fromhex("80001f8805000102030405060708090a0b")
SENDER = bytes.fromhex("8000000001020304")
HERE = "192.0.2.10"
STATS = "1.3.6.1.6.3.15.1.1."
REPORTS = {"level": 1, "time": 2, "user": 3, "engine": 4, "digest": 5, "decryption": 6}


class Clock:
    """Stands still until it is moved."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


CLOCK = Clock()


@pytest.fixture
def clock() -> Clock:
    """Be at the engines' start."""
    CLOCK.now = 1000.0
    return CLOCK


@functools.cache
def built(boots: int, communities: tuple[bytes, ...], auth: str, priv: str) -> _snmp_engine.Engine:
    """Make an engine once: pysnmp takes some tenths of a second for it."""
    CLOCK.now = 1000.0
    user = _snmp_arguments.UserConfig("library", auth, priv, b"authentication", b"privacy of it", (SENDER,))
    return _snmp_engine.Engine(ENGINE, boots, [user], communities, CLOCK)


def new_engine(
    _clock: Clock,
    boots: int = 3,
    communities: tuple[bytes, ...] = (),
    auth: str = "sha256",
    priv: str = "aes128",
) -> _snmp_engine.Engine:
    engine = copy.copy(built(boots, communities, auth, priv))
    engine._senders = {}
    engine._digests = collections.OrderedDict()
    return engine


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


def answer(library: Any, incoming: _snmp_engine.Incoming) -> wire.Answer:
    assert incoming.response is not None
    read: wire.Answer = library.read(incoming.response)
    return read


def report(library: Any, error: _snmp_engine.RefusedError, name: str) -> wire.Answer:
    """Check that the reply is the report of this name, and give it."""
    assert error.reply is not None
    read: wire.Answer = library.read(error.reply)
    assert read.tag == wire.REPORT
    assert [name for name, _tag, _value in read.variables] == [wire.oid(f"{STATS}{REPORTS[name]}.0")]
    assert read.authority[:2] == (ENGINE, 3)
    return read


def test_an_inform_is_taken_and_its_answer_repeats_its_variables(engine: Any, library: Any) -> None:
    variables = library.reserved()
    incoming = engine.take(library.message(variables, request_id=77, message_id=5), HERE)
    assert incoming.user == "library"
    assert incoming.sender_engine == b""
    assert incoming.request == "r77"
    read = answer(library, incoming)
    assert read.flags == wire.AUTH | wire.PRIV
    assert read.message_id == 5
    assert (read.tag, read.request_id, read.raw) == (wire.RESPONSE, 77, variables)


def test_every_kind_of_value_goes_back_as_it_came(engine: Any, agent: Any, library: Any) -> None:
    values = [
        *((wire.INTEGER, wire.integer(number)[2:]) for number in (0, -1, 2**31 - 1, -(2**31))),
        (wire.OCTETS, bytes(range(256))),
        (wire.NULL, b""),
        (wire.OID, wire.oid("2.999.4294967295")),
        (wire.IP_ADDRESS, bytes([192, 0, 2, 7])),
        *((tag, b"\0" + b"\xff" * 4) for tag in (wire.COUNTER32, wire.UNSIGNED32, wire.TIME_TICKS)),
        (wire.OPAQUE, b"\x9f\x78\x04\0\0\0\0"),
        (wire.COUNTER64, b"\0" + b"\xff" * 8),
        (0x80, b""),
        (0x81, b""),
        (0x82, b""),
    ]
    variables = agent.variables("1.3.6.1.4.1.99999.1", *((f"1.3.6.1.4.1.99999.2.{n}", v) for n, v in enumerate(values)))
    assert answer(library, engine.take(library.message(variables), HERE)).raw == variables


@pytest.mark.parametrize("priv", wire.PRIV_PROTOCOLS)
@pytest.mark.parametrize("auth", wire.AUTH_PROTOCOLS)
def test_every_pair_of_protocols_is_understood(clock: Any, agent: Any, auth: str, priv: str) -> None:
    library = agent(ENGINE, 3, auth=auth, priv=priv)
    incoming = new_engine(clock, auth=auth, priv=priv).take(library.message(library.reserved()), HERE)
    assert answer(library, incoming).raw == library.reserved()


def test_an_answer_has_the_context_of_its_inform(engine: Any, library: Any) -> None:
    scoped = wire.scoped(b"another engine", b"a context", wire.pdu(wire.INFORM, 1, library.reserved()))
    message = wire.protected(library.keys, 1, 7, library.authority, scoped, bytes(8))
    assert answer(library, engine.take(message, HERE)).context == (b"another engine", b"a context")


def test_two_answers_never_have_the_same_salt(engine: Any, library: Any) -> None:
    message = library.message(library.reserved())
    first, second = (answer(library, engine.take(message, HERE)) for _turn in range(2))
    assert first.salt != second.salt


def test_a_sender_that_knows_nothing_is_told_the_engine(engine: Any, agent: Any, library: Any, clock: Any) -> None:
    clock.now += 70
    error = refused(engine, agent(b"", 0).plain(b"0\x00", user=b""))
    assert (error.kind, error.routine) == ("discovery", True)
    assert report(library, error, "engine").authority[2] == 70


def test_a_sender_that_does_not_know_boots_and_time_is_told_them_authentically(
    engine: Any, agent: Any, library: Any
) -> None:
    error = refused(engine, agent(ENGINE, boots=0).message(library.reserved()))
    assert (error.kind, error.routine) == ("time_window", True)
    assert report(library, error, "time").flags == wire.AUTH


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
    assert not report(library, error, "digest").flags & wire.AUTH


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
    message, at = wire.v3(1, 7, library.authority, b"library", bytes(24), b"short", b"\x04\x00")
    digest = library.keys.digest(message)
    assert refused(engine, message[:at] + digest + message[at + 24 :]).kind == "decryption"


@pytest.mark.parametrize("length", [0, 12, 23, 25])
def test_a_digest_of_another_length_is_not_believed(engine: Any, library: Any, length: int) -> None:
    # Until 7.1.27 pysnmp took an empty digest for an authentic one.
    inner = library.keys.cipher(3, 0, bytes(8)).encryptor().update(library.scoped(library.reserved()))
    data = wire.element(wire.OCTETS, inner)
    message, _at = wire.v3(1, 7, library.authority, b"library", bytes(length), bytes(8), data)
    assert refused(engine, message).kind == "digest"


def test_no_octet_of_a_message_can_be_changed(engine: Any, library: Any) -> None:
    message = library.message(library.reserved())
    for place in range(len(message)):
        changed = message[:place] + bytes([message[place] ^ 1]) + message[place + 1 :]
        with pytest.raises(_snmp_engine.RefusedError):
            engine.take(changed, HERE)


def test_an_unknown_user_is_refused_and_reported(engine: Any, agent: Any, library: Any) -> None:
    error = refused(engine, agent(ENGINE, 3, user="nobody").message(library.reserved()))
    assert error.kind == "user"
    assert str(error) == "there is no user 'nobody' in snmp.users"
    report(library, error, "user")


@pytest.mark.parametrize("tag", [wire.INFORM, wire.TRAP])
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
    message = agent(authority, 3).plain(agent.reserved(), user=user, flags=flags, tag=wire.TRAP)
    assert refused(engine, message).reply is None


def test_encryption_without_authentication_is_malformed(engine: Any, library: Any) -> None:
    assert refused(engine, library.plain(library.reserved(), user=b"library", flags=6)).kind == "malformed"


def test_a_trap_of_a_configured_engine_is_taken_and_has_its_engine(engine: Any, agent: Any) -> None:
    sender = agent(SENDER, boots=9)
    incoming = engine.take(sender.message(sender.reserved(), tag=wire.TRAP, time=12345), HERE)
    assert incoming.response is None
    assert incoming.sender_engine == SENDER


def test_a_trap_of_an_engine_that_is_not_configured_is_refused_with_the_option_to_set(engine: Any, agent: Any) -> None:
    other = agent(bytes.fromhex("8000000009090909"), boots=9)
    error = refused(engine, other.message(other.reserved(), tag=wire.TRAP))
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
    message: bytes = sender.message(sender.reserved(), tag=wire.TRAP, time=time)
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


@pytest.mark.parametrize("tag", [0xA0, 0xA1, 0xA2, 0xA3, 0xA5, 0xA8])
def test_other_pdus_are_refused(engine: Any, library: Any, tag: int) -> None:
    assert refused(engine, library.message(library.reserved(), tag=tag)).kind == "pdu"


def test_an_authentic_message_with_a_broken_pdu_is_refused(engine: Any, library: Any) -> None:
    assert refused(engine, library.message(b"0\x03\x30\x01\x00")).kind == "malformed"


def v2c(library: Any, community: bytes, tag: int = wire.INFORM, request_id: int = 9) -> bytes:
    return wire.v2c(community, wire.pdu(tag, request_id, library.reserved()))


def test_snmpv2c_is_not_taken_by_default(engine: Any, library: Any) -> None:
    error = refused(engine, v2c(library, b"public"))
    assert (error.kind, error.reply) == ("version", None)
    assert str(error) == "it is of SNMPv2c, which snmp.allow_v2c does not allow"


def test_snmpv2c_is_taken_with_a_configured_community(clock: Any, library: Any) -> None:
    engine = new_engine(clock, communities=(b"first", b"second"))
    read = answer(library, engine.take(v2c(library, b"second"), HERE))
    assert (read.context[0], read.tag, read.request_id, read.raw) == (b"second", wire.RESPONSE, 9, library.reserved())
    assert engine.take(v2c(library, b"first", wire.TRAP), HERE).response is None


def test_a_repetition_in_snmpv2c_is_the_same_request(clock: Any, library: Any) -> None:
    engine = new_engine(clock, communities=(b"first", b"second"))
    first, again, other = (engine.take(v2c(library, b"first", request_id=number), HERE).request for number in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize("community", [b"", b"firs", b"first ", b"First", b"\0first"])
def test_another_community_is_refused(clock: Any, library: Any, community: bytes) -> None:
    error = refused(new_engine(clock, communities=(b"first",)), v2c(library, community))
    assert (error.kind, error.reply) == ("community", None)
    assert "first" not in str(error)


@pytest.mark.parametrize(("version", "name"), [(0, "SNMPv1"), (2, "version 2"), (99, "version 99")])
def test_other_versions_are_refused(engine: Any, version: int, name: str) -> None:
    error = refused(engine, wire.element(wire.SEQUENCE, wire.integer(version), b"\x04\x00"))
    assert str(error) == f"it is of {name}, which is not taken"


def test_another_security_model_is_refused(engine: Any, library: Any) -> None:
    message = library.message(library.reserved())
    changed = message.replace(b"\x04\x01\x07\x02\x01\x03", b"\x04\x01\x07\x02\x01\x04", 1)
    assert refused(engine, changed).kind == "security_model"


def test_every_truncation_of_an_inform_is_refused(engine: Any, library: Any) -> None:
    message = library.message(library.reserved())
    for length in range(len(message)):
        refused(engine, message[:length])


def test_something_behind_the_message_is_refused(engine: Any, library: Any) -> None:
    assert refused(engine, library.message(library.reserved()) + b"\0").kind == "malformed"


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
    with contextlib.suppress(_snmp_engine.RefusedError):
        engine.take(bytes(message), HERE)


@pytest.mark.parametrize("auth", wire.AUTH_PROTOCOLS)
def test_an_authentic_message_goes_first_once(clock: Any, agent: Any, auth: str) -> None:
    engine, library = new_engine(clock, auth=auth), agent(ENGINE, 3, auth=auth)
    message = library.message(library.reserved())
    assert engine.goes_first(message, engine.look(message))
    engine.take(message, HERE)
    assert not engine.goes_first(message, engine.look(message))


def test_a_trap_of_a_configured_engine_goes_first(engine: Any, agent: Any) -> None:
    message = agent(SENDER, 9).message(agent.reserved(), tag=wire.TRAP)
    assert engine.goes_first(message, engine.look(message))


def test_what_nobody_with_a_key_has_sent_now_does_not_go_first(
    engine: Any, agent: Any, library: Any, clock: Any
) -> None:
    clock.now += 500
    wrong = [
        wire.discovery(),
        library.message(library.reserved(), time=500 - 151),
        library.message(library.reserved(), time=500 + 151),
        library.message(library.reserved(), time=500, flags=5),
        library.plain(library.reserved(), user=b"library"),
        agent(ENGINE, 2).message(library.reserved(), time=500),
        agent(ENGINE, 3, user="nobody").message(library.reserved(), time=500),
        agent(ENGINE, 3, auth="sha512").message(library.reserved(), time=500),
        agent(ENGINE, 3, auth_passphrase="another passphrase").message(library.reserved(), time=500),
        agent(SENDER[:-1] + b"x", 3).message(library.reserved(), time=500),
    ]
    good = library.message(library.reserved(), time=500)
    assert engine.goes_first(good, engine.look(good))
    assert not any(engine.goes_first(message, engine.look(message)) for message in wrong)
    for at in range(len(good)):
        changed = good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]
        with contextlib.suppress(_snmp_engine.RefusedError):
            assert not engine.goes_first(changed, engine.look(changed))


def test_snmpv2c_with_a_community_goes_first(clock: Any, library: Any) -> None:
    engine = new_engine(clock, communities=(b"public",))
    message = v2c(library, b"public")
    assert engine.goes_first(message, engine.look(message))


def test_a_number_as_version_that_nobody_can_write_down_is_malformed(engine: Any) -> None:
    message = wire.element(wire.SEQUENCE, wire.element(wire.INTEGER, b"\x7f" * 5000))
    assert str(refused(engine, message)) == "it is malformed (a number of 5000 octets)"


def test_an_engine_id_as_long_as_a_datagram_is_not_written_into_the_log(engine: Any, library: Any) -> None:
    message = wire.v3(1, 4, (bytes(30_000), 0, 0), b"library", b"", b"", library.scoped(wire.varbinds()))[0]
    assert str(refused(engine, message)) == "it is malformed (an engine id of 30000 octets)"


@pytest.mark.parametrize("communities", [(), (b"public",)])
def test_variables_by_the_thousand_are_refused_in_no_time(clock: Any, library: Any, communities: Any) -> None:
    pair = (wire.oid("1.3.6.1.4.1.99999.1"), wire.integer(1))
    many = wire.varbinds(*([pair] * 3000))
    message = wire.v2c(b"public", wire.pdu(wire.INFORM, 1, many)) if communities else library.message(many)
    engine = new_engine(clock, communities=communities)
    began = time.process_time()
    assert str(refused(engine, message)) == "it is malformed (more than 600 variables)"
    # To read them would take a fifth of a second and more.
    assert time.process_time() - began < 0.1


def test_a_new_engine_id_has_the_form_of_rfc_3411() -> None:
    first, second = _snmp_engine.new_engine_id(), _snmp_engine.new_engine_id()
    assert first != second
    assert 5 <= len(first) <= 32
    assert first[:5].hex() == "80001f8805"


def strangers(library: Any, agent: Any) -> Callable[[int], list[tuple[bytes, str]]]:
    """Give what strangers may send in many forms, each time from others: what pysnmp keeps something of."""
    variables = wire.varbinds()
    report = wire.varbinds((wire.oid(f"{STATS}4.0"), wire.integer(1, wire.COUNTER32)))
    first = agent(ENGINE, 3).message(variables)

    def messages(number: int) -> list[tuple[bytes, str]]:
        octets = number.to_bytes(4, "big")
        engine_id, address = b"\x80\0\0\0\5" + octets, f"10.{octets[1]}.{octets[2]}.{octets[3]}"
        inform, said = wire.pdu(wire.INFORM, number, variables), wire.pdu(wire.REPORT, number, report)
        scoped, authority = wire.scoped(b"", b"", inform), (engine_id, number, number)
        return [
            (message, address)
            for message in (
                wire.discovery(),
                wire.v3(number, 4, authority, b"", b"", b"", scoped)[0],
                wire.v3(number, 0, authority, b"user" + octets, b"", b"", scoped)[0],
                wire.v3(number, 1, authority, b"", bytes(24), b"", scoped)[0],
                wire.v3(number, 3, authority, b"", bytes(24), bytes(8), wire.element(wire.OCTETS, octets * 9))[0],
                wire.v3(number, 4, (ENGINE, 3, 0), b"", b"", b"", wire.scoped(engine_id, octets, said))[0],
                wire.v3(number, 4, (ENGINE, 3, 0), b"", b"", b"", scoped)[0],
                wire.v3(number, 7, (ENGINE, 3, 0), b"library", octets * 6, bytes(8), wire.element(4, octets))[0],
                wire.v3(number, 7, (SENDER, number, 0), b"library", octets * 6, bytes(8), wire.element(4, octets))[0],
                wire.v3(number, 7, (b"", 0, 0), octets, octets * 6, octets, wire.element(4, octets))[0],
                first[: number % len(first)] + octets + first[number % len(first) :],
                octets * (number % 50),
            )
        ]

    return messages


def test_thousands_of_datagrams_of_strangers_leave_nothing_behind(clock: Any, agent: Any, library: Any) -> None:
    engine = new_engine(clock, communities=(b"first",))
    messages = strangers(library, agent)

    def send(numbers: range) -> int:
        kinds = set()
        for number in numbers:
            for message, address in [*messages(number), (v2c(library, number.to_bytes(4, "big")), HERE)]:
                kinds.add(refused(engine, message, address).kind)
        assert {"discovery", "engine", "digest", "security_level", "community", "malformed"} <= kinds
        gc.collect()
        return len(gc.get_objects())

    send(range(1, 50))
    before = send(range(50, 100))
    after = send(range(100, 600))
    # pysnmp by itself keeps four objects of each of these 6,500.
    assert after - before < 1000
    assert (len(engine._digests), len(engine._senders)) == (0, 0)


def test_informs_that_are_never_answered_leave_nothing_behind(engine: Any, library: Any, clock: Any) -> None:
    def send(numbers: range) -> int:
        for number in numbers:
            engine.take(library.message(library.reserved(number), request_id=number), HERE)
        engine._digests.clear()
        gc.collect()
        return len(gc.get_objects())

    send(range(50))
    before = send(range(50, 100))
    assert send(range(100, 1100)) - before < 200


def test_no_file_is_written(clock: Any, tmp_path: Any, monkeypatch: Any) -> None:
    for name in ("TMPDIR", "HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.chdir(tmp_path)
    _snmp_engine.Engine(ENGINE, 3, [], (b"public",), clock)
    assert list(tmp_path.iterdir()) == []


def test_the_time_of_day_does_not_matter(engine: Any, library: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(time, "time", lambda: 5_000_000_000.0)
    assert answer(library, engine.take(library.message(library.reserved()), HERE)).authority == (ENGINE, 3, 0)


def test_a_users_name_may_have_any_letters(clock: Any, agent: Any) -> None:
    user = _snmp_arguments.UserConfig("bücherei", "sha256", "aes128", b"authentication", b"privacy of it", ())
    library = agent(ENGINE, 3, user="bücherei")
    incoming = _snmp_engine.Engine(ENGINE, 3, [user], (), clock).take(library.message(library.reserved()), HERE)
    assert incoming.user == "bücherei"
