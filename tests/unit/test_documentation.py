# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation says has to be true of the code, and the other way round."""

from __future__ import annotations

import ast
import importlib
import re
import stat
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _application,
    _decision,
    _host_variables,
    _policy,
    _source,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._applications import bacula, custom
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import (
    _snmp_arguments,
    _snmp_map_check,
    _snmp_maps,
)

ROOT = Path(__file__).resolve().parents[2]
NAME = "tapeworks.drive_sharing"
PACKAGE = f"ansible_collections.{NAME}.plugins"
MODULES = sorted(path.stem for path in ROOT.glob("plugins/modules/*.py"))
# Others are run on hosts by an action plugin of ours.
WITH_ACTION = [module for module in MODULES if (ROOT / f"plugins/action/{module}.py").is_file()]
PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("roles/*/README.md")]
    if path.name != "CHANGELOG.md"
)
VARIABLES = ROOT / "docs" / "variables.md"
EXAMPLE = ROOT / "inventories" / "example"
APPLICATIONS = {
    path.stem: _application.load(path.stem) for path in sorted(ROOT.glob("plugins/plugin_utils/_applications/[a-z]*.py"))
}
PREFIXES = (
    "drive_sharing_",
    "reservation_sender_",
    *(f"application_{name}_" for name in APPLICATIONS),
    *(f"{path.name}_" for path in sorted(ROOT.glob("roles/library_*"))),
)
EXAMPLE_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


# --- modules


def constants(path: Path) -> dict[str, str]:
    """Read the strings at the top of a file, or of its class, without running it."""
    found: dict[str, str] = {}
    for node in ast.walk(ast.parse(text(path))):
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.targets[0], ast.Name)
        ):
            found[node.targets[0].id] = str(node.value.value)
    return found


FRAGMENTS = constants(ROOT / "plugins" / "doc_fragments" / "_attributes.py")


def documented_options(module: str) -> dict[str, Any]:
    documentation = yaml.safe_load(constants(ROOT / "plugins" / "modules" / f"{module}.py")["DOCUMENTATION"])
    options = dict(documentation.get("options", {}))
    for name in documentation["extends_documentation_fragment"]:
        part = name.removeprefix(f"{NAME}._attributes").removeprefix(".").upper() or "DOCUMENTATION"
        options |= yaml.safe_load(FRAGMENTS[part]).get("options") or {}
    return options


def arguments(module: str) -> dict[str, Any]:
    return importlib.import_module(f"{PACKAGE}.action.{module}").ActionModule.ARGUMENTS


def shape(options: Mapping[str, Any], nested: str) -> dict[str, Any]:
    return {
        name: {
            "type": option.get("type", "str"),
            "elements": option.get("elements"),
            "required": bool(option.get("required", False)),
            "default": option.get("default"),
            "choices": sorted(option["choices"]) if option.get("choices") else None,
            "options": shape(option[nested], nested) if option.get(nested) else None,
        }
        for name, option in options.items()
    }


@pytest.mark.parametrize("module", WITH_ACTION)
def test_the_options_of_a_module_are_the_arguments_of_its_action_plugin(module: str) -> None:
    assert shape(documented_options(module), "suboptions") == shape(arguments(module), "options")


def tasks(plays: Any) -> Iterator[Mapping[str, Any]]:
    for entry in plays:
        if "hosts" in entry:
            yield from tasks(entry.get("tasks", []))
        elif "block" in entry:
            yield from tasks(entry["block"])
        else:
            yield entry


def check_tasks(plays: Any, place: str) -> int:
    """Check every task of ours against the action plugin's arguments; give their number."""
    number = 0
    for task in tasks(plays):
        for key, given in task.items():
            module = key.removeprefix(f"{NAME}.")
            if module == key:
                continue
            number += 1
            # A template has no type of its own.
            plain = {name: value for name, value in (given or {}).items() if "{{" not in str(value)}
            result = ArgumentSpecValidator(arguments(module)).validate(plain)
            assert result.error_messages == [], f"{place}: {task.get('name')}"
    return number


@pytest.mark.parametrize("module", WITH_ACTION)
def test_the_examples_of_a_module_can_be_run_as_playbooks(module: str) -> None:
    plays = yaml.safe_load(constants(ROOT / "plugins" / "modules" / f"{module}.py")["EXAMPLES"])
    for play in plays:
        assert {"name", "hosts", "tasks"} <= set(play)
    assert check_tasks(plays, module) > 0


