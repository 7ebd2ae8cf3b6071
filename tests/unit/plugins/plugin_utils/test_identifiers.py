# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ipaddress
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers as identifiers
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import (
    DriveSharingError,
    InvalidValueError,
)

WWPN = "10000090fa1658de"
EVERY_FUNCTION = [
    identifiers.wwn,
    identifiers.sas,
    identifiers.iqn,
    identifiers.ip,
    identifiers.serial,
    identifiers.location,
    identifiers.host_name,
    identifiers.instance_name,
    identifiers.application_name,
    identifiers.batch_id,
    identifiers.port,
]
HOSTILE = [
    "",
    " ",
    "\0",
    "\n",
    "{{ 7 * 7 }}",
    "{% raw %}",
    "$(reboot)",
    "`reboot`",
    "a;reboot",
    "a|b",
    "a&b",
    "a'b",
    'a"b',
    "a\\b",
    "a\nb",
    "a\0b",
    "../../etc/passwd",
    "-rf",
    "x" * 10240,
    "\u0661\u0662",
    "\u212a",
    "\udc80",
    "\U0001f4fc",
]
NOT_TEXT = [None, True, 0, 1310211169, 1.5, float("nan"), 10**5000, [], {}, b"10000090fa1658de", object()]


@pytest.mark.parametrize(
    "written",
    [
        "10000090fa1658de",
        "10000090FA1658DE",
        "0x10000090fa1658de",
        "0X10000090FA1658DE",
        "10:00:00:90:fa:16:58:de",
        "10-00-00-90-FA-16-58-DE",
        "1000 0090 fa16 58de",
        "1000.0090.fa16.58de",
        "0x1000:0090-fa16 58de",
        "  10000090fa1658de\t",
        "10000090fa1658de\0\0",
    ],
)
def test_a_wwn_is_understood_in_every_usual_writing(written: str) -> None:
    assert identifiers.wwn(written) == WWPN
    assert identifiers.sas(written) == WWPN


@pytest.mark.parametrize(
    "written",
    ["10000090fa1658d", "10000090fa1658de0", "0x", "0x0x10000090fa1658de", "10000090fa1658dg", "naa.10000090fa1658de"]
    + ["10000090fa1658de\n", "1000\n0090fa1658de", "10:00:00:90:fa:16:58:d\u0435", "\uff11" + "0" * 15, *HOSTILE],
)
def test_a_wwn_of_another_form_is_refused(written: str) -> None:
    with pytest.raises(InvalidValueError, match=r"^WWN must be a WWN of 16 hexadecimal digits, not ['\"]"):
        identifiers.wwn(written)


def test_a_wwn_of_15_digits_is_refused() -> None:
    with pytest.raises(InvalidValueError, match=r"not '10000090fa1658d'$"):
        identifiers.wwn("10000090fa1658d")


@pytest.mark.parametrize(
    "written", ["0" * 16, "00:00:00:00:00:00:00:00", "0x" + "0" * 16, "F" * 16, "0xffffffffffffffff"]
)
def test_a_wwn_that_drivers_use_for_no_name_is_refused(written: str) -> None:
    with pytest.raises(InvalidValueError, match=r"not all zeros or all ones, not '"):
        identifiers.wwn(written)


