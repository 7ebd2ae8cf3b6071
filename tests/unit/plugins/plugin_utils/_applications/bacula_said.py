# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What bconsole 9.6.7 printed, recorded on virtual tape drives, with other names and device files, in pieces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

CONSOLE_FILE = "/etc/bacula/drive_sharing.conf"
DAEMON = "192.0.2.10:9103"

CONNECTING = "Connecting to Director director.example.com:9101\n"
GREETING = """\
1000 OK: 103 backup-dir Version: 9.6.7 (10 December 2020)
Enter a period to cancel a command.
"""
REFUSED = """\
Director authorization problem.
Most likely the passwords do not agree.
If you are using TLS, there may have been a certificate validation error during the TLS handshake.
For help, please see http://www.bacula.org/rel-manual/en/problems/Bacula_Frequently_Asked_Que.html

"""
NO_FILE = f"""\
bconsole: ERROR TERMINATION at parse_conf.c:1074
Config error: Cannot open config file "{CONSOLE_FILE}": No such file or directory

23-Nov 05:50 bconsole: ERROR TERMINATION at parse_conf.c:1074
Config error: Cannot open config file "{CONSOLE_FILE}": No such file or directory


"""
JUNK_FILE = f"""\
bconsole: ERROR TERMINATION at parse_conf.c:1115
Config error: expected an equals, got: secret
            : line 12, col 14 of file {CONSOLE_FILE}
  Password secret

23-Nov 05:50 bconsole: ERROR TERMINATION at parse_conf.c:1115
Config error: expected an equals, got: secret
            : line 12, col 14 of file {CONSOLE_FILE}
  Password secret


"""

CHANGER = """\
Autochanger "Library" with devices:
   "Drive-0" (/dev/nst0)
   "Drive-1" (/dev/nst1)

"""
IDLE_0 = """\
Device Tape: "Drive-0" (/dev/nst0) is not open.
   Slot 4 was last loaded in drive 0.
==
"""
IDLE_1 = """\
Device Tape: "Drive-1" (/dev/nst1) is not open.
   Drive 1 is not loaded.
==
"""
DISABLED_0 = """\
Device Tape: "Drive-0" (/dev/nst0) is not open.
   Device is disabled. User command.
   Slot 4 was last loaded in drive 0.
==
"""
DISABLED_1 = """\
Device Tape: "Drive-1" (/dev/nst1) is not open.
   Device is disabled. User command.
   Drive 1 is not loaded.
==
"""
MOUNTED_0 = """\
Device Tape is "Drive-0" (/dev/nst0) mounted with:
    Volume:      TAPE01
    Pool:        Tapes
    Media type:  LTO
    Total Bytes=3,161,088 Blocks=48 Bytes/block=65,856
    Positioned at File=0 Block=49
   Slot 1 is loaded in drive 0.
==
"""
#: Bacula's own check of a tape alert does this too; of another site's drive, with words after the state.
MOUNTED_DISABLED_0 = """\
Device Tape is "Drive-0" (/dev/nst0) mounted with:
    Volume:      TAPE01
    Pool:        *unknown*
    Media type:  LTO
    Total Bytes Read=0 Blocks Read=0 Bytes/block=0
    Positioned at File=0 Block=0
   Device is disabled. User command.
   Slot 1 is loaded in drive 0.
    Critical Alert: at 07-Mar-2026 19:29:44 Volume="TAPE01" alert=Clean Now
==
"""
STARTING_0 = """\
Device Tape is "Drive-0" (/dev/nst0) waiting for:
    Volume:      TAPE01
    Pool:        Tapes
    Media type:  LTO
    Total Bytes=64,512 Blocks=0 Bytes/block=64,512
    Positioned at File=0 Block=1
   Device is being initialized.
   Slot 1 is loaded in drive 0.
==
"""
WAITING_0 = """\
Device Tape: "Drive-0" (/dev/nst0) is not open.
   Device is BLOCKED waiting to create a volume for:
       Pool:        Tapes
       Media type:  LTO
   Slot 4 was last loaded in drive 0.
==
"""
UNMOUNTED_0 = """\
Device Tape: "Drive-0" (/dev/nst0) is not open.
   Device is BLOCKED. User unmounted.
   Slot 4 was last loaded in drive 0.
==
"""
UNMOUNTED_DISABLED_0 = """\
Device Tape: "Drive-0" (/dev/nst0) is not open.
   Device is disabled. User command.
   Device is BLOCKED. User unmounted.
   Slot 4 was last loaded in drive 0.
==
"""
EMPTY_0 = """\
Device Tape: "Drive-0" (/dev/nst0) open but no Bacula volume is currently mounted.
    Total Bytes Read=0 Blocks Read=0 Bytes/block=0
    Positioned at File=0 Block=0
   Slot 1 is loaded in drive 0.
==
"""
#: A device that is no part of an autochanger shows no number.
SINGLE = """\
Device Tape: "Single" (/dev/nst7) is not open.
==
"""
DISK = """\
Device File: "Disk" (/srv/backup) is not open.
   Available Space=84.35 GB
==
"""
#: By the source of Bacula: the daemon could not make use of the device.
ABSENT = """\
Device "Drive-1" is not open or does not exist.
==
"""

