# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Roles of real libraries, through real ansible-playbook, against stand-ins that misbehave in every way.

All cases run at once, each an inventory host with a library of its own: what is tested is the role, not Ansible's start.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.tapeworks.drive_sharing.plugins.modules import library_drive, library_drive_info
from ansible_collections.tapeworks.drive_sharing.tests.libraries import adic, web
from ansible_collections.tapeworks.drive_sharing.tests.libraries.web import DRIVE, PASSWORD, Library

ROOT = Path(__file__).resolve().parents[2]
CALL = """
- name: Call the role once for each case
  hosts: KIND_ENTRY
  gather_facts: false
  tasks:
    - name: Call the role
      block:
        - name: Call the role
          ansible.builtin.include_role:
            name: tapeworks.drive_sharing.library_KIND
            tasks_from: ENTRY
      rescue:
        - name: Keep the failure
          ansible.builtin.set_fact:
            failure: "{{ ansible_failed_result.msg }}"
"""
KEEP = """
- name: Keep what came of it
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Write it
      ansible.builtin.copy:
        dest: "{{ results }}"
        content: >-
          {% set all = {} %}{% for host in groups.cases %}{% set _ = all.update({host: {
          'result': hostvars[host].drive_sharing_library_result | default(none), 'failure': hostvars[host].failure | default(none)}}) %}{% endfor
          %}{{ all | to_json }}
        mode: "0600"
      check_mode: false
"""
PUT_IN = f"Drive {DRIVE} was put into its error state by library NAME."
NOT_PUT_IN = f"Drive {DRIVE} was not put into its error state: library NAME "
BY_HAND = ". Do it there by hand."
BEFORE = " when asked for its state. Nothing was changed."
STILL_ONLINE = ", but still reports the drive as ok (online)" + BY_HAND
NO_SUCH = "answered 404 (There is no such drive)"


@dataclass
class Case:
    """What one case is given, and what must come of it; NAME stands for the library's name."""

    entry: str
    message: str
    state: str | None
    changed: bool = False
    fails: bool = False
    kind: str = "ibm"
    #: What the library is, for the kinds that are served by `web`.
    library: Library = field(default_factory=Library)
    #: How often it was told something, and what the drive is afterwards.
    told: int | None = None
    truth: str | None = None
    way: str | None = None
    variables: dict[str, Any] = field(default_factory=dict)
    #: More host variables of the library.
    given: dict[str, Any] = field(default_factory=dict)
    more: Callable[[dict[str, Any]], bool] = lambda _result: True


def ibm(entry: str, message: str, shown: str | None, truth: str | None = None, told: int | None = None, **more: Any) -> Case:
    library = Library(**{key: more.pop(key) for key in list(more) if key in Library.__dataclass_fields__})
    return Case(entry, message, shown, library=library, truth=truth, told=told, **more)


