from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from synth.errors import InputError
from synth.protocols import Protocol, check_protocol, choose_people
from synth.sources.records import AnnotatedImages, Known
from synth.splits import SplitCycle, assign_photographs

CYCLE = SplitCycle(600, 200, 200)


def people(source: str, known: Known, images: int) -> AnnotatedImages:
    count = images if known.subject is None else len(known.subject)
    return AnnotatedImages(
        source,
        Path(),
        tuple(f"im{k:04d}.jpg" for k in range(images)),
        (np.arange(count) % images).astype(np.int32),
        np.zeros(count, np.int32),
        np.zeros((count, 17, 2), np.float32),
        np.ones((count, 17), bool),
        np.zeros((count, 17), bool),
        known,
    )


def filmed(source: str, subjects: tuple[str, ...], frames: int) -> AnnotatedImages:
    """Every frame of a recording of each subject, one after the other."""
    known = Known(
        subject=np.repeat(np.array([f"{source}:{name}" for name in subjects]), frames),
        frame=np.tile(np.arange(frames, dtype=np.int32), len(subjects)),
    )
    return people(source, known, frames * len(subjects))


H36M = filmed("h36m", ("S1", "S2", "S9", "S11"), 130)


@pytest.mark.parametrize(
    ("protocol", "train", "test"),
    [
        # rows: S1 from 0, S2 (whom nobody uses) from 130, S9 from 260, S11 from 390; a stride of 50
        ("h36m-p1", [0, 50, 100, 260, 310, 360], [390, 454, 518]),
        ("h36m-p2", [0, 50, 100], [260, 310, 360, 390, 440, 490]),
        ("h36m-64", [0, 50, 100], [260, 324, 388, 390, 454, 518]),
        ("auto", [0, 50, 100], [260, 310, 360, 390, 440, 490]),
    ],
)
def test_protocols_of_human36m(protocol: Protocol, train: list[int], test: list[int]) -> None:
    choice = choose_people(H36M, protocol, 50, CYCLE, for_testing=False)
    assert choice.people[choice.split == 0].tolist() == train
    assert choice.people[choice.split == 2].tolist() == test
    assert choice.fixed.sum() == len(test)


def test_photographs_have_the_splits_that_the_image_pool_gives_them() -> None:
    photographs = people("lspet", Known(), 500)
    choice = choose_people(photographs, "auto", 7, CYCLE, for_testing=False)
    keys = [f"lspet/{name}" for name in photographs.images]
    np.testing.assert_array_equal(choice.split, assign_photographs(keys, CYCLE))
    assert len(choice.people) == 500
    assert not choice.fixed.any()


def test_test_sets_are_whole() -> None:
    choice = choose_people(people("lsp-test", Known(), 30), "auto", 7, CYCLE, for_testing=True)
    assert choice.split.tolist() == [2] * 30
    assert choice.fixed.all()


def test_training_sequences_are_thinned() -> None:
    choice = choose_people(filmed("mpi-inf-3dhp", ("S1", "S2"), 5), "auto", 2, CYCLE, for_testing=False)
    assert choice.people.tolist() == [0, 2, 4, 5, 7, 9]
    assert not choice.split.any()


def test_a_protocol_that_does_not_fit_is_refused() -> None:
    lsp = people("lsp", Known(), 3)
    with pytest.raises(InputError, match=r"protocol h36m-p1 is for Human3\.6M; lsp has splits of its own"):
        check_protocol([lsp], "h36m-p1")
    check_protocol([lsp], "auto")
    check_protocol([lsp, H36M], "h36m-p1")
    with pytest.raises(InputError, match=r"no frame of protocol h36m-p2 .* it has subjects h36m:S2, h36m:S3"):
        choose_people(filmed("h36m", ("S2", "S3"), 3), "auto", 1, CYCLE, for_testing=False)
