# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""pysnmp's SNMP engine as a receiver of notifications: octets in, octets out. Private: may change at any time.

Its message processing and security models are called one by one, by the primitives of RFC 3412 6.2 that they have in
public: ``prepare_data_elements`` for what comes in, ``prepare_response_message`` for the answer. What pysnmp puts around
them (``MsgAndPduDispatcher.receive_message``, ``NotificationReceiver.process_pdu``) answers an inform before anybody has seen
it, tells nobody why a message was dropped, and lets exceptions that a stranger causes through to the event loop.

The answer is written at once, for the caller to send when he may. So pysnmp need not remember anything from one datagram
to the next, and it must not: what its models keep of strangers (engine ids, addresses, security parameters of messages
that were dropped) is bounded by nothing but their number. Therefore the models are new for each datagram, which takes
10 µs; users and communities stand in the engine's MIB and stay.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors import _snmp_look, _snmp_schema
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._snmp_look import (
    AUTH_PRIV,
    V2C,
    V3,
    MalformedError,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._detectors._snmp_map import Value, Varbind
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._errors import MissingLibraryError

try:
    from pyasn1.codec.ber import decoder
    from pyasn1.type import univ
    from pysnmp import __version__ as pysnmp_version
    from pysnmp.carrier.base import AbstractTransport, AbstractTransportDispatcher
    from pysnmp.entity import config
    from pysnmp.entity.engine import SnmpEngine
    from pysnmp.proto import errind, error, rfc1902, rfc1905
    from pysnmp.proto.api import v2c
    from pysnmp.proto.mpmod.rfc2576 import SnmpV2cMessageProcessingModel
    from pysnmp.proto.secmod.rfc2576 import SnmpV2cSecurityModel
    from pysnmp.proto.secmod.rfc3414.service import SnmpUSMSecurityModel, UsmSecurityParameters
    from pysnmp.proto.secmod.rfc3826.priv.aes import PysnmpCryptoError
except ImportError:
    pysnmp_version = ""
    PysnmpCryptoError = True
    AbstractTransport = SnmpUSMSecurityModel = object
    decoder = univ = config = errind = error = rfc1902 = rfc1905 = v2c = None
    AbstractTransportDispatcher = SnmpEngine = UsmSecurityParameters = None
    SnmpV2cMessageProcessingModel = SnmpV2cSecurityModel = None

#: Until 7.1.27 a message with an empty digest counted as authentic (pysnmp issue 249).
MIN_VERSION = (7, 1, 28)

#: What this receiver can take in one datagram, told to senders (RFC 3412: msgMaxSize).
_MAX_SIZE = 65507

# pysnmp remembers state for each address; here the caller does.
_DOMAIN = (1, 3, 6, 1, 6, 1, 1)
_ADDRESS = ("", 0)

_AS_IT_IS = {"verifyConstraints": False, "matchTags": False, "matchConstraints": False}


def require(*, usm: bool) -> None:
    """Refuse to start without pysnmp, and without the package that has AES if SNMPv3 is wanted."""
    wanted = ".".join(map(str, MIN_VERSION))
    end = "nothing was started. Install it into the environment of ansible-rulebook."
    if not pysnmp_version:
        msg = f"The detector snmp needs the Python package pysnmp, {wanted} or later, which is not there; {end}"
        raise MissingLibraryError(msg)
    if tuple(int(part) for part in re.findall(r"\d+", pysnmp_version)[:3]) < MIN_VERSION:
        msg = (
            f"The detector snmp needs the Python package pysnmp, {wanted} or later; {pysnmp_version} takes SNMPv3 "
            f"messages that nobody has signed; {end}"
        )
        raise MissingLibraryError(msg)
    if usm and PysnmpCryptoError:
        msg = f"The detector snmp needs the Python package cryptography, 47 or later, for SNMPv3; {end}"
        raise MissingLibraryError(msg)


@dataclass(frozen=True, slots=True)
class Parameters:
    """What an SNMPv3 message says of its authority and user; only if it was taken is that true."""

    engine_id: bytes = b""
    boots: int = 0
    time: int = 0
    user: bytes = b""


class DroppedError(Exception):
    """pysnmp has dropped a message: its name of the reason, what the message said, the report that it wants sent."""

    def __init__(self, reason: str, parameters: Parameters, report: bytes | None) -> None:
        """Take what is known."""
        super().__init__(reason)
        self.reason = reason
        self.parameters = parameters
        self.report = report


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that pysnmp has taken. It is authentic only if ``level`` is AUTH_PRIV and there is a user."""

    version: int
    level: int
    parameters: Parameters
    #: ``inform``, ``trap``, or empty for any other PDU.
    kind: str
    #: Only of SNMPv3: for SNMPv2c pysnmp puts a number of its own in its place.
    request_id: int
    varbinds: tuple[Varbind, ...]
    response: bytes | None


class Core:
    """An SNMP engine with users and communities."""

    def __init__(self, engine_id: bytes, boots: int, clock: Callable[[], float]) -> None:
        """Make an engine that leaves no file behind: pysnmp counts boots in one only if it is given the engine id."""
        self._engine = SnmpEngine(maxMessageSize=_MAX_SIZE)
        self._own = frozenset((engine_id,))
        self._known = set(self._own)
        self._outbox = _Outbox()
        self._seen = Parameters()
        dispatcher = AbstractTransportDispatcher()
        dispatcher.register_transport(_DOMAIN, self._outbox)
        self._engine.register_transport_dispatcher(dispatcher)
        self._engine.observer.register_observer(self._see, "rfc3414.processIncomingMsg")
        symbols = self._engine.get_mib_builder().import_symbols(
            "__SNMP-FRAMEWORK-MIB", "snmpEngineID", "snmpEngineBoots", "snmpEngineTime"
        )
        symbols[0].syntax = self._engine.snmpEngineID = symbols[0].syntax.clone(engine_id)
        symbols[1].syntax = symbols[1].syntax.clone(boots)
        # pysnmp takes the time of day, and senders are lost when that is set.
        symbols[2].syntax = _engine_time(clock)

    def add_user(
        self, name: str, auth: str, priv: str, auth_passphrase: bytes, priv_passphrase: bytes, senders: Iterable[bytes]
    ) -> bytes:
        """Make the user's keys for this engine and for those of ``senders``; takes some 50 ms.

        Gives the master key of authentication (RFC 3414 2.6), from which those for the engines are made.
        """
        auth_protocol, priv_protocol = _auth_protocols()[auth], _priv_protocols()[priv]
        # Master keys, so that the passphrases are not kept.
        auth_key = config.AUTH_SERVICES[auth_protocol].hash_passphrase(rfc1902.OctetString(auth_passphrase))
        priv_key = config.PRIV_SERVICES[priv_protocol].hash_passphrase(
            auth_protocol, rfc1902.OctetString(priv_passphrase)
        )
        for authority in (*self._own, *senders):
            self._known.add(authority)
            config.add_v3_user(
                self._engine,
                rfc1902.OctetString(name.encode()),
                auth_protocol,
                auth_key,
                priv_protocol,
                priv_key,
                securityEngineId=rfc1902.OctetString(authority),
                authKeyType=config.USM_KEY_TYPE_MASTER,
                privKeyType=config.USM_KEY_TYPE_MASTER,
            )
        return bytes(auth_key)

    def add_community(self, number: int, community: bytes) -> None:
        """Take SNMPv2c with this community."""
        config.add_v1_system(self._engine, f"community{number}", rfc1902.OctetString(community))

    def take(self, version: int, message: bytes) -> Taken:
        """Read one message of SNMPv2c or SNMPv3; raises MalformedError or DroppedError.

        It has been looked at: of SNMPv2c pysnmp reads all variables before it looks at the community.
        """
        self._outbox.message = None
        self._seen = Parameters()
        if version == V3:
            model: Any = _snmp_schema.model()()
            self._engine.security_models[3] = usm = _Usm(self._known)
            self._engine.message_processing_subsystems[3] = model
        else:
            model, usm = SnmpV2cMessageProcessingModel(), None
            self._engine.security_models[2] = SnmpV2cSecurityModel()
            self._engine.message_processing_subsystems[1] = model
        try:
            parts = model.prepare_data_elements(self._engine, _DOMAIN, _ADDRESS, message)
            return self._taken(version, model, parts)
        except error.StatusInformation as exc:
            seen = usm.parameters if usm is not None and usm.parameters is not None else self._seen
            reason = type(exc.get("errorIndication")).__name__
            raise DroppedError(reason, seen, self._outbox.message) from exc
        except MalformedError:
            raise
        except Exception as exc:
            # Besides PyAsn1Error there are TypeError, ValueError and others, for messages that somebody made for it.
            raise MalformedError(type(exc).__name__) from exc

    def _taken(self, version: int, model: Any, parts: tuple[Any, ...]) -> Taken:
        model_id, security_model, name, level, engine_id, context, pdu_version, pdu, tags, *_others, reference = parts
        kind = _kinds().get(tags, "")
        if not kind or (version == V3 and level != AUTH_PRIV):
            return Taken(version, int(level), self._seen, kind, 0, (), None)
        if version == V3:
            octets = bytes(pdu[3])
            _snmp_look.variable_list(octets)
            listed, _rest = decoder.decode(octets, asn1Spec=_snmp_schema.variables())
        else:
            listed = pdu[3]
        response = None
        if kind == "inform":
            answer = _snmp_schema.response(pdu) if version == V3 else v2c.apiPDU.get_response(pdu)
            if version == V2C:
                answer.setComponentByPosition(3, listed, **_AS_IT_IS)
            _domain, _address, response = model.prepare_response_message(
                self._engine, model_id, security_model, name, level, engine_id, context, pdu_version, answer,
                parts[10], reference, {},
            )  # fmt: skip
        return Taken(version, int(level), self._seen, kind, int(pdu[0]), varbinds(listed), response)

    def _see(self, _engine: Any, _point: str, variables: dict[str, Any], _context: Any) -> None:
        """Take what pysnmp shows of each SNMPv3 message while it looks at it."""
        self._seen = Parameters(
            bytes(variables["securityEngineId"]),
            int(variables["snmpEngineBoots"]),
            int(variables["snmpEngineTime"]),
            bytes(variables["userName"]),
        )


class _Outbox(AbstractTransport):
    """Keeps the report that pysnmp wants sent."""

    message: bytes | None = None

    def send_message(self, outgoingMessage: bytes, transportAddress: Any) -> None:  # noqa: N803
        self.message = outgoingMessage


class _Usm(SnmpUSMSecurityModel):
    """The User-based Security Model, with the report of an unknown engine."""

    def __init__(self, known: set[bytes]) -> None:
        """Take the engines that users are configured for."""
        super().__init__()
        self._known = known
        self.parameters: Parameters | None = None

    def process_incoming_message(
        self,
        snmpEngine: Any,  # noqa: N803
        messageProcessingModel: Any,  # noqa: N803
        maxMessageSize: Any,  # noqa: N803
        securityParameters: Any,  # noqa: N803
        *others: Any,
    ) -> Any:
        """Keep what a dropped message said; tell its sender our engine id if it named an engine that nobody knows.

        RFC 3414 3.2 step 3b; pysnmp says that the user is not known, and a sender that had to do with another engine at
        this address would never find ours.
        """
        try:
            return super().process_incoming_message(
                snmpEngine, messageProcessingModel, maxMessageSize, securityParameters, *others
            )
        except error.StatusInformation as exc:
            said, _rest = decoder.decode(securityParameters, asn1Spec=UsmSecurityParameters())
            self.parameters = Parameters(bytes(said[0]), int(said[1]), int(said[2]), bytes(said[3]))
            if self.parameters.engine_id in self._known or "oid" not in exc or "msgUserName" not in exc:
                raise
            (counter,) = snmpEngine.get_mib_builder().import_symbols(
                "__SNMP-USER-BASED-SM-MIB", "usmStatsUnknownEngineIDs"
            )
            counter.syntax += 1
            raise error.StatusInformation(
                errorIndication=errind.unknownEngineID,
                oid=counter.name,
                val=counter.syntax,
                securityLevel=1,
                **{key: exc[key] for key in _OF_A_REPORT},
            ) from exc


# What a report takes over from another.
_OF_A_REPORT = ("securityStateReference", "contextEngineId", "contextName", "maxSizeResponseScopedPDU")


@functools.cache
def _kinds() -> dict[Any, str]:
    return {rfc1905.InformRequestPDU.tagSet: "inform", rfc1905.SNMPv2TrapPDU.tagSet: "trap"}


def varbinds(listed: Any) -> tuple[Varbind, ...]:
    """Give the variables of a VarBindList in Python's types."""
    return tuple((tuple(pair[0]), _value(pair[1].getComponent(1))) for pair in listed)


def _value(value: Any) -> Value:
    """Give a variable's value in Python's types; None for what is none (NULL, noSuchObject, Opaque)."""
    if isinstance(value, (univ.Null, rfc1902.Opaque)):  # both are OCTET STRINGs to pyasn1
        return None
    if isinstance(value, rfc1902.IpAddress):
        return ipaddress.IPv4Address(bytes(value))
    if isinstance(value, univ.OctetString):
        return bytes(value)
    if isinstance(value, univ.Integer):
        return int(value)
    if isinstance(value, univ.ObjectIdentifier):
        return tuple(value)
    return None


def _engine_time(clock: Callable[[], float]) -> Any:
    """Give the value of snmpEngineTime, which pysnmp reads by cloning it."""
    started = clock()

    class EngineTime(rfc1902.Integer32):
        def clone(self, *args: Any, **options: Any) -> Any:
            return rfc1902.Integer32(*(args or (int(clock() - started),)), **options)

    return EngineTime(0)


def _auth_protocols() -> dict[str, Any]:
    return {
        "sha224": config.USM_AUTH_HMAC128_SHA224,
        "sha256": config.USM_AUTH_HMAC192_SHA256,
        "sha384": config.USM_AUTH_HMAC256_SHA384,
        "sha512": config.USM_AUTH_HMAC384_SHA512,
        "sha": config.USM_AUTH_HMAC96_SHA,
    }


def _priv_protocols() -> dict[str, Any]:
    # The longer keys as net-snmp makes them, not as in draft-reeder-snmpv3-usm-3desede: only short hashes differ.
    return {
        "aes128": config.USM_PRIV_CFB128_AES,
        "aes192": config.USM_PRIV_CFB192_AES_BLUMENTHAL,
        "aes256": config.USM_PRIV_CFB256_AES_BLUMENTHAL,
    }