def test_a_wwn_that_yaml_read_as_a_number_is_refused_and_quotation_marks_are_named() -> None:
    with pytest.raises(
        InvalidValueError, match=r"^drive_sharing_ports\[2\]\.id must be .*, in quotation marks, not 5600$"
    ):
        identifiers.wwn(5600, "drive_sharing_ports[2].id")


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("iqn.2026-11.lab:host-a", "iqn.2026-11.lab:host-a"),
        ("IQN.2026-11.Lab:Host-A", "iqn.2026-11.lab:host-a"),
        ("iqn.1991-05.com.microsoft:WIN_01.example.com", "iqn.1991-05.com.microsoft:win_01.example.com"),
        ("iqn.1994-05.com.redhat:8f2d1c", "iqn.1994-05.com.redhat:8f2d1c"),
        ("iqn.2001-04.com.example", "iqn.2001-04.com.example"),
        (
            "iqn.2001-04.com.example:storage:diskarrays-sn-a8675309",
            "iqn.2001-04.com.example:storage:diskarrays-sn-a8675309",
        ),
        ("eui.02004567A425678D", "eui.02004567a425678d"),
        ("naa.52004567BA64678D", "naa.52004567ba64678d"),
        ("naa.62004567BA64678D0123456789ABCDEF", "naa.62004567ba64678d0123456789abcdef"),
        (" iqn.2026-11.lab:host-a\t", "iqn.2026-11.lab:host-a"),
        ("iqn.2026-11.lab:host-a,i,0x00023d000001", "iqn.2026-11.lab:host-a"),
        ("iqn.2026-11.lab:host-a,I,0X00023D000001", "iqn.2026-11.lab:host-a"),
        ("iqn.2026-11.lab:host-a,i,0x1", "iqn.2026-11.lab:host-a"),
        # VPD pages and TransportIDs pad with NUL to a multiple of four.
        ("iqn.2026-11.lab:host-a,i,0x00023d000001\0\0", "iqn.2026-11.lab:host-a"),
        ("iqn.2026-11.a:" + "x" * 209, "iqn.2026-11.a:" + "x" * 209),
    ],
)
def test_an_iscsi_name_is_given_in_lower_case_and_without_the_isid(written: str, name: str) -> None:
    assert identifiers.iqn(written) == name


@pytest.mark.parametrize(
    "written",
    [
        "iqn",
        "iqn.",
        "iqn.2026-11",
        "iqn.2026-11.",
        "iqn.2026-11.lab:",
        "iqn.2026-13.lab",
        "iqn.2026-00.lab",
        "iqn.26-11.lab",
        "iqn.2026-11.lab:host a",
        "iqn.2026-11.lab:host/a",
        "iqn.2026-11.lab:h\u00f6st",
        "iqn.2026-11.lab:host-\u212a",
        "iqn.2026-11.lab:host-a,t,0x0001",
        "iqn.2026-11.lab:host-a,i,0x",
        "iqn.2026-11.lab:host-a,i,0x00023d0000011",
        "iqn.2026-11.lab:host-a,i,00023d000001",
        "iqn.2026-11.lab:host-a\nInitiatorName=x",
        "eui.02004567A425678",
        "eui.02004567A425678D0",
        "naa.52004567BA64678D0",
        "wwn.52004567BA64678D",
        *HOSTILE,
    ],
)
def test_an_iscsi_name_of_another_form_is_refused(written: str) -> None:
    with pytest.raises(InvalidValueError, match=r"^iSCSI name must be an iSCSI name such as iqn\."):
        identifiers.iqn(written)


def test_an_iscsi_name_of_224_characters_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="of at most 223 characters, not "):
        identifiers.iqn("iqn.2026-11.a:" + "x" * 210)


def test_the_isid_does_not_count_for_the_length_of_an_iscsi_name() -> None:
    name = "iqn.2026-11.a:" + "x" * 209
    assert identifiers.iqn(f"{name},i,0x00023d000001") == name


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("192.0.2.17", "192.0.2.17"),
        (" 192.0.2.17 ", "192.0.2.17"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("2001:db8::0001", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::FFFF:c000:0201", "192.0.2.1"),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
    ],
)
def test_an_ip_address_is_given_in_its_canonical_form(written: str, address: str) -> None:
    assert identifiers.ip(written) == address


@pytest.mark.parametrize(
    "written",
    [
        "192.0.2",
        "192.0.2.256",
        "192.0.2.01",
        "192.0.2.1/24",
        "192.0.2.1:162",
        "[2001:db8::1]",
        "2001:db8::1::",
        "0.0.0.0",
    ]
    + ["::", "::ffff:0.0.0.0", "fe80::1%eth0", "fe80::1%{{x}}", "localhost", "\u0661.2.3.4", *HOSTILE],
)
def test_an_ip_address_of_another_form_is_refused(written: str) -> None:
    with pytest.raises(
        InvalidValueError, match=r"^IP address must be an IPv4 or IPv6 address without a zone, not ['\"]"
    ):
        identifiers.ip(written)


