# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._applications import bacula
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._bacula_options import Place, Storage
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

NAME = "a name as Bacula takes it: up to 127 letters, digits, blanks and '_.:/$-'"


def options(**over: Any) -> dict[str, Any]:
    return bacula.check({"storages": ["Changer"], **over})


def refused(message: str, **over: Any) -> None:
    with pytest.raises(InvalidValueError) as caught:
        options(**over)
    assert str(caught.value) == f"application_bacula_{message}"


def test_what_is_not_given_has_the_documented_default() -> None:
    assert options() == {
        "storages": [Storage("Changer")], "console_command": ["bconsole"], "console_file": "/etc/bacula/bconsole.conf",
        "devices": {}, "recheck": 60.0,
    }


def test_checking_twice_does_not_change_the_defaults() -> None:
    options(devices={"SER1": "Drive-0"})
    assert options()["devices"] == {}


def test_a_storage_is_a_name_or_a_dictionary() -> None:
    final = options(storages=["My Changer", {"name": "Only0", "host": "media1", "device": "Drive-0"}, {"name": "A"}])
    assert final["storages"] == [Storage("My Changer"), Storage("Only0", "media1", "Drive-0"), Storage("A")]


@pytest.mark.parametrize("value", [None, [], "Changer", {}, 3])
def test_at_least_one_storage_is_needed(value: Any) -> None:
    refused(f"storages must be a list of at least one storage of the director, not {str(value)[:60]!r}", storages=value)


@pytest.mark.parametrize("entry", [None, 3, {}, {"host": "a"}, ["Changer"], {"name": None}])
def test_a_storages_entry_has_a_name(entry: Any) -> None:
    refused(
        f"storages[0] must be a name, or a dictionary with the key name, not {str(entry)[:60]!r}", storages=[entry]
    )


