# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Boot Debian's kernel in QEMU on this machine's own file system, and run commands in it as root.

It interprets the guest's processor (TCG): KVM is not asked for, even where /dev/kvm is. There is no disk image: the
guest's root is this machine's, which it can only read, with an overlay in memory. The kernel package is downloaded by
apt and unpacked, not installed. README.md says what the guest has and how to use it.
"""

from __future__ import annotations

import argparse
import compileall
import contextlib
import lzma
import os
import platform
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
KERNEL = ROOT / "build" / "cache" / "lab"
STATE = ROOT / "build" / "lab"
#: Exit statuses: the guest did not get as far as running the command; the lab cannot be had on this machine.
NO_ANSWER, CANNOT_BE_RUN = 99, 77
MEMORY_MIB = 1024
SBIN = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#: Packages of bindep.txt by a program of each.
PROGRAMS = {
    "qemu-system-x86_64": "qemu-system-x86", "busybox": "busybox", "modprobe": "kmod", "ip": "iproute2", "udevadm": "udev",
    "iscsiadm": "open-iscsi", "sg_persist": "sg3-utils", "lsscsi": "lsscsi", "mt": "mt-st",
}
UDEVD = Path("/lib/systemd/systemd-udevd")
#: What the initrd needs to mount the root.
MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay")


class LabError(Exception):
    """The lab cannot be had here, in one sentence."""


def check() -> None:
    """Refuse where the lab cannot be had."""
    if platform.machine() != "x86_64":
        msg = f"the lab's guest is a PC, and this machine is {platform.machine()}"
        raise LabError(msg)
    if os.geteuid() != 0:
        msg = "the lab's guest reads this machine's file system as root, and this user is not root"
        raise LabError(msg)
    missing = [package for program, package in PROGRAMS.items() if not shutil.which(program, path=SBIN)]
    if missing or not UDEVD.exists():
        msg = f"missing Debian packages: {' '.join(missing or ['udev'])}"
        raise LabError(msg)
    if not re.fullmatch(r"[^\s,\"]+", str(ROOT)):
        msg = f"the path {ROOT} has signs that the kernel's command line cannot carry"
        raise LabError(msg)


def _output(*words: str | Path, cwd: Path | None = None) -> str:
    try:
        return subprocess.run(
            words, check=True, capture_output=True, text=True, cwd=cwd, env={"PATH": SBIN, "LC_ALL": "C.UTF-8"}, timeout=600
        ).stdout
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as exc:
        said = (exc.stderr or exc.stdout or "no output").strip().splitlines() or ["no output"]
        msg = f"{shlex.join(map(str, words))} failed: {said[-1]}"
        raise LabError(msg) from exc


def unpacked_kernel() -> Path:
    """Give the folder with Debian's kernel and its modules; downloads some 70 MB the first time."""
    if (KERNEL / "vmlinuz").exists():
        return KERNEL
    KERNEL.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=KERNEL.parent) as folder:
        new = Path(folder)
        # As apt's own user could not write here.
        download = ("apt-get", "-q", "-o", "APT::Sandbox::User=root", "download")
        try:
            _output(*download, _kernel_package(), cwd=new)
        except LabError:
            # The list of packages is older than what the mirror has.
            _output("apt-get", "-q", "update")
            _output(*download, _kernel_package(), cwd=new)
        _output("dpkg", "-x", next(new.glob("*.deb")), new / "x")
        modules = next(iter([*new.glob("x/lib/modules/*"), *new.glob("x/usr/lib/modules/*")]))
        made = new / "kernel"
        (made / "lib" / "modules").mkdir(parents=True)
        modules.rename(made / "lib" / "modules" / modules.name)
        _output("depmod", "-b", made, modules.name)
        next(new.glob("x/boot/vmlinuz-*")).rename(made / "vmlinuz")
        shutil.rmtree(KERNEL, ignore_errors=True)
        made.rename(KERNEL)
    return KERNEL


def _kernel_package() -> str:
    depends = _output("apt-cache", "depends", "linux-image-amd64")
    found = re.search(r"Depends: (linux-image-\S+)", depends)
    if not found:
        msg = "apt knows no package linux-image-amd64"
        raise LabError(msg)
    return found[1]