@pytest.mark.parametrize(
    ("written", "serial"),
    [
        ("1310211169", "1310211169"),
        ("      1310211169", "1310211169"),
        ("1310211169  \0\0", "1310211169"),
        ("\0\0ABC", "ABC"),
        ("HU1250abcD", "HU1250abcD"),
        ("0000078D9DBA", "0000078D9DBA"),
        ("a.b_c-d", "a.b_c-d"),
        ("A" * 64, "A" * 64),
    ],
)
def test_a_serial_loses_its_padding_and_keeps_its_case_and_zeros(written: str, serial: str) -> None:
    assert identifiers.serial(written) == serial


@pytest.mark.parametrize("written", ["A" * 65, "AB CD", "AB/CD", ".AB", "_AB", "AB\n", "\u00e4", *HOSTILE])
def test_a_serial_of_another_form_is_refused(written: str) -> None:
    with pytest.raises(InvalidValueError, match=r"^drive serial number must be a serial number of 1 to 64 letters"):
        identifiers.serial(written)


def test_a_serial_that_yaml_read_as_a_number_is_refused_and_quotation_marks_are_named() -> None:
    with pytest.raises(InvalidValueError, match=r", in quotation marks, not 1310211169$"):
        identifiers.serial(1310211169)


@pytest.mark.parametrize("written", ["F1,C2,R3", "Frame 1 (left)/Drive:4", "256", "drive_1.2-3", "A" * 64])
def test_a_location_is_taken(written: str) -> None:
    assert identifiers.location(f"  {written} ") == written


@pytest.mark.parametrize("written", ["A" * 65, ",a", "a%b", "a{b", "a#b", "a\tb", *HOSTILE])
def test_a_location_of_another_form_is_refused(written: str) -> None:
    with pytest.raises(InvalidValueError, match=r"^drive location must be a location of 1 to 64 "):
        identifiers.location(written)


@pytest.mark.parametrize("written", ["backup1", "backup1.example.com", "_x", "192.0.2.1", "2001:db8::1", "a" * 253])
def test_a_host_name_is_taken_as_it_stands(written: str) -> None:
    assert identifiers.host_name(written) == written


@pytest.mark.parametrize("written", ["a" * 254, ".a", "-a", ":a", "a b", "a/b", " a", "a\n", *HOSTILE])
def test_a_host_name_of_another_form_is_refused(written: str) -> None:
    with pytest.raises(InvalidValueError, match=r"^host name must be a host name of 1 to 253 "):
        identifiers.host_name(written)


@pytest.mark.parametrize("written", ["prod", "backup1.example.com", "_x", "site:a", "a" * 64])
def test_an_instance_name_is_taken_as_it_stands(written: str) -> None:
    assert identifiers.instance_name(written) == written


@pytest.mark.parametrize("written", ["a" * 65, ".", "..", "a/b", "-a", " a", "a\n", *HOSTILE])
def test_an_instance_name_of_another_form_is_refused(written: str) -> None:
    with pytest.raises(InvalidValueError, match=r"^instance name must be an instance name of 1 to 64 "):
        identifiers.instance_name(written)


@pytest.mark.parametrize("written", ["custom", "storage_protect", "x", "bacula9"])
def test_an_application_name_is_taken(written: str) -> None:
    assert identifiers.application_name(written) == written


@pytest.mark.parametrize("written", ["Custom", "9a", "_a", "a-b", "a.b", "a" * 65, "a\n", *HOSTILE])
def test_an_application_name_of_another_form_is_refused(written: str) -> None:
    with pytest.raises(InvalidValueError, match=r"^application name must be an application's name "):
        identifiers.application_name(written)


@pytest.mark.parametrize("function", EVERY_FUNCTION)
@pytest.mark.parametrize("value", NOT_TEXT, ids=lambda value: type(value).__name__)
def test_what_is_not_text_is_refused_with_one_sentence(function, value) -> None:
    with pytest.raises(InvalidValueError) as caught:
        function(value, "the value")
    message = str(caught.value)
    assert message.startswith(("the value must be ", "the value.protocol must be "))
    assert "\n" not in message
    assert len(message) < 300