IBM = {
    "a_drive_is_shown_with_its_logical_library": ibm(
        "query", f"Library NAME reports drive {DRIVE} as ok (online).", "ok", told=0, more=lambda result: result["logical_library"] == "BACKUP_A"
    ),
    "a_drive_in_service_is_in_its_error_state": ibm(
        "query", f"Library NAME reports drive {DRIVE} as in its error state (inServiceMode).", "error", state="inServiceMode"
    ),
    "a_page_for_a_browser_is_no_answer": ibm(
        "query",
        f"The state of drive {DRIVE} is not known: library NAME gave an answer that does not describe the drive.",
        "unknown",
        fails=True,
        behaviour="junk",
    ),
    "a_drive_is_put_into_service_and_waited_for": ibm(
        "force_error", PUT_IN, "error", "inServiceMode", 1, changed=True, slow=2, way="by serial number",
        more=lambda result: result["effect"] == "offline",
    ),
    "a_drive_in_service_is_left_alone": ibm(
        "force_error", f"Drive {DRIVE} was already in its error state at library NAME.", "error", "inServiceMode", 0, state="inServiceMode"
    ),
    "service_is_completed": ibm(
        "clear_error", f"Drive {DRIVE} was taken out of its error state by library NAME.", "ok", "online", 1, changed=True,
        state="inServiceMode", way="by serial number",
    ),
    "a_library_that_knows_only_locations_is_told_the_location": ibm(
        "force_error", PUT_IN, "error", "inServiceMode", 2, changed=True, without=("sn",), way="by location"
    ),
    "a_library_that_lies_is_found_out": ibm(
        "force_error", NOT_PUT_IN + "said that it was done when told by serial number, and said that it was done when told by location"
        + STILL_ONLINE, "ok", "online", 2, fails=True, behaviour="lie",
    ),
    "a_library_that_refuses_is_quoted": ibm(
        "force_error", NOT_PUT_IN + "answered 409 (The library is busy with an inventory)" + STILL_ONLINE, "ok", "online", 1, fails=True,
        behaviour="refuse", variables={"library_ibm_named_by": ["serial"]},
    ),
    "a_library_that_fails_is_quoted": ibm(
        "force_error", NOT_PUT_IN + "answered 500 (Internal error 0x4711)" + STILL_ONLINE, "ok", "online", 1, fails=True,
        behaviour="fail", variables={"library_ibm_named_by": ["serial"]},
    ),
    "a_library_that_says_500_and_did_it_is_believed_by_its_state": ibm(
        "force_error", PUT_IN, "error", "inServiceMode", 1, changed=True, behaviour="late", slow=1, way="by serial number"
    ),
    "a_drive_that_stays_halfway_is_no_success": ibm(
        "force_error", NOT_PUT_IN + "said that it was done, but still reports the drive as servicePending, which is neither ok nor its error"
        " state" + BY_HAND, "unknown", "servicePending", 1, fails=True, behaviour="half", variables={"library_ibm_named_by": ["serial"]},
    ),
    "a_library_that_does_not_answer_is_asked_again": ibm(
        "force_error", NOT_PUT_IN + "did not answer (it took longer than 1 s)" + STILL_ONLINE, "ok", "online", 1, fails=True,
        behaviour="deaf", variables={"library_ibm_named_by": ["serial"]},
    ),
    "a_library_that_is_lost_afterwards_is_not_believed": ibm(
        "force_error",
        f"Whether drive {DRIVE} was put into its error state is not known: library NAME said that it was done, and then answered 500"
        " (Internal error 0x4711). Look at the drive there.",
        "unknown", "inServiceMode", 1, fails=True, behaviour="lost", variables={"library_ibm_named_by": ["serial"]},
    ),
    "a_certificate_that_nobody_vouches_for_is_refused": ibm(
        "force_error", NOT_PUT_IN + "did not answer (its certificate is not good: self-signed certificate)" + BEFORE, "unknown", "online", 0,
        fails=True, variables={"library_ibm_ca_file": ""}, more=lambda _result: True,
    ),
    "a_wrong_password_is_refused": ibm(
        "force_error", NOT_PUT_IN + "answered 401 (Who are you?)" + BEFORE, "unknown", "online", 0, fails=True,
        variables={"library_ibm_password_file": "{{ inventory_dir }}/wrong"},
    ),
    "a_password_that_others_can_read_is_refused": ibm(
        "force_error",
        "Library NAME: the password file of the library 'FOLDER/open' may be read or written by others (mode 0644); chmod 0600 it."
        " Nothing was changed.",
        "unknown", "online", 0, fails=True, variables={"library_ibm_password_file": "{{ inventory_dir }}/open"},
    ),
    "a_session_is_begun_and_ended": ibm(
        "force_error", PUT_IN, "error", "inServiceMode", 1, changed=True, login="session", way="by serial number",
        variables={
            "library_ibm_authentication": "session", "library_ibm_login_path": "/v1/login", "library_ibm_logout_path": "/v1/logout",
            "library_ibm_login_fields": {"user": "name", "password": "password"}, "library_ibm_login_token": "token",
        },
    ),
    "a_login_that_is_refused_is_quoted": ibm(
        "query", f"The state of drive {DRIVE} is not known: library NAME did not answer (the login was of no use: it answered 401 (Wrong name"
        " or password)).", "unknown", fails=True, login="session",
        variables={"library_ibm_authentication": "session", "library_ibm_login_path": "/v1/login"},
    ),
    "a_redirection_is_not_followed": ibm(
        "query", f"The state of drive {DRIVE} is not known: library NAME answered 302 (no reason was given).", "unknown", fails=True,
        behaviour="away",
    ),
    "a_drive_that_the_library_calls_otherwise_is_found": ibm(
        "force_error", PUT_IN, "error", "inServiceMode", 1, changed=True, sn="00078A3444", way="by serial number",
        variables={"library_ibm_drive_names": {DRIVE: "00078A3444"}},
    ),
    "an_address_without_encryption_is_refused": ibm(
        "query",
        "Library NAME: library_ibm_url is http, which shows the password to everybody on the way; use https, or say by"
        " library_ibm_validate_certs: false that nothing is checked. Nothing was changed.",
        "unknown", fails=True, variables={"library_ibm_url": "http://127.0.0.1:1"},
    ),
    "a_library_that_the_inventory_has_not_is_named": ibm(
        "query", "The inventory has no library nobody; add it to group tape_libraries. Nothing was changed.", "unknown", fails=True,
        variables={"library_ibm_library": "nobody"},
    ),
    "the_entry_point_must_be_named": ibm(
        "main", "Call role library_ibm with tasks_from: force_error, clear_error or query.", None, fails=True, told=0
    ),
}  # fmt: skip


