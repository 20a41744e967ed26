"""Fixtures shared by all tests: where the real data and the reference outputs are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_SHARED = Path(__file__).resolve().parents[1].parent / "shared"


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Folder of real data: `$SYNTH_DATA`, else `../shared/data` beside the checkout."""
    root = Path(os.environ.get("SYNTH_DATA") or _SHARED / "data")
    if not root.is_dir():
        pytest.skip(f"no real data: neither $SYNTH_DATA nor {root} is a folder")
    return root


@pytest.fixture(scope="session")
def reference_root() -> Path:
    """Folder of other programs' outputs: `$SYNTH_REFERENCE`, else `../shared/reference`."""
    root = Path(os.environ.get("SYNTH_REFERENCE") or _SHARED / "reference")
    if not root.is_dir():
        pytest.skip(f"no reference outputs: neither $SYNTH_REFERENCE nor {root} is a folder")
    return root