@pytest.mark.parametrize("function", EVERY_FUNCTION)
@given(text=st.text())
def test_any_text_gives_plain_text_or_the_collections_own_error(function, text) -> None:
    try:
        result = function(text)
    except DriveSharingError as exc:
        assert len(str(exc)) < 300
        assert "\n" not in str(exc)
    else:
        assert result.__class__ is str
        assert result.isascii()
        # Templates, quoting, control characters: none of these gets through any of the functions.
        assert not re.search(r"[\x00-\x1f{}%'\"`$\\;|&<>*?\[\]!#~]", result)


@pytest.mark.parametrize("function", EVERY_FUNCTION)
@given(text=st.text(max_size=12) | st.text(alphabet="0123456789abcdefABCDEF:-., i", max_size=30))
def test_normalising_twice_changes_nothing(function, text) -> None:
    try:
        once = function(text)
    except InvalidValueError:
        return
    assert function(once) == once


hexadecimal = st.integers(min_value=1, max_value=2**64 - 2).map(lambda number: f"{number:016x}")


@given(digits=hexadecimal, separator=st.sampled_from(["", ":", "-", " "]), prefix=st.sampled_from(["", "0x", "0X"]))
def test_no_writing_changes_the_wwn(digits: str, separator: str, prefix: str) -> None:
    pairs = separator.join(digits[place : place + 2] for place in range(0, 16, 2))
    for written in (pairs, pairs.upper()):
        assert identifiers.wwn(f" {prefix}{written} ") == digits
        assert identifiers.sas(prefix + written) == digits


def in_any_case(text: str) -> st.SearchStrategy[str]:
    """Each letter in upper or lower case for itself."""
    return st.lists(st.booleans(), min_size=len(text), max_size=len(text)).map(
        lambda upper: "".join(sign.upper() if up else sign for sign, up in zip(text, upper, strict=True))
    )


padding = st.text(alphabet=" \t\0", max_size=4)


@given(data=st.data(), digits=hexadecimal, before=padding, after=padding)
def test_neither_case_nor_separators_anywhere_change_a_wwn(data: st.DataObject, digits: str, before: str, after: str) -> None:
    written = data.draw(in_any_case(digits))
    places = sorted(data.draw(st.lists(st.integers(min_value=1, max_value=15), max_size=8)), reverse=True)
    for place in places:
        written = written[:place] + data.draw(st.sampled_from(":-. ")) + written[place:]
    prefix = data.draw(st.sampled_from(["", "0x", "0X"]))
    for function in (identifiers.wwn, identifiers.sas):
        assert function(before + prefix + written + after) == digits


@given(one=hexadecimal, other=hexadecimal, data=st.data())
def test_two_wwns_never_become_one(one: str, other: str, data: st.DataObject) -> None:
    first, second = data.draw(in_any_case(one)), data.draw(in_any_case(other))
    assert (identifiers.wwn(first) == identifiers.wwn(second)) == (one == other)


@given(digits=hexadecimal, drop=st.integers(min_value=0, max_value=15))
def test_a_wwn_with_a_digit_lost_is_refused(digits: str, drop: int) -> None:
    with pytest.raises(InvalidValueError):
        identifiers.wwn(digits[:drop] + digits[drop + 1 :])


iscsi_names = st.from_regex(r"iqn\.20[0-9]{2}-0[1-9]\.[a-z0-9]{1,20}(:[a-z0-9.:-]{1,60})?", fullmatch=True)


@given(name=iscsi_names, isid=st.integers(min_value=0, max_value=2**48 - 1))
def test_neither_case_nor_isid_changes_the_iscsi_name(name: str, isid: int) -> None:
    assert identifiers.iqn(name) == name
    assert identifiers.iqn(name.upper()) == name
    assert identifiers.iqn(f"{name},i,0x{isid:012x}") == name
    assert identifiers.iqn(f"{name},i,0x{isid:X}") == name


iscsi_forms = (
    iscsi_names
    | st.from_regex(r"eui\.[0-9a-f]{16}", fullmatch=True)
    | st.from_regex(r"naa\.(?:[0-9a-f]{16}|[0-9a-f]{32})", fullmatch=True)
)


