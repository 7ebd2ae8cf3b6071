# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every role application_<name> has the same entry points, options, tasks and results; its options are those of its file."""

from __future__ import annotations

import importlib
import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from ansible_collections.tapeworks.drive_sharing.tests.unit.application_role import differences

ROOT = Path(__file__).resolve().parents[2]
FILES = "ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._applications"
NAMES = sorted(path.name.removeprefix("application_") for path in ROOT.glob("roles/application_*"))


def test_there_is_a_role_for_every_application_and_none_besides() -> None:
    found = {path.stem for path in (ROOT / "plugins" / "plugin_utils" / "_applications").glob("[a-z]*.py")}
    assert found == set(NAMES) >= {"bacula", "custom"}


@pytest.mark.parametrize("name", NAMES)
def test_a_role_and_its_file_are_as_all_others(name: str) -> None:
    assert differences(ROOT, name, importlib.import_module(f"{FILES}.{name}")) == []


@pytest.mark.parametrize("name", [name for name in NAMES if name != "custom"])
def test_a_product_has_a_page(name: str) -> None:
    page = (ROOT / "docs" / f"application_{name}.md").read_text(encoding="utf-8")
    assert f"application_{name}_" in page


# A role that differs is found: the mutation, and what is said of it.

ROLE = "roles/application_custom"
FILE = "plugins/plugin_utils/_applications/bacula.py"
MUTATIONS = {
    "another entry point": (f"{ROLE}/meta/argument_specs.yml", "  query:\n", "  ask:\n", "the entry points are ask"),
    "an option of the role only": (
        f"{ROLE}/meta/argument_specs.yml", "      application_custom_drive_names:\n", "      application_custom_names:\n",
        "has no option application_custom_drive_names",
    ),
    "another type": (
        f"{ROLE}/meta/argument_specs.yml", "        elements: int\n", "        elements: str\n",
        "application_custom_success_codes of offline is {'type': 'list', 'elements': 'str'",
    ),
    "a required option": (
        f"{ROLE}/meta/argument_specs.yml", "      application_custom_query_pattern:\n",
        "      application_custom_query_pattern:\n        required: true\n", "or is required",
    ),
    "no check mode": (
        f"{ROLE}/meta/argument_specs.yml", "      check_mode:\n", "      some_mode:\n", "does not say what it does in check mode",
    ),
    "another result": (
        f"{ROLE}/meta/argument_specs.yml", "C(application_custom_result)", "C(custom_result)", "does not say that it leaves",
    ),
    "another default": (f"{ROLE}/defaults/main.yml", "codes: [0]", "codes: [1]", "defaults/main.yml has [1] for"),
    "a missing default": (
        f"{ROLE}/defaults/main.yml", "application_custom_drive_names: {}\n", "", "defaults/main.yml has no application_custom_drive_names",
    ),
    "a default too many": (
        f"{ROLE}/defaults/main.yml", "application_custom_drives: []\n", "application_custom_drives: []\ncustom_extra: 1\n",
        "defaults/main.yml has custom_extra",
    ),
    "another state": (f"{ROLE}/tasks/offline.yml", "state: offline", "state: online", "tasks/offline.yml is not the one task"),
    "another register": (
        f"{ROLE}/tasks/query.yml", "register: application_custom_result", "register: result", "tasks/query.yml is not the one task",
    ),
    "a second task": (
        f"{ROLE}/tasks/online.yml", "- name:", "- name: Wait\n  ansible.builtin.pause:\n- name:", "tasks/online.yml is not the one task",
    ),
    "a main that works": (f"{ROLE}/tasks/main.yml", "ansible.builtin.fail", "ansible.builtin.debug", "tasks/main.yml does something else"),
    "no row of the readme": (f"{ROLE}/README.md", "| `online` |", "| online |", "README.md has no row for `online`"),
    "no scopes": (FILE, 'SCOPES = ("instance",)', "SCOPES = ()", "SCOPES is ()"),
    "another scope": (FILE, 'SCOPES = ("instance",)', 'SCOPES = ("site",)', "SCOPES is ('site',)"),
    "other parameters": (
        FILE, "def recheck(options: Mapping[str, Any])", "def recheck(drives: Any)", "recheck takes drives",
    ),
    "no function": (FILE, "def read(", "def reading(", "there is no function read"),
    "an impure import": (FILE, "import re\n", "import re\nimport subprocess\n", "it imports subprocess, so it is not pure"),
    "another product's file": (
        FILE, "import re\n", f"import re\nfrom {FILES} import custom\n", "files of applications do not import each other",
    ),
    "a public file": (FILE, "Private: may change at any time.", "", "its docstring does not say that it is private"),
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in ("custom", "bacula"):
        shutil.copytree(ROOT / "roles" / f"application_{name}", tmp_path / "roles" / f"application_{name}")
    (tmp_path / FILE).parent.mkdir(parents=True)
    shutil.copyfile(ROOT / FILE, tmp_path / FILE)
    return tmp_path


def different(copy: Path) -> list[str]:
    """Compare the role custom, and the file and role bacula."""
    custom = importlib.import_module(f"{FILES}.custom")
    return [*differences(copy, "custom", custom), *differences(copy, "bacula", loaded(copy / FILE))]


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("changed", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_role_that_differs_is_found(mutation: str, copy: Path) -> None:
    path, old, new, told = MUTATIONS[mutation]
    assert different(copy) == []
    text = (copy / path).read_text(encoding="utf-8")
    assert old in text
    (copy / path).write_text(text.replace(old, new), encoding="utf-8")
    found = different(copy)
    assert any(told in sentence for sentence in found), found


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (f"{ROLE}/tasks/online.yml", "tasks/online.yml is missing"),
        (f"{ROLE}/tasks/helper.yml", "tasks/helper.yml is more than the others have"),
        (f"{ROLE}/vars/main.yml", "vars/main.yml is more than the others have"),
    ],
)
def test_a_role_with_other_files_is_found(path: str, told: str, copy: Path) -> None:
    if (copy / path).exists():
        (copy / path).unlink()
    else:
        (copy / path).parent.mkdir(exist_ok=True)
        (copy / path).write_text("---\n[]\n", encoding="utf-8")
    assert told in different(copy)


@pytest.mark.parametrize(
    ("option", "spec", "told"),
    [
        ("drives", {"type": "list", "elements": "str"}, "the option drives is the call's"),
        ("names", {"type": "list"}, "the option names is a list of what is not said"),
        ("names", {"type": "str", "aliases": ["n"]}, "the option names has aliases"),
        ("password", {"type": "str"}, "the option password seems to take a secret"),
    ],
)
def test_an_option_that_no_role_may_have_is_found(
    option: str, spec: dict[str, str], told: str, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = loaded(copy / FILE)
    monkeypatch.setattr(file, "OPTIONS", {**file.OPTIONS, option: spec})
    assert any(told in sentence for sentence in differences(copy, "bacula", file))
