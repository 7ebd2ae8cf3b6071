# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What host_facts_windows.ps1 returns, read into rows. Pure. Private: may change at any time.

`windows` joins them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _asked as asked
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _vpd as vpd
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import DriveSharingError
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._foreign_text import first_words

#: The form of the answers that this file understands, as the module says it.
VERSION = "1"
#: How many values of one place in the registry the module reads.
MOST = 20000

# What each question is called in sentences, and what is lost without it.
_QUESTIONS = {
    "initiator_ports": ("MSFT_InitiatorPort (Get-InitiatorPort)", "ports may be unknown"),
    "fc_ports": ("MSFC_FibrePortHBAAttributes", "the states of Fibre Channel ports are unknown"),
    "iscsi_initiator": ("MSiSCSIInitiator_MethodClass", "the host has no iSCSI name"),
    "tape_drives": ("Win32_TapeDrive", "the names of drives are unknown"),
    "scsi_map": ("HKLM\\HARDWARE\\DEVICEMAP\\Scsi", "no drive can be found"),
    "persistent_names": ("The registry of IBM's tape driver", "persistent names are unknown"),
    "addresses": ("Win32_NetworkAdapterConfiguration", "the host has no IP address"),
}
_DENIED = re.compile(r"AccessDenied|PermissionDenied|UnauthorizedAccess|SecurityException|PrivilegeNotHeld")
_HUNG = re.compile(r"Timeout|timed ?out", re.IGNORECASE)
_MISSING = re.compile(r"InvalidClass|InvalidNamespace|ObjectNotFound|NotFound|NotSupported")
_PLACE = re.compile(
    r"Scsi Port ([0-9]{1,9})\\Scsi Bus ([0-9]{1,9})\\Target Id ([0-9]{1,9})\\Logical Unit Id ([0-9]{1,9})",
    re.IGNORECASE,
)
_TAPE = re.compile(r"\\\\\.\\tape([0-9]{1,10})", re.IGNORECASE)
_PNP = re.compile(r"VEN_([^&\\]*)&PROD_([^&\\]*)", re.IGNORECASE)
_SUFFIX = re.compile(r"&([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$", re.IGNORECASE)
_BYTES = re.compile(r"[0-9a-f]{2}(?:-[0-9a-f]{2})*", re.IGNORECASE)
# IBM's numbers begin with those of the letters IBM (0x49424D = 4801101).
_IBM_NUMBER = re.compile(r"(?:tape)?(48[0-9]{5})", re.IGNORECASE)
_WORD = re.compile(r"[0-9A-Za-z._-]+")
_FIRST_NUMBER = 4801101
_INQUIRY_BYTES = 32


class Answers:
    """The answers of one host."""

    def __init__(self, found: Mapping[str, Any]) -> None:
        self._found = found

    def rows(self, name: str) -> list[Mapping[str, Any]]:
        """Give the rows of an answer."""
        answer = self._found.get(name)
        rows = answer.get("rows") if isinstance(answer, Mapping) else None
        # A list of one row may have become that row on its way.
        return [row for row in (rows if isinstance(rows, list) else [rows]) if isinstance(row, Mapping)]

    def problem(self, name: str) -> Mapping[str, Any] | None:
        """Give why an answer has no rows, or not all."""
        answer = self._found.get(name)
        problem = answer.get("problem") if isinstance(answer, Mapping) else {"message": "the answer is missing"}
        return problem if isinstance(problem, Mapping) else None

    def notes(self) -> list[str]:
        """Say of each question that could not be answered why, and what is lost."""
        found = []
        for name, (question, lost) in _QUESTIONS.items():
            problem = self.problem(name)
            if problem and not self._needless(name, problem):
                found.append(_note(question, problem, lost))
            elif name in ("scsi_map", "persistent_names") and len(self.rows(name)) >= MOST:
                found.append(f"{question} has more than {MOST} values; what comes after them was not read.")
        return found

    def _needless(self, name: str, problem: Mapping[str, Any]) -> bool:
        """Whether nobody needs it: hosts without Fibre Channel or iSCSI have not even the class."""
        absent = bool(_MISSING.search(f"{text(problem.get('code'))} {text(problem.get('category'))}"))
        ports = self.rows("initiator_ports")
        return absent and (
            (name == "iscsi_initiator")
            or (name == "fc_ports" and not any("fi" in text(row.get("ConnectionType")).casefold() for row in ports))
        )


