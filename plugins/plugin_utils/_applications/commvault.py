# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commvault, by qdrive with a token file. Private: may change at any time.

``qdrive`` sets, and is documented. What shows the state of a drive is not: ``qlist drive`` prints names only. So the query
is the site's own. A drive is known by its library and its name, ``LIBRARY/NAME``: names are unique in a library only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _secret_file
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._application import Reading, Said, Target
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._configured import Configured
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._configured_options import Product
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._foreign_text import failure_words

__all__ = ["OPTIONS", "SCOPES", "check", "queries", "read", "said", "settings"]


def _qdrive(verb: str) -> list[str]:
    return ["qdrive", verb, "-dr", "{name}", "-l", "{library}", "-tf", "{token_file}"]


_PRODUCT = Configured(
    Product(
        "commvault",
        defaults={
            "offline_command": _qdrive("disable"), "online_command": _qdrive("enable"),
            # The words of its states are not documented.
            "online_pattern": None, "offline_pattern": None,
        },
        more={"token_file": {"type": "str"}},
        forms=("token_file",),
        unverified="no command of Commvault that shows the states of drives is verified; docs/application_commvault.md says"
        " what to put here",
        libraries=True,
    )
)
OPTIONS = _PRODUCT.options
#: The database of the CommServe holds the state of a drive.
SCOPES = ("instance",)

settings = _PRODUCT.settings
_SESSION = re.compile(r"(?i)token|session|log[ -]?(?:i|o)n|logged")


def check(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options in their final form."""
    path = options.get("token_file")
    if path is not None and not (isinstance(path, str) and path.startswith("/") and not re.search(r"[\0\n]", path)):
        msg = f"application_commvault_token_file must be an absolute path, not {str(path)[:60]!r}"
        raise InvalidValueError(msg)
    final = _PRODUCT.check(options)
    for key in ("query_command", "offline_command", "online_command"):
        # A token is as good as a password, and command lines can be seen.
        if any(word.startswith("-tk") for word in final[key]):
            msg = f"application_commvault_{key} must not have -tk: others could see the token; use -tf and {{token_file}}"
            raise InvalidValueError(msg)
    return final


def queries(options: Mapping[str, Any], targets: Sequence[Target]) -> list[list[str]]:
    """Whether others can read the token, and the site's query."""
    asked = _PRODUCT.queries(options, targets)
    return [_secret_file.look(options["token_file"]), *asked] if asked and options["token_file"] else asked


def read(options: Mapping[str, Any], targets: Sequence[Target], answers: Sequence[Any]) -> Reading:
    """Find the drives in the answers."""
    if not options["token_file"] or not answers:
        return _PRODUCT.read(options, targets, answers)
    exposed = _secret_file.exposed(options["token_file"], answers[0], "the token")
    if exposed:
        return Reading(problems={target.drive: exposed for target in targets})
    reading = _PRODUCT.read(options, targets, answers[1:])
    reading.problems = {drive: why + _hint(why) for drive, why in reading.problems.items()}
    return reading


def said(
    options: Mapping[str, Any], state: str, names: Mapping[str, Sequence[str]], answers: Sequence[Any]
) -> dict[str, Said]:
    """Say what helps where the token may be the cause."""
    failed = next((answer for answer in answers if answer.rc and not answer.timed_out), None)
    if failed is None:
        return {}
    why = f"the command ended with exit status {failed.rc}: {failure_words(failed.rc, failed.output)}"
    hint = _hint(failed.output)
    return {drive: Said(why + hint) for drive in names} if hint else {}


def _hint(text: str) -> str:
    """A session ends after 14 days without use, if the site has not set another time."""
    return "; if the token has expired, make a new one with qlogin" if _SESSION.search(text) else ""
