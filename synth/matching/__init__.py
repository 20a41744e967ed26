"""Matching of Rogez & Schmid, Eq. 1-4: the index of a pool and the exact search."""

from synth.matching.index import MatchIndex, build_index, load_index, save_index
from synth.matching.limbs import Alignment, farthest_neighbours
from synth.matching.search import Matches, alignment_transforms, match

__all__ = [
    "Alignment",
    "MatchIndex",
    "Matches",
    "alignment_transforms",
    "build_index",
    "farthest_neighbours",
    "load_index",
    "match",
    "save_index",
]