IDLE = "No Jobs running.\n"
WRITING_0 = """\
Writing: Full Backup job Nightly JobId=2 Volume="TAPE01"
    pool="Tapes" device="Drive-0" (/dev/nst0)
    spooling=0 despooling=0 despool_wait=0
    Files=1 Bytes=3,145,829 AveBytes/sec=1,572,914 LastBytes/sec=1,572,914
    FDReadSeqNo=60 in_msg=58 out_msg=6 fd=6
"""
READING_1 = """\
Reading: Full Restore job Restore JobId=3 Volume="TAPE02"
    pool="Tapes" device="Drive-1" (/dev/nst1) newbsr=0
    Files=1 Bytes=3,145,829 AveBytes/sec=1,572,914 LastBytes/sec=1,572,914
    FDSocket closed
"""


def volume(name: str, path: str, reader: int = 0, writers: int = 0, reserves: int = 0) -> str:
    """A volume that is in use, or was."""
    return (
        f'Reserved volume: TAPE01 on Tape device "{name}" ({path})\n'
        f"    Reader={reader} writers={writers} reserves={reserves} volinuse={reader + writers + reserves} worm=0\n"
    )


def shown(storage: str = "Changer", device: str = "Library") -> str:
    """What ``show`` prints of a storage that is an autochanger, or of one that is a device."""
    if device == "Library":
        return (
            f"Autochanger: name={storage} address=192.0.2.10 SDport=9103 MaxJobs=8 NumJobs=0\n"
            "      DeviceName=Library MediaType=LTO StorageId=1 Autochanger=1\n"
            "      AC group=1,2,3 ShareStore=*none*\n"
        )
    return (
        f"Storage: name={storage} address=192.0.2.10 SDport=9103 MaxJobs=8 NumJobs=0\n"
        f"      DeviceName={device} MediaType=LTO StorageId=2 Autochanger=1\n"
        "   Parent --> Autochanger: name=Changer address=192.0.2.10 SDport=9103 MaxJobs=8 NumJobs=0\n"
        "      DeviceName=Library MediaType=LTO StorageId=1 Autochanger=1\n"
        "      AC group=1,2,3 ShareStore=*none*\n"
    )


def status(
    storage: str = "Changer", devices: Sequence[str] = (IDLE_0, IDLE_1), changers: str = CHANGER, jobs: str = "",
    volumes: str = "", daemon: str = DAEMON,
) -> str:
    """What ``status storage=...`` prints."""
    return f"""\
Connecting to Storage daemon {storage} at {daemon}

backup-sd Version: 9.6.7 (10 December 2020) x86_64-pc-linux-gnu debian bookworm/sid
Daemon started 23-Nov-26 05:46. Jobs: run=0, running=0.
 Heap: heap=368,640 smbytes=52,498 max_bytes=216,450 bufs=183 max_bufs=198
 Sizes: boffset_t=8 size_t=8 int32_t=4 int64_t=8 mode=0,0 newbsr=0
 Res: ndevices=2 nautochgr=1

Running Jobs:
{jobs or IDLE}====

Jobs waiting to reserve a drive:
====

Terminated Jobs:
 JobId  Level    Files      Bytes   Status   Finished        Name
===================================================================
     1  Full          1    4.194 M  OK       23-Nov-26 05:46 Nightly
====

Device status:
{changers}{chr(10).join(devices)}====

Used Volume status:
{volumes}====

Attr spooling: 1 active jobs, 0 bytes; 0 total jobs, 0 max bytes.
====

"""


def failed(storage: str = "Changer") -> str:
    """What ``status storage=...`` prints after 15 seconds if the storage daemon is down."""
    return f"Connecting to Storage daemon {storage} at {DAEMON}\n\nFailed to connect to Storage daemon {storage}.\n====\n"


def dialogue(
    storage: str = "Changer", *more: tuple[str, str, str], listed: Sequence[str] = ("Changer", "Only0", "Only1"),
    show: str | None = None, shows: str | None = None,
) -> str:
    """The whole dialogue of a query, as it is echoed; ``more``: further storages, each with what is shown of it and its status."""
    first = storage, shown(storage) if show is None else show, status(storage) if shows is None else shows
    every = [first, *more]
    return (
        CONNECTING + GREETING + ".storage\n" + "".join(f"{name}\n" for name in listed) + ".\n"
        + "".join(f'show storage="{name}"\n{text}.\n' for name, text, _status in every)
        + "".join(f'status storage="{name}"\n{text}.\n' for name, _show, text in every)
        + "quit\n"
    )


@dataclass(frozen=True)
class Answered:
    """As ``_guarded.CommandAnswer``."""

    output: str = ""
    rc: int | None = 0
    timed_out: bool = False
    truncated: bool = False


#: What ``ls -lLd`` prints of a good file.
LISTING = Answered(f"-rw-r----- 1 root bacula 262 Nov 23 05:43 {CONSOLE_FILE}\n")
