# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In what a role application_<name> and its file in _applications differ from all others: one sentence for each difference."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

ENTRY_POINTS = {"offline": "application_drive", "online": "application_drive", "query": "application_drive_info"}
#: What is given for the call, in every role alike.
COMMON = {
    "drives": {"type": "list", "elements": "str", "default": []},
    "instance": {"type": "str", "default": ""},
}
FILES = {
    "README.md", "defaults/main.yml", "meta/argument_specs.yml",
    *(f"tasks/{entry}.yml" for entry in (*ENTRY_POINTS, "main")),
}
SPEC_KEYS = {"short_description", "description", "author", "version_added", "attributes", "options"}
OPTION_KEYS = {"type", "elements", "default", "choices", "required", "options"}
#: The functions of a file, and their parameters.
FUNCTIONS = {
    "check": ["options"],
    "queries": ["options", "targets"],
    "read": ["options", "targets", "answers"],
    "settings": ["options", "state", "names", "targets"],
}
MORE_FUNCTIONS = {"recheck": ["options"], "said": ["options", "state", "names", "answers"]}
PURE = {
    "__future__", "base64", "collections", "csv", "dataclasses", "fnmatch", "functools", "io", "itertools", "json", "re", "shlex",
    "types", "typing", "xml",
}
UTILS = "ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils"


def differences(root: Path, name: str, file: ModuleType) -> list[str]:
    """Give what is other than in all roles; ``root`` is the collection's."""
    return [*of_role(root / "roles" / f"application_{name}", name, file), *of_file(file, name)]


def of_role(role: Path, name: str, file: ModuleType) -> Iterator[str]:
    """Look at the role's files."""
    found = {str(path.relative_to(role)) for path in role.rglob("*") if path.is_file()}
    yield from (f"{path} is missing" for path in sorted(FILES - found))
    yield from (f"{path} is more than the others have" for path in sorted(found - FILES))
    if not found >= FILES:
        return
    specs = _yaml(role / "meta" / "argument_specs.yml")["argument_specs"]
    yield from _of_specs(specs, name, file)
    yield from _of_defaults(_yaml(role / "defaults" / "main.yml"), specs, name)
    main = _yaml(role / "tasks" / "main.yml")
    if len(main) != 1 or list(main[0]) != ["name", "ansible.builtin.fail"]:
        yield "tasks/main.yml does something else than to refuse"
    for entry in ENTRY_POINTS:
        yield from _of_tasks(_yaml(role / "tasks" / f"{entry}.yml"), entry, name)
    page = (role / "README.md").read_text(encoding="utf-8")
    yield from (f"README.md has no row for `{entry}`" for entry in ENTRY_POINTS if f"| `{entry}` |" not in page)
    if f"`application_{name}_result`" not in page:
        yield f"README.md does not name `application_{name}_result`"


def _of_specs(specs: Mapping[str, Any], name: str, file: ModuleType) -> Iterator[str]:
    if set(specs) != set(ENTRY_POINTS):
        yield f"the entry points are {', '.join(sorted(specs))}"
        return
    prefix = f"application_{name}_"
    # What is required may stand in drive_sharing_applications instead, so the role cannot insist on it.
    wanted = {prefix + option: _shape(spec) for option, spec in {**file.OPTIONS, **COMMON}.items()}
    for entry, spec in specs.items():
        yield from (f"{entry} has no {key}" for key in sorted(SPEC_KEYS - set(spec)))
        if not {"check_mode", "diff_mode"} <= set(spec.get("attributes", ())):
            yield f"{entry} does not say what it does in check mode and with --diff"
        if f"C(application_{name}_result)" not in " ".join(spec.get("description", ())):
            yield f"{entry} does not say that it leaves application_{name}_result"
        options = spec.get("options", {})
        for option in sorted(set(wanted) | set(options)):
            if option not in options:
                yield f"{entry} has no option {option}"
            elif option not in wanted:
                yield f"{entry} has the option {option}, which the file does not have"
            elif _shape(options[option]) != wanted[option]:
                yield f"{option} of {entry} is {_shape(options[option])}, in the file {wanted[option]}"
            elif not options[option].get("description") or options[option].get("required"):
                yield f"{option} of {entry} has no description, or is required"


