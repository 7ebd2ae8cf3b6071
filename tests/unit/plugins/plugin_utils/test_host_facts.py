# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _host_facts as host_facts
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

LAB = (Path(__file__).parents[2] / "fixtures/linux/fc_lab.txt").read_text()


def test_the_command_fits_into_one_argument_and_has_few_quotes() -> None:
    # AIX 5.3 takes 24 kB of arguments, and the text is quoted twice on its way.
    assert len(host_facts.command()) < 22_000
    assert host_facts.command().count("'") <= 2


def test_the_host_says_itself_what_it_is() -> None:
    text = subprocess.run(["sh", "-c", host_facts.command()], capture_output=True, check=True, text=True).stdout
    assert text.startswith("drive_sharing_facts 1 Linux\n")
    assert text.endswith("drive_sharing_facts end\n")


def test_a_named_platform_is_not_asked_for_its_name() -> None:
    assert "uname" in host_facts.command("auto")
    assert "uname" not in host_facts.command("linux")


@pytest.mark.parametrize("root", ["", "relative", "/a b", "/a'b", "/$(id)", "/a\nb", "/{{x}}"])
def test_a_root_that_is_no_plain_absolute_path_is_refused(root: str) -> None:
    with pytest.raises(InvalidValueError, match="^root must be an absolute path of letters"):
        host_facts.command(root=root)


def test_an_unknown_platform_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="^platform must be auto or one of aix, .*linux.*, not 'plan9'$"):
        host_facts.command("plan9")


def test_what_a_login_prints_before_and_after_is_skipped() -> None:
    noisy = f"Welcome!\r\ndevice 1:0:0:0\n{LAB}logout\nfiles\n"
    assert host_facts.parse(noisy) == host_facts.parse(LAB)


def test_an_unsupported_system_is_named_with_what_can_be_done() -> None:
    with pytest.raises(host_facts.UnsupportedPlatformError) as caught:
        host_facts.parse("drive_sharing_facts 1 Plan9\ndrive_sharing_facts end\n")
    systems = ", ".join(platform.SYSTEM for platform in host_facts.PLATFORMS.values())
    assert str(caught.value) == (
        f"Plan9 is not one of the systems that can be asked ({systems}); describe its drives and ports in "
        "drive_sharing_drives and drive_sharing_ports, and set drive_sharing_discover to false"
    )


@pytest.mark.parametrize("text", ["", "sh: syntax error", "drive_sharing_facts 2 Linux\n", "drive_sharing_facts 1 \n"])
def test_an_answer_without_its_beginning_is_refused(text: str) -> None:
    with pytest.raises(host_facts.BrokenAnswerError, match="^the answer does not begin with the system's name$"):
        host_facts.parse(text)


@pytest.mark.parametrize("lines", [1, 2, 10, 30])
def test_half_an_answer_is_refused_and_what_there_is_can_be_used(lines: int) -> None:
    with pytest.raises(host_facts.BrokenAnswerError, match=f"^the answer broke off after {lines - 1} lines$") as caught:
        host_facts.parse("\n".join(LAB.splitlines()[:lines]))
    assert set(caught.value.facts) == {"drives", "ports", "notes"}


def test_the_whole_first_drive_of_half_an_answer_can_be_used() -> None:
    with pytest.raises(host_facts.BrokenAnswerError) as caught:
        host_facts.parse(LAB.partition("device 1:0:0:1")[0])
    assert [drive["serial"] for drive in caught.value.facts["drives"]] == ["LABDRV0001"]