def initrd(kernel: Path) -> bytes:
    """Make the initrd: busybox, the modules that are needed for the root, and initrd.sh."""
    version = next((kernel / "lib" / "modules").iterdir()).name
    busybox = Path(str(shutil.which("busybox", path=SBIN)))
    files = {"init": (HERE / "initrd.sh").read_bytes(), "bin/busybox": busybox.read_bytes(), "bin/sh": busybox.read_bytes()}
    linked = subprocess.run(["ldd", busybox], capture_output=True, text=True, check=False).stdout
    files |= {path.lstrip("/"): Path(path).read_bytes() for path in re.findall(r"(/\S+) \(0x", linked)}
    modules: list[Path] = []
    for name in MODULES:
        shown = _output("modprobe", "-d", kernel, "-S", version, "--show-depends", name)
        modules += [Path(path) for path in re.findall(r"^insmod (\S+)", shown, re.MULTILINE)]
    for number, path in enumerate(dict.fromkeys(modules)):
        content = path.read_bytes()
        name = path.name.removesuffix(".xz")
        files[f"modules/{number:02}-{name}"] = lzma.decompress(content) if path.suffix == ".xz" else content
    folders = {str(parent) for path in files for parent in Path(path).parents} - {"."} | {"lower", "memory", "root"}
    entries = [(folder, 0o40755, b"") for folder in sorted(folders)]
    entries += [(path, 0o100755, content) for path, content in files.items()]
    return _cpio(entries)


def _cpio(entries: Sequence[tuple[str, int, bytes]]) -> bytes:
    """Pack files (path, mode, content) as the kernel wants it: Documentation/driver-api/early-userspace/buffer-format.rst."""
    packed = b""
    for number, (path, mode, content) in enumerate([*entries, ("TRAILER!!!", 0, b"")], start=1):
        name = path.encode() + b"\0"
        fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name), 0)
        head = b"070701" + "".join(f"{value:08x}" for value in fields).encode() + name
        packed += head + bytes(-len(head) % 4) + content + bytes(-len(content) % 4)
    return packed


def qemu(out: Path, forwards: Sequence[str] = ()) -> list[str]:
    """Give the command line of a guest whose results go to ``out``; ``forwards``: HOST_PORT:GUEST_PORT on 127.0.0.1."""
    kernel = unpacked_kernel()
    (out / "initrd").write_bytes(initrd(kernel))
    shares = {"root": ("/", True), "modules": (kernel / "lib" / "modules", True), "out": (out, False)}
    words = [
        "qemu-system-x86_64", "-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", str(MEMORY_MIB),
        "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio", "-device", "virtio-rng-pci",
        "-kernel", str(kernel / "vmlinuz"), "-initrd", str(out / "initrd"),
        "-append", f"console=ttyS0 quiet loglevel=3 panic=-1 no_timer_check LAB={HERE} LAB_OUT={out}",
    ]
    for tag, (path, only_read) in shares.items():
        words += ["-fsdev", f"local,id={tag},path={path},security_model=none,multidevs=remap{',readonly=on' if only_read else ''}"]
        words += ["-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}"]
    if forwards:
        ports = [forward.split(":") for forward in forwards]
        rules = "".join(f",hostfwd=tcp:127.0.0.1:{here}-:{there}" for here, there in ports)
        words += ["-netdev", f"user,id=net0,restrict=on{rules}", "-device", "virtio-net-pci,netdev=net0,mac=52:54:00:00:00:01,romfile="]
    return words


def prepare(out: Path, command: str) -> None:
    """Make the folder of a guest, with the command that it is to run once the drives are there."""
    shutil.rmtree(out, ignore_errors=True)
    (out / "queue").mkdir(parents=True)
    python = Path(sys.executable)
    lines = [
        f"export PATH={shlex.quote(str(python.parent))}:{SBIN}",
        f"export ANSIBLE_COLLECTIONS_PATH={shlex.quote(str(ROOT / 'build' / 'collections'))} PYTEST_DISABLE_PLUGIN_AUTOLOAD=1",
        f"cd {shlex.quote(str(ROOT))} || exit",
        f"{shlex.quote(str(python))} {shlex.quote(str(HERE / 'san.py'))} || exit",
        command,
    ]
    (out / "command").write_text("\n".join(lines) + "\n", encoding="utf-8")


def run_tests(words: Sequence[str], out: Path) -> int:
    """Boot a guest, run the tests of this folder in it, and end it; the report is ``out``/report.xml."""
    pytest = [sys.executable, "-m", "pytest", "-q", "-ra", "--color=no", "--tb=short", "--durations=8", "--durations-min=1"]
    pytest += ["-p", "no:cacheprovider", "--basetemp=/run/lab/pytest", f"--junitxml={out / 'report.xml'}"]
    chosen = any((ROOT / word.partition("::")[0]).exists() for word in words)
    prepare(out, shlex.join([*pytest, *words, *([] if chosen else [str(HERE)])]))
    # Else the guest does it, seven times slower, and loses it.
    compileall.compile_dir(ROOT / "plugins", quiet=2)
    guest = qemu(out)
    # On a machine that is too busy the kernel may find its clocks broken, and panic. Said, because it should be rare.
    for again in ("The kernel did not come up; once more.", ""):
        subprocess.run(guest, stdin=subprocess.DEVNULL, env={"PATH": SBIN}, check=False)
        if (out / "booted").exists() or not again:
            break
        print(again, flush=True)
    return _status(out / "status")


