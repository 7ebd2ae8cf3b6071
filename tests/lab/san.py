# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's storage network, inside the guest: two drives, two hosts, each with a Fibre Channel and an iSCSI port.

Run as a program it builds the network (``--show``: only lists the paths). Imported by a test it tells what there is,
from sysfs and from LIO's own view of it, and changes it: cables, drives that vanish, other numbers, reservations.

All is one kernel: LIO is the target and this kernel the initiator. Fibre Channel is FCoE between virtual network cards
on a bridge, each with a port name made of its MAC address; iSCSI goes over an address of its own for each initiator.
`as_host` runs a command as on a host that has one host's adapters only.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
RUN = Path("/run/lab")
SYS = Path("/sys/class")
TARGETS = Path("/sys/kernel/config/target")
FCOE = Path("/sys/module/libfcoe/parameters")
BRIDGE = "fcbr"
ISCSI_PORT = 3260
#: Exit status of sg3-utils for RESERVATION CONFLICT, and for UNIT ATTENTION.
CONFLICT, UNIT_ATTENTION = 24, 6


@dataclass(frozen=True)
class Adapter:
    """A Fibre Channel port: one end of a pair of network devices; the other one, with a p before its name, is its cable."""

    device: str
    mac: str

    @property
    def id(self) -> str:
        """Give the port name (WWPN), which libfc makes of the MAC address."""
        return "2000" + self.mac.replace(":", "")

    @property
    def lio_name(self) -> str:
        """Give the port name as LIO writes it."""
        return f"20:00:{self.mac}"

    def host(self) -> str | None:
        """Give the kernel's name of it: host1."""
        return next((entry.name for entry in SYS.glob("fc_host/*") if read(entry / "port_name") == f"0x{self.id}"), None)

    def state(self) -> str:
        """Give the state as the kernel words it."""
        return read(SYS / "fc_host" / str(self.host()) / "port_state")

    def create(self) -> None:
        """Make the port, with its cable not plugged in."""
        # Frames that arrive while it is being made crash libfcoe of Linux 6.1 (NULL pointer in fcoe_ctlr_vn_recv).
        call("ip", "link", "set", f"p{self.device}", "nomaster")
        (FCOE / "create_vn2vn").write_text(self.device)

    def plug(self) -> None:
        """Wait until it has an address, and plug the cable in; ports find each other within some 8 s."""
        wait_until(lambda: int(read(SYS / "fc_host" / str(self.host()) / "port_id") or "0", 16), 30, f"{self.device} has no address")
        call("ip", "link", "set", f"p{self.device}", "master", BRIDGE)

    def _remote_ports(self) -> list[Path]:
        return list(SYS.glob(f"fc_remote_ports/rport-{str(self.host()).removeprefix('host')}:*"))

    def down(self, forgotten_after: int = 600) -> None:
        """Pull the cable out; the kernel forgets the devices after so many seconds."""
        for port in self._remote_ports():
            (port / "dev_loss_tmo").write_text(str(forgotten_after))
        call("ip", "link", "set", f"p{self.device}", "down")
        wait_until(lambda: self.state() != "Online", 10, f"{self.device} stays online")

    def up(self) -> None:
        """Put the cable in again, and wait until all drives that are there answer through it."""
        call("ip", "link", "set", f"p{self.device}", "up")
        wait_until(lambda: self.state() == "Online", 30, f"{self.device} stays down")
        self.settle()

    def settle(self) -> None:
        """Wait until it sees all drives that are there."""
        remote = {f"0x{drive.adapter.id}" for drive in DRIVES if drive.adapter.host()}
        wait_until(lambda: remote <= self._online(), 60, f"{self.device} does not find the drives")

    def _online(self) -> set[str]:
        return {read(port / "port_name") for port in self._remote_ports() if read(port / "port_state") == "Online"}


