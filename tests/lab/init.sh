#!/usr/bin/env bash
# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The guest's first process once its root is there: what an init has to do, then the command in LAB_OUT/command; its
# exit status goes to LAB_OUT/status. From the kernel's command line: LAB, this folder, and LAB_OUT.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 TMPDIR=/tmp
cd /
touch "$LAB_OUT/booted"
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs run /run
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
ln -sf /proc/self/fd /dev/fd
ln -sf fd/0 /dev/stdin
ln -sf fd/1 /dev/stdout
ln -sf fd/2 /dev/stderr
stty -onlcr </dev/console
hostname lab
ip link set lo up
/lib/systemd/systemd-udevd --daemon >/dev/null 2>&1
udevadm trigger
udevadm settle --timeout 30
# With ports that lead into the guest there is a card; udev has found it before its module could be read.
if grep -qs '^0x0001$' /sys/bus/virtio/devices/*/device; then
  modprobe virtio_net
  udevadm settle --timeout 30
  for card in /sys/bus/virtio/drivers/virtio_net/virtio*/net/*; do
    ip link set "${card##*/}" up
    ip address add 10.0.2.15/24 dev "${card##*/}"
  done
fi
/bin/bash "$LAB_OUT/command"
echo $? >"$LAB_OUT/status"
sync
echo o >/proc/sysrq-trigger
sleep 60
