"""What all commands share: exit codes, one-line errors, clean interruption.

====  ==================================================================
code  meaning
====  ==================================================================
0     done (a run: the store is sealed)
1     a defect of the program (with a traceback)
2     wrong input or usage
3     too many samples failed; the store stays unsealed
4     the disk is too small
5     the store is damaged, incomplete or of another recipe
6     worker processes died again and again, as without memory
130   interrupted; the command that goes on is printed
====  ==================================================================
"""

from __future__ import annotations

import argparse
import difflib
import errno
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn, Protocol

from synth.errors import DiskSpaceError, InputError

INTERRUPTED = 130

_SIGNALS = (signal.SIGINT, signal.SIGTERM)

EXIT_CODES = """\
exit codes:
  0    done (a run: the store is sealed)
  1    a defect of the program
  2    wrong input or usage
  3    too many samples failed; the store stays unsealed
  4    the disk is too small
  5    the store is damaged, incomplete or of another recipe
  6    worker processes died again and again, as without memory
  130  interrupted; the command that goes on is printed
"""


class Main(Protocol):
    """What every command's module has as `main`."""

    def __call__(self, argv: Sequence[str], prog: str = ...) -> int:
        """Parse, call, print.

        Parameters
        ----------
        argv : sequence of str
            Arguments after the command's name.
        prog : str
            How the command was called, such as ``synth label classes``.

        Returns
        -------
        int
            Exit code.

        Raises
        ------
        InputError
            What the user can mend, which `guarded` turns into a line and an exit code.
        """
        ...


_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EEXIST, errno.ENOTDIR, errno.ENAMETOOLONG)
"""What a file system answers to a place where nothing can be read or written."""


class CommandParser(argparse.ArgumentParser):
    """Argument parser whose complaints are `InputError`, with the nearest name of an unknown option.

    Parameters
    ----------
    prog, description : str
        Shown by ``--help``.
    examples : str
        Shown before the exit codes.
    """

    def __init__(self, prog: str, description: str, examples: str = "") -> None:
        super().__init__(
            prog=prog,
            description=description,
            epilog=examples + EXIT_CODES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def error(self, message: str) -> NoReturn:
        """Raise the complaint instead of printing the usage."""
        _, found, words = message.partition("unrecognized arguments: ")
        unknown = words.split()[0].partition("=")[0] if found else ""
        if unknown.startswith("--"):
            near = difflib.get_close_matches(unknown, self._option_string_actions, n=1, cutoff=0.0)[0]
            raise InputError(f"unknown option {unknown}; did you mean {near}?")
        raise InputError(f"{message}; see {self.prog} --help")


def positive(text: str) -> int:
    """Read a whole number of 1 or more, as an option's type."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of 1 or more")
    return int(text)


def guarded(command: Callable[[], int]) -> int:
    """Run a command; what the user can mend becomes one line and an exit code.

    Any other exception is left to Python, which prints its traceback and exits with 1.
    """
    try:
        return command()
    except InputError as error:
        print(f"synth: error: {one_line(str(error))}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        if error.errno in _REFUSED and error.filename is not None:
            print(f"synth: error: {error.filename}: {error.strerror}; choose another place", file=sys.stderr)
            return InputError.exit_code
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        print(f"synth: error: the disk is full: {one_line(str(error))}", file=sys.stderr)
        return DiskSpaceError.exit_code


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM raise `KeyboardInterrupt` once; while the run then stops, more are ignored."""

    def stop(number: int, frame: FrameType | None) -> None:
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    with _handled_by(stop):
        yield


@contextmanager
def stop_requests() -> Iterator[Callable[[], bool]]:
    """Tell, when asked, whether Ctrl-C or SIGTERM came; the second one raises `KeyboardInterrupt`."""
    asked = threading.Event()

    def note(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    with _handled_by(note):
        yield asked.is_set


@contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Have a function called at Ctrl-C and SIGTERM, where that is possible: in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = [signal.signal(each, handler) for each in _SIGNALS]
    try:
        yield
    finally:
        for each, earlier in zip(_SIGNALS, before, strict=True):
            signal.signal(each, earlier)


def one_line(text: str) -> str:
    """Text without line breaks."""
    return " ".join(text.split())
