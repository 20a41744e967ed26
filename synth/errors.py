"""Errors that are the user's to mend, and the exit code each gives a command.

Everything a user can put right (a wrong option, a missing folder, a damaged store) is raised as an
`InputError` or one of its kinds; its message is one sentence or two that name the file, line or value,
what was expected and what to do. A command prints it without a traceback. Any other exception is a
defect of the program.
"""

from __future__ import annotations


class InputError(ValueError):
    """Something given to the program is wrong: an option, a path, a file's content."""

    exit_code = 2


class SourceMissingError(InputError):
    """A data source is not where it was looked for; the message tells its layout and its publisher."""


class TooManyFailuresError(InputError):
    """More samples failed than the run allows; the store stays unsealed."""

    exit_code = 3


class DiskSpaceError(InputError):
    """The run would not fit on the disk."""

    exit_code = 4


class StoreError(InputError):
    """A store is incomplete, damaged or of another kind than expected."""

    exit_code = 5


class WorkersLostError(InputError):
    """Processes that worked on one task died, time after time: of too little memory as a rule."""

    exit_code = 6
