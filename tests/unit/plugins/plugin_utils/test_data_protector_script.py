# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shell text for Data Protector, in every shell that is here, with the fake programs."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _data_protector_script as script
from ansible_collections.tapeworks.drive_sharing.tests.faults.table import fault
from ansible_collections.tapeworks.drive_sharing.tests.products.data_protector import DataProtector

SHELLS = tuple(path for path in map(shutil.which, ("dash", "bash", "mksh", "ksh93", "busybox")) if path)


class Site:
    """A host with the product's programs, and the script in a shell."""

    def __init__(self, directory: Path, shell: str) -> None:
        self.bin, self.temporary = directory / "bin", directory / "tmp"
        self.temporary.mkdir(mode=0o700)
        self.shell = [shell, "sh"] if shell.endswith("busybox") else [shell]
        self.product = DataProtector(directory / "product")
        self.product.install(self.bin)
        self.product.add("7701")
        self.download, self.upload = "omnidownload", "omniupload"

    @property
    def name(self) -> str:
        return str(self.product.drives()[0]["name"])

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": f"{self.bin}:/usr/bin:/bin", "TMPDIR": str(self.temporary)}

    def program(self, name: str, text: str) -> str:
        """Put a program there that does what ``text`` says; the product's are omnidownload and omniupload."""
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        path.chmod(0o755)
        return name

    def words(self, state: str, name: str = "", behind: str = "LIBRARY") -> list[str]:
        return [*self.shell, "-c", script.SET, "x", state, name or self.name, behind, self.download, self.upload]

    def set(self, state: str, name: str = "", behind: str = "LIBRARY", *more: str) -> tuple[int, str]:
        done = subprocess.run(
            [*self.words(state, name, behind), *more], env=self.environment, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.stderr == ""
        return done.returncode, done.stdout.strip()

    def list(self, *words: str) -> tuple[int, str]:
        done = subprocess.run(
            [*self.shell, "-c", script.LIST, "x", *words], env=self.environment, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.stderr == ""
        return done.returncode, done.stdout

    def left(self) -> list[str]:
        return sorted(path.name for path in self.temporary.iterdir())


@pytest.fixture(params=SHELLS, ids=lambda path: Path(path).name)
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    return Site(tmp_path, request.param)


@pytest.fixture
def plain(tmp_path: Path) -> Site:
    return Site(tmp_path, "/bin/sh")


def test_a_device_is_disabled_and_enabled_and_all_else_stays(site: Site) -> None:
    more = ["POOL  two  blanks ", "\tTAB", "back\\slash \\n \\\\", "$(exit 9) `exit 9` %s %d", "-disabled", "é ü", "*"]
    site.product.update("7701", more=more)
    code, said = site.set("offline")
    assert (code, site.product.states("7701")) == (0, ("offline",)), said
    assert site.product.drives()[0]["more"] == more
    code, said = site.set("online")
    assert (code, site.product.states("7701"), site.product.drives()[0]["more"]) == (0, ("online",), more), said
    assert site.left() == []


def test_what_is_so_already_is_not_uploaded(plain: Site) -> None:
    assert plain.set("online") == (0, "drive_sharing: it was enabled already")
    plain.set("offline")
    assert plain.set("offline") == (0, "drive_sharing: it was disabled already")
    assert sum(call.sets for call in plain.product.calls()) == 1


def test_the_server_goes_to_both_programs(plain: Site) -> None:
    assert plain.set("offline", "", "LIBRARY", "-server", "cell9")[0] == 0
    assert all(call.words[-2:] == ("-server", "cell9") for call in plain.product.calls())
    code, said = plain.set("online", "", "LIBRARY", "-server", "elsewhere")
    assert (code, said.splitlines()[-1]) == (script.NOTHING_DONE, "[12:1180] elsewhere is not a Cell Manager.")


@pytest.mark.parametrize("behind", ["DEVSERIAL_", "LIBRAR", "library", "NONE"])
def test_without_the_line_nothing_is_uploaded(plain: Site, behind: str) -> None:
    code, said = plain.set("offline", "", behind)
    assert (code, said) == (
        script.NOTHING_DONE,
        f"drive_sharing: the file of device {plain.name} has no line {behind}, behind which -disable belongs; nothing was uploaded",
    )
    assert not any(call.sets for call in plain.product.calls())
    assert plain.left() == []


def test_a_program_that_fails_is_told_in_its_own_words(plain: Site) -> None:
    code, said = plain.set("offline", "NO_SUCH")
    assert code == script.NOTHING_DONE
    assert said == 'drive_sharing: omnidownload failed with exit status 5:\n[12:1166] Device "NO_SUCH" not found.'
    plain.product.behave("refuse", on="set")
    code, said = plain.set("offline")
    assert code == script.NOT_SET
    assert said == "drive_sharing: omniupload failed with exit status 4:\n[12:8306] The device is locked by another process."
    assert plain.left() == []


def test_a_program_that_there_is_not_is_told(plain: Site) -> None:
    plain.upload = "no_such_program"
    code, said = plain.set("offline")
    assert code == script.NOT_SET
    assert said.startswith("drive_sharing: no_such_program failed with exit status 127:")
    assert plain.left() == []


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("exit 0", "omnidownload wrote no file and failed with exit status 0:"),
        (': >"$4"', "omnidownload wrote no file and failed with exit status 0:"),
        ('echo junk >"$4"', "the file of device MSL_Ultrium_1 is that of: ; nothing was uploaded"),
        ('printf "NAME \\"OTHER\\"\\nLIBRARY x\\n" >"$4"', 'is that of: "OTHER"; nothing was uploaded'),
        ('printf "NAME \\"MSL_Ultrium_12\\"\\nLIBRARY x\\n" >"$4"', 'is that of: "MSL_Ultrium_12"; nothing was uploaded'),
        ('printf "NAME \\"MSL_Ultrium_1\\"\\nLIBRARY x\\nNAME \\"B\\"\\n" >"$4"', "nothing was uploaded"),
    ],
    ids=["no file", "empty", "junk", "another device", "a name that holds it", "two devices"],
)
def test_a_file_that_is_not_the_devices_is_not_uploaded(plain: Site, text: str, part: str) -> None:
    plain.program("omnidownload", text)
    code, said = plain.set("offline")
    assert code == script.NOTHING_DONE
    assert part in said
    assert not plain.product.calls()
    assert plain.left() == []