@pytest.mark.parametrize("module", MODULES)
def test_what_a_module_returns_is_described(module: str) -> None:
    returned = yaml.safe_load(constants(ROOT / "plugins" / "modules" / f"{module}.py")["RETURN"])
    for name, value in returned.items():
        assert {"description", "returned", "type"} <= set(value), name


def test_every_outcome_is_documented_and_no_other() -> None:
    returned = yaml.safe_load(constants(ROOT / "plugins" / "modules" / "application_drive.py")["RETURN"])
    lines = returned["drives"]["contains"]["outcome"]["description"]
    explained = {match.group(1) for line in lines if (match := re.match(r"V\((\w+)\):", line))}
    assert explained == {*_decision.OUTCOMES, "refused", "silent"}
    confirming = set(re.findall(r"V\((\w+)\)", lines[0]))
    assert not confirming & (_decision.ASKED_AGAIN | {"unreadable", "refused", "silent"})
    assert confirming == set(_decision.OUTCOMES) - _decision.ASKED_AGAIN - {"unreadable"}


def test_the_decision_table_of_the_architecture_has_every_outcome_and_no_other() -> None:
    section = text(ROOT / "docs" / "architecture.md").partition("## The decision table")[2].partition("\n## ")[0]
    rows = [line.split("|")[2] for line in section.splitlines() if line.startswith("|")][2:]
    named = {match.group(1) for row in rows if (match := re.match(r" `(\w+)`", row))}
    assert named == set(_decision.OUTCOMES)


# --- variables


def first_column() -> set[str]:
    """The variables that docs/variables.md explains: those at the beginning of a table's line."""
    return {
        name
        for line in text(VARIABLES).splitlines()
        if (match := re.match(r"\| (`[^|]*?) \|", line))
        for name in re.findall(r"`(\w+)`", match.group(1))
        if name.startswith(PREFIXES)
    }


def own_names() -> set[str]:
    """What playbooks and roles register, or set for their own tasks: names of the collection itself, not to be set."""
    found: set[str] = set()

    def look(value: Any) -> None:
        if isinstance(value, dict):
            found.add(str(value.get("register")))
            # What one playbook hands to another is there to be set.
            own = isinstance(value.get("vars"), dict) and "ansible.builtin.import_playbook" not in value
            found.update(value["vars"] if own else ())
            for inner in value.values():
                look(inner)
        for inner in value if isinstance(value, list) else ():
            look(inner)

    for path in [*ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("playbooks/*.yml")]:
        look(yaml.safe_load(text(path)))
    # Library roles set it as a fact, under a name that is worked out.
    found.add("drive_sharing_library_result")
    return {name for name in found if name.startswith(PREFIXES)}


def in_yaml() -> set[str]:
    files = [*ROOT.glob("roles/*/*/*.yml"), *ROOT.glob("playbooks/*.yml"), *ROOT.glob("extensions/eda/rulebooks/*.yml")]
    found: set[str] = set()
    for path in files:
        for line in text(path).splitlines():
            code = re.sub(r"^\s*#.*|(?<=\s)# .*", "", line)
            found |= set(re.findall(rf"(?<![\w.])(?:{'|'.join(PREFIXES)})[a-z0-9_]+", code))
    return found


