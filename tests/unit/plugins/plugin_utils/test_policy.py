# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _policy as policy
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

NUMBERS = {
    "error_limit": (2, 0, 10_000),
    "handshake_timeout": (10, 1, 3600),
    "handshake_retries": (0, 0, 100),
    "handshake_retry_delay": (2, 0, 3600),
    "minimum_online": (0, 0, 10_000),
    "missing_days": (30, 0, 90),
}


def refused(variables: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValueError, match=f"^{re.escape(message)}$"):
        policy.policy(variables)


@pytest.mark.parametrize("variables", [{}, {f"drive_sharing_{key}": None for key in (*NUMBERS, "mode", "error_on")}])
def test_without_any_variable_the_documented_defaults_hold(variables: dict[str, Any]) -> None:
    assert policy.policy(variables) == policy.Policy(
        mode="enforce", error_on=("reserved",), error_limit=2, handshake_timeout=10, handshake_retries=0,
        handshake_retry_delay=2, minimum_online=0, missing_days=30,
    )


@pytest.mark.parametrize("key", NUMBERS)
def test_a_number_may_be_at_its_bounds_and_may_be_text(key: str) -> None:
    _default, least, most = NUMBERS[key]
    for value in (least, most, str(least), f" {most} "):
        assert getattr(policy.policy({f"drive_sharing_{key}": value}), key) == int(value)


@pytest.mark.parametrize("key", NUMBERS)
@pytest.mark.parametrize("value", ["below", "above", True, False, "ten", "", "1.5", 2.0, "1e1", [], {}, "0x10", "9" * 5000, "--1"])
def test_anything_else_is_refused_with_the_variable_and_its_bounds(key: str, value: Any) -> None:
    _default, least, most = NUMBERS[key]
    value = {"below": least - 1, "above": most + 1}.get(value, value) if isinstance(value, str) else value
    refused(
        {f"drive_sharing_{key}": value},
        f"drive_sharing_{key} must be a whole number from {least} to {most}, not {str(value)[:60]!r}",
    )


@pytest.mark.parametrize("mode", ["enforce", "observe"])
def test_the_mode_is_one_of_two(mode: str) -> None:
    assert policy.policy({"drive_sharing_mode": mode}).mode == mode


@pytest.mark.parametrize("value", ["Observe", "dry", "", True, 0, ["observe"], {"observe": 1}])
def test_another_mode_is_refused(value: Any) -> None:
    refused({"drive_sharing_mode": value}, f"drive_sharing_mode must be one of enforce, observe, not {str(value)[:60]!r}")


@pytest.mark.parametrize("value", [[], ["reserved"], ["released"], ["reserved", "released"], ("released", "reserved")])
def test_the_error_state_can_be_forced_on_each_status_both_or_none(value: Any) -> None:
    assert policy.policy({"drive_sharing_error_on": value}).error_on == tuple(value)


@pytest.mark.parametrize("value", ["reserved", "", {"reserved": True}, ["freed"], ["reserved", None], [["reserved"]], 1, False])
def test_any_other_occasion_for_the_error_state_is_refused(value: Any) -> None:
    refused({"drive_sharing_error_on": value}, f"drive_sharing_error_on must be a list of reserved, released, not {str(value)[:60]!r}")


def test_a_long_wrong_value_is_cut_in_the_message() -> None:
    refused({"drive_sharing_mode": "x" * 10_000}, f"drive_sharing_mode must be one of enforce, observe, not {'x' * 60!r}")


@given(
    key=st.sampled_from([*NUMBERS, "mode", "error_on"]),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=5,
    ),
)
def test_no_value_raises_anything_but_one_sentence(key: str, value: Any) -> None:
    try:
        policy.policy({f"drive_sharing_{key}": value})
    except InvalidValueError as exc:
        assert str(exc).startswith(f"drive_sharing_{key} must be ")
        assert "\n" not in str(exc)
