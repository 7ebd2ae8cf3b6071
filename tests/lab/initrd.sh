#!/bin/sh
# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The guest's first process, in the initrd (busybox). Its root becomes the machine's own file system, which it can only
# read, with an overlay in memory; what it writes goes there, and nothing to the machine, except into LAB_OUT.
export PATH=/bin
/bin/busybox --install -s /bin
for module in /modules/*; do insmod "$module"; done
options=trans=virtio,version=9p2000.L,msize=262144
mount -t 9p -o "$options,ro,cache=loose" root /lower
mount -t tmpfs memory /memory
mkdir /memory/upper /memory/work
mount -t overlay -o lowerdir=/lower,upperdir=/memory/upper,workdir=/memory/work root /root || exec sh
cd /root || exec sh
mkdir -p lib/modules ".$LAB_OUT"
mount -t 9p -o "$options,ro,cache=loose" modules lib/modules
mount -t 9p -o "$options" out ".$LAB_OUT"
# Not chroot alone: then paths in /proc would begin with /root wherever mounts are private, as for a host of the lab.
exec switch_root /root /bin/bash "$LAB/init.sh"