def custom(example: str, entry: str, message: str, shown: str | None, truth: str | None = None, **more: Any) -> Case:
    """Run an example of the README as it stands, but for the library's address and the folder of its program."""
    body = (ROOT / "roles" / "library_custom" / "README.md").read_text(encoding="utf-8")
    block = re.findall(rf"^## Example: {example}.*?^```yaml\n(.*?)^```$", body, re.MULTILINE | re.DOTALL)[0]
    content = yaml.safe_load(block.replace("/opt/library/bin", "FOLDER"))
    content = content["tape_libraries"]["hosts"]["library_1"] if "tape_libraries" in content else content
    own = ("library_custom_url", "library_custom_user", "library_custom_password_file", "library_custom_limit", "library_custom_host")
    given = {key: value for key, value in content.items() if key not in own}
    case = ibm(entry, message, shown, truth, kind="custom", **more)
    case.given = {**given, **case.given}
    return case


CUSTOM = {
    "quantum_is_told_a_state": custom(
        "Quantum", "force_error", PUT_IN, "error", "inServiceMode", told=1, changed=True, slow=1, way="by state"
    ),
    "quantum_drops_the_nexus_before_the_drive_comes_back": custom(
        "Quantum", "clear_error", f"Drive {DRIVE} was taken out of its error state by library NAME.", "ok", "online", told=2, changed=True,
        state="inServiceMode", way="by state",
    ),
    "spectra_is_told_to_prepare_a_replacement": custom(
        "Spectra", "force_error", PUT_IN, "error", "inServiceMode", told=1, changed=True, slow=1, login="cookie",
        way="by preparing its replacement",
    ),
    "a_command_is_run_and_believed_by_what_is_shown": custom(
        "commands", "force_error", PUT_IN, "error", changed=True, way="by disabling it", more=lambda result: result["effect"] == "offline"
    ),
    "a_command_that_fails_is_quoted": custom(
        "commands", "force_error", NOT_PUT_IN + "ended with exit status 3 (no such drive here)" + STILL_ONLINE.replace("online", "enabled"),
        "ok", fails=True, variables={"library_custom_reason": "refuse"},
    ),
    "a_command_that_is_not_there_is_named": custom(
        "commands", "query", f"The state of drive {DRIVE} is not known: library NAME ended with exit status 127 (timeout: failed to run command"
        " \u2018/nonexistent/drivectl\u2019: No such file or directory).", "unknown", fails=True,
        given={"library_custom_query": [{"command": ["/nonexistent/drivectl", "{serial}"]}], "library_custom_host": "localhost"},
    ),
    "a_call_that_is_none_is_refused": custom(
        "commands", "query", "Library NAME: library_custom_query[0] must have either command and lines, or path, method, body and content_type,"
        " and nothing else. Nothing was changed.", "unknown", fails=True, given={"library_custom_query": [{"shell": "id"}]},
    ),
}  # fmt: skip


def snmp(entry: str, name: str, message: str, shown: str | None, **more: Any) -> Case:
    case = ibm(entry, message, shown, kind="adic", **more)
    case.given = {"library_adic_drive_names": {DRIVE: name}, **case.given}
    return case


