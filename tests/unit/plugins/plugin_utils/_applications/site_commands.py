# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds of every product that has only the commands of the site."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Setting, Target
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._applications import custom
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

OWN = {
    "query_command": ["site", "list"], "offline_command": ["site", "offline", "{names}"],
    "online_command": ["site", "online", "{names}"], "query_pattern": r"^(?P<name>\S+) (?P<serial>\S+) (?P<state>\S+) .*$",
    "conflict_pattern": "CONFLICT", "in_use_pattern": "job",
}


@dataclass(frozen=True)
class Answered:
    """As ``_guarded.CommandAnswer``."""

    output: str = ""
    rc: int | None = 0
    timed_out: bool = False
    truncated: bool = False


class SiteCommands:
    """The tests of one product."""

    #: The product's file, as ``_application.Application``, and what the product is called.
    module: Any
    name: str
    product: str

    @pytest.mark.parametrize("key", ["query_command", "offline_command", "online_command", "query_pattern"])
    def test_until_the_site_gives_its_own_commands_everything_is_refused(self, key: str) -> None:
        given = {one: value for one, value in OWN.items() if one != key}
        with pytest.raises(InvalidValueError) as caught:
            self.module.check(given)
        assert str(caught.value) == (
            f"application_{self.name}_{key} must be given: no command of {self.product} that shows or sets drives is verified;"
            f" docs/application_{self.name}.md says how to find and try one"
        )

    def test_no_command_of_the_product_is_a_default(self) -> None:
        without: Any = {key for key, spec in self.module.OPTIONS.items() if "command" in key and "default" in spec}
        assert without == set()
        assert self.module.OPTIONS == custom.OPTIONS

    def test_the_sites_commands_do_what_those_of_custom_do(self) -> None:
        final, targets = self.module.check(OWN), [Target("7701"), Target("7702")]
        assert self.module.queries(final, targets) == [["site", "list"]]
        reading = self.module.read(final, targets, [Answered("A 7701 online job\nB 7702 offline CONFLICT\n")])
        assert (reading.drives["7701"].in_use, reading.drives["7702"].conflict, reading.online) == (True, True, 1)
        assert self.module.settings(final, "offline", {"7701": ["A"]}, targets[:1]) == [
            Setting(("7701",), (("site", "offline", ("7701", "A")),))
        ]

    def test_a_message_names_the_variable_of_its_own_role(self) -> None:
        with pytest.raises(InvalidValueError, match=f"^application_{self.name}_query_pattern must be a regular expression: "):
            self.module.check({**OWN, "query_pattern": "("})
        reading = self.module.read(self.module.check(OWN), [Target("7701")], [Answered("nothing of use")])
        assert reading.problems["7701"] == (
            f"the query answered, but nothing in it matches application_{self.name}_query_pattern: nothing of use"
        )