HOSTILE = ["", " Changer", "Changer ", 'a" drive=1', "a\nquit", "a\tb", "a'b", "a;b", "ä", "x" * 128, "a\\b", "a\0b"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_cannot_leave_its_quotes(name: str) -> None:
    refused(f"storages[1].name must be {NAME}, not {name[:60]!r}", storages=["Changer", name])
    refused(f"storages[0].device must be {NAME}, not {name[:60]!r}", storages=[{"name": "A", "device": name}])
    refused(f"devices[SER1].device must be {NAME}, not {name[:60]!r}", devices={"SER1": name})


@pytest.mark.parametrize("name", ["Changer", "Drive-0", "a b", "a.b:c_d/e", "x" * 127, "$a", "0"])
def test_every_name_that_bacula_takes_is_taken(name: str) -> None:
    assert options(storages=[name])["storages"] == [Storage(name)]


def test_a_storage_is_named_once() -> None:
    refused("storages must name each storage once, but A is there twice", storages=["A", "B", {"name": "A", "host": "m"}])


def test_a_host_is_a_host_of_the_inventory() -> None:
    with pytest.raises(InvalidValueError, match=r"^application_bacula_storages\[0\].host must be "):
        options(storages=[{"name": "A", "host": "a b"}])


@pytest.mark.parametrize(("key", "entry"), [("storages", {"name": "A", "x": 1}), ("devices", {"device": "A", "x": 1})])
def test_unknown_keys_are_named(key: str, entry: dict[str, Any]) -> None:
    keys, value = ("name, host, device", [entry]) if key == "storages" else ("device, storage, drive", {"SER1": entry})
    what = "storages[0]" if key == "storages" else "devices[SER1]"
    refused(f"{what} must have no key 'x'; there are {keys}", **{key: value})


def test_a_drives_device_is_a_name_a_dictionary_or_a_list_of_them() -> None:
    final = options(
        devices={"S1": "Drive-0", 1310211169: {"device": "Drive-1", "drive": "1"}, "S2": ["A", {"device": "B", "storage": "Changer"}]},
    )
    assert final["devices"] == {
        "S1": (Place("Drive-0"),), "1310211169": (Place("Drive-1", None, 1),),
        "S2": (Place("A"), Place("B", "Changer")),
    }


@pytest.mark.parametrize("value", [[], "SER1=A", 3, None])
def test_the_devices_are_a_dictionary(value: Any) -> None:
    refused(f"devices must be a dictionary of serial number to device, not {str(value)[:60]!r}", devices=value)


@pytest.mark.parametrize("value", [None, 3, {}, {"storage": "Changer"}, [None], [["A"]]])
def test_a_drives_entry_has_a_device(value: Any) -> None:
    entry = value[0] if isinstance(value, list) else value
    refused(f"devices[SER1] must be a name, or a dictionary with the key device, not {str(entry)[:60]!r}", devices={"SER1": value})


def test_a_drive_has_at_least_one_device() -> None:
    refused("devices[SER1] must be a device or a list of devices, not '[]'", devices={"SER1": []})


def test_the_key_is_a_serial_number() -> None:
    with pytest.raises(InvalidValueError, match=r"^application_bacula_devices\[a b\]: its key must be a serial number"):
        options(devices={"a b": "Drive-0"})


@pytest.mark.parametrize("value", ["x", -1, 10000, 1.5, True, [], ""])
def test_the_number_of_a_drive_is_a_whole_number(value: Any) -> None:
    refused(
        f"devices[SER1].drive must be a whole number from 0 to 9999, not {str(value)[:60]!r}",
        devices={"SER1": {"device": "A", "drive": value}},
    )


def test_a_drives_storage_is_one_of_the_storages() -> None:
    refused(
        "devices[SER1].storage must be one of application_bacula_storages, not Other",
        devices={"SER1": {"device": "A", "storage": "Other"}},
    )


@pytest.mark.parametrize(
    ("one", "two"),
    [("A", "A"), (["B", "A"], ["A"]), ({"device": "A", "storage": "S1"}, "A"),
     ({"device": "A", "storage": "S1"}, {"device": "A", "storage": "S1"})],
)
def test_one_device_for_two_serial_numbers_is_refused(one: Any, two: Any) -> None:
    refused(
        "devices must give a device to one drive only, but A is that of SER1 and of SER2; give the storage with it if there"
        " are two of that name",
        storages=["S1", "S2"], devices={"SER1": one, "SER2": two},
    )


def test_two_storages_may_each_have_a_device_of_that_name() -> None:
    options(
        storages=["S1", "S2"],
        devices={"SER1": {"device": "A", "storage": "S1"}, "SER2": {"device": "A", "storage": "S2"}},
    )


@pytest.mark.parametrize("value", [None, "bconsole -n", [], {}, ["bconsole", 5], [""], ["-n"], ["a\0b"]])
def test_the_console_command_is_a_list_of_words(value: Any) -> None:
    refused(f"console_command must be a list of words with the command first, not {str(value)[:60]!r}", console_command=value)


@pytest.mark.parametrize("value", [None, "", "bconsole.conf", "-c", "/a\nb", "/a\0b", 3])
def test_the_console_file_is_an_absolute_path(value: Any) -> None:
    refused(f"console_file must be an absolute path, not {str(value)[:60]!r}", console_file=value)


@pytest.mark.parametrize("value", [None, -1, "x", 3601, 1.5, True])
def test_the_recheck_is_a_whole_number_of_seconds(value: Any) -> None:
    refused(f"recheck must be a whole number from 0 to 3600, not {str(value)[:60]!r}", recheck=value)


@pytest.mark.parametrize(("value", "wanted"), [(0, 0.0), ("90", 90.0), (3600, 3600.0)])
def test_the_recheck_may_be_text_as_extra_variables_are(value: Any, wanted: float) -> None:
    assert bacula.recheck(options(recheck=value)) == wanted


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3), max_leaves=4
)
ENTRIES = VALUES | st.dictionaries(
    st.sampled_from(["name", "host", "device", "storage", "drive"]) | st.text() | st.integers(), VALUES, max_size=3
)


@given(
    key=st.sampled_from(sorted(bacula.OPTIONS)),
    value=ENTRIES | st.lists(ENTRIES, max_size=3) | st.dictionaries(st.sampled_from(["SER1"]) | st.integers(), ENTRIES, max_size=2),
)
def test_no_value_of_an_option_raises_anything_but_one_sentence(key: str, value: Any) -> None:
    try:
        options(**{key: value})
    except InvalidValueError as exc:
        assert str(exc).startswith("application_bacula_")