def _status(file: Path) -> int:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return NO_ANSWER


def _alive(out: Path) -> bool:
    with contextlib.suppress(OSError, ValueError):
        pid = int((out / "pid").read_text())
        return b"qemu" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def up(out: Path, forwards: Sequence[str] = ()) -> int:
    """Boot a guest and leave it running; wait until its drives are there."""
    if _alive(out):
        print("It is up already.")
        return 0
    prepare(out, f"/bin/bash {shlex.quote(str(HERE / 'serve.sh'))}")
    words = qemu(out, forwards)
    with (out / "console").open("wb") as console:
        guest = subprocess.Popen(  # pylint: disable=consider-using-with
            words, stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT, start_new_session=True, env={"PATH": SBIN}
        )
    (out / "pid").write_text(str(guest.pid))
    while not (out / "up").exists():
        if guest.poll() is not None:
            print((out / "console").read_text(errors="replace"))
            return NO_ANSWER
        time.sleep(0.2)
    return run(out, f"{shlex.quote(sys.executable)} {shlex.quote(str(HERE / 'san.py'))} --show")


def run(out: Path, command: str) -> int:
    """Run a shell command in the guest that is up, in the checkout; print its output and give its exit status."""
    name = out / "queue" / f"{os.getpid()}"
    head = (out / "command").read_text(encoding="utf-8").splitlines()[:3] if _alive(out) else []
    if not head:
        print("It is not up.", file=sys.stderr)
        return NO_ANSWER
    # The guest keeps what it has read of this machine's files, and somebody may have changed them.
    head.append("echo 3 >/proc/sys/vm/drop_caches")
    name.with_suffix(".new").write_text("\n".join([*head, command]) + "\n", encoding="utf-8")
    name.with_suffix(".new").rename(name.with_suffix(".todo"))
    output, ended, shown = name.with_suffix(".out"), False, 0
    try:
        while not ended:
            ended = name.with_suffix(".status").exists()
            if not ended and not _alive(out):
                print("The guest is gone.", file=sys.stderr)
                return NO_ANSWER
            said = output.read_bytes()[shown:] if output.exists() else b""
            shown += len(said)
            sys.stdout.write(said.decode(errors="replace"))
            sys.stdout.flush()
            time.sleep(0.1)
        return _status(name.with_suffix(".status"))
    finally:
        for file in name.parent.glob(f"{name.name}.*"):
            file.unlink(missing_ok=True)


def down(out: Path) -> int:
    """End the guest that is up."""
    if _alive(out):
        pid = int((out / "pid").read_text())
        (out / "stop").touch()
        give_up = time.monotonic() + 20
        while _alive(out) and time.monotonic() < give_up:
            time.sleep(0.2)
        if _alive(out):
            os.kill(pid, signal.SIGKILL)
    return 0


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="machine.py", description=__doc__.splitlines()[0])
    parts = parser.add_subparsers(dest="part", required=True)
    parts.add_parser("test", help="boot, run the tests, end").add_argument("words", nargs="*", help="for pytest")
    started = parts.add_parser("up", help="boot, and leave it running")
    started.add_argument("--forward", action="append", default=[], metavar="PORT:PORT", help="of 127.0.0.1 into the guest")
    parts.add_parser("run", help="run a command in it").add_argument("command", help="for bash")
    parts.add_parser("down", help="end it")
    for name, part in parts.choices.items():
        if name != "test":
            part.add_argument("--out", type=Path, default=STATE / "up", help="the folder of the guest, if it is another one")
    args, rest = parser.parse_known_args()
    if rest and args.part != "test":
        parser.error(f"unknown: {' '.join(rest)}")
    try:
        check()
        if args.part == "test":
            return run_tests([*args.words, *rest], STATE / "test")
        out = args.out
        return {"up": lambda: up(out, args.forward), "run": lambda: run(out, args.command), "down": lambda: down(out)}[args.part]()
    except LabError as exc:
        print(exc)
        return CANNOT_BE_RUN


if __name__ == "__main__":
    sys.exit(main())
