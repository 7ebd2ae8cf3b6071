# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must agree between the files of the collection, and is easily forgotten when one is added."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
NAME = "tapeworks.drive_sharing"


def load(path: str | Path) -> Any:
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def stems(pattern: str) -> list[str]:
    return sorted(path.stem for path in ROOT.glob(pattern) if not path.stem.startswith("_"))


def tracked() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("this is not a git checkout, so what belongs to it is not known")
    words = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(words, capture_output=True, check=True, text=True).stdout.split("\0")
    return [path for name in listed if name and (path := ROOT / name).is_file()]


MODULES = stems("plugins/modules/*.py") + stems("plugins/modules/*.ps1")
ACTIONS = stems("plugins/action/*.py")
ROLES = stems("roles/*")
SOURCES = sorted(ROOT.glob("extensions/eda/plugins/event_source/*.py"))
RULEBOOKS = sorted(ROOT.glob("extensions/eda/rulebooks/*.yml"))


# --- modules and action plugins


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_plugin_has_a_module_that_documents_it(action: str) -> None:
    assert action in MODULES


def test_the_action_group_names_all_modules_that_have_an_action_plugin_and_no_others() -> None:
    # Others run on hosts, or tell libraries, and know no drive table.
    groups = load("meta/runtime.yml")["action_groups"]
    assert sorted(groups["drive_sharing"]) == [name for name in ACTIONS if not name.startswith("library_")]


def constants(path: Path) -> dict[str, Any]:
    """Read the string constants at the top of a file without running it."""
    found = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.targets[0], ast.Name)
        ):
            found[node.targets[0].id] = node.value.value
    return found


@pytest.mark.parametrize("module", stems("plugins/modules/*.py"))
def test_the_documentation_of_a_module_names_it_fully(module: str) -> None:
    texts = constants(ROOT / "plugins" / "modules" / f"{module}.py")
    documentation = yaml.safe_load(texts["DOCUMENTATION"])
    assert documentation["module"] == module
    tasks = yaml.safe_load(texts["EXAMPLES"])
    assert f"{NAME}.{module}:" in texts["EXAMPLES"], "an example calls the module by its full name"
    assert isinstance(tasks, list)
    assert not documentation["short_description"].endswith(".")


# --- roles


def options(role: str) -> dict[str, dict[str, Any]]:
    return {
        entry: spec.get("options", {})
        for entry, spec in load(f"roles/{role}/meta/argument_specs.yml")["argument_specs"].items()
    }


@pytest.mark.parametrize("role", ROLES)
def test_a_role_specifies_the_arguments_of_each_entry_point(role: str) -> None:
    entries = set(stems(f"roles/{role}/tasks/*.yml"))
    specified = set(options(role))
    # A main.yml that only says which entry points there are takes no arguments.
    assert entries - {"main"} == specified - {"main"}


@pytest.mark.parametrize("role", ROLES)
def test_the_defaults_of_a_role_are_those_of_its_specs(role: str) -> None:
    path = ROOT / "roles" / role / "defaults" / "main.yml"
    defaults = (load(path) or {}) if path.exists() else {}
    specified: dict[str, Any] = {}
    known = set()
    for entry, wanted in options(role).items():
        for name, option in wanted.items():
            known.add(name)
            if "default" in option:
                assert specified.setdefault(name, option["default"]) == option["default"], (
                    f"{entry} disagrees on {name}"
                )
            elif option.get("required"):
                assert name not in defaults, f"{name} is required, so a default of it would never be used"
    # What is worked out from other variables has no value that a specification could give.
    fixed = {name: value for name, value in defaults.items() if "{{" not in str(value)}
    assert fixed == specified
    assert sorted(set(defaults) - known) == [], "defaults that no entry point specifies"


@pytest.mark.parametrize("role", ROLES)
def test_the_variables_of_a_role_start_with_its_name_or_that_of_the_collection(role: str) -> None:
    names = {name for wanted in options(role).values() for name in wanted}
    assert sorted(name for name in names if not name.startswith((f"{role}_", "drive_sharing_"))) == []


@pytest.mark.parametrize("kind", ["application", "library"])
def test_roles_of_one_kind_can_be_called_alike(kind: str) -> None:
    roles = [role for role in ROLES if role.startswith(f"{kind}_")]
    entry_points = {role: sorted(set(options(role)) - {"main"}) for role in roles}
    wanted = {"application": ["offline", "online", "query"], "library": ["clear_error", "force_error", "query"]}[kind]
    assert entry_points == dict.fromkeys(roles, wanted)
    shapes: dict[tuple[str, str], dict[str, Any]] = {}
    for role in roles:
        for entry, found in options(role).items():
            for name, option in found.items():
                common = name.removeprefix(f"{role}_")
                shape = {key: option.get(key) for key in ("type", "elements", "required", "choices")}
                assert shapes.setdefault((entry, common), shape) == shape, (
                    f"{role} takes another kind of {common} in {entry}"
                )