def in_python() -> set[str]:
    found = {f"drive_sharing_{field.name}" for field in fields(_policy.Policy)}
    found |= {f"application_{name}_{option}" for name, file in APPLICATIONS.items() for option in file.OPTIONS}
    for path in [*ROOT.glob("plugins/**/*.py"), *ROOT.glob("extensions/**/*.py")]:
        for node in ast.walk(ast.parse(text(path))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                name = node.value
                if re.fullmatch(rf"(?:{'|'.join(PREFIXES)})[a-z0-9_]*[a-z0-9]", name):
                    found.add(name)
    return found


#: What begins like a variable and is none.
NO_VARIABLES = {
    "drive_sharing_facts",  # the first words of what the host's script prints
}


def test_every_variable_is_documented_and_every_documented_one_is_used() -> None:
    used = (in_yaml() | in_python()) - NO_VARIABLES
    assert sorted(used - first_column() - own_names()) == [], "used and not in docs/variables.md"
    assert sorted(first_column() - used) == [], "in docs/variables.md and not used"
    assert sorted(first_column() & own_names()) == [], "both to be set and not to be set"


def test_every_variable_that_a_page_names_exists() -> None:
    known = first_column() | own_names()
    for page in PAGES:
        named = {name for name in re.findall(r"`(\w+)`", text(page)) if name.startswith(PREFIXES)}
        named = {name for name in named if not name.endswith("_")}
        assert sorted(named - known) == [], relative(page)


def default_of(name: str) -> str:
    for line in text(VARIABLES).splitlines():
        if line.startswith(f"| `{name}` |"):
            # A table has its own strokes.
            return line.split(" | ")[2].replace("\\|", "|")
    raise AssertionError(name)


def test_the_defaults_of_the_policies_are_as_documented() -> None:
    for field in fields(_policy.Policy):
        default = field.default
        written = f"[{', '.join(default)}]" if isinstance(default, tuple) else str(default)
        assert default_of(f"drive_sharing_{field.name}").strip("`") == written, field.name


def as_written(spec: Mapping[str, Any]) -> str:
    """Give the default of an option as the page writes it."""
    default = spec.get("default")
    if default is None:
        return "required" if spec.get("required") else "none"
    if isinstance(default, bool):
        return str(default).lower()
    return f"[{', '.join(map(str, default))}]" if isinstance(default, list) else str(default)


@pytest.mark.parametrize("name", APPLICATIONS)
def test_the_defaults_of_an_application_are_as_documented(name: str) -> None:
    for option, spec in APPLICATIONS[name].OPTIONS.items():
        assert default_of(f"application_{name}_{option}").strip("`") == as_written(spec), option


def test_every_application_is_looked_at_here() -> None:
    files = {path.stem for path in ROOT.glob("plugins/plugin_utils/_applications/*.py")}
    assert files == set(APPLICATIONS) == {path.name.removeprefix("application_") for path in ROOT.glob("roles/application_*")}


def test_the_policies_table_of_the_readme_agrees() -> None:
    section = text(ROOT / "README.md").partition("## Policies")[2].partition("\n## ")[0]
    policies = {f"drive_sharing_{field.name}" for field in fields(_policy.Policy)}
    assert policies <= set(re.findall(r"`(\w+)`", section))


# --- pages


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: str
    language: str
    body: str


def blocks(page: Path, language: str | None = None) -> list[Block]:
    found = [Block(relative(page), *match.groups()) for match in EXAMPLE_FENCE.finditer(text(page))]
    return [block for block in found if language in (None, block.language)]


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_links_within_the_documents_lead_somewhere(page: Path) -> None:
    prose = EXAMPLE_FENCE.sub("", text(page))
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if re.match(r"[a-z]+:", target):
            continue
        name, _hash, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.*)$", EXAMPLE_FENCE.sub("", text(path)), re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
            assert anchor in anchors, target


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_a_page_says_its_licence_and_has_one_title(page: Path) -> None:
    body = EXAMPLE_FENCE.sub("", text(page))
    assert len(re.findall(r"^# ", body, re.MULTILINE)) == 1


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_yaml_in_the_documents_can_be_read_and_our_tasks_in_it_be_run(page: Path) -> None:
    for block in blocks(page, "yaml"):
        content = yaml.safe_load(block.body)
        assert content is not None
        if isinstance(content, list):
            check_tasks(content, block.page)


def test_the_make_targets_that_the_documents_name_exist() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", text(ROOT / "Makefile"), re.MULTILINE))
    for page in PAGES:
        body = text(page)
        named = set(re.findall(r"`make ([a-z0-9-]+)", body)) | set(
            re.findall(r"^make ([a-z0-9-]+)$", body, re.MULTILINE)
        )
        assert sorted(named - targets) == [], relative(page)


def test_the_quick_start_is_two_commands() -> None:
    section = text(ROOT / "README.md").partition("## Quick start")[2].partition("\n## ")[0]
    commands = [match.group(2) for match in EXAMPLE_FENCE.finditer(section)]
    assert commands == ["make demo\nmake test\n"]


def test_the_versions_that_the_readme_promises_are_those_that_are_tested() -> None:
    section = text(ROOT / "README.md").partition("## Versions")[2].partition("\n## ")[0]
    cores = sorted(path.stem.removeprefix("core-") for path in ROOT.glob("requirements/core-*.txt"))
    assert f"| ansible-core | {', '.join(cores)} |" in section
    assert f"Version {yaml.safe_load(text(ROOT / 'galaxy.yml'))['version']}" in text(ROOT / "README.md")


def test_the_readme_names_everything_that_is_in_the_collection() -> None:
    section = text(ROOT / "README.md").partition("## What is in it")[2].partition("\n## ")[0]
    roles = {path.name for path in ROOT.glob("roles/*")}
    content = {*MODULES, *roles, *(path.stem for path in ROOT.glob("playbooks/*.yml"))}
    content |= {path.stem for path in ROOT.glob("extensions/eda/plugins/event_source/*.py")}
    content |= {path.stem for path in ROOT.glob("plugins/filter/*.yml")}
    words = set(re.findall(r"\w+", section))
    assert sorted(content - words) == []