def answers(result: object) -> Answers:
    """Give the answers of what the module returned; DriveSharingError if it is not that."""
    if not isinstance(result, Mapping) or not isinstance(result.get("answers"), Mapping):
        msg = "the module's answer has no answers"
        raise DriveSharingError(msg)
    version = text(result.get("version"))
    if version != VERSION:
        msg = f"the module's answer has version {first_words(version, 20) or 'nothing'}, not {VERSION}"
        raise DriveSharingError(msg)
    return Answers(result["answers"])


def _note(question: str, problem: Mapping[str, Any], lost: str) -> str:
    kind = f"{text(problem.get('code'))} {text(problem.get('category'))}"
    message = first_words(text(problem.get("message"))).rstrip(".")
    because = f" ({message})" if message else ""
    if _DENIED.search(kind):
        return f"{question} may not be read by this account{because}, so {lost}; use one of the group Administrators."
    if _HUNG.search(f"{kind} {message}"):
        return f"{question} did not answer in time{because}, so {lost}."
    if _MISSING.search(kind):
        return f"{question} is not there on this host{because}, so {lost}."
    return f"{question} could not be read{because}, so {lost}."


def text(value: object) -> str:
    """Give a value as text; what is not one value is empty."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return ""
    # Python refuses to write out numbers of more than 4300 digits.
    return value.strip(" \0") if isinstance(value, str) else str(value) if abs(value) < 1 << 64 else ""


def texts(value: object) -> list[str]:
    """Give a list of texts; one text is a list of one."""
    return [found for each in (value if isinstance(value, list) else [value]) if (found := text(each))]


def hexadecimal(value: object) -> str:
    """Give bytes as digits: Windows has them as a list of numbers, the module as ``21-00-00``."""
    if isinstance(value, list) and all(isinstance(byte, int) and 0 <= byte < 256 for byte in value):
        return bytes(value).hex()
    return text(value)


def _bytes(value: object) -> bytes | None:
    digits = hexadecimal(value)
    if isinstance(value, list):
        return bytes.fromhex(digits) if re.fullmatch(r"(?:[0-9a-f]{2})+", digits) else None
    return bytes.fromhex(digits.replace("-", "")) if _BYTES.fullmatch(digits) else None


def instance(value: object) -> str | None:
    """Give the name of an adapter; WMI adds the number of the instance to it."""
    return asked.printable(re.sub(r"_[0-9]+\Z", "", text(value)))


@dataclass(frozen=True)
class Unit:
    """A tape drive in the SCSI map."""

    #: Port, bus, target and unit.
    address: tuple[int, ...]
    serial: str
    identifier: str
    inquiry: bytes | None
    page83: bytes | None

    def __str__(self) -> str:
        return "Scsi Port {}, Bus {}, Target {}, LUN {}".format(*self.address)

    @property
    def identity(self) -> tuple[str, str]:
        """Vendor and model."""
        if self.inquiry and len(self.inquiry) >= _INQUIRY_BYTES:
            shown = self.inquiry.decode("latin-1")
            return shown[8:16], shown[16:32]
        return self.identifier[:8], self.identifier[8:24]

    def names(self) -> tuple[list[str], list[str], list[str]]:
        """Give the names of the unit and of its port in page 83h, and what is wrong with it."""
        return vpd.names(self.page83) if self.page83 else ([], [], [])


@dataclass(frozen=True)
class Device:
    """A tape drive that has a driver."""

    #: The name by which programs open it, if it is known.
    name: str | None
    #: How Plug and Play calls it.
    id: str
    #: The adapter's name, in small letters.
    adapter: str | None
    #: Bus, target and unit.
    place: tuple[int, ...] | None

    def __str__(self) -> str:
        return self.name or first_words(self.id, 100)

    @property
    def number(self) -> str:
        """The number in its name."""
        match = _TAPE.fullmatch(self.name or "")
        return match[1] if match else ""

    def may_be(self, unit: Unit) -> bool:
        """Whether address, vendor and model are those of the unit."""
        match = _PNP.search(self.id)
        # Plug and Play writes underscores for signs that it does not allow.
        alike = match is None or all(
            re.sub(r"[^0-9a-z]+", "_", told.casefold()).strip("_")
            == re.sub(r"[^0-9a-z]+", "_", shown.casefold()).strip("_")
            for told, shown in zip(match.groups(), unit.identity, strict=True)
        )
        return alike and (self.place is None or self.place == unit.address[1:])


def units(rows: Iterable[Mapping[str, Any]]) -> list[Unit]:
    """Give the tape drives of the SCSI map."""
    found: dict[tuple[int, ...], dict[str, object]] = {}
    for row in rows:
        match = _PLACE.search(text(row.get("key")))
        if match and match.end() == len(text(row.get("key"))):
            address = tuple(int(part) for part in match.groups())
            found.setdefault(address, {})[text(row.get("name")).casefold()] = row.get("value")
    return [
        Unit(
            address=address,
            serial=text(values.get("serialnumber")),
            # Not stripped at its beginning: its columns count.
            identifier=str(values.get("identifier") or ""),
            inquiry=_bytes(values.get("inquirydata")),
            page83=_bytes(values.get("deviceidentifierpage")),
        )
        for address, values in sorted(found.items())
        if "tapeperipheral" in (text(values.get("devicetype")).casefold(), text(values.get("type")).casefold())
    ]


def devices(rows: Iterable[Mapping[str, Any]]) -> list[Device]:
    """Give the tape drives that have a driver."""
    found = []
    for row in rows:
        plug = text(row.get("PNPDeviceID")) or text(row.get("DeviceID"))
        shown = [text(row.get(key)) for key in ("Name", "DeviceID", "Caption")]
        name = next((match[0] for value in shown if (match := _TAPE.search(value))), None)
        # "Bus Number 0, Target Id 2, LUN 0", in the language of the system.
        numbers = [int(number) for number in re.findall(r"[0-9]{1,9}", text(row.get("Location")))]
        suffix = _SUFFIX.search(plug)
        place = (
            tuple(numbers)
            if len(numbers) == 3
            else tuple(int(part, 16) for part in suffix.groups())
            if suffix
            else None
        )
        parents = texts(row.get("Parent"))
        found.append(Device(name, plug, parents[0].casefold() if parents else None, place))
    return found


def persistent(rows: Iterable[Mapping[str, Any]], drives: Mapping[str, str]) -> dict[str, str]:
    """Give the drive by the number in its persistent name.

    IBM does not say how the keys look, only that they associate a name with a WWNN or a serial number. So this looks for
    values that have one number and one drive in them, and then for keys whose values have.
    """
    values: list[list[str]] = []
    keys: dict[str, list[str]] = {}
    for row in rows:
        words = [text(row.get("name")), *texts(row.get("value"))]
        values.append(words)
        keys.setdefault(text(row.get("key")), [text(row.get("key")).rpartition("\\")[2]]).extend(words)
    found: dict[str, set[str]] = {}
    for group in (values, list(keys.values())):
        for words in group:
            told = _WORD.findall(" ".join(words))
            matches = (match for word in told if (match := _IBM_NUMBER.fullmatch(word)))
            numbers = {match[1] for match in matches if int(match[1]) >= _FIRST_NUMBER}
            named = {drives[known] for word in told if (known := _drive_name(word)) in drives}
            if len(numbers) == 1 and len(named) == 1:
                found.setdefault(min(numbers), set()).update(named)
        if found:
            break
    return {number: min(named) for number, named in found.items() if len(named) == 1}


def _drive_name(word: str) -> str:
    name = word.casefold()
    return (
        name.removeprefix("0x").replace("-", "")
        if _BYTES.fullmatch(name) and len(name) > 2
        else name.removeprefix("0x")
    )
