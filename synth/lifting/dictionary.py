"""The pose dictionary: a few dozen poses of which every other one is a sparse non-negative sum.

Atoms are in a camera's axes, x right, y down, z into the picture, and show a person who faces the camera.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.cache import atomic_write
from synth.errors import InputError
from synth.geometry import torso_frame
from synth.lifting.coding import factorise
from synth.skeletons import H36M17
from synth.thinning import thin_poses

DICTIONARY_VERSION = 1
"""Raised whenever the same poses and options would give another dictionary."""

ATOM_STAGE = 20
"""Key of the first atoms' draw in the random generator [seed, stage]."""


@dataclass(frozen=True)
class DictionaryOptions:
    """How a dictionary is learnt.

    Parameters
    ----------
    atoms : int
        K.
    sparsity : float
        lambda, against squared errors in units of the poses' mean spread.
    thinning : float
        Metres of mean joint distance under which two aligned poses count as one.
    tolerance : float
        Relative fall of the objective under which learning ends.
    max_rounds : int
        Rounds after which it ends in any case.
    seed : int
        Of the draw of the first atoms.

    Raises
    ------
    InputError
        If a number is out of range.
    """

    atoms: int = 128
    sparsity: float = 1.0
    thinning: float = 0.03
    tolerance: float = 1e-6
    max_rounds: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("atoms", "sparsity", "thinning", "max_rounds"):
            if not getattr(self, name) > 0:
                raise InputError(f"dictionary option {name} is {getattr(self, name)}; give a positive number")
        if not self.tolerance >= 0 or self.seed < 0:
            raise InputError(
                f"dictionary options tolerance {self.tolerance} and seed {self.seed} must not be negative"
            )


@dataclass(frozen=True)
class PoseDictionary:
    """Atoms and how well they fit what they were learnt from.

    Parameters
    ----------
    atoms : (K, 3, 17) float64
        Joints of `H36M17`, every row centred; in units of the training poses' mean spread.
    poses : int
        Poses learnt from, after thinning.
    relative_error : float
        ``||Y - D X||_F / ||Y||_F`` on them.
    active : float
        Mean number of atoms in a pose.
    """

    atoms: NDArray[np.float64]
    poses: int
    relative_error: float
    active: float

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of version and atoms, hexadecimal."""
        head = f"{DICTIONARY_VERSION} {self.atoms.shape}\n".encode()
        return hashlib.sha256(head + np.ascontiguousarray(self.atoms, dtype="<f8").tobytes()).hexdigest()


def facing_camera(joints: ArrayLike) -> NDArray[np.float64]:
    """Poses centred and turned so that their torso is upright and faces the camera.

    Parameters
    ----------
    joints : (N, 17, 3) float
        Joints of `H36M17`, metres, y up.

    Returns
    -------
    (N, 3, 17) float64
        Metres, mean 0, x right, y down, z into the picture: the person's left is on the right. NaN where the
        torso has no extent.
    """
    points = np.asarray(joints, dtype=np.float64)
    centred = points - points.mean(axis=1, keepdims=True)
    aligned = torso_frame(points) @ np.swapaxes(centred, -1, -2)
    return aligned * np.array([[1.0], [-1.0], [-1.0]])


def learn_dictionary(joints: ArrayLike, options: DictionaryOptions | None = None) -> PoseDictionary:
    """Learn a dictionary from recorded poses.

    Poses are centred, aligned to the torso, thinned, and divided by one number, their mean spread (standard
    deviation of a coordinate over the joints). The first atoms are poses drawn without replacement; the cap on
    an atom's norm is the root mean square of the poses' norms.

    Parameters
    ----------
    joints : (N, 17, 3) float
        Joints of `H36M17`, metres, y up. Poses whose torso has no extent are left out.
    options : DictionaryOptions, optional

    Returns
    -------
    PoseDictionary

    Raises
    ------
    InputError
        If fewer distinct poses than atoms are left.
    """
    chosen = options or DictionaryOptions()
    aligned = facing_camera(joints)
    aligned = aligned[np.isfinite(aligned).all(axis=(1, 2))]
    distinct = aligned[thin_poses(np.swapaxes(aligned, 1, 2), "mean", chosen.thinning)]
    if len(distinct) < chosen.atoms:
        raise InputError(
            f"a dictionary of {chosen.atoms} atoms needs as many distinct poses, found {len(distinct)}; "
            "give more motion, fewer atoms or a lower thinning distance"
        )
    samples = (distinct / distinct.std(axis=2).mean()).reshape(len(distinct), -1)
    draw = np.random.default_rng([chosen.seed, ATOM_STAGE])
    start = samples[np.sort(draw.choice(len(samples), chosen.atoms, replace=False))]
    cap = float(np.sqrt((samples**2).sum(axis=1).mean()))
    found = factorise(samples, start, chosen.sparsity, cap, chosen.tolerance, chosen.max_rounds)
    rest = samples - found.codes @ found.atoms
    atoms = found.atoms.reshape(chosen.atoms, 3, len(H36M17))
    return PoseDictionary(
        atoms=atoms - atoms.mean(axis=2, keepdims=True),
        poses=len(samples),
        relative_error=float(np.linalg.norm(rest) / np.linalg.norm(samples)),
        active=float((found.codes > 0).sum(axis=1).mean()),
    )


def save_dictionary(dictionary: PoseDictionary, path: Path) -> None:
    """Write a dictionary as ``.npz`` (beside its place, then renamed)."""
    with atomic_write(path) as file:
        np.savez(
            file,
            allow_pickle=False,
            version=np.array(DICTIONARY_VERSION),
            joints=np.array(H36M17.joints),
            atoms=dictionary.atoms,
            poses=np.array(dictionary.poses),
            fit=np.array([dictionary.relative_error, dictionary.active]),
        )


def load_dictionary(path: Path) -> PoseDictionary:
    """Read a dictionary written by `save_dictionary`.

    Raises
    ------
    InputError
        If the file cannot be read, or is of another version or skeleton.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            version, joints = int(archive["version"]), tuple(archive["joints"].tolist())
            atoms, poses, fit = archive["atoms"], int(archive["poses"]), archive["fit"].tolist()
    except (OSError, ValueError, KeyError, EOFError, TypeError, BadZipFile) as error:
        raise InputError(f"{path}: cannot read a pose dictionary ({error}); learn it anew") from error
    if version != DICTIONARY_VERSION or joints != H36M17.joints or atoms.shape[1:] != (3, len(H36M17)):
        raise InputError(
            f"{path} is a pose dictionary of version {version} with atoms {atoms.shape}; expected version "
            f"{DICTIONARY_VERSION} and the joints of {H36M17.name}: learn it anew"
        )
    return PoseDictionary(atoms, poses, *fit)
