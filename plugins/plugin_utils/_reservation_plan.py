# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is sent to a drive to bring its reservation where it is wanted: state read to commands, or to a refusal. Pure.

Private: may change at any time. The rules are those of fence_scsi of ClusterLabs, for tape:

- Whoever acts registers first, by REGISTER AND IGNORE EXISTING KEY: whether an earlier try has done so makes no difference.
- A holder is preempted by its key, which takes all registrations with that key; who has the same key cannot be told apart.
- Nothing is done against a job of our own, as far as open device files tell.
- RESERVE of SPC-2 cannot be broken by persistent reservations. Only a reset of the logical unit ends it, and the running command with it.
- No registration of ours may be left behind: while anybody is registered, RESERVE of SPC-2 is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import _fencing_key, _spc, _spc_out
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._spc import Registrant
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._spc_state import Reading

WANTED = ("released", "preempted", "cleared", "fenced", "unfenced")
#: What is dared only when it is told: to act against our own job, to reset the logical unit.
FORCE = ("job", "reset")
RESET = "LOGICAL UNIT RESET"
_EXCLUSIVE = _spc_out.EXCLUSIVE_ACCESS

Port = tuple[str | None, str | None]


@dataclass(frozen=True)
class Step:
    """One command; ``action`` None: a reset of the logical unit."""

    action: int | None
    key: int = 0
    action_key: int = 0
    kind: int = 0

    @property
    def words(self) -> str:
        """Name it for people."""
        if self.action is None:
            return RESET
        name = _spc_out.NAMES[self.action]
        if self.action == _spc_out.REGISTER_AND_IGNORE:
            return f"{name}: register key 0x{self.action_key:016x}" if self.action_key else f"{name}: unregister"
        words = f"{name} with key 0x{self.key:016x}"
        if self.action in (_spc_out.PREEMPT, _spc_out.PREEMPT_AND_ABORT):
            words += f", against {'all registrants' if not self.action_key else f'key 0x{self.action_key:016x}'}"
        return words if self.action == _spc_out.CLEAR else f"{words}, {_spc.type_name(self.kind)}"


@dataclass(frozen=True)
class Situation:
    """What is known when it is decided."""

    drive: str
    reading: Reading
    #: The key of this controller, and whether one is that of any controller of the site.
    key: int
    own_keys: Callable[[int], bool]
    #: The initiator port that commands go through, None: not known; and whether it leads to the drive by this path only.
    port: Port | None = None
    only_path: bool = True
    #: All ports of this host, and those of the other hosts of its instances.
    here: frozenset[Port] = frozenset()
    instance: frozenset[Port] = frozenset()
    #: Who has the drive open on this host; None: it cannot be seen.
    open: Sequence[str] | None = ()
    force: frozenset[str] = frozenset()
    abort: bool = False

    def ours(self, one: Registrant) -> bool:
        """Whether a registration is the one of the path that commands go through."""
        return self.only_path and one.key == self.key and one.port is not None and _port(one.port) == self.port


@dataclass(frozen=True)
class Plan:
    """Commands in their order; or a refusal; or neither, and why there is nothing to do."""

    steps: tuple[Step, ...] = ()
    refusal: str = ""
    message: str = ""


def plan(wanted: str, now: Situation) -> Plan:
    """Decide. ``wanted``: one of `WANTED`."""
    state = now.reading.state
    if state == "unknown":
        return _refused(now, f"its reservation cannot be read ({now.reading.why or 'no reason is known'})")
    done = _done(wanted, now)
    if done:
        return Plan(message=f"Drive {now.drive} {done}.")
    if wanted == "unfenced":
        return Plan(_unfence(now))
    why = _protected(wanted, now) or _job(now)
    if why:
        return _refused(now, why)
    if state == "spc2":
        return _over_spc2(wanted, now)
    if wanted == "released":
        return _release(now)
    if wanted == "cleared":
        return Plan((_register(now), Step(_spc_out.CLEAR, now.key)))
    if state == "free":
        return Plan((_register(now), Step(_spc_out.RESERVE, now.key, 0, _EXCLUSIVE)))
    if not now.reading.registrants:
        return _refused(now, "it does not tell who is registered (it has no READ FULL STATUS), so nobody can be preempted; state cleared can")
    if wanted == "fenced":
        return Plan((_register(now), _preempt(now, _spc_out.PREEMPT_AND_ABORT)))
    action = _spc_out.PREEMPT_AND_ABORT if now.abort else _spc_out.PREEMPT
    return Plan((_register(now), _preempt(now, action), Step(_spc_out.RELEASE, now.key, 0, _EXCLUSIVE), unregister()))


def unregister() -> Step:
    """Take our registration back; without effect where there is none."""
    return Step(_spc_out.REGISTER_AND_IGNORE)


def failed(wanted: str, before: Situation, after: Reading) -> str:
    """Say what is not as it was wanted, by what the drive says afterwards; empty if it is."""
    if after.state == "unknown":
        return f"what came of it cannot be read ({after.why or 'no reason is known'})"
    now = Situation(before.drive, after, before.key, before.own_keys, before.port, before.only_path, before.here)
    if wanted == "preempted" and after.state != "free":
        # Somebody else may have reserved it at once; only those who held it must have lost it.
        victims = {one.key for one in _holders(before.reading)}
        if before.reading.state == "persistent" and after.state == "persistent" and not _ours(now):
            return _still(after) if victims & {one.key for one in after.registrants} else ""
        return "" if before.reading.state == "persistent" and after.state == "spc2" else _still(after)
    if wanted == "fenced" and _done(wanted, now):
        victims = {one.key for one in _holders(before.reading) if not before.own_keys(one.key)}
        left = victims & {one.key for one in after.registrants}
        return f"key 0x{min(left):016x}, which held it, is still registered" if left else ""
    return "" if _done(wanted, now) else _still(after)


