# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A world in which stories about a product are told, all of them together: see README.md in tests/products.

Each story has a host of its own, with the product of its own and drives of its own, behind one real sshd that gives each
host its PATH. A story is a generator: it yields what is to be run next and gets the results. What all stories want to
run next goes into one play, so that twenty stories cost as many plays as the longest of them has steps.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils import (
    _associations,
    _changes,
    _dispatch,
    _host_variables,
    _identifiers,
    _record,
    _store,
)
from ansible_collections.tapeworks.drive_sharing.plugins.plugin_utils._change import Observation
from ansible_collections.tapeworks.drive_sharing.tests.products.product import Product
from ansible_collections.tapeworks.drive_sharing.tests.sshd import SYSTEM_PATH, sshd

#: The instance that reserves the drives; it has no product to speak of.
FOREIGN = "elsewhere"
FOREIGN_PORT = {"protocol": "fc", "id": "10000090fa16ffff"}
#: Addresses of one sshd, which takes no more.
SOCKETS = 16


@dataclass(frozen=True)
class Description:
    """What a product has of its own, for the stories that are told of all of them."""

    #: The application, as in the role ``application_<name>``.
    name: str
    #: The fake.
    product: type[Product]
    #: Host variables of a story's host: the role's options. It may write files by ``story.file`` and ``story.secret_file``.
    options: Callable[[Story], Mapping[str, Any]]
    #: What people read where the product does not do as it is told: the behaviour, and a part of the sentence.
    says: Mapping[str, str]
    #: Whether the product shows that a reservation conflict was the cause of a drive being offline.
    evidence: bool = False
    #: Whether setting a drive offline kills the job that runs on it; if not, it is set offline.
    kills_job: bool = True
    #: It is set offline at once and gets no more jobs, and is confirmed when the one that runs has ended (Found.ending).
    job_ends: bool = False
    #: Seconds in which it surely comes to the command that hangs, where it is not the first one of several, on a busy machine.
    patience: int = 2
    #: Has one name of the product stand for the story's first two drives; without it the product shows it twice.
    one_name: Callable[[Story], None] | None = None
    #: Host variables that follow what the product knows, for those whose drives are found by a map of the inventory.
    current: Callable[[Story], Mapping[str, Any]] | None = None
    #: More keys of the host's entry in drive_sharing_applications.
    entry: Callable[[Story], Mapping[str, Any]] = lambda _story: {}
    #: Stories that make no sense for it: the story's name, and why. A test prints them.
    left_out: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Role:
    """Set drives by hand, or ask about them; the result is that of the module."""

    entry: str
    drives: Sequence[str] | None = None
    check: bool = False
    #: Which of the story's hosts.
    at: int = 0
    #: By the role's entry point; else by the task that it consists of, which takes a third of the time.
    role: bool = False


@dataclass(frozen=True)
class Change:
    """Have the foreign instance reserve or release drives, or (again) what is owed asked anew; the result is a list of answers."""

    status: str
    drives: Sequence[str] | None = None
    #: The port that reserves; else the foreign one.
    by: Mapping[str, str] | None = None


Step = Role | Change
Told = Generator[Step | Sequence[Step], Any, None]


def of(hosts: int = 1, entry: Callable[[Story], Mapping[str, Any]] | None = None) -> Callable[[Any], Any]:
    """Give a story more hosts, or an entry of its own in drive_sharing_applications.

    The hosts are ``story.hosts``; all have the product's programs over the same state, and find their own name in PRODUCT_HOST.
    """

    def mark(tell: Callable[[Story], Told]) -> Callable[[Story], Told]:
        tell.__dict__.update(hosts=hosts, entry=entry)
        return tell

    return mark


