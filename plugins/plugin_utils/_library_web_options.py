# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of a library that is told by HTTP, and their check. Pure. Private: may change at any time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _identifiers
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError

AUTHENTICATION = ("basic", "bearer", "session", "none")
OPTIONS: dict[str, dict[str, Any]] = {
    "url": {"type": "str", "default": ""},
    "authentication": {"type": "str", "choices": [*AUTHENTICATION], "default": "basic"},
    "user": {"type": "str", "default": ""},
    "password_file": {"type": "str", "default": ""},
    "login_path": {"type": "str", "default": ""},
    "login_method": {"type": "str", "choices": ["POST", "GET"], "default": "POST"},
    "login_fields": {"type": "dict", "default": {"user": "user", "password": "password"}},
    "login_token": {"type": "str", "default": ""},
    "logout_path": {"type": "str", "default": ""},
    "ca_file": {"type": "str", "default": ""},
    "validate_certs": {"type": "bool", "default": True},
}
_URL = re.compile(r"(https?)://(?:[0-9A-Za-z.-]+|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?(?:/[0-9A-Za-z._~/-]*)?")
PATH = re.compile(r"/[^\s\x00-\x1f\x7f#]{0,1000}")


def check(options: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Check the options of HTTP; gives all options."""
    address = _URL.fullmatch(options["url"])
    if not address:
        msg = f"it has no address; give its host variable library_{kind}_url, as in https://library.example"
        raise InvalidValueError(msg)
    secret = options["authentication"] != "none"
    if address.group(1) == "http" and secret and options["validate_certs"]:
        msg = (
            f"library_{kind}_url is http, which shows the password to everybody on the way; use https, or say by"
            f" library_{kind}_validate_certs: false that nothing is checked"
        )
        raise InvalidValueError(msg)
    if secret and not options["password_file"]:
        msg = f"give the name of a file on the controller that holds its password by its host variable library_{kind}_password_file"
        raise InvalidValueError(msg)
    if options["authentication"] in ("basic", "session") and not options["user"]:
        msg = f"give the user by its host variable library_{kind}_user"
        raise InvalidValueError(msg)
    if options["authentication"] == "basic" and ":" in options["user"]:
        msg = f"library_{kind}_user must be a name without a colon, not {_identifiers.shown(options['user'])}"
        raise InvalidValueError(msg)
    for option in ("login_path", "logout_path"):
        needed = option == "login_path" and options["authentication"] == "session"
        if (options[option] or needed) and not PATH.fullmatch(options[option]):
            msg = f"library_{kind}_{option} must be a path such as /v1/login, not {_identifiers.shown(options[option])}"
            raise InvalidValueError(msg)
    fields = options["login_fields"]
    if set(fields) != {"user", "password"} or not all(isinstance(name, str) and name for name in fields.values()):
        msg = f"library_{kind}_login_fields must be a mapping of user and password to the names that the library has for them"
        raise InvalidValueError(msg)
    return {**options, "url": options["url"].rstrip("/")}