# --- the worked example of the README


def block_with(page: Path, words: str, language: str = "yaml") -> Any:
    found = [block for block in blocks(page, language) if words in block.body]
    assert len(found) == 1, f"{len(found)} blocks of {relative(page)} have {words}"
    return yaml.safe_load(found[0].body) if language == "yaml" else found[0].body


def application_options(variables: Mapping[str, Any]) -> dict[str, Any]:
    return custom.check(_application.options_of("custom", custom, variables, {}))


README_EXAMPLE = (ROOT / "README.md", "application_custom_query_command")


def test_the_listing_of_the_readme_is_understood_by_its_patterns() -> None:
    options = application_options(block_with(*README_EXAMPLE))
    command, listing = block_with(ROOT / "README.md", "LTO_01", "console").split("\n", 1)
    targets = [_application.Target("1310211169"), _application.Target("1310211170")]
    assert custom.queries(options, targets) == [command.removeprefix("$ ").split()]
    reading = custom.read(options, targets, [Answered(listing)])
    assert {drive: (found.state, found.in_use) for drive, found in reading.drives.items()} == {
        "1310211169": ("online", False),
        "1310211170": ("online", True),
    }


@dataclass(frozen=True)
class Answered:
    """What the guarded step gives of a command."""

    output: str
    rc: int = 0
    timed_out: bool = False
    truncated: bool = False


def test_the_worked_example_of_the_readme_sets_a_drive_offline_and_online(tmp_path: Path) -> None:
    program = ROOT / "demo" / "backup_application"
    assert program.stat().st_mode & stat.S_IXUSR
    options = application_options(block_with(*README_EXAMPLE))

    def run(words: list[str]) -> Answered:
        assert words[:3] == ["/opt/nightly/bin/backup_application", "--state", "/var/lib/nightly"]
        done = subprocess.run([program, "--state", tmp_path, *words[3:]], capture_output=True, text=True, check=False)
        return Answered(done.stdout, done.returncode)

    for name, serial in (("LTO_01", "1310211169"), ("LTO_02", "1310211170")):
        subprocess.run([program, "--state", tmp_path, "add", name, serial], check=True)
    targets = [_application.Target("1310211169"), _application.Target("1310211170")]
    for state in ("offline", "online"):
        before = custom.read(options, targets, [run(words) for words in custom.queries(options, targets)])
        assert [found.state == state for found in before.drives.values()] == [False, False]
        names = {drive: found.names for drive, found in before.drives.items()}
        for setting in custom.settings(options, state, names, targets):
            for words in setting.commands:
                assert run([word if isinstance(word, str) else word[1] for word in words]).rc == 0
        after = custom.read(options, targets, [run(words) for words in custom.queries(options, targets)])
        assert {found.state for found in after.drives.values()} == {state}


def test_the_options_in_the_page_and_the_role_on_bacula_are_valid() -> None:
    """What stands there as inventory is taken by the application; the console's file is the one that the page tells of."""
    variables: dict[str, Any] = {}
    for page in (ROOT / "docs" / "application_bacula.md", ROOT / "roles" / "application_bacula" / "README.md"):
        for block in blocks(page, "yaml"):
            content = yaml.safe_load(block.body)
            given = {key: value for key, value in content.items() if "_" in key} if isinstance(content, dict) else {}
            variables |= given
            _host_variables.applications(given.get("drive_sharing_applications"), "director1")
            if "application_bacula_storages" in given:
                bacula.check(_application.options_of("bacula", bacula, given, {}))
    assert bacula.check(_application.options_of("bacula", bacula, variables, {}))["devices"]
    assert variables["application_bacula_console_file"] in text(ROOT / "docs" / "application_bacula.md")


def test_the_role_shows_the_same_example_as_the_readme() -> None:
    role = block_with(ROOT / "roles" / "application_custom" / "README.md", "application_custom_query_command")
    assert role == block_with(*README_EXAMPLE)


# --- event source


def with_secrets(arguments: Any, folder: Path) -> Any:
    """Put files that exist in place of those that the example names."""
    secret = folder / "passphrase"
    secret.write_text("correct horse battery\n", encoding="utf-8")
    secret.chmod(0o600)

    def put(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: str(secret) if str(key).endswith("_file") else put(inner) for key, inner in value.items()}
        return [put(inner) for inner in value] if isinstance(value, list) else value

    return put(arguments)