#: The drives behind the agent; a case tells the drive that it calls so.
DRIVES = [{"serial": name.upper(), "status": 2 if name in ("off", "back") else 1, "behaviour": name} for name in (
    "ok", "off", "back", "slow", "refuse", "lie", "half", "community", "twin", "twin"
)]  # fmt: skip
ADIC = {
    "a_drive_is_found_by_its_serial_number": snmp("query", "OK", f"Library NAME reports drive {DRIVE} as ok (online).", "ok"),
    "a_slow_drive_is_waited_for": snmp(
        "force_error", "SLOW", PUT_IN, "error", changed=True, way="by phDriveCommand", more=lambda result: result["effect"] == "mounts"
    ),
    "a_drive_that_is_offline_is_left_alone": snmp(
        "force_error", "OFF", f"Drive {DRIVE} was already in its error state at library NAME.", "error"
    ),
    "a_drive_is_set_online": snmp(
        "clear_error", "BACK", f"Drive {DRIVE} was taken out of its error state by library NAME.", "ok", changed=True, way="by phDriveCommand"
    ),
    "an_agent_that_refuses_is_quoted": snmp(
        "force_error", "REFUSE", NOT_PUT_IN + "answered with error 17 (notWritable)" + STILL_ONLINE, "ok", fails=True
    ),
    "an_agent_that_lies_is_found_out": snmp("force_error", "LIE", NOT_PUT_IN + "said that it was done" + STILL_ONLINE, "ok", fails=True),
    "a_state_of_no_name_is_no_success": snmp(
        "force_error", "HALF", NOT_PUT_IN + "said that it was done, but still reports the drive as state 3, which is neither ok nor its error"
        " state" + BY_HAND, "unknown", fails=True,
    ),
    "a_drive_that_is_not_there_is_named": snmp(
        "query", "NOBODY", f"The state of drive {DRIVE} is not known: library NAME shows no drive NOBODY.", "unknown", fails=True
    ),
    "a_serial_number_of_two_drives_is_none": snmp(
        "force_error", "TWIN", NOT_PUT_IN + "shows drive TWIN in 2 places" + BEFORE, "unknown", fails=True
    ),
    "a_wrong_passphrase_is_said": snmp(
        "force_error", "OK", NOT_PUT_IN + "did not answer (Wrong SNMP PDU digest)" + BEFORE, "unknown", fails=True,
        given={"library_adic_auth_passphrase_file": "FOLDER/../wrong_auth"},
    ),
    "nobody_at_the_port_is_said": snmp(
        "query", "OK", f"The state of drive {DRIVE} is not known: library NAME did not answer (it took longer than 1 s).", "unknown",
        fails=True, given={"library_adic_port": 9},
    ),
    "a_community_is_taken_where_it_is_wished": snmp(
        "force_error", "COMMUNITY", PUT_IN, "error", changed=True, way="by phDriveCommand",
        given={"library_adic_version": "2c", "library_adic_community_file": "FOLDER/../community", "library_adic_effect": "offline"},
        more=lambda result: result["effect"] == "offline",
    ),
}  # fmt: skip


def acsls(entry: str, behaviour: str, message: str, shown: str | None, **more: Any) -> Case:
    case = ibm(entry, message, shown, kind="acsls", **more)
    command = ["env", f"BEHAVIOUR={behaviour}", "FOLDER/cmd_proc", "-l", "-q"]
    case.given = {"library_acsls_drive_names": {DRIVE: "0, 0,10, 0"}, "library_acsls_command": command, **case.given}
    return case


