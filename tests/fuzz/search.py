# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Search for an input that a target does not bear, for some seconds.

With atheris, which sees by the coverage of our code and of pysnmp's what is worth going on with: inputs of 300 octets
with a structure that a random search would not get through. It is in a process of its own, as it never gives control
back. Where there is no atheris (it comes for Linux on x86_64), the examples are changed at random.
"""

from __future__ import annotations

import binascii
import hashlib
import importlib.util
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.tapeworks.drive_sharing.tests.fuzz import targets

HERE = Path(__file__).resolve().parent
CORPUS = HERE / "corpus"
#: Seconds of all searches together, and how they are shared; atheris needs some more to start.
SECONDS = float(os.environ.get("DRIVE_SHARING_FUZZ_SECONDS") or 18)
SHARES = {"datagrams": 0.42, "guarded": 0.07, "guarded_windows": 0.04, "record": 0.05, "scsi": 0.1, "map": 0.19, "change": 0.13}
#: What atheris may need beyond its time, to start on a busy machine and to end its last input.
_GRACE = 120.0


class FoundError(AssertionError):
    """An input that a target does not bear."""

    def __init__(self, name: str, data: bytes, said: str) -> None:
        """Say how to run it again and how to keep it."""
        octets = data.hex() or '""'
        super().__init__(
            f"{name} does not bear an input of {len(data)} octets:\n{said}\n"
            f"Run it again:  PYTHONPATH=build/collections build/venv/2.19/bin/python tests/fuzz/replay.py {name} {octets}\n"
            f"Keep it when it is mended:  echo '{hashlib.sha256(data).hexdigest()[:8]} {data.hex()}' >> tests/fuzz/corpus/{name}.txt"
        )
        self.data = data


def seconds_for(name: str) -> float:
    """Give the seconds of one search."""
    return SECONDS * SHARES[name]


def new_seed() -> int:
    """Give the seed of a search: another one each time, unless DRIVE_SHARING_FUZZ_SEED says which."""
    return int(os.environ.get("DRIVE_SHARING_FUZZ_SEED") or random.randrange(1, 2**31))


def samples(name: str) -> Iterator[tuple[str, bytes]]:
    """Give what tests/fuzz/corpus has for a target: what failed once, and what leads into far corners."""
    for line in (CORPUS / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            label, _blank, octets = line.partition(" ")
            yield label, binascii.unhexlify(octets)


def search(name: str, seconds: float, seed: int) -> str:
    """Search; gives a sentence about it, or raises FoundError."""
    if importlib.util.find_spec("atheris") is None:
        return _at_random(name, seconds, seed)
    with tempfile.TemporaryDirectory() as folder:
        corpus, found = Path(folder, "corpus"), Path(folder, "found")
        corpus.mkdir()
        found.mkdir()
        for number, data in enumerate(_examples(name)):
            corpus.joinpath(str(number)).write_bytes(data)
        # Its answer is long, and of interest at its end; a pipe that nobody reads would stop it.
        with Path(folder, "log").open("w+", encoding="utf-8", errors="backslashreplace") as log:
            done = subprocess.run(
                [sys.executable, str(HERE / "explore.py"), name, folder, str(seconds), str(seed)],
                stdout=log, stderr=log, timeout=seconds + _GRACE, check=False,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)},
            )  # fmt: skip
            log.seek(0)
            said = log.read()
        for input_file in found.iterdir():
            raise FoundError(name, input_file.read_bytes(), _words(said))
        if done.returncode:
            raise AssertionError(f"atheris ended with {done.returncode}, seed {seed}:\n{said[-3000:]}")
        octets = int.from_bytes(Path(folder, "octets").read_bytes(), "little")
        runs = re.findall(r"^Done (\d+) runs", said, re.MULTILINE)
        ground = re.findall(r"cov: (\d+) ft: (\d+)", said)[-1:]
        return f"{name}: {''.join(runs)} inputs of {octets} octets in all with seed {seed}, branches and features {ground}"


def _words(said: str) -> str:
    """Give what atheris says of an exception, or of an input that takes too long or too much."""
    found = re.search(r"=== Uncaught Python exception: ===\n(.*?)\n==\d+==", said, re.DOTALL)
    return (
        found[1]
        if found
        else "\n".join(line for line in said.splitlines() if line.startswith(("==", "SUMMARY")))[:2000]
    )


def _examples(name: str) -> list[bytes]:
    return [*targets.make(name).seeds().values(), *(data for _label, data in samples(name))]


def _at_random(name: str, seconds: float, seed: int) -> str:
    target, examples, chance = targets.make(name), _examples(name), random.Random(seed)
    until, count, octets = time.monotonic() + seconds, 0, 0
    while time.monotonic() < until:
        data = _changed(chance, examples)
        count += 1
        octets += len(data)
        try:
            target.run(data)
        except Exception as exc:
            raise FoundError(name, data, f"{type(exc).__name__}: {exc}") from exc
    return f"{name}: {count} inputs of {octets} octets in all with seed {seed}, without atheris"


def _changed(chance: random.Random, examples: list[bytes]) -> bytes:
    data = bytearray(chance.choice(examples))
    for _turn in range(chance.randrange(1, 6)):
        at, end = sorted((chance.randint(0, len(data)), chance.randint(0, len(data))))
        other = chance.choice(examples)
        begin = chance.randint(0, len(other))
        match chance.randrange(5):
            case 0 if data:
                data[at - 1] ^= 1 << chance.randrange(8)
            case 1:
                data[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(4))
            case 2 if end - at < 40:
                del data[at:end]
            case 3:
                data[at:at] = other[begin : begin + chance.randrange(60)]
            case _:
                data[at:at] = data[at:end]
        del data[8192:]
    return bytes(data)
