# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests to a library's HTTP interface, with the machinery of ansible-core. Private: may change at any time."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import urllib.error
from collections.abc import Mapping
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import urlencode

from ansible.module_utils.urls import ConnectionError as UrlError
from ansible.module_utils.urls import SSLValidationError, open_url

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._action import LimitReachedError, limit
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._listen import secret_lines
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import InvalidValueError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._foreign_text import first_words
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._library import Answer, Web, did

#: No description of a drive is longer.
MOST = 1 << 20
_FAILURES = (urllib.error.URLError, UrlError, SSLValidationError, http.client.HTTPException, OSError, ValueError)


class Client:
    """One session with one library. The secret is in the requests' headers or the login's body, and nowhere else."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options
        self._secret = ""
        if options["authentication"] != "none":
            self._secret = secret_lines(options["password_file"], "the password file of the library")[0]
            if not self._secret:
                msg = "the password file of the library must hold the password as one line"
                raise InvalidValueError(msg)
        self._cookies = CookieJar()
        self._token = self._secret if options["authentication"] == "bearer" else ""
        self._inside = options["authentication"] != "session"

    def __call__(self, call: Web) -> Answer:
        """Make one call, after the login if there is one."""
        if not self._inside:
            answer = self._login()
            if not answer.good:
                return Answer(None, error=self._without_secret(f"the login was of no use: it {did([answer])}"))
        answer = self._send(call)
        return Answer(answer.status, self._without_secret(answer.text), answer.error, answer.good)

    def close(self) -> None:
        """Leave the session, if there is one and it can be left. Nobody is told if that does not work."""
        if self._options["authentication"] == "session" and self._inside and self._options["logout_path"]:
            self._send(Web(self._options["login_method"], self._options["logout_path"]))

    def _login(self) -> Answer:
        options = self._options
        fields = options["login_fields"]
        given = {fields["user"]: options["user"], fields["password"]: self._secret}
        if options["login_method"] == "GET":
            path = options["login_path"]
            answer = self._send(Web("GET", f"{path}{'&' if '?' in path else '?'}{urlencode(given)}"))
        else:
            answer = self._send(Web("POST", options["login_path"], given))
        if not answer.good:
            return answer
        if options["login_token"]:
            content = answer.json()
            token = content.get(options["login_token"]) if isinstance(content, dict) else None
            if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token:
                return Answer(None, error="it gave no token")
            self._token = token.removeprefix("Bearer ")
        self._inside = True
        return answer

    def _send(self, call: Web) -> Answer:
        options = self._options
        headers = {"Accept": "application/json, application/xml, text/*"}
        data = None
        if call.body is not None:
            is_text = isinstance(call.body, str)
            data = (call.body if is_text else json.dumps(call.body)).encode()
            headers["Content-Type"] = call.content_type or ("application/xml" if is_text else "application/json")
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        basic = options["authentication"] == "basic"
        try:
            # A library that sends a byte a second must not hold the play for ever: the time is for the whole call.
            with limit(options["timeout"]):
                reply = open_url(
                    options["url"] + call.path, data=data, headers=headers, method=call.method, timeout=options["timeout"],
                    validate_certs=options["validate_certs"], ca_path=options["ca_file"] or None, cookies=self._cookies,
                    url_username=options["user"] if basic else None, url_password=self._secret if basic else None,
                    force_basic_auth=basic,
                    # A redirection would carry the password to somebody else, and so would a proxy.
                    follow_redirects="none", use_proxy=False, use_netrc=False,
                )  # fmt: skip
                return self._answer(reply.status, reply.read(MOST + 1))
        except urllib.error.HTTPError as exc:
            return self._refusal(exc)
        except LimitReachedError:
            return Answer(None, error=f"it took longer than {options['timeout']} s")
        except _FAILURES as exc:
            return Answer(None, error=self._why(exc))

    def _refusal(self, exc: urllib.error.HTTPError) -> Answer:
        try:
            with limit(self._options["timeout"]):
                return self._answer(exc.code, exc.read(MOST + 1))
        except (LimitReachedError, *_FAILURES):
            return self._answer(exc.code, b"")

    def _answer(self, status: int, content: bytes) -> Answer:
        if len(content) > MOST:
            return Answer(None, error=f"its answer is longer than {MOST} bytes")
        return Answer(status, content.decode("utf-8", "replace"), good=200 <= status < 300)

    def _why(self, exc: BaseException) -> str:
        reason = getattr(exc, "reason", exc)
        if isinstance(reason, ssl.SSLCertVerificationError):
            return f"its certificate is not good: {reason.verify_message}"
        if isinstance(reason, (socket.timeout, TimeoutError)):
            return f"it took longer than {self._options['timeout']} s"
        words = reason.strerror if isinstance(reason, OSError) and reason.strerror else str(reason) or type(reason).__name__
        return first_words(self._without_secret(words), 160).rstrip(".")

    def _without_secret(self, text: str) -> str:
        for secret in {self._secret, self._token} - {""}:
            text = text.replace(secret, "********")
        return text