ACSLS = {
    "a_drive_is_shown": acsls("query", "ok", f"Library NAME reports drive {DRIVE} as ok (online).", "ok"),
    "a_drive_is_varied_offline": acsls(
        "force_error", "ok", PUT_IN, "error", changed=True, way="by vary", more=lambda result: result["effect"] == "mounts"
    ),
    "a_drive_in_use_is_refused_in_the_words_of_acsls": acsls(
        "force_error", "used", NOT_PUT_IN + "ended with exit status 0 (Vary: Vary failed, Drive in use)" + STILL_ONLINE, "ok", fails=True
    ),
    "a_drive_in_use_is_varied_with_force_where_that_is_dared": acsls(
        "force_error", "used", PUT_IN, "error", changed=True, way="by vary with force", given={"library_acsls_vary_ways": ["plain", "force"]}
    ),
    "a_drive_that_only_becomes_offline_is_no_success": acsls(
        "force_error", "pending", NOT_PUT_IN + "said that it was done, but still reports the drive as offline-pending, which is neither ok nor"
        " its error state" + BY_HAND, "unknown", fails=True,
    ),
    "a_drive_without_a_name_is_not_asked_about": acsls(
        "query", "ok", f"The state of drive {DRIVE} is not known: library NAME was not asked, because library_acsls_drive_names does not say what"
        f" ACSLS calls drive {DRIVE}.", "unknown", fails=True, given={"library_acsls_drive_names": {}},
    ),
}  # fmt: skip
#: cmd_proc, as far as a drive is concerned; the rows are as those who read them by position take them.
CMD_PROC = """#!/bin/sh
state=$0.state
[ -e "$state" ] || echo online > "$state"
while read -r verb what id wanted force; do
  case $verb in
    logoff) echo 'ACSSA> logoff'; exit 0 ;;
    query) printf '2026-11-23 14:00:00          Drive Status\\n Identifier  State          Status     Volume    Type\\n'
           printf '   0, 0,10, 1 online         available            T10000B\\n'
           printf '   0, 0,10, 0 %-14s in use     SG1353    T10000B\\n' "$(cat "$state")" ;;
    vary) case $BEHAVIOUR$force in
            used) echo 'Vary: Vary failed, Drive in use.' ;;
            pending) echo offline-pending > "$state" ;;
            *) echo "$wanted" > "$state"; echo "Vary: drive $id varied $wanted." ;;
          esac ;;
  esac
done
"""
DRIVECTL = """#!/bin/sh
state=$0.$2.state
case $1 in
  show) if [ -e "$state" ]; then s=disabled; else s=enabled; fi; echo "drive $2: $s"; exit 0 ;;
  disable) [ "$3" != refuse ] || { echo "no such drive here"; exit 3; }; : > "$state" ;;
  enable) rm -f "$state" ;;
esac
"""
CHECKED = {
    "check_mode_would_start_service": ibm(
        "force_error", f"Drive {DRIVE} would be put into its error state by library NAME.", "error", "online", 0, changed=True
    ),
    "check_mode_finds_nothing_to_do": ibm(
        "clear_error", f"Drive {DRIVE} was already out of its error state at library NAME.", "ok", "online", 0
    ),
}
CASES = {**{f"ibm_{name}": case for name, case in IBM.items()}, **{f"custom_{name}": case for name, case in CUSTOM.items()}}
CASES |= {f"acsls_{name}": case for name, case in ACSLS.items()}
CASES |= {f"adic_{name}": case for name, case in ADIC.items()}


@dataclass
class Ran:
    """What the run of all cases left."""

    results: dict[str, Any]
    output: str
    directory: Path


def options(kind: str, server: web.Server, name: str, directory: Path, port: int) -> dict[str, Any]:
    """Give the host variables of a library that is served by `web`, by an agent of SNMP, or by a program."""
    if kind == "acsls":
        return {"library_acsls_timeout": 5, "library_acsls_limit": 2, "library_acsls_interval": 1}
    if kind == "adic":
        secrets = {f"{key}_passphrase_file": str(directory / key) for key in ("auth", "priv")}
        given = {"address": "127.0.0.1", "port": port, "user": adic.USER, **secrets, "timeout": 1, "limit": 2, "interval": 1}
        return {f"library_adic_{key}": value for key, value in given.items()}
    given = {"url": f"{server.url}/{name}", "user": web.USER, "password_file": str(directory / "password"), "ca_file": str(directory / "certificate.pem")}
    # The stand-ins do in no time what takes a library minutes.
    return {f"library_{kind}_{key}": value for key, value in {**given, "timeout": 1, "limit": 2, "interval": 1}.items()}


