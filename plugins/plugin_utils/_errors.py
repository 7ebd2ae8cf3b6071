# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The errors of this collection; every message is one sentence for an operator. Private: may change at any time."""

from __future__ import annotations


class DriveSharingError(Exception):
    """Base of all errors that this collection raises on purpose; its text can be shown to an operator as it is."""


class InvalidValueError(DriveSharingError):
    """A value is not of the form that it must have; the message names the value's place and the form."""


class TableError(DriveSharingError):
    """The drive table cannot be used now (locked, full, unreadable, of a newer version); nothing was written."""


class ForeignSiteError(TableError):
    """The drive table, or a record on a control point, belongs to another site."""


class MissingLibraryError(DriveSharingError):
    """A Python package that this part needs is not installed; the message names the package and who needs it."""