def _of_defaults(defaults: Mapping[str, Any], specs: Mapping[str, Any], name: str) -> Iterator[str]:
    options = specs.get("query", {}).get("options", {})
    wanted = {option: spec["default"] for option, spec in options.items() if "default" in spec}
    for option in sorted({*wanted, *defaults}):
        if option not in wanted:
            yield f"defaults/main.yml has {option}, which has no default in the argument specs"
        elif option not in defaults:
            yield f"defaults/main.yml has no {option}"
        elif defaults[option] != wanted[option] or type(defaults[option]) is not type(wanted[option]):
            yield f"defaults/main.yml has {defaults[option]!r} for {option}, the argument specs {wanted[option]!r}"
    yield from (f"{option} does not begin with application_{name}_" for option in defaults if not option.startswith(f"application_{name}_"))


def _of_tasks(tasks: Any, entry: str, name: str) -> Iterator[str]:
    expected: dict[str, Any] = {
        "application": name, "instance": f"{{{{ application_{name}_instance | default(omit, true) }}}}",
        "drives": f"{{{{ application_{name}_drives }}}}",
    }
    if entry == "query":
        expected["drives"] = f"{{{{ application_{name}_drives | default(omit, true) }}}}"
    else:
        expected["state"] = entry
    wanted = {f"tapeworks.drive_sharing.{ENTRY_POINTS[entry]}": expected, "register": f"application_{name}_result"}
    if len(tasks) != 1 or {key: value for key, value in tasks[0].items() if key != "name"} != wanted:
        yield f"tasks/{entry}.yml is not the one task of all roles"


def of_file(file: ModuleType, name: str) -> Iterator[str]:
    """Look at the file in _applications."""
    scopes = getattr(file, "SCOPES", None)
    if not isinstance(scopes, tuple) or not scopes or not set(scopes) <= {"host", "instance"} or len(set(scopes)) != len(scopes):
        yield f"SCOPES is {scopes!r}, not a tuple of host and instance"
    yield from _of_options(getattr(file, "OPTIONS", {}), name)
    for function, parameters in {**FUNCTIONS, **MORE_FUNCTIONS}.items():
        there = getattr(file, function, None)
        if there is None:
            if function in FUNCTIONS:
                yield f"there is no function {function}"
        elif (has := list(inspect.signature(there).parameters)) != parameters:
            yield f"{function} takes {', '.join(has)}, not {', '.join(parameters)}"
    public = {key for key in ("OPTIONS", "SCOPES", "SHELLS", *FUNCTIONS, *MORE_FUNCTIONS) if hasattr(file, key)}
    if set(getattr(file, "__all__", public)) != public:
        yield f"__all__ is {sorted(file.__all__)}, not {sorted(public)}"
    source = Path(file.__file__ or "")
    yield from _of_imports(ast.parse(source.read_text(encoding="utf-8")))
    if "Private: may change at any time." not in (file.__doc__ or ""):
        yield "its docstring does not say that it is private"
    yield from _of_refusal(file, name)


def _of_options(options: Mapping[str, Any], name: str) -> Iterator[str]:
    # The drives of a call must not become an option of the application, which is read from the same variables.
    yield from (f"the option {option} is the call's" for option in sorted(set(options) & set(COMMON)))
    for option, spec in options.items():
        surplus = sorted(set(spec) - OPTION_KEYS)
        if surplus or "type" not in spec:
            yield f"the option {option} has {', '.join(surplus) or 'no type'}"
        if spec.get("type") == "list" and "elements" not in spec:
            yield f"the option {option} is a list of what is not said"
        if any(word in option for word in ("password", "passphrase", "secret")) and not option.endswith("_file"):
            yield f"the option {option} seems to take a secret; application {name} may be given the path of a file"


def _of_imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            base = str(node.module)
            names = [f"{base}.{alias.name}" for alias in node.names] if base == UTILS else [base]
        for imported in names:
            if imported.startswith(f"{UTILS}._applications"):
                yield f"it imports {imported}: files of applications do not import each other"
            elif not imported.startswith(f"{UTILS}.") and imported.partition(".")[0] not in PURE:
                yield f"it imports {imported}, so it is not pure"


def _of_refusal(file: ModuleType, name: str) -> Iterator[str]:
    """What is wrong with an option is said with the name that its author wrote."""
    if not hasattr(file, "check"):
        return
    wrong: Any = object()
    for option in [None, *file.OPTIONS]:
        try:
            options = file.check({} if option is None else {option: wrong})
        except InvalidValueError as exc:
            if f"application_{name}_" not in str(exc):
                yield f"check refuses {option or 'no options'} without the name of the variable: {exc}"
        else:
            if option is None and list(file.queries(options, [])) and not isinstance(options, Mapping):
                yield "check gives no dictionary"


def _shape(option: Mapping[str, Any]) -> dict[str, Any]:
    return {key: option[key] for key in ("type", "elements", "default", "choices") if key in option}


def _yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))