@contextlib.contextmanager
def serving(libraries: dict[str, Library], directory: Path) -> Iterator[web.Server]:
    certificate, key = web.certificate(directory)
    for name, text, mode in (("password", PASSWORD, 0o600), ("wrong", "wrong", 0o600), ("open", PASSWORD, 0o644)):
        (directory / name).write_text(text + "\n")
        (directory / name).chmod(mode)
    with web.Server(libraries, certificate, key) as server:
        yield server


def play(directory: Path, *words: str) -> tuple[int, str]:
    """Run ansible-playbook on what stands in a folder; give its status, and everything that it said or logged."""
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": os.environ.get("ANSIBLE_COLLECTIONS_PATH", str(ROOT / "build" / "collections")),
        "ANSIBLE_FORKS": "20",
        "ANSIBLE_LOCAL_TEMP": str(directory / "tmp"),
        "ANSIBLE_INVENTORY_ENABLED": "yaml",
        "ANSIBLE_LOG_PATH": str(directory / "log"),
        "ANSIBLE_NOCOLOR": "1",
        "LC_ALL": "C.UTF-8",
    }
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-vvv", "-i", str(directory / "hosts.json"), *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180, check=False)
    return done.returncode, done.stdout + done.stderr + (directory / "log").read_text()


def run(cases: dict[str, Case], directory: Path, *words: str) -> Ran:
    """Run all cases in one play, each against a library of its own."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(serving({name: case.library for name, case in cases.items()}, directory))
        port = 0
        if any(case.kind == "adic" for case in cases.values()):
            port, _state = stack.enter_context(adic.agent(DRIVES, directory))
        inventory: dict[str, Any] = {"tape_libraries": {"hosts": {}}, "cases": {"hosts": {}}}
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        for name, case in cases.items():
            program = directory / name
            program.mkdir()
            for script, text in (("drivectl", DRIVECTL), ("cmd_proc", CMD_PROC)):
                (program / script).write_text(text)
                (program / script).chmod(0o755)
            given = json.loads(json.dumps(case.given).replace("FOLDER", str(program)))
            inventory["tape_libraries"]["hosts"][f"library_of_{name}"] = {**options(case.kind, server, name, directory, port), **given}
            inventory["cases"]["hosts"][name] = {
                f"library_{case.kind}_library": f"library_of_{name}",
                f"library_{case.kind}_drive": DRIVE,
                **case.variables,
                **local,
            }
            inventory.setdefault(f"{case.kind}_{case.entry}", {"hosts": {}})["hosts"][name] = {}
        (directory / "hosts.json").write_text(json.dumps(inventory))
        plays = sorted({(case.kind, case.entry) for case in cases.values()})
        (directory / "play.yml").write_text("".join(CALL.replace("KIND", kind).replace("ENTRY", entry) for kind, entry in plays) + KEEP)
        extra = json.dumps({"results": str(directory / "results.json")})
        status, output = play(directory, "-e", extra, *words, str(directory / "play.yml"))
    assert status == 0, output[-4000:]
    return Ran(json.loads((directory / "results.json").read_text()), output, directory)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Give what the run of all cases left."""
    return run(CASES, tmp_path_factory.mktemp("libraries"))


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Give what the run in check mode left."""
    return run(CHECKED, tmp_path_factory.mktemp("checked"), "--check")


def compare(name: str, case: Case, left: Ran) -> None:
    """Compare what a case left with what it must have left."""
    answer = left.results[name]
    message = case.message.replace("NAME", f"library_of_{name}").replace("FOLDER", str(left.directory))
    said = answer["failure"] if case.fails else answer["result"]["message"]
    # A value is cut in a message, and the folder of a test has a long name.
    message = re.sub(r"'(/[^']{56})[^']*'", r"'\1...", message)
    assert said == message
    assert bool(answer["failure"]) == case.fails
    result = answer["result"]
    if case.state is None:
        assert result is None
    else:
        assert set(result) == {"library", "drive", "state", "changed", "message", "logical_library", "way", "effect"}
        assert (result["drive"], result["state"], result["changed"], result["way"]) == (DRIVE, case.state, case.changed, case.way)
        assert result["message"] == said
        assert case.more(result), result
    if case.truth is not None:
        assert case.library.state == case.truth
    if case.told is not None:
        assert len(case.library.told) == case.told


@pytest.mark.parametrize("name", CASES)
def test_what_the_role_does_and_says(name: str, ran: Ran) -> None:
    compare(name, CASES[name], ran)


@pytest.mark.parametrize("name", CHECKED)
def test_check_mode_asks_and_changes_nothing(name: str, checked: Ran) -> None:
    compare(name, CHECKED[name], checked)


def test_the_password_is_in_no_output_and_no_log(ran: Ran, checked: Ran) -> None:
    for secret in (PASSWORD, adic.AUTH, adic.PRIV, adic.COMMUNITY):
        assert secret not in ran.output + checked.output


def test_the_roles_cause_no_warnings(ran: Ran) -> None:
    assert "WARNING" not in ran.output
    assert "Traceback" not in ran.output


def test_an_untrusted_library_never_sees_the_password(ran: Ran) -> None:
    assert ran.results
    assert CASES["ibm_a_certificate_that_nobody_vouches_for_is_refused"].library.authorizations == set()


def test_only_those_drives_of_the_table_were_told_that_were_meant(ran: Ran) -> None:
    drives = {drive["serial"]: drive for drive in json.loads((ran.directory / "drives.json").read_text())}
    assert {name for name, drive in drives.items() if drive.get("told")} == {"BACK", "SLOW", "LIE", "HALF", "COMMUNITY"}
    assert {name: drive["status"] for name, drive in drives.items() if drive["status"] != 1} == {"OFF": 2, "SLOW": 2, "HALF": 3, "COMMUNITY": 2}


def test_a_session_is_left(ran: Ran) -> None:
    assert ran.results
    assert CASES["ibm_a_session_is_begun_and_ended"].library.left == 1


def test_progress_is_shown_while_it_is_waited_for(ran: Ran) -> None:
    assert f"library_of_ibm_a_drive_is_put_into_service_and_waited_for, drive {DRIVE}: after " in ran.output


@pytest.mark.parametrize("module", [library_drive, library_drive_info], ids=lambda module: module.__name__.rpartition(".")[2])
def test_the_examples_of_the_modules_can_be_run_as_they_stand(module: Any, tmp_path: Path) -> None:
    library = Library()
    with serving({"one": library}, tmp_path) as server:
        body = module.EXAMPLES.replace("https://library.example", f"{server.url}/one")
        body = body.replace("/etc/drive_sharing/library_1.pem", str(tmp_path / "certificate.pem"))
        body = body.replace("/etc/drive_sharing/library_1.password", str(tmp_path / "password"))
        assert "/etc" not in body
        (tmp_path / "hosts.json").write_text(json.dumps({"tape_libraries": {"hosts": {"library_1": {}}}}))
        (tmp_path / "play.yml").write_text(yaml.safe_dump(yaml.safe_load(body)))
        status, output = play(tmp_path, str(tmp_path / "play.yml"))
    assert status == 0, output[-4000:]
    assert library.state == "online"
    assert [told["type"] for told in library.told] == (["startDriveService", "completeDriveService"] if module is library_drive else [])


def test_the_role_of_the_error_state_calls_a_library_of_the_inventory(tmp_path: Path) -> None:
    library = Library()
    variables = {
        "error_state_call": "force_error",
        "error_state_target": {"library": "library_1", "role": "tapeworks.drive_sharing.library_ibm"},
        "error_state_drive": {"drive": DRIVE, "reason": "backup2 did not confirm"},
    }
    role = {"name": "tapeworks.drive_sharing.error_state", "tasks_from": "_library"}
    tasks = [
        {"name": "Call it", "ansible.builtin.include_role": role, "vars": variables},
        {"name": "Show it", "ansible.builtin.debug": {"var": "drive_sharing_library_result.message"}},
    ]
    with serving({"one": library}, tmp_path) as server:
        hosts = {"library_1": options("ibm", server, "one", tmp_path, 0)}
        (tmp_path / "hosts.json").write_text(json.dumps({"tape_libraries": {"hosts": hosts}}))
        (tmp_path / "play.yml").write_text(yaml.safe_dump([{"name": "Call it", "hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
        status, output = play(tmp_path, str(tmp_path / "play.yml"))
    assert status == 0, output[-4000:]
    assert PUT_IN.replace("NAME", "library_1") in output
    assert library.state == "inServiceMode"
