# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every file of a library has the same entry points and every role of one the same face; the role's options are those of its file."""

from __future__ import annotations

import ast
import importlib
import inspect
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _library
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "plugins" / "plugin_utils" / "_libraries"
NAMES = sorted(path.stem for path in FOLDER.glob("[a-z]*.py"))
#: They have other means, and the same face.
OTHERS = ("scsi", "simulated")
FUNCTIONS = {
    "check": ["options"],
    "queries": ["options", "drive"],
    "read": ["options", "drive", "answers"],
    "ways": ["options"],
    "tell": ["options", "way", "wanted", "drive", "seen"],
}
#: What a pure file may import.
PURE = {"__future__", "collections", "dataclasses", "json", "re", "typing", "urllib", "xml", "ansible_collections"}


def spec(name: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / "roles" / f"library_{name}" / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]


def part(name: str, path: str) -> Any:
    return yaml.safe_load((ROOT / "roles" / f"library_{name}" / path).read_text(encoding="utf-8"))


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def file(name: str) -> ModuleType:
    return _library.load(name)


def test_there_is_a_role_for_every_library_and_none_besides() -> None:
    assert {path.name for path in ROOT.glob("roles/library_*")} == {f"library_{name}" for name in [*NAMES, *OTHERS]}


def test_a_file_has_the_entry_points_of_all_others(file: ModuleType) -> None:
    for function, parameters in FUNCTIONS.items():
        assert list(inspect.signature(getattr(file, function)).parameters) == parameters, function
    assert "Private: may change at any time." in str(file.__doc__)
    assert {key: file.OPTIONS[key] | {"default": None} for key in _library.COMMON} == {
        key: given | {"default": None} for key, given in _library.COMMON.items()
    }


def test_a_file_is_pure_and_imports_no_other(name: str) -> None:
    for node in ast.walk(ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            modules = [str(node.module)]
        for module in modules:
            assert module.partition(".")[0] in PURE, module
            assert "._libraries" not in module


def test_every_default_is_of_its_type(file: ModuleType) -> None:
    result = ArgumentSpecValidator(file.OPTIONS).validate({})
    assert result.error_messages == []


def test_a_role_takes_the_options_of_its_file(name: str, file: ModuleType) -> None:
    prefix = f"library_{name}_"
    points = spec(name)
    assert set(points) == {"force_error", "clear_error", "query"}
    more = {f"{prefix}{key}" for key in ("library", "drive", "host", "become")}
    for point in points.values():
        options = {key.removeprefix(prefix): option for key, option in point["options"].items() if key not in more}
        assert set(options) == set(file.OPTIONS)
        for key, option in options.items():
            for what in ("type", "elements", "choices"):
                assert option.get(what) == file.OPTIONS[key].get(what), key
    assert part(name, "vars/main.yml")[f"__library_{name}_options"] == {key: f"{{{{ {prefix}{key} }}}}" for key in file.OPTIONS}


def test_what_a_role_is_not_given_comes_from_the_host_variables_of_the_library_with_the_files_default(name: str, file: ModuleType) -> None:
    prefix = f"library_{name}_"
    defaults = part(name, "defaults/main.yml")
    assert set(file.OPTIONS) | {"host", "become"} >= {key.removeprefix(prefix) for key in defaults} >= set(file.OPTIONS)
    for key, option in file.OPTIONS.items():
        given = defaults[prefix + key]
        if key == "reason":
            assert given == option["default"]
            continue
        begin, end = f"{{{{ hostvars[{prefix}library].{prefix}{key} | default(", ") }}"
        assert given.startswith(begin), key
        assert given.endswith(end), key
        inside = given.removeprefix(begin).removesuffix(end)
        assert {"true": True, "false": False}[inside] if inside in ("true", "false") else ast.literal_eval(inside) == option["default"]


def test_all_roles_say_what_they_leave_and_what_check_mode_does() -> None:
    for name in [*NAMES, *OTHERS]:
        points = spec(name)
        assert set(points) - {"main"} == {"force_error", "clear_error", "query"}, name
        for point, description in points.items():
            assert description["attributes"]["check_mode"]["support"] == "full", name
            assert "drive_sharing_library_result" in str(description["description"]) or point == "clear_error", name


def test_a_library_that_is_not_known_is_refused() -> None:
    for wrong in ("nobody", "../ibm", 7):
        with pytest.raises(InvalidValueError, match="kind"):
            _library.load(wrong)


def test_every_library_is_in_the_matrix_of_the_page() -> None:
    page = (ROOT / "docs" / "libraries.md").read_text(encoding="utf-8")
    for name in [*NAMES, *OTHERS]:
        assert f"](../roles/library_{name}/README.md)" in page, name


@pytest.mark.parametrize("option", ["timeout", "limit", "interval"])
def test_a_time_that_is_none_is_refused(option: str) -> None:
    given = {key: value["default"] for key, value in _library.COMMON.items()}
    for wrong in (0, -1, 100000):
        with pytest.raises(InvalidValueError, match=f"{option} must be"):
            _library.check_common({**given, option: wrong})


def test_the_module_loads_every_kind() -> None:
    for name in NAMES:
        assert _library.load(name) is importlib.import_module(f"{_library.__package__}._libraries.{name}")