@given(data=st.data(), name=iscsi_forms, isid=st.integers(min_value=0, max_value=2**48 - 1), before=padding, after=padding)
def test_no_writing_changes_an_iscsi_name(data: st.DataObject, name: str, isid: int, before: str, after: str) -> None:
    """RFC 3720 3.2.6.2 and RFC 7143 4.2.7.2: names are compared as RFC 3722 prepares them, without regard to case."""
    written = data.draw(in_any_case(name))
    tail = data.draw(st.sampled_from(["", f",i,0x{isid:012x}", f",I,0X{isid:X}"]))
    assert identifiers.iqn(before + written + tail + after) == name
    assert identifiers.port({"protocol": "iscsi", "id": written + tail}) == {"protocol": "iscsi", "id": name}


@given(name=iscsi_names, place=st.integers(min_value=0, max_value=80), sign=st.characters(min_codepoint=128) | st.sampled_from("/@,;=+ \n\t"))
def test_a_sign_that_an_iscsi_name_may_not_have_is_refused(name: str, place: int, sign: str) -> None:
    """RFC 3722 6: of ASCII only letters, digits, '-', '.' and ':'; what it would fold from beyond ASCII is refused too."""
    place = 1 + place % (len(name) - 1)
    with pytest.raises(InvalidValueError):
        identifiers.iqn(name[:place] + sign + name[place:])


@given(address=st.ip_addresses(v=4), where=st.integers(min_value=0, max_value=3))
def test_an_address_that_other_programs_would_read_in_octal_is_refused(address: ipaddress.IPv4Address, where: int) -> None:
    parts = str(address).split(".")
    parts[where] = f"0{parts[where]}"
    with pytest.raises(InvalidValueError):
        identifiers.ip(".".join(parts))


@given(address=st.ip_addresses(v=4))
def test_an_address_of_ipv4_within_ipv6_is_that_of_ipv4(address: ipaddress.IPv4Address) -> None:
    if address.is_unspecified:
        return
    number = int(address)
    for written in (f"::ffff:{address}", f"::FFFF:{number >> 16:x}:{number & 0xffff:X}", f"0:0:0:0:0:ffff:{address}"):
        assert identifiers.ip(written) == str(address)


@given(address=st.ip_addresses())
def test_every_writing_of_an_address_gives_one_form(address) -> None:
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_unspecified:
        return
    assert identifiers.ip(address.exploded) == str(address)
    assert identifiers.ip(address.compressed.upper()) == str(address)
    assert ipaddress.ip_address(identifiers.ip(str(address))) == address


@given(
    serial=st.from_regex(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}", fullmatch=True), blanks=st.text(alphabet=" \0", max_size=8)
)
def test_no_padding_changes_the_serial(serial: str, blanks: str) -> None:
    assert identifiers.serial(serial + blanks) == serial
    assert identifiers.serial(blanks + serial) == serial


serials = st.from_regex(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}", fullmatch=True)


@given(one=serials, other=serials, blanks=st.text(alphabet=" \0", max_size=8))
def test_two_serials_are_one_only_if_they_are_equal(one: str, other: str, blanks: str) -> None:
    """Vendors tell drives apart by case and by leading zeros."""
    for second in (other, one.swapcase(), f"0{one}"[:64]):
        assert (identifiers.serial(blanks + one) == identifiers.serial(second + blanks)) == (one == second)


@pytest.mark.parametrize(
    ("given_port", "port"),
    [
        ({"protocol": "fc", "id": "10:00:00:90:FA:16:58:DE"}, {"protocol": "fc", "id": WWPN}),
        ({"protocol": "sas", "id": "0x5000E11100000001"}, {"protocol": "sas", "id": "5000e11100000001"}),
        ({"protocol": "iscsi", "id": "IQN.2026-11.lab:A"}, {"protocol": "iscsi", "id": "iqn.2026-11.lab:a"}),
        ({"protocol": "ip", "id": "2001:DB8::1"}, {"protocol": "ip", "id": "2001:db8::1"}),
    ],
)
def test_a_port_is_normalised_by_its_protocol(given_port, port) -> None:
    assert identifiers.port(given_port) == port
    assert list(identifiers.port(given_port)) == ["protocol", "id"]
    assert identifiers.port(given_port, unreadable=True) == port


