"""What the wheel carries stays small."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 8_000_000


def test_the_wheel_stays_under_8_mb():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"][
        "wheel"
    ]
    folders = [*settings["packages"], *settings["force-include"], "LICENSES"]
    files = [f for name in folders for f in (ROOT / name).rglob("*") if f.is_file()]
    carried = [f for f in files if "__pycache__" not in f.parts]
    assert any(f.name == "body.npz" for f in carried)
    # a wheel is compressed: this is more than its size
    assert sum(f.stat().st_size for f in carried) < LIMIT