def _done(wanted: str, now: Situation) -> str:
    """Say what makes that there is nothing to do; empty if there is."""
    reading = now.reading
    held = reading.state != "free"
    if wanted in ("released", "preempted"):
        return "" if held else "is free"
    if wanted == "cleared":
        return "" if held or reading.registrants else "is free, and nobody is registered"
    if wanted == "fenced":
        return "is in its error state" if reading.fenced and reading.type == _EXCLUSIVE else ""
    return "" if _ours(now) or reading.fenced else "is not in an error state of this site"


def _ours(now: Situation) -> list[Registrant]:
    """The registrations of this site's controllers."""
    return [one for one in now.reading.registrants if now.own_keys(one.key)]


def _holders(reading: Reading) -> list[Registrant]:
    return [one for one in reading.registrants if one.holder]


def _protected(wanted: str, now: Situation) -> str:
    """An error state is not taken for a reservation."""
    if now.reading.fenced and wanted != "fenced":
        return "it is in its error state, and who holds it is a controller of this site; state unfenced ends that"
    if any(_fencing_key.is_fence(one.key) and not now.own_keys(one.key) for one in _holders(now.reading)):
        return "a controller of another site keeps it in its error state; it has to be ended there"
    return ""


def _job(now: Situation) -> str:
    """Never against a job of our own, unless it is told."""
    if "job" in now.force or now.reading.fenced:
        return ""
    if now.open is None:
        return "whether a process of this host has it open cannot be seen by this user; use become, or dare it by force: [job]"
    if now.open:
        more = f" and {len(now.open) - 1} more" if len(now.open) > 1 else ""
        return f"{now.open[0]}{more} has it open on this host, and may be in the middle of a job; end that, or dare it by force: [job]"
    others = [port for port in map(_port, now.reading.holders) if port in now.instance - now.here]
    if others:
        return (
            f"{others[0][0]} {others[0][1]} of this host's own instance holds it, and whether a job runs there cannot be seen from here; "
            "run it there, or dare it by force: [job]"
        )
    return ""


def _over_spc2(wanted: str, now: Situation) -> Plan:
    if "reset" not in now.force:
        return _refused(
            now,
            "somebody has reserved it by RESERVE of SPC-2, which no other host can release and no persistent reservation breaks; "
            "what remains is to have its holder give it back, to switch the drive off and on, or to reset the logical unit by force: [reset], "
            "which also ends the command that is running on it",
        )
    steps = [Step(None)]
    if wanted == "fenced":
        steps += [_register(now), Step(_spc_out.RESERVE, now.key, 0, _EXCLUSIVE)]
    return Plan(tuple(steps))


def _release(now: Situation) -> Plan:
    mine = [one for one in _holders(now.reading) if one.port is not None and _port(one.port) == now.port]
    if not mine:
        names = ", ".join(one.name for one in _holders(now.reading)[:3]) or "somebody who cannot be told"
        return _refused(now, f"{names} holds it, and only its holder can release it; state preempted takes it away")
    return Plan((Step(_spc_out.RELEASE, mine[0].key, 0, now.reading.type or _EXCLUSIVE),))


def _unfence(now: Situation) -> tuple[Step, ...]:
    """Take over what other paths and controllers of the site have left, release, and leave no registration."""
    ours = _ours(now)
    holding = [one for one in ours if one.holder] if now.reading.fenced else []
    others = sorted({one.key for one in ours if not now.ours(one)}, key=lambda key: (key == now.key, key))
    steps = [_register(now)]
    kind = now.reading.type or _EXCLUSIVE
    if holding and not any(now.ours(one) for one in holding):
        victim = 0 if kind in _spc.ALL_REGISTRANTS else holding[0].key
        steps.append(Step(_spc_out.PREEMPT, now.key, victim, _EXCLUSIVE))
        others = [] if not victim else [key for key in others if key != victim]
        kind = _EXCLUSIVE
    if now.reading.fenced:
        steps.append(Step(_spc_out.RELEASE, now.key, 0, kind))
    steps += [Step(_spc_out.PREEMPT, now.key, key, _EXCLUSIVE) for key in others]
    return (*(steps if len(steps) > 1 else ()), unregister())


def _register(now: Situation) -> Step:
    return Step(_spc_out.REGISTER_AND_IGNORE, 0, now.key)


def _preempt(now: Situation, action: int) -> Step:
    """SPC-3 5.6.10.4: of the types for all registrants the key 0 means every registration."""
    victim = 0 if now.reading.type in _spc.ALL_REGISTRANTS else _holders(now.reading)[0].key
    return Step(action, now.key, victim, _EXCLUSIVE)


def _port(port: Mapping[str, Any]) -> Port:
    return port["protocol"], port["id"]


def _still(after: Reading) -> str:
    if after.state == "spc2":
        return "it is reserved by RESERVE of SPC-2"
    if after.state == "free":
        return "it is free" + (f", with {len(after.registrants)} registered" if after.registrants else "")
    names = ", ".join(f"{one.name} with key 0x{one.key:016x}" for one in _holders(after)[:3]) or "somebody who cannot be told"
    return f"{names} holds it"


def _refused(now: Situation, why: str) -> Plan:
    return Plan(refusal=f"Drive {now.drive}: {why}. Nothing was changed.")