def test_an_unreadable_port_is_taken_only_where_it_is_allowed() -> None:
    nobody = {"protocol": None, "id": None}
    assert identifiers.port(nobody, unreadable=True) == nobody
    with pytest.raises(InvalidValueError, match=r"^port\.protocol must be one of fc, iscsi, sas and ip, not nothing$"):
        identifiers.port(nobody)


@pytest.mark.parametrize(
    ("given_port", "message"),
    [
        ({}, "holders[0].protocol must be one of fc, iscsi, sas and ip, not nothing"),
        ({"protocol": "fc"}, "holders[0].id must be a WWN of 16 hexadecimal digits, not nothing"),
        ({"protocol": None, "id": WWPN}, "holders[0].protocol must be one of fc, iscsi, sas and ip, not nothing"),
        ({"protocol": "FC", "id": WWPN}, "holders[0].protocol must be one of fc, iscsi, sas and ip, not 'FC'"),
        ({"protocol": ["fc"], "id": WWPN}, "holders[0].protocol must be one of fc, iscsi, sas and ip, not a list"),
        ({"protocol": "fc", "id": None}, "holders[0].id must be a WWN of 16 hexadecimal digits, not nothing"),
        ({"protocol": "ip", "id": WWPN}, f"holders[0].id must be an IPv4 or IPv6 address without a zone, not '{WWPN}'"),
        (
            {"protocol": "fc", "id": WWPN, "host": "a"},
            "holders[0] must be a mapping with the keys protocol and id only, not 'host'",
        ),
        ("fc", "holders[0] must be a mapping with the keys protocol and id, not 'fc'"),
    ],
)
def test_a_port_of_another_form_is_refused_and_its_place_is_named(given_port, message: str) -> None:
    for unreadable in (False, True):
        with pytest.raises(InvalidValueError) as caught:
            identifiers.port(given_port, "holders[0]", unreadable=unreadable)
        assert str(caught.value) == message


def test_an_error_shows_at_most_60_characters_of_a_foreign_value() -> None:
    with pytest.raises(InvalidValueError) as caught:
        identifiers.serial("{{" + "x" * 10240)
    assert str(caught.value).endswith(", not '{{" + "x" * 54 + "...")
    assert len(identifiers.shown("x" * 10240)) == 60


def test_a_batch_id_is_26_characters_of_time_and_chance() -> None:
    # The time of the example in the ULID specification's reference implementation.
    made = identifiers.new_batch_id(1469918176.385, bytes(10))
    assert made == "01ARYZ6S41" + "0" * 16
    assert identifiers.batch_id(made) == made
    assert identifiers.new_batch_id(0, b"\xff" * 10) == "0" * 10 + "Z" * 16
    assert identifiers.new_batch_id(0, b"\xff" * 20) == "0" * 10 + "Z" * 16


def test_two_batch_ids_of_one_instant_differ() -> None:
    assert identifiers.new_batch_id(1.0) != identifiers.new_batch_id(1.0)


@given(first=st.integers(min_value=0, max_value=2**47), later=st.integers(min_value=1, max_value=2**40))
def test_batch_ids_sort_by_time(first: int, later: int) -> None:
    early = identifiers.new_batch_id(first / 1000, b"\xff" * 10)
    late = identifiers.new_batch_id((first + later + 1) / 1000, bytes(10))
    assert early < late
    assert identifiers.batch_id(early) == early


@pytest.mark.parametrize("now", [-1, float("nan"), float("inf"), 2.0**50])
def test_a_batch_id_of_an_impossible_time_is_refused(now: float) -> None:
    with pytest.raises(InvalidValueError, match="^time of a batch id must be epoch seconds"):
        identifiers.new_batch_id(now)


def test_a_batch_id_of_too_little_entropy_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="^entropy of a batch id must be at least ten bytes, not 9$"):
        identifiers.new_batch_id(0, bytes(9))


@pytest.mark.parametrize("written", ["0" * 25, "0" * 27, "0" * 25 + "a", "0" * 25 + "-", "0" * 26 + "\n", *HOSTILE])
def test_a_batch_id_of_another_form_is_refused(written: str) -> None:
    with pytest.raises(
        InvalidValueError, match=r"^batch id must be a batch id of 26 capital letters and digits, not ['\"]"
    ):
        identifiers.batch_id(written)