def test_windows_line_ends_and_indents_are_kept(site: Site, tmp_path: Path) -> None:
    there = tmp_path / "definition"
    site.program("get", f'cat {there} >"$4"')
    site.program("put", f'cat "$4" >{there}')
    site.download, site.upload = "get", "put"
    before = 'NAME "A"\r\n  LIBRARY "L"\r\n  POOL x\r\n'
    there.write_bytes(before.encode())
    assert site.set("offline", "A")[0] == 0
    assert there.read_bytes() == before.replace('"L"\r\n', '"L"\r\n  -disable\r\n').encode()
    assert site.set("online", "A")[0] == 0
    assert there.read_bytes() == before.encode()


@pytest.mark.parametrize(
    ("before", "after"),
    [("LIBRARY\r\nPOOL\r\n", "LIBRARY\r\n-disable\r\nPOOL\r\n"), ("LIBRARY x\nLIBRARY y\n", "LIBRARY x\n-disable\nLIBRARY y\n")],
    ids=["a word alone", "the first of two"],
)
def test_the_line_goes_behind_the_first_that_begins_with_the_word(plain: Site, tmp_path: Path, before: str, after: str) -> None:
    there = tmp_path / "definition"
    plain.program("get", f'cat {there} >"$4"')
    plain.program("put", f'cat "$4" >{there}')
    plain.download, plain.upload = "get", "put"
    there.write_bytes(f'NAME "A"\n{before}'.encode())
    assert plain.set("offline", "A")[0] == 0
    assert there.read_bytes() == f'NAME "A"\n{after}'.encode()


def test_a_definition_that_lacks_what_was_uploaded_is_told_and_the_former_one_is_kept(site: Site) -> None:
    with site.product.change() as state:
        state["mangles"] = True
    code, said = site.set("offline")
    assert code == script.NOT_THE_SAME
    (left,) = site.left()
    kept = site.temporary / left / "before"
    assert said.splitlines()[-1] == (
        f"drive_sharing: the definition of device MSL_Ultrium_1 is not what was uploaded; what it was before is in {kept};"
        " it lacks: POOL Default;"
    )
    assert "POOL Default\n" in kept.read_text(encoding="utf-8")
    assert (kept.stat().st_mode & 0o077, kept.parent.stat().st_mode & 0o077) == (0, 0)


def test_another_order_of_lines_and_other_blanks_are_no_difference(plain: Site, tmp_path: Path) -> None:
    there = tmp_path / "definition"
    there.write_text('NAME "A"\nLIBRARY "L"\n', encoding="utf-8")
    plain.program("get", f'sort -r {there} | sed "s/$/  /" >"$4"')
    plain.program("put", f'cat "$4" >{there}')
    plain.download, plain.upload = "get", "put"
    assert plain.set("offline", "A")[0] == 0


