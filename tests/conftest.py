"""Fixtures shared by all tests: where the real data and the reference outputs are."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from mosaic_samples import real_pool, real_queries
from numpy.typing import NDArray

from synth.pool import Pool

_SHARED = Path(__file__).resolve().parents[1].parent / "shared"

# The same examples in every run: a property that fails, fails for everybody.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


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


@pytest.fixture(scope="session")
def lspet_pool(data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Pool:
    """Image pool of the first 200 photographs of LSP-extended, with mirror images."""
    return real_pool(data_root, tmp_path_factory.mktemp("pool"))


@pytest.fixture(scope="session")
def mocap_queries(data_root: Path) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """2D joints (200, 13, 2) of recorded poses from random views, and which of them to search, (200, 13)."""
    return real_queries(data_root, 200)