def check_source(arguments: dict[str, Any], folder: Path) -> None:
    config = _source.check(with_secrets(arguments, folder))
    assert set(config.detectors) == {"snmp"}


def test_the_source_takes_the_options_of_the_readme(tmp_path: Path) -> None:
    variables = block_with(ROOT / "README.md", "drive_sharing_snmp:")
    assert set(variables) <= first_column()
    check_source({"snmp": variables["drive_sharing_snmp"], "site": variables["drive_sharing_site"]}, tmp_path)


def test_the_source_takes_the_options_of_the_page_on_snmp(tmp_path: Path) -> None:
    for block in blocks(ROOT / "docs" / "event_source_snmp.md", "yaml"):
        check_source({"snmp": yaml.safe_load(block.body)["drive_sharing_snmp"]}, tmp_path)


def test_the_page_on_snmp_names_every_option_and_no_other() -> None:
    tables = "\n".join(
        # What stands behind this heading is what is told, not what is given.
        line for line in text(ROOT / "docs" / "event_source_snmp.md").split("\n## What becomes")[0].splitlines()
        if line.startswith("| `")
    )
    named = set(re.findall(r"`(\w+)`", "\n".join(line.split("|")[1] for line in tables.splitlines())))
    known = {
        *_snmp_arguments.OPTIONS,
        *_snmp_arguments._USER_OPTIONS,
        *_snmp_map_check.FIELDS,
        *_snmp_maps.SHIPPED,
        "notification",
    }
    assert named ^ known <= {"allow_weak"}  # it stands beside auth_protocol


def test_the_source_takes_the_options_of_its_own_example(tmp_path: Path) -> None:
    path = ROOT / "extensions" / "eda" / "plugins" / "event_source" / "reservations.py"
    rulesets = yaml.safe_load(constants(path)["EXAMPLES"])
    for source in rulesets[0]["sources"]:
        check_source(source[f"{NAME}.reservations"], tmp_path)


# --- the example inventory


def example_variables() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in [*EXAMPLE.glob("group_vars/*.yml"), *EXAMPLE.glob("host_vars/*.yml")]:
        yield relative(path), yaml.safe_load(text(path)) or {}


def test_the_example_inventory_uses_documented_variables_only() -> None:
    for place, variables in example_variables():
        given = {name for name in variables if not name.startswith("ansible_")}
        assert sorted(given - first_column()) == [], place


def test_what_the_example_inventory_says_of_hosts_is_valid() -> None:
    for _place, variables in example_variables():
        _host_variables.applications(variables.get("drive_sharing_applications"), "backup1")
        _host_variables.drives(variables.get("drive_sharing_drives"))
        _host_variables.ports(variables.get("drive_sharing_ports"))
        _host_variables.managed(variables.get("drive_sharing_managed"))
        _policy.policy(variables)
        if "application_custom_query_command" in variables:
            application_options(variables)


def test_the_archive_of_the_example_inventory_is_asked_drive_by_drive() -> None:
    options = application_options(yaml.safe_load(text(EXAMPLE / "group_vars" / "archive.yml")))
    targets = [_application.Target("1310211169"), _application.Target("1310211170")]
    assert custom.queries(options, targets) == [
        ["/opt/archive/sbin/drivectl", "show", "A1"],
        ["/opt/archive/sbin/drivectl", "show", "A2"],
    ]
    answers = [Answered("drive A1: enabled, running job 7\n"), Answered("drive A2: disabled, idle\n")]
    reading = custom.read(options, targets, answers)
    assert reading.problems == {}
    assert {drive: (found.state, found.in_use) for drive, found in reading.drives.items()} == {
        "1310211169": ("online", True),
        "1310211170": ("offline", False),
    }


def test_the_excerpt_of_the_example_inventory_in_the_readme_is_what_stands_there() -> None:
    excerpt = block_with(ROOT / "README.md", "# inventories/example/group_vars/nightly.yml")
    assert excerpt == yaml.safe_load(text(EXAMPLE / "group_vars" / "nightly.yml"))


def test_the_example_inventory_has_documentation_addresses_only() -> None:
    for path in EXAMPLE.rglob("*.yml"):
        body = text(path)
        for address in re.findall(r"\b\d+\.\d+\.\d+\.\d+\b", body):
            assert address.startswith(("192.0.2.", "198.51.100.", "203.0.113.")), relative(path)
        for name in re.findall(r"https?://([\w.-]+)", body):
            assert name.endswith((".example", ".example.com", "gnu.org")), relative(path)
