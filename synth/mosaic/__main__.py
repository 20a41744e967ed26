"""``python -m synth.mosaic``: the same command as ``synth mosaic``."""

from __future__ import annotations

import sys

from pipelines.mosaic_command import main

if __name__ == "__main__":
    sys.exit(main(prog="python -m synth.mosaic"))