def test_an_upload_that_changes_nothing_is_left_to_the_listing(plain: Site) -> None:
    plain.product.behave("lie", on="set")
    assert plain.set("offline")[0] == 0
    assert plain.product.states("7701") == ("online",)
    assert plain.left() == []


def test_a_definition_that_cannot_be_read_back_is_told(plain: Site, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    plain.program("get", f'[ ! -f {mark} ] || {{ echo gone; exit 3; }}; : >{mark}; printf "NAME \\"A\\"\\nLIBRARY x\\n" >"$4"')
    plain.program("put", "exit 0")
    plain.download, plain.upload = "get", "put"
    assert plain.set("offline", "A") == (
        script.NOT_THE_SAME, "drive_sharing: after the upload, get failed with exit status 3:\ngone",
    )


def test_when_its_time_is_over_the_program_that_runs_ends_with_it(site: Site, tmp_path: Path) -> None:
    started = tmp_path / "started"
    site.program("omniupload", f"echo $$ >{started}.new; mv {started}.new {started}; exec sleep 60")
    running = subprocess.Popen(site.words("offline"), env=site.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        end = time.monotonic() + 30
        while not started.exists() and time.monotonic() < end:
            time.sleep(0.02)
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=30)
        assert running.returncode == 143
        assert site.left() == []
        pid = int(started.read_text(encoding="utf-8"))
        while time.monotonic() < end and Path(f"/proc/{pid}").exists() and "zombie" not in status(pid):
            time.sleep(0.02)
        assert not Path(f"/proc/{pid}").exists() or "zombie" in status(pid)
    finally:
        running.kill()
        running.wait()


def status(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return "zombie"


def test_a_directory_that_is_there_is_not_used(plain: Site, tmp_path: Path) -> None:
    """Whoever may write to /tmp cannot foresee nor take it."""
    plain.program("expr", f'ln -s {tmp_path} "$TMPDIR/drive_sharing.$PPID.1" 2>/dev/null; exec /usr/bin/expr "$@"')
    assert plain.set("offline")[0] == 0
    assert [name for name in os.listdir(tmp_path) if name in ("before", "after", "said")] == []


def test_without_a_place_for_files_nothing_is_done(plain: Site) -> None:
    plain.temporary = plain.temporary / "missing"
    assert plain.set("offline") == (
        script.NOTHING_DONE, f"drive_sharing: no directory can be made in {plain.temporary}; nothing was done",
    )
    assert plain.product.calls() == []


# The listing.


def test_the_listing_is_shortened_to_what_is_read(site: Site) -> None:
    site.product.add("7702", online=False)
    code, said = site.list("omnidownload", "-list_devices", "-detail")
    assert (code, [line.rstrip() for line in said.splitlines()]) == (0, [
        'NAME "MSL_Ultrium_1"', 'LIBRARY "LIB1"', "=====", 'NAME "MSL_Ultrium_2"', 'LIBRARY "LIB1"', "-disable", "=====",
    ])
    assert site.left() == []


def test_a_listing_that_failed_is_told_as_it_is(plain: Site) -> None:
    plain.product.behave("down")
    assert plain.list("omnidownload", "-list_devices", "-detail") == (3, "[12:1625] Cannot connect to the Cell Request Server.\n")
    assert plain.left() == []


def test_a_listing_without_devices_is_told_as_it_is_but_not_all_of_it(plain: Site) -> None:
    plain.program("omnidownload", "i=0; while [ $i -lt 100 ]; do i=$((i + 1)); echo line $i; done")
    code, said = plain.list("omnidownload")
    assert (code, len(said.splitlines())) == (0, 20)


def test_hundreds_of_devices_with_long_definitions_fit(plain: Site) -> None:
    plain.program("omnidownload", f"""
        i=0
        while [ $i -lt 1000 ]; do
          i=$((i + 1))
          echo "NAME \\"Device_$i\\""; echo "DESCRIPTION \\"{'x' * 900}\\""; echo "LIBRARY \\"L\\""; echo "{'=' * 169}"
        done""")
    code, said = plain.list("omnidownload")
    assert (code, said.count("NAME")) == (0, 1000)
    assert len(said) < 100_000


def test_the_page_of_faults_has_what_is_said(plain: Site) -> None:
    fault("data-protector-behind").seen_in(plain.set("offline", "", "NONE")[1])
    with plain.product.change() as state:
        state["mangles"] = True
    said = plain.set("offline")[1]
    fault("data-protector-definition").seen_in(said, FILE=plain.temporary / plain.left()[0] / "before")