# --- events


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_the_documentation_of_an_event_source_can_be_read(source: Path) -> None:
    # No tool looks at it: ansible-test and ansible-doc do not know event sources.
    texts = constants(source)
    documentation = yaml.safe_load(texts["DOCUMENTATION"])
    assert {"short_description", "description", "options"} <= set(documentation)
    assert f"{NAME}.{source.stem}" in texts["EXAMPLES"]
    kinds = {"str", "int", "float", "bool", "list", "dict", "path", "raw"}

    def check(given: dict[str, Any]) -> None:
        for name, option in given.items():
            assert option.get("type", "str") in kinds, name
            assert option.get("description"), name
            assert option.get("type") != "list" or option.get("elements") in kinds, name
            check(option.get("suboptions", {}))

    check(documentation["options"])
    yaml.safe_load(texts["EXAMPLES"])


def test_the_folders_of_event_plugins_are_announced() -> None:
    announced = {entry["args"]["ext_dir"] for entry in load("meta/extensions.yml")["extensions"]}
    present = {str(path.parent.relative_to(ROOT / "extensions")) for path in ROOT.glob("extensions/eda/plugins/*/*.py")}
    assert present <= announced


CHOSEN_BY_THE_SITE = "{{ drive_sharing_alert_playbook | default('') }}"


@pytest.mark.parametrize("rulebook", RULEBOOKS, ids=lambda path: path.stem)
def test_a_rulebook_runs_playbooks_of_ours_by_full_name(rulebook: Path) -> None:
    # By path, the engine copies the whole folder of the playbook for each action.
    names = re.findall(r"run_playbook:\s+name: *[\"']?(.+?)[\"']?\n", rulebook.read_text(encoding="utf-8"))
    # One is the site's: what tells a person of an alert. We ship none.
    ours = [name for name in names if name != CHOSEN_BY_THE_SITE]
    assert ours
    for name in ours:
        namespace, _dot, playbook = name.rpartition(".")
        assert namespace == NAME
        assert (ROOT / "playbooks" / f"{playbook}.yml").is_file()


# --- release


def test_the_version_is_the_same_wherever_it_is_written() -> None:
    version = load("galaxy.yml")["version"]
    written = {}
    for path in [*ROOT.glob("plugins/**/*.py"), *ROOT.glob("extensions/**/*.py"), *ROOT.glob("demo/**/*.py")]:
        for found in re.findall(
            r"^(?:__version__|(?:COLLECTION_)?VERSION) *= *\"(\d+\.\d+\.\d+)\"",
            path.read_text(encoding="utf-8"),
            re.MULTILINE,
        ):
            written[str(path.relative_to(ROOT))] = found
    assert {path: found for path, found in written.items() if found != version} == {}


def parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def pins() -> dict[str, str]:
    lines = (ROOT / "requirements" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return {
        name.lower().replace("_", "-"): version
        for line in lines
        if "==" in line
        for name, version in [line.split("==")]
    }


def test_the_oldest_core_that_is_tested_is_the_oldest_that_is_promised() -> None:
    promised = load("meta/runtime.yml")["requires_ansible"].removeprefix(">=")
    tested = [path.stem.removeprefix("core-") for path in ROOT.glob("requirements/core-*.txt")]
    assert parts(promised)[:2] == min(parts(core) for core in tested)


def test_what_the_execution_environment_needs_is_what_is_tested() -> None:
    lines = (ROOT / "meta" / "ee-requirements.txt").read_text(encoding="utf-8").splitlines()
    wanted = [line.split(">=") for line in lines if line and not line.startswith("#")]
    assert sorted(name for name, _bound in wanted) == ["cryptography", "psycopg", "pysnmp"]
    for name, bound in wanted:
        assert parts(bound) <= parts(pins()[name])


@pytest.mark.parametrize(
    "file", sorted(path.name for path in (ROOT / "requirements").glob("*.txt") if path.name != "constraints.txt")
)
def test_every_python_package_is_pinned(file: str) -> None:
    lines = (ROOT / "requirements" / file).read_text(encoding="utf-8").splitlines()
    names = [line for line in lines if line and not line.startswith(("#", "--"))]
    loose = [
        name
        for name in names
        if "==" not in name and re.split(r"[\[;]", name)[0].lower().replace("_", "-") not in pins()
    ]
    assert loose == []
    assert file.startswith("core-") or "--constraint constraints.txt" in lines


# --- files


# REUSE-IgnoreStart
def test_every_file_says_its_licence() -> None:
    annotated = {".json", ".md", ".rst"}
    free = {"COPYING", "REUSE.toml", "changelogs/changelog.yaml"}
    silent = []
    for path in tracked():
        name = path.relative_to(ROOT)
        if str(name) in free or path.suffix in annotated or name.parts[0] == "LICENSES" or "fixtures" in name.parts:
            continue
        head = path.read_bytes()[:1500].decode("utf-8", errors="replace")
        if "SPDX-License-Identifier:" not in head and not path.with_name(path.name + ".license").exists():
            silent.append(str(name))
    assert silent == []


# REUSE-IgnoreEnd


def test_no_package_file_has_content() -> None:
    assert [str(path) for path in tracked() if path.name == "__init__.py" and path.stat().st_size] == []


def test_nothing_is_exempt_from_the_sanity_tests() -> None:
    assert [str(path) for path in tracked() if path.parent.name == "sanity" and path.name.startswith("ignore-")] == []
