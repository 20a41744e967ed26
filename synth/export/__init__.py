"""Stores in other programs' formats: tar files for WebDataset, images with COCO-style annotations.

``samples`` reads and encodes what is exported, ``webdataset`` and ``coco`` lay it out. The unit is a shard of the
store: it is written beside its place and renamed, so an export that was stopped goes on where it was.
"""
