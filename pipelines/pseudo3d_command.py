"""``synth label pseudo3d``: parse, call, print."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipelines.cluster import Workers
from pipelines.command import INTERRUPTED, CommandParser, interruptible, positive
from pipelines.label_options import add_running_options
from pipelines.prepare import Tools
from pipelines.progress import Progress
from pipelines.pseudo3d import DEFAULT_MOCAP, LiftPlan, PreparedPeople, prepare_people
from synth.cache import atomic_write_bytes, cache_dir
from synth.lifted_sheet import lifted_sheet
from synth.lifting.corrections import Corrections, read_corrections
from synth.lifting.dictionary import DictionaryOptions
from synth.lifting.lifted import LiftedPeople, corrected_people, save_people
from synth.lifting.limbs import LIMB_NAMES, flip_chances
from synth.lifting.people import LiftOptions
from synth.lifting.relaxation import RelaxationOptions
from synth.preview import encode_png
from synth.sources import catalog

_EXAMPLES = """\
examples:
  synth label pseudo3d lspet --data-root DATA
  synth label pseudo3d lspet --data-root DATA --corrections lspet.toml --out lspet-3d.npz
  synth label pseudo3d lspet --data-root DATA --preview lspet.png

"""


def main(argv: Sequence[str], prog: str = "synth label pseudo3d") -> int:
    """Lift the annotated people of an image source to 3D; arguments and result as of `command.Main`."""
    arguments = parser(prog).parse_args(argv)
    plan = _plan(arguments)
    corrections = read_corrections(arguments.corrections) if arguments.corrections else None
    with interruptible():
        try:
            with Workers(arguments.workers, arguments.scheduler) as workers:
                prepared = prepare_people(plan, Tools(cache_dir(), workers, Progress(arguments.progress)))
        except KeyboardInterrupt:
            print(f"interrupted. To begin again:\n  {shlex.join([*prog.split(), *argv])}", file=sys.stderr)
            return INTERRUPTED
    if arguments.out:
        save_people(prepared.people, arguments.out)
    if arguments.preview:
        _write_sheet(arguments, prepared.people, corrections)
    print("\n".join(_report(prepared, corrections, arguments.out or prepared.path)))
    return 0


def parser(prog: str) -> CommandParser:
    """Make the command's argument parser."""
    made = CommandParser(
        prog,
        "Lift the annotated 2D poses of an image source to 3D with a dictionary learnt from motion capture. The "
        "result lies in the cache folder, where --mocap pseudo:NAME finds it.",
        _EXAMPLES,
    )
    made.add_argument("images", help="image source, such as lspet")
    made.add_argument(
        "--data-root", type=Path, metavar="FOLDER", help="folder of all data (default: $SYNTH_DATA)"
    )
    made.add_argument(
        "--mocap", default=DEFAULT_MOCAP, help=f"motion of the dictionary (default: {DEFAULT_MOCAP})"
    )
    made.add_argument(
        "--atoms",
        type=positive,
        default=DictionaryOptions.atoms,
        help="size of the dictionary (default: 128)",
    )
    made.add_argument(
        "--robust",
        type=float,
        metavar="BETA",
        help="residual beyond which a joint is an outlier (default: none)",
    )
    made.add_argument(
        "--least-joints",
        type=positive,
        default=LiftOptions.least_joints,
        help="labelled joints needed (default: 10)",
    )
    made.add_argument(
        "--corrections", type=Path, metavar="TOML", help="a person's corrections, applied on reading"
    )
    made.add_argument(
        "--preview",
        type=Path,
        metavar="PNG",
        help="also write a contact sheet: photographs with the pose drawn in, and the pose from two other sides",
    )
    made.add_argument(
        "--preview-people",
        type=positive,
        default=24,
        metavar="COUNT",
        help="people on it, evenly spread over the source (default: 24)",
    )
    made.add_argument("--out", type=Path, metavar="NPZ", help="also write what was computed here")
    add_running_options(made)
    return made


def _plan(arguments: argparse.Namespace) -> LiftPlan:
    return LiftPlan(
        arguments.images,
        arguments.mocap,
        arguments.data_root,
        replace(DictionaryOptions(), atoms=arguments.atoms),
        LiftOptions(RelaxationOptions(outliers=arguments.robust), arguments.least_joints),
    )


def _write_sheet(
    arguments: argparse.Namespace, people: LiftedPeople, corrections: Corrections | None
) -> None:
    count = min(arguments.preview_people, len(people.images))
    rows = np.linspace(0, len(people.images) - 1, count).astype(int).tolist()
    (images,), _ = catalog.read_images(arguments.images, arguments.data_root)
    sheet = lifted_sheet(people, *corrected_people(people, corrections), images, rows)
    atomic_write_bytes(arguments.preview, encode_png(sheet))


def _report(prepared: PreparedPeople, corrections: Corrections | None, path: Path) -> list[str]:
    people = prepared.people
    confidence = corrected_people(people, corrections)[1]
    low, middle, high = np.percentile(confidence, [10, 50, 90])
    reasons: Counter[str] = Counter()
    for rejection in prepared.rejections:
        reasons[rejection.reason] += rejection.count
    open_limbs = (flip_chances(people.poses.flip_costs) > 0.25).mean(axis=0)
    return [
        f"{path}: {len(people.images):,} people of {people.source} in 3D (content {people.content_hash[:16]})",
        f"confidence: {middle:.2f} in the middle, {low:.2f} to {high:.2f} for eight of ten",
        f"corrections: {len(corrections.items) if corrections else 0}",
        "limbs that could as well be turned: "
        + ", ".join(f"{name} {share:.0%}" for name, share in zip(LIMB_NAMES, open_limbs, strict=True)),
        *(f"left out: {count:,} {reason}" for reason, count in reasons.most_common()),
    ]
