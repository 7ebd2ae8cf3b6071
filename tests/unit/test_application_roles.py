# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every role application_<name> has the same entry points, option shapes and results; its options are those of its file."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FILES = "ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._applications"
NAMES = sorted(path.name.removeprefix("application_") for path in ROOT.glob("roles/application_*"))
ENTRY_POINTS = {"offline": "application_drive", "online": "application_drive", "query": "application_drive_info"}
#: What is given for the call, in every role alike.
COMMON = {
    "drives": {"type": "list", "elements": "str", "default": []},
    "instance": {"type": "str", "default": ""},
}


def read(name: str, *parts: str) -> Any:
    return yaml.safe_load((ROOT / "roles" / f"application_{name}").joinpath(*parts).read_text(encoding="utf-8"))


def file(name: str) -> ModuleType:
    return importlib.import_module(f"{FILES}.{name}")


def shape(option: dict[str, Any]) -> dict[str, Any]:
    return {key: option[key] for key in ("type", "elements", "default", "choices") if key in option}


def test_there_is_a_role_for_every_application_and_none_besides() -> None:
    found = {path.stem for path in (ROOT / "plugins" / "plugin_utils" / "_applications").glob("[a-z]*.py")}
    assert found == set(NAMES) >= {"bacula", "custom"}


@pytest.mark.parametrize("name", NAMES)
def test_a_role_has_the_entry_points_of_all(name: str) -> None:
    specs = read(name, "meta", "argument_specs.yml")["argument_specs"]
    assert set(specs) == set(ENTRY_POINTS)
    tasks = {path.stem for path in (ROOT / "roles" / f"application_{name}" / "tasks").glob("*.yml")}
    assert tasks == {*ENTRY_POINTS, "main"}
    assert list(read(name, "tasks", "main.yml")[0]) == ["name", "ansible.builtin.fail"]
    for spec in specs.values():
        assert {"short_description", "description", "author", "version_added", "attributes", "options"} <= set(spec)
        assert {"check_mode", "diff_mode"} <= set(spec["attributes"])
        assert f"C(application_{name}_result)" in " ".join(spec["description"])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("entry", ENTRY_POINTS)
def test_an_entry_point_is_one_task_with_the_arguments_and_the_result_of_all(name: str, entry: str) -> None:
    (task,) = read(name, "tasks", f"{entry}.yml")
    expected: dict[str, Any] = {
        "application": name, "instance": f"{{{{ application_{name}_instance | default(omit, true) }}}}",
        "drives": f"{{{{ application_{name}_drives }}}}",
    }
    if entry == "query":
        expected["drives"] = f"{{{{ application_{name}_drives | default(omit, true) }}}}"
    else:
        expected["state"] = entry
    assert {key: value for key, value in task.items() if key != "name"} == {
        f"tapeworks.drive_sharing.{ENTRY_POINTS[entry]}": expected, "register": f"application_{name}_result",
    }


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("entry", ENTRY_POINTS)
def test_the_options_of_a_role_are_those_of_its_file_and_those_of_all(name: str, entry: str) -> None:
    options = read(name, "meta", "argument_specs.yml")["argument_specs"][entry]["options"]
    prefix = f"application_{name}_"
    # What is required may stand in drive_sharing_applications instead, so the role cannot insist on it.
    expected = {prefix + option: shape(spec) for option, spec in {**file(name).OPTIONS, **COMMON}.items()}
    assert {option: shape(spec) for option, spec in options.items()} == expected
    assert all(spec["description"] and not spec.get("required") for spec in options.values())


@pytest.mark.parametrize("name", NAMES)
def test_what_an_application_may_be_given_is_not_taken_for_what_a_call_is_given(name: str) -> None:
    """The drives of a call must not become an option of the application, which is read from the same variables."""
    assert not set(COMMON) & set(file(name).OPTIONS)


@pytest.mark.parametrize("name", NAMES)
def test_the_readme_of_a_role_explains_its_entry_points_and_its_result(name: str) -> None:
    page = (ROOT / "roles" / f"application_{name}" / "README.md").read_text(encoding="utf-8")
    for entry in ENTRY_POINTS:
        assert f"| `{entry}` |" in page
    assert f"`application_{name}_result`" in page