@dataclass(frozen=True)
class Initiator:
    """An iSCSI initiator: a name, and the address through which it alone reaches the targets."""

    id: str
    address: str

    @property
    def interface(self) -> str:
        """Give its name in open-iscsi."""
        return self.id.rpartition(":")[2]

    def sessions(self) -> list[Path]:
        """Give its sessions in sysfs."""
        return [entry for entry in SYS.glob("iscsi_session/*") if read(entry / "initiatorname") == self.id]

    def down(self) -> None:
        """Cut its connections; the kernel notices within some 3 s."""
        call("ip", "address", "del", f"{self.address}/32", "dev", "lo")
        wait_until(
            lambda: all(read(entry / "state") != "LOGGED_IN" for entry in self.sessions()), 30, f"{self.id} stays logged in"
        )

    def up(self) -> None:
        """Let it connect again."""
        call("ip", "address", "add", f"{self.address}/32", "dev", "lo", "scope", "host")
        wait_until(lambda: all(read(entry / "state") == "LOGGED_IN" for entry in self.sessions()), 60, f"{self.id} does not log in")


@dataclass(frozen=True)
class Host:
    """A host of the lab: what `as_host` shows, and Ansible's ``ansible_shell_executable`` for it."""

    name: str
    adapter: Adapter
    initiator: Initiator

    @property
    def ports(self) -> tuple[Adapter, Initiator]:
        """Give its ports."""
        return self.adapter, self.initiator

    @property
    def shell(self) -> Path:
        """Give a program that is /bin/sh on this host."""
        return RUN / f"{self.name}.sh"


@dataclass(frozen=True)
class Drive:
    """A drive, with a Fibre Channel port of its own and an iSCSI target of its own."""

    name: str
    serial: str
    naa: str
    adapter: Adapter
    target: str
    barcode: str

    def away(self) -> None:
        """Take it off the bus, as service mode does: the kernel forgets its devices."""
        for port in SYS.glob("fc_remote_ports/*"):
            if read(port / "port_name") == f"0x{self.adapter.id}":
                (port / "dev_loss_tmo").write_text("1")
        (FCOE / "destroy").write_text(self.adapter.device)
        call("iscsiadm", "-m", "node", "-T", self.target, "--logout")
        wait_until(lambda: not [path for path in paths() if path.drive == self], 60, f"{self.name} does not go")

    def back(self) -> None:
        """Bring it back to the bus."""
        self.adapter.create()
        self.adapter.plug()
        call("iscsiadm", "-m", "node", "-T", self.target, "--login")
        # A fabric would tell the hosts. Here they take the port for the old one until they are told to look again.
        for host in HOSTS:
            (SYS / "fc_host" / str(host.adapter.host()) / "issue_lip").write_text("1")
        wait_until(lambda: len([path for path in paths() if path.drive == self]) == len(PORTS), 90, f"{self.name} does not come back")
        for host in HOSTS:
            host.adapter.settle()
        call("udevadm", "settle", "--timeout", "20")

    def holder(self) -> tuple[str, str] | None:
        """Give what LIO says of its reservation: ``SPC-2`` or ``SPC-3`` (persistent), and the holder's port."""
        text = read(TARGETS / "core/user_0" / self.name / "pr" / "res_holder")
        found = re.fullmatch(r"(SPC-[23]) Reservation: (\S+) Initiator: (\S+)", text)
        if not found:
            return None
        kind, fabric, name = found.groups()
        return kind, name.replace(":", "") if fabric == "fc" else name.partition(",")[0]


@dataclass(frozen=True)
class DevicePath:
    """A drive, seen through one port: what sysfs says."""

    drive: Drive
    port: Adapter | Initiator
    #: The drive's own port or target.
    target: str
    address: str
    tape: str
    generic: str


HOSTS = (
    Host("host_a", Adapter("fca", "00:10:9b:00:0a:01"), Initiator("iqn.2026-11.lab:host-a", "10.99.0.1")),
    Host("host_b", Adapter("fcb", "00:10:9b:00:0b:02"), Initiator("iqn.2026-11.lab:host-b", "10.99.0.2")),
)
DRIVES = (
    Drive("drive1", "LABDRV0001", "5000e11100000001", Adapter("fct1", "00:24:ff:00:01:10"), "iqn.2026-11.lab:drive1", "LAB001L8"),
    Drive("drive2", "LABDRV0002", "5000e11100000002", Adapter("fct2", "00:24:ff:00:02:20"), "iqn.2026-11.lab:drive2", "LAB002L8"),
)
#: The initiator's name in /etc/iscsi/initiatorname.iscsi of the guest as a whole; nobody logs in with it.
WITHOUT_SESSION = "iqn.2026-11.lab:guest"
PORTS = {port.id: port for host in HOSTS for port in host.ports}


