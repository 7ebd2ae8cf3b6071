# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role application_custom with an invented product."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tapeworks.drive_sharing.tests.integration.applications.stories import (
    SHARED,
    check_no_secret_is_seen_anywhere,
    confirmed,
    outcomes,
    said,
)
from ansible_collections.tapeworks.drive_sharing.tests.integration.applications.world import (
    Description,
    Story,
    Told,
    World,
    of,
)
from ansible_collections.tapeworks.drive_sharing.tests.products.acme import Acme


def options(story: Story) -> dict[str, Any]:
    password = story.secret_file("password", "{}\n")
    return {
        "application_custom_query_command": ["acmectl", "-p", password, "drives"],
        "application_custom_offline_command": ["acmectl", "-p", password, "drive", "down", "{names}"],
        "application_custom_online_command": ["acmectl", "-p", password, "drive", "up", "{names}"],
        "application_custom_query_pattern": r"^(?P<name>\S+:\S+) (?P<serial>\S+) (?P<state>\S+) \S+$",
        "application_custom_query_valid_pattern": "^Acme 8 drives:$",
        "application_custom_online_pattern": "up",
        "application_custom_offline_pattern": "down",
        "application_custom_in_use_pattern": " BUSY$",
        "application_custom_conflict_pattern": " RESERVED$",
    }


PRODUCT = Description(
    name="custom", product=Acme, options=options, evidence=True,
    says={
        "refuse": "E204 the drive is locked", "columns": "nothing in it matches", "down": "E111 no answer from the server", "denied": "E401 wrong password",
    },
)


@of(hosts=2, entry=lambda _story: {"scope": "host"})
def story_each_host_is_told_where_each_has_a_state_of_its_own(story: Story) -> Told:
    one, two = story.hosts
    for number, drive in enumerate(story.drives):
        story.product.forget(drive)
        for host in (one, two):
            story.product.add(drive, story.product.name(number), host=host)
    answers = yield story.reserved()
    assert [one["host"] for one in answers] == [one, two] * 3
    assert (outcomes(answers), confirmed(answers)) == (["offline"] * 6, [True] * 6), said(answers)
    assert story.states() == ["offline"] * 3
    # What one host of the instance reserves is no other's than the instance's.
    answers = yield story.reserved(by=story.ports[two])
    assert outcomes(answers) == ["own"] * 6, said(answers)
    assert story.states() == ["online"] * 3
    with story.product.change() as state:
        state["drives"][0]["online"] = False
    answers = yield story.reserved(story.drives[0])
    assert outcomes(answers) == ["kept", "offline"], said(answers)


STORIES = (story_each_host_is_told_where_each_has_a_state_of_its_own,)


def test_story(told: Story) -> None:
    assert told.product.calls()


def quiet(directory: Path) -> World:
    """A world in which nothing has happened but the making of one host."""
    world = World(directory, PRODUCT, [SHARED[0]])
    (directory / "inventory" / "host_vars").mkdir(parents=True)
    world.stories[0].prepare()
    return world


def leak_in_a_call(world: World, secret: str) -> None:
    program = world.directory / "host_00" / "host_00" / "bin" / "acmectl"
    subprocess.run([program, "-p", secret, "drives"], capture_output=True, check=False)


def leak_in_the_environment_of_a_call(world: World, secret: str) -> None:
    program = world.directory / "host_00" / "host_00" / "bin" / "acmectl"
    subprocess.run([program, "drives"], env={**os.environ, "ACME_PASSWORD": secret}, capture_output=True, check=False)


def leak_in_a_process(world: World, secret: str) -> None:
    watched(world, ["sh", "-c", "read line", secret], {})


def leak_in_the_environment_of_a_process(world: World, secret: str) -> None:
    watched(world, ["cat"], {"ACME_PASSWORD": secret})


def watched(world: World, words: list[str], environment: dict[str, str]) -> None:
    with world.watch, subprocess.Popen(words, stdin=subprocess.PIPE, env={**os.environ, **environment}) as process:
        end = time.monotonic() + 30
        while not any(f" {process.pid}: " in line for line in world.watch.seen) and time.monotonic() < end:
            time.sleep(0.01)
        process.stdin.close()


def leak_in_what_a_play_printed(world: World, secret: str) -> None:
    world.printed.append(f"ok: [host_00] => {secret}")


def leak_in_a_result(world: World, secret: str) -> None:
    world.results.append([[{"msg": secret}]])


def leak_in_a_record(world: World, secret: str) -> None:
    (world.directory / "host_00" / "record").write_text(f"0001 done {secret}", encoding="utf-8")


def leak_in_the_table(world: World, secret: str) -> None:
    world.table.write_bytes(b"SQLite format 3\0" + secret.encode())


LEAKS = [value for key, value in list(globals().items()) if key.startswith("leak_")]


@pytest.mark.parametrize("leak", LEAKS, ids=lambda leak: leak.__name__)
def test_a_secret_that_is_seen_is_found(leak: Callable[[World, str], None], tmp_path: Path) -> None:
    world = quiet(tmp_path)
    (secret,) = world.stories[0].secrets
    assert not any(secret in text for _what, text in world.everything())
    leak(world, secret)
    with pytest.raises(AssertionError, match="the secret of drives_are_set_offline"):
        check_no_secret_is_seen_anywhere(world)
