# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _application as application
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._applications import custom
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

ROOT = Path(custom.__file__).parents[3]


def test_an_application_is_found_by_its_name() -> None:
    assert application.load("custom").OPTIONS == custom.OPTIONS


@pytest.mark.parametrize("name", ["netbackup9", "a" * 41])
def test_an_application_that_there_is_not_is_refused_with_what_to_use(name: str) -> None:
    message = f"application {name!r} is not known; use 'custom' with the commands of your product"
    with pytest.raises(InvalidValueError, match=f"^{re.escape(message)}$"):
        application.load(name)


@pytest.mark.parametrize(
    "name", ["", "Custom", "../custom", "custom\n", ".custom", "os.path", "__init__", "a" * 42, "{{ x }}", None, 3, ["custom"]]
)
def test_what_is_no_name_is_never_imported(name: Any) -> None:
    message = f"application must be a name like 'custom', not {str(name)[:60]!r}"
    with pytest.raises(InvalidValueError, match=f"^{re.escape(message)}$"):
        application.load(name)


def test_a_fault_inside_an_application_file_is_not_taken_for_a_missing_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(name: str) -> ModuleType:
        raise ModuleNotFoundError("No module named 'product'", name="product")

    monkeypatch.setattr(application.importlib, "import_module", failing)
    with pytest.raises(ModuleNotFoundError):
        application.load("custom")


def test_the_same_holds_under_ansibles_own_collection_loader(tmp_path: Path) -> None:
    code = (
        "from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder\n"
        "import sys\n"
        "_AnsibleCollectionFinder(paths=[sys.argv[1]])._install()\n"
        "from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _application\n"
        "print(_application.load('custom').__name__)\n"
        "try:\n    _application.load('unheard_of')\n"
        "except _application.InvalidValueError as exc:\n    print(exc)\n"
    )
    (tmp_path / "ansible_collections" / "tapeworks").mkdir(parents=True)
    (tmp_path / "ansible_collections" / "tapeworks" / "drive_sharing").symlink_to(ROOT)
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False, cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )
    assert done.stdout.splitlines() == [
        "ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._applications.custom",
        "application 'unheard_of' is not known; use 'custom' with the commands of your product",
    ], done.stderr


# Options.


def test_the_variables_of_the_role_are_the_options_and_the_entry_of_the_instance_wins() -> None:
    variables = {
        "application_custom_query_command": ["q"], "application_custom_online_pattern": "up", "application_custom_unknown": 1,
        "application_customer_query_command": ["other"], "query_command": ["bare"],
    }
    assert application.options_of("custom", custom, variables, {"online_pattern": "UP"}) == {
        "query_command": ["q"], "online_pattern": "UP",
    }


def test_an_option_that_is_null_counts_as_not_given() -> None:
    variables = {"application_custom_online_pattern": "up", "application_custom_offline_pattern": None}
    assert application.options_of("custom", custom, variables, {"online_pattern": None}) == {"online_pattern": "up"}


@pytest.mark.parametrize("entry", [{"querry_command": 1}, {"querry_command": 1, "zzz": 2}, {"querry_command": 1, 2: 3, "z": 1}])
def test_an_unknown_option_is_named_with_the_ones_that_there_are(entry: dict[Any, Any]) -> None:
    with pytest.raises(InvalidValueError) as caught:
        application.options_of("custom", custom, {}, entry)
    assert re.fullmatch(
        r"options\.(querry_command|2) is not an option of application custom; it has conflict_pattern, drive_names, .*",
        str(caught.value),
    )


def test_the_roles_argument_specs_and_defaults_have_the_same_options() -> None:
    role = ROOT / "roles" / "application_custom"
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]
    for entry_point in ("offline", "online", "query"):
        own = {
            key.removeprefix("application_custom_"): {
                part: value[part] for part in ("type", "elements", "default") if part in value
            }
            for key, value in specs[entry_point]["options"].items()
            if key not in ("application_custom_drives", "application_custom_instance")
        }
        # What is required may also stand in drive_sharing_applications, which a role's specs know nothing of.
        wanted = {key: {part: value for part, value in spec.items() if part != "required"} for key, spec in custom.OPTIONS.items()}
        assert own == wanted, entry_point