class Story:
    """One story's host (or hosts), with its product and its drives."""

    def __init__(self, world: World, number: int, tell: Callable[[Story], Told]) -> None:
        self.world, self.tell = world, tell
        self.description = world.description
        self.name = tell.__name__.removeprefix("story_")
        self.host = f"host_{number:02}"
        more = [f"{self.host}_{place}" for place in range(1, getattr(tell, "hosts", 1))]
        #: The host of the story, and those that it has besides; each with its address.
        self.hosts = {
            host: f"127.0.{world.net}.{1 + number + 50 * place}" for place, host in enumerate([self.host, *more])
        }
        self.entry = getattr(tell, "entry", None) or self.description.entry
        self.directory = world.directory / self.host
        self.product = self.description.product(self.directory / "product")
        #: In the order in which they are told; the second one's serial number begins with the first one's.
        self.drives = [f"13{number:02}77{letter}" for letter in ("1", "12", "2")]
        self.ports = {
            host: {"protocol": "fc", "id": f"10000090fa{place:02x}{number:04x}"} for place, host in enumerate(self.hosts)
        }
        #: Host variables over those of the description; a story may change them between its steps.
        self.variables: dict[str, Any] = {}
        self.secrets: list[str] = []
        self.secret_files: list[Path] = []
        #: Everything that plays printed and gave about this host.
        self.error: BaseException | None = None

    def prepare(self) -> None:
        """Make the host: the product with all drives online."""
        self.directory.mkdir()
        for host in self.hosts:
            self.product.install(self.directory / host / "bin", host)
        for number, drive in enumerate(self.drives):
            self.product.add(drive, device=self.device(number))
        self.options = dict(self.description.options(self))

    @staticmethod
    def device(number: int) -> str:
        """The device file of a drive; the same names are used on every host."""
        return f"/dev/tape/by-id/scsi-{number}-nst"

    def file(self, name: str, text: str, mode: int = 0o644) -> str:
        """Write a file on the host; give its path."""
        path = self.directory / name
        path.touch(mode)
        path.chmod(mode)
        path.write_text(text, encoding="utf-8")
        return str(path)

    def secret(self) -> str:
        """A new password, which must not be seen anywhere."""
        self.secrets.append(f"Secret-{secrets.token_hex(8)}")
        return self.secrets[-1]

    def secret_file(self, name: str, form: str) -> str:
        """Write a file with a password in place of ``{}``, mode 0600; give its path."""
        path = self.file(name, form.replace("{}", self.secret()), 0o600)
        self.secret_files.append(Path(path))
        return path

    def host_variables(self, host: str) -> dict[str, Any]:
        """How the inventory describes a host."""
        entry = {"application": self.description.name, "instance": self.host, **self.entry(self)}
        return {
            **self.world.connections[self.hosts[host]], "ansible_host": self.hosts[host], "drive_sharing_ports": [self.ports[host]],
            "drive_sharing_applications": [entry],
            "drive_sharing_drives": [
                {"serial": drive, "devices": [self.device(number)]} for number, drive in enumerate(self.drives)
            ],
            "drive_sharing_state_directory": str(self.directory / host / "records"),
            **self.options, **(self.description.current(self) if self.description.current else {}), **self.variables,
        }

    # What a story yields

    def query(self, *drives: str, at: int = 0, role: bool = False) -> Role:
        return Role("query", drives or None, False, at, role)

    def offline(self, *drives: str, at: int = 0, check: bool = False, role: bool = False) -> Role:
        return Role("offline", drives or None, check, at, role)

    def online(self, *drives: str, at: int = 0, role: bool = False) -> Role:
        return Role("online", drives or None, False, at, role)

    def reserved(self, *drives: str, by: Mapping[str, str] | None = None) -> Change:
        return Change("reserved", drives or None, by)

    def released(self, *drives: str) -> Change:
        return Change("released", drives or None)

    def again(self, *drives: str) -> Change:
        return Change("again", drives or None)

    # What it looks at

    def states(self) -> list[str]:
        """The truth, one word a drive: its state if it is the same under all names."""
        return ["/".join(sorted(set(self.product.states(drive)))) for drive in self.drives]

    def record(self, drive: str, at: int = 0) -> dict[str, Any]:
        """The record on the control point; empty if there is none."""
        found = list(self.directory.glob(f"{list(self.hosts)[at]}/records/*/{drive}"))
        record = _record.parse(found[0].read_text(encoding="utf-8").rstrip("\n")) if found else None
        return asdict(record) if record else {}