def read(path: Path) -> str:
    """Read an attribute; empty if it is not there, or may not be read now."""
    try:
        return path.read_text(errors="replace").strip().strip("\0")
    except OSError:
        return ""


def call(*words: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command; give its exit status and its output, standard error included."""
    done = subprocess.run(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, errors="replace", check=False,
        timeout=120,
    )
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(map(str, words))} ended with {done.returncode}: {done.stdout.strip()}")
    return done


def wait_until(condition: Callable[[], object], seconds: float, otherwise: str) -> None:
    """Wait for something to become true. The guest's clock is the machine's: a busy one gets three times as long."""
    give_up = time.monotonic() + 3 * seconds
    while not condition():
        if time.monotonic() > give_up:
            raise TimeoutError(otherwise)
        time.sleep(0.1)


def paths() -> list[DevicePath]:
    """Give all paths to all drives, from sysfs: every tape device with the port that its host adapter is."""
    found = []
    by_serial = {drive.serial: drive for drive in DRIVES}
    for entry in sorted(SYS.glob("scsi_tape/st*")):
        if not re.fullmatch(r"st[0-9]+", entry.name):
            continue
        device = (entry / "device").resolve()
        session = re.search(r"/(session[0-9]+)/", str(device))
        remote = re.search(r"/(host[0-9]+)/(rport-[^/]+)/", str(device))
        if session:
            place = SYS / "iscsi_session" / session[1]
            port, target = read(place / "initiatorname"), read(place / "targetname")
        elif remote:
            port = read(SYS / "fc_host" / remote[1] / "port_name").removeprefix("0x")
            target = read(SYS / "fc_remote_ports" / remote[2] / "port_name").removeprefix("0x")
        else:
            continue
        generic = next((node.name for node in device.glob("scsi_generic/sg*")), None)
        serial = read(device / "vpd_pg80")[-10:]
        # A path that comes or goes at this moment is none.
        if generic and port in PORTS and serial in by_serial:
            names = (f"/dev/{entry.name}", f"/dev/{generic}")
            found.append(DevicePath(by_serial[serial], PORTS[port], target, device.name, *names))
    return found


def path(drive: Drive, port: Adapter | Initiator) -> DevicePath:
    """Give the path to a drive through a port."""
    return next(found for found in paths() if found.drive == drive and found.port == port)


def _seen_through(port: Adapter | Initiator) -> int:
    return sum(found.port == port for found in paths())


def _forgotten() -> bool:
    """Let the kernel forget all devices; more than once, as it may be finding some again itself."""
    for entry in SYS.glob("scsi_tape/st*/device"):
        with contextlib.suppress(OSError):
            (entry / "delete").write_text("1")
    return not list(SYS.glob("scsi_generic/sg*"))


def renumber(order: Iterable[Adapter | Initiator]) -> None:
    """Let the kernel forget all devices and find them again through one port after the other: st and sg get other numbers."""
    wait_until(_forgotten, 20, "devices stay")
    for port in order:
        hosts = [port.host()] if isinstance(port, Adapter) else [entry.resolve().parents[2].name for entry in port.sessions()]
        for host in hosts:
            (SYS / "scsi_host" / str(host) / "scan").write_text("- - -")
        wait_until(lambda port=port: _seen_through(port) == len(DRIVES), 30, f"{port.id} does not find the drives again")
    call("udevadm", "settle", "--timeout", "20")


# --- reservations: each gives the exit status of sg3-utils, 0 or CONFLICT as a rule

_KEY = "--param-rk=0x{:x}"
_NEW_KEY = "--param-sark=0x{:x}"


def _scsi(program: str, *words: str) -> int:
    """Run a program of sg3-utils; what a unit attention swallowed is said again."""
    for _attempt in range(3):
        status = call(program, *words, check=False).returncode
        if status != UNIT_ATTENTION:
            break
    return status


def ready(generic: str) -> int:
    """TEST UNIT READY."""
    return _scsi("sg_turs", generic)


def reserve(generic: str) -> int:
    """RESERVE (6), of SPC-2."""
    return _scsi("sg_raw", generic, "16", "00", "00", "00", "00", "00")


def release(generic: str) -> int:
    """RELEASE (6), of SPC-2."""
    return _scsi("sg_raw", generic, "17", "00", "00", "00", "00", "00")


def register(generic: str, key: int) -> int:
    """PERSISTENT RESERVE OUT, REGISTER AND IGNORE EXISTING KEY; key 0 ends the registration."""
    return _scsi("sg_persist", "-n", "-o", "--register-ignore", _NEW_KEY.format(key), generic)


def persistent_reserve(generic: str, key: int, kind: int = 3) -> int:
    """PERSISTENT RESERVE OUT, RESERVE; kind 3 is Exclusive Access."""
    return _scsi("sg_persist", "-n", "-o", "--reserve", _KEY.format(key), f"--prout-type={kind}", generic)


def persistent_release(generic: str, key: int, kind: int = 3) -> int:
    """PERSISTENT RESERVE OUT, RELEASE."""
    return _scsi("sg_persist", "-n", "-o", "--release", _KEY.format(key), f"--prout-type={kind}", generic)


def preempt(generic: str, key: int, victim: int, kind: int = 3, *, abort: bool = False) -> int:
    """PERSISTENT RESERVE OUT, PREEMPT (AND ABORT)."""
    action = "--preempt-abort" if abort else "--preempt"
    return _scsi("sg_persist", "-n", "-o", action, _KEY.format(key), _NEW_KEY.format(victim), f"--prout-type={kind}", generic)


def clear(generic: str, key: int) -> int:
    """PERSISTENT RESERVE OUT, CLEAR; register the key first if you have none."""
    return _scsi("sg_persist", "-n", "-o", "--clear", _KEY.format(key), generic)


def full_status(generic: str) -> tuple[int, str]:
    """PERSISTENT RESERVE IN, READ FULL STATUS: exit status and text of sg_persist."""
    for _attempt in range(3):
        done = call("sg_persist", "-n", "-i", "-s", "-y", generic, check=False)
        if done.returncode != UNIT_ATTENTION:
            break
    return done.returncode, done.stdout


def reset(generic: str) -> int:
    """LOGICAL UNIT RESET: ends an SPC-2 reservation, not a persistent one."""
    return _scsi("sg_reset", "-d", generic)


def free_all() -> None:
    """End all reservations, registrations and unit attentions, whosever they are."""
    generics = {found.drive: found.generic for found in paths()}
    for drive, generic in generics.items():
        reset(generic)
        register(generic, 0xF1)
        clear(generic, 0xF1)
        if drive.holder():
            raise RuntimeError(f"{drive.name} is still held: {drive.holder()}")
    for found in paths():
        ready(found.generic)


# --- hosts


def as_host(host: Host, *words: str | Path) -> list[str]:
    """Give the command line that runs a command as on this host: of SCSI it sees its own adapters only."""
    return ["/bin/bash", str(HERE / "as_host.sh"), f"{host.adapter.id},{host.initiator.id}", *map(str, words)]


# --- building


def build() -> None:
    """Make drives, targets and hosts, and wait until every port sees every drive."""
    for folder in ("/etc/target/pr", "/etc/target/alua", "/var/target/pr", "/var/target/alua", RUN / "view"):
        # LIO looks for the first ones when it is loaded, else no registration can be made.
        Path(folder).mkdir(parents=True, exist_ok=True)
    modules = ("target_core_user", "st", "sg", "veth", "bridge", "fcoe", "tcm_fc", "iscsi_target_mod", "iscsi_tcp")
    call("modprobe", "-a", "configfs", "target_core_mod", *modules)
    call("mount", "-t", "configfs", "configfs", "/sys/kernel/config", check=False)
    served = [f"{drive.name}={drive.serial},{drive.naa},{drive.barcode}" for drive in DRIVES]
    with (RUN / "drives.log").open("wb") as log:
        process = subprocess.Popen(  # pylint: disable=consider-using-with
            [sys.executable, HERE / "drives.py", *served], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    adapters = [*(drive.adapter for drive in DRIVES), *(host.adapter for host in HOSTS)]
    _network(adapters)
    for adapter in adapters:
        adapter.create()
    wait_until(lambda: "READY" in read(RUN / "drives.log") or process.poll() is not None, 30, "The drives do not come up")
    if process.poll() is not None:
        raise RuntimeError(read(RUN / "drives.log"))
    # A port that others have first seen as an initiator is never looked at for drives: the target comes before the cable.
    for drive in DRIVES:
        _export(drive, TARGETS / "fc" / drive.adapter.lio_name / "tpgt_1", [host.adapter.lio_name for host in HOSTS])
    for adapter in adapters:
        adapter.plug()
    _iscsi()
    for host in HOSTS:
        host.shell.write_text(f'#!/bin/sh\nexec {" ".join(as_host(host, "/bin/sh"))} "$@"\n')
        host.shell.chmod(0o755)
    wait_until(lambda: len(paths()) == len(DRIVES) * len(PORTS), 90, "Not every port sees every drive")
    call("udevadm", "settle", "--timeout", "20")


def _network(adapters: Sequence[Adapter]) -> None:
    # FCoE frames are longer than Ethernet's 1500 bytes; shorter ones get through, so that ports come online and find nothing.
    size = "2500"
    lines = [f"link add {BRIDGE} mtu {size} type bridge stp_state 0 forward_delay 0 mcast_snooping 0", f"link set {BRIDGE} up"]
    for adapter in adapters:
        name = adapter.device
        lines.append(f"link add {name} address {adapter.mac} mtu {size} type veth peer name p{name} mtu {size}")
        lines += [f"link set {end} addrgenmode none up" for end in (name, f"p{name}")]
    lines += [f"address add {host.initiator.address}/32 dev lo scope host" for host in HOSTS]
    batch = RUN / "network"
    batch.write_text("\n".join(lines) + "\n")
    call("ip", "-batch", batch)


def _export(drive: Drive, group: Path, initiators: Sequence[str]) -> None:
    """Make the drive unit 0 of a target's port group, for these initiators."""
    unit = group / "lun" / "lun_0"
    unit.mkdir(parents=True)
    (unit / "drive").symlink_to(TARGETS / "core/user_0" / drive.name)
    for initiator in initiators:
        mapped = group / "acls" / initiator / "lun_0"
        mapped.mkdir(parents=True)
        (mapped / "unit").symlink_to(unit)


def _iscsi() -> None:
    """Make the targets, and log in from both initiators."""
    for drive in DRIVES:
        group = TARGETS / "iscsi" / drive.target / "tpgt_1"
        for host in HOSTS:
            (group / "np" / f"{host.initiator.address}:{ISCSI_PORT}").mkdir(parents=True)
        for attribute in ("authentication", "generate_node_acls"):
            (group / "attrib" / attribute).write_text("0")
        _export(drive, group, [host.initiator.id for host in HOSTS])
        (group / "enable").write_text("1")
    etc = Path("/etc/iscsi")
    shutil.rmtree(etc / "nodes", ignore_errors=True)
    (etc / "ifaces").mkdir(parents=True, exist_ok=True)
    Path("/run/lock/iscsi").mkdir(parents=True, exist_ok=True)
    (etc / "initiatorname.iscsi").write_text(f"InitiatorName={WITHOUT_SESSION}\n")
    (etc / "initiatorname.iscsi").chmod(0o600)
    (etc / "iscsid.conf").write_text(
        "node.startup = manual\nnode.session.timeo.replacement_timeout = 600\nnode.conn[0].timeo.noop_out_interval = 1\n"
        "node.conn[0].timeo.noop_out_timeout = 2\nnode.session.auth.authmethod = None\n"
    )
    call("iscsid")
    for host in HOSTS:
        initiator = host.initiator
        (etc / "ifaces" / initiator.interface).write_text(
            f"iface.iscsi_ifacename = {initiator.interface}\niface.transport_name = tcp\niface.initiatorname = {initiator.id}\n"
        )
        for drive in DRIVES:
            portal = f"{initiator.address}:{ISCSI_PORT},1"
            call("iscsiadm", "-m", "node", "-T", drive.target, "-p", portal, "-I", initiator.interface, "-o", "new")
    call("iscsiadm", "-m", "node", "--login")


def main() -> None:
    """Build the network, or show it."""
    started = time.monotonic()
    if "--show" in sys.argv:
        for found in paths():
            print(found.drive.serial, found.port.id, found.target, found.address, found.tape, found.generic)
    else:
        build()
        print(f"The drives are there after {read(Path('/proc/uptime')).split()[0]} s, {time.monotonic() - started:.1f} s for them.", flush=True)


if __name__ == "__main__":
    main()
