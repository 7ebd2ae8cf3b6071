#!/bin/sh
# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Run a script of ours with the first Python that is new enough: the name "python3" may be an older one, or a pyenv
# shim that answers only 127.
for python in "${PYTHON:-python3}" python3 python3.13 python3.12 python3.11 python3.14; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        exec "$python" "$@"
    fi
done
echo "No Python of version 3.11 or later was found; install one (Debian: apt-get install python3 python3-venv)" \
    "or name it: make PYTHON=/path/to/python3.11." >&2
exit 1