class World:
    """The hosts of all stories about one product."""

    def __init__(self, directory: Path, description: Description, stories: Sequence[Callable[[Story], Told]]) -> None:
        self.directory = directory
        self.description = description
        # Products are tested at the same time.
        self.net = 1 + sum(description.name.encode()) % 250
        self.inventory = directory / "inventory"
        self.table = directory / "table.sqlite"
        #: How an address is reached.
        self.connections: dict[str, dict[str, Any]] = {}
        self.sockets = ""
        self.printed: list[str] = []
        self.results: list[Any] = []
        #: How long each play took.
        self.seconds: list[float] = []
        self.watch = Watch()
        self.stories = [Story(self, number, tell) for number, tell in enumerate(stories)]

    @contextlib.contextmanager
    def running(self) -> Iterator[World]:
        """Make everything, with sshd."""
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.inventory / "host_vars").mkdir(parents=True)
        (self.directory / "ansible.cfg").write_text("[defaults]\n", encoding="utf-8")
        for story in self.stories:
            story.prepare()
        paths = {
            address: f"{story.directory / host / 'bin'}{os.pathsep}{SYSTEM_PATH}"
            for story in self.stories for host, address in story.hosts.items()
        }
        with contextlib.ExitStack() as stack:
            # Of its own: the path of a socket may not have more than some hundred characters.
            self.sockets = stack.enter_context(tempfile.TemporaryDirectory(prefix="ssh", ignore_cleanup_errors=True))
            addresses = list(paths)
            for start in range(0, len(addresses), SOCKETS):
                some = addresses[start:start + SOCKETS]
                connection = stack.enter_context(sshd(self.directory / f"sshd_{start}", some, paths))
                self.connections |= dict.fromkeys(some, connection)
            self.describe()
            self.record()
            stack.enter_context(self.watch)
            yield self

    def describe(self) -> None:
        """Write the inventory as it is now."""
        everybody: dict[str, Any] = {host: {} for story in self.stories for host in story.hosts} | {FOREIGN: {}}
        groups = {
            "drive_sharing": {
                "hosts": everybody,
                "vars": {"drive_sharing_discover": False, "drive_sharing_table": str(self.table)},
            },
            "all": {"hosts": {"localhost": {"ansible_connection": "local", "drive_sharing_table": str(self.table)}}},
        }
        (self.inventory / "hosts.yml").write_text(json.dumps(groups), encoding="utf-8")
        foreign = {
            "ansible_connection": "local", "drive_sharing_ports": [FOREIGN_PORT],
            "drive_sharing_applications": [{"application": "custom"}],
            "drive_sharing_state_directory": str(self.directory / FOREIGN),
            "application_custom_query_command": ["echo", "nothing"], "application_custom_query_valid_pattern": "nothing",
            "application_custom_query_pattern": "(?P<name>X)(?P<state>Y)",
            "application_custom_offline_command": ["false", "{name}"],
            "application_custom_online_command": ["false", "{name}"],
        }
        self.write_host(FOREIGN, foreign)
        for story in self.stories:
            for host in story.hosts:
                self.write_host(host, story.host_variables(host))

    def write_host(self, host: str, variables: Mapping[str, Any]) -> None:
        (self.inventory / "host_vars" / f"{host}.yml").write_text(json.dumps(variables), encoding="utf-8")

    def record(self) -> None:
        """Do as the playbook host_facts does, at once."""
        store = _store.open_store(str(self.table), create=True)
        with store.write() as tx:
            foreign = [{"serial": drive, "devices": []} for story in self.stories for drive in story.drives]
            entries = _host_variables.applications([{"application": "custom"}], FOREIGN)
            self._write(tx, FOREIGN, entries, foreign, FOREIGN_PORT)
            for story, host in [(one, host) for one in self.stories for host in one.hosts]:
                variables = story.host_variables(host)
                entries = _host_variables.applications(variables["drive_sharing_applications"], host)
                self._write(tx, host, entries, variables["drive_sharing_drives"], story.ports[host])
        store.close()

    @staticmethod
    def _write(tx: Any, host: str, entries: Any, drives: Any, port: Any) -> None:
        facts = {"drives": drives, "ports": [port], "notes": []}
        problems = _associations.write_host(tx, host, facts, _host_variables.instances(entries, True), time.time())
        assert problems == [], problems

    # Telling

    def tell(self) -> None:
        """Tell all stories to their end; what went wrong in one is kept for its test."""
        told = {story: story.tell(story) for story in self.stories}
        given: dict[Story, Any] = dict.fromkeys(told)
        while given:
            wanted: dict[Story, list[Step]] = {}
            single: set[Story] = set()
            for story, answer in given.items():
                try:
                    steps = told[story].send(answer)
                except StopIteration:
                    continue
                except Exception as exc:
                    # The story's own test raises it.
                    story.error = exc
                    continue
                if isinstance(steps, (Role, Change)):
                    single.add(story)
                    steps = [steps]
                wanted[story] = list(steps)
            if wanted:
                self.describe()
            answers = self.round(wanted)
            given = {story: answers[story][0] if story in single else answers[story] for story in wanted}

    def round(self, wanted: Mapping[Story, Sequence[Step]]) -> dict[Story, list[Any]]:
        """Run the steps of all stories: one play of the role, and one of reservation_change for each further change."""
        left = {story: list(steps) for story, steps in wanted.items()}
        done: dict[Story, list[Any]] = {story: [] for story in wanted}
        while any(left.values()):
            roles = {story: _leading(steps, Role) for story, steps in left.items()}
            if any(roles.values()):
                for story, results in self.roles({one: some for one, some in roles.items() if some}).items():
                    done[story] += results
                    del left[story][:len(results)]
            changes = {story: left[story].pop(0) for story in left if left[story] and isinstance(left[story][0], Change)}
            if changes:
                for story, answers in self.changes(changes).items():
                    done[story].append(answers)
        return done

    def roles(self, steps: Mapping[Story, Sequence[Role]]) -> dict[Story, list[Any]]:
        """Run what is done by hand, those of one story one after the other: a play for all that are the same."""
        plays: list[dict[str, Any]] = []
        given: dict[str, dict[str, Any]] = {host: {} for story in steps for host in story.hosts}
        for number in range(max(map(len, steps.values()))):
            kinds: dict[tuple[str, bool, bool], list[str]] = {}
            for story, some in steps.items():
                if number < len(some):
                    one, host = some[number], list(story.hosts)[some[number].at]
                    drives = one.drives if one.drives is not None else [] if one.entry == "query" else story.drives
                    given[host][f"story_drives_{number}"] = list(drives)
                    kinds.setdefault((one.entry, one.check, one.role), []).append(host)
            plays += [self.play(number, hosts, *kind) for kind, hosts in sorted(kinds.items())]
        for story in steps:
            for host in story.hosts:
                self.write_host(host, {**story.host_variables(host), **given[host]})
        (self.directory / "steps.yml").write_text(json.dumps(plays), encoding="utf-8")
        output = self.ansible(str(self.directory / "steps.yml"))
        found = _results(output)
        results = {
            story: [
                found.get((number, list(story.hosts)[one.at]), {"msg": f"no result: {output[-4000:]}"})
                for number, one in enumerate(some)
            ]
            for story, some in steps.items()
        }
        self.results.append(list(results.values()))
        return results

    def play(self, number: int, hosts: Sequence[str], entry: str, check: bool, role: bool) -> dict[str, Any]:
        """Give the play that does one step on some hosts."""
        drives = f"{{{{ story_drives_{number} }}}}"
        name = f"application_{self.description.name}"
        call = {"application": self.description.name, "drives": f"{{{{ story_drives_{number} | default(omit, true) }}}}"}
        if role:
            # A result that stems from another step must not be taken for that of this one.
            show = f"step {number} gave {{{{ inventory_hostname }}}} {{{{ {name}_result | to_json }}}}"
            tasks = [{
                "block": [{
                    "ansible.builtin.include_role": {"name": f"tapeworks.drive_sharing.{name}", "tasks_from": entry},
                    "vars": {f"{name}_drives": drives},
                }],
                "rescue": [{"ansible.builtin.meta": "noop"}],
                "always": [{"name": f"show {number}", "ansible.builtin.debug": {"msg": show}}],
            }]  # fmt: skip
        elif entry == "query":
            tasks = [{"name": f"step {number}", "tapeworks.drive_sharing.application_drive_info": call}]
        else:
            tasks = [{"name": f"step {number}", "tapeworks.drive_sharing.application_drive": {**call, "state": entry}}]
        for task in tasks:
            task["ignore_errors"] = True
        return {"hosts": ",".join(hosts), "gather_facts": False, "check_mode": check, "tasks": tasks}

    def changes(self, changes: Mapping[Story, Change]) -> dict[Story, list[Any]]:
        """Have changes seen by a detector, and do what the engine does with them: one batch, one play."""
        wanted = {drive: change for story, change in changes.items() for drive in (change.drives or story.drives)}
        store = _store.open_store(str(self.table))
        now = time.time()
        with store.write() as tx:
            seen = [
                Observation(
                    drive, change.status, (dict(change.by or FOREIGN_PORT),) if change.status == "reserved" else (),
                    "2026-11-22T06:00:34.567890+00:00", "manual",
                )
                for drive, change in wanted.items() if change.status != "again"
            ]
            _changes.record(tx, seen, now)
            _dispatch.expire(tx, now, lambda _claimer: False)
            batch = _identifiers.new_batch_id(now)
            put = _dispatch.emit(tx, list(wanted), batch, now)
        store.close()
        assert set(put) == set(wanted)
        self.ansible(
            "tapeworks.drive_sharing.reservation_change", "--limit", "all,localhost", "-e",
            json.dumps({"drive_sharing_batch": batch, "drive_sharing_error_on": []}),
        )
        store = _store.open_store(str(self.table))
        with store.read() as tx:
            rows = tx.execute("SELECT * FROM answers ORDER BY drive, instance, host")
        store.close()
        answers = [dict(row) for row in rows]
        self.results.append(answers)
        return {
            story: [
                one for drive in (change.drives or story.drives) for one in answers
                if one["drive"] == drive and one["host"] in story.hosts
            ]
            for story, change in changes.items()
        }

    def ansible(self, playbook: str, *options: str) -> str:
        """Run a playbook, with everything that it can say."""
        started = time.monotonic()
        done = subprocess.run(
            ["ansible-playbook", "-vvv", "-i", str(self.inventory), playbook, *options],
            cwd=self.directory, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="backslashreplace", timeout=180, check=False,
        )  # fmt: skip
        self.printed.append(done.stdout)
        self.seconds.append(time.monotonic() - started)
        assert "Traceback" not in done.stdout, done.stdout[-6000:]
        return done.stdout

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the plays."""
        return {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "ANSIBLE_CONFIG": str(self.directory / "ansible.cfg"),
            "ANSIBLE_HOME": str(self.directory / "ansible"),
            "ANSIBLE_FORKS": "40",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_HOST_KEY_CHECKING": "False",
            "ANSIBLE_PIPELINING": "True",
            "ANSIBLE_LOCALHOST_WARNING": "False",
            "ANSIBLE_SSH_ARGS": "-o ControlMaster=auto -o ControlPersist=60s",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": self.sockets,
            "LC_ALL": "C.UTF-8",
        }

    # What it left

    def by_hand(self) -> Iterator[dict[str, Any]]:
        """The results of all that was done by hand."""
        for some in self.results:
            for result in (one for told in some if isinstance(told, list) for one in told):
                if result.get("drives"):
                    yield result

    def everything(self) -> Iterator[tuple[str, str]]:
        """All that the plays left anywhere: what it is, and its text."""
        for number, text in enumerate(self.printed):
            yield f"the output of play {number}", text
        yield "the results", json.dumps(self.results, default=str)
        for line in sorted(self.watch.seen):
            yield line[:100], line
        secret = {path for story in self.stories for path in story.secret_files}
        for path in sorted(self.directory.rglob("*")):
            if path.is_file() and path not in secret:
                yield str(path.relative_to(self.directory)), path.read_bytes().decode("utf-8", "replace")
        for story in self.stories:
            for call in story.product.calls():
                yield f"the call {call.text[:80]}", json.dumps([call.text, call.lines, dict(call.environment)])


class Watch:
    """Looks at the command lines and the environment of all new processes while it is open."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._old: set[str] = set()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        self._old = set(os.listdir("/proc"))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._end.wait(0.05):
            for pid in os.listdir("/proc"):
                if not pid.isdigit() or pid in self._old:
                    continue
                for part in ("cmdline", "environ"):
                    with contextlib.suppress(OSError):
                        text = Path("/proc", pid, part).read_bytes()
                        if text:
                            self.seen.add(f"{part} of process {pid}: {text.decode('utf-8', 'replace')}")


def _results(output: str) -> dict[tuple[int, str], Any]:
    """Find the result of each step of each host in what a play printed."""
    found: dict[tuple[int, str], Any] = {}
    shown = re.compile(r"^(ok|changed|fatal): \[(host_\w+)\](?:: FAILED!)? => (\{\n.*?^\})", re.MULTILINE | re.DOTALL)
    for number, text in re.findall(r"^TASK \[step (\d+)\] \*+\n(.*?)(?=^(?:TASK|PLAY) )", output, re.MULTILINE | re.DOTALL):
        for word, host, result in shown.findall(text):
            found[int(number), host] = {**json.loads(result), "failed": word == "fatal"}
    for text in re.findall(r'^    "msg": (".*")$', output, re.MULTILINE):
        gave = re.fullmatch(r"step (\d+) gave (\w+) (.*)", json.loads(text), re.DOTALL)
        if gave:
            found[int(gave[1]), gave[2]] = json.loads(gave[3])
    return found


def _leading(steps: Sequence[Step], kind: type) -> list[Any]:
    found: list[Any] = []
    for step in steps:
        if not isinstance(step, kind):
            break
        found.append(step)
    return found
