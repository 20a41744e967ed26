"""The networks of the five papers as tasks of the trainer, one module each.

=================  ==========================================================================================
``lift``           3D joints of 2D joints: baseline, DeepBase1, DeepBase2, GAN (Seth)
``classify``       classes of poses: AlexNet, VGG-16 (Rogez & Schmid)
``regress``        2D and 3D joints at once (Rogez & Schmid)
``skeleton-maps``  foreground and background skeleton maps (DeepSkeleton's first network)
``map-regressor``  3D joints of skeleton maps (its second)
``sspnet``         24 predictions, cut at any (SSP-Net)
``joint2d3d``      grid classification in 2D with regression from several roots in 3D (Park et al.)
=================  ==========================================================================================
"""

from __future__ import annotations

import difflib
from importlib import import_module

from synth.errors import InputError
from synth.train.task import Task, TaskOptions

_TASKS = {
    "lift": ("lifters", "LiftTask", "LiftOptions"),
    "classify": ("classifier", "Classifier", "ClassifierOptions"),
    "regress": ("regressor", "Regressor", "RegressorOptions"),
    "skeleton-maps": ("skeleton_maps", "SkeletonMapsTask", "SkeletonMapsOptions"),
    "map-regressor": ("map_regressor", "MapRegressor", "MapRegressorOptions"),
    "sspnet": ("sspnet", "SspTask", "SspOptions"),
    "joint2d3d": ("joint2d3d", "Joint2d3dTask", "Joint2d3dOptions"),
}
"""Module here, class of the task and class of its options, by the name in recipes."""


def task_classes(name: str) -> tuple[type[Task], type[TaskOptions]]:
    """Task and options of a name in recipes; only that task's module is imported.

    Raises
    ------
    InputError
        If there is none; the nearest name is given.
    """
    if name not in _TASKS:
        near = difflib.get_close_matches(name, _TASKS, n=1, cutoff=0.0)[0]
        raise InputError(f"no task {name!r}: expected one of {', '.join(_TASKS)}; did you mean {near}?")
    module, task, options = _TASKS[name]
    found = import_module(f"{__name__}.{module}")
    return getattr(found, task), getattr(found, options)
