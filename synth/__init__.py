"""Offline synthesis and preprocessing of training data for 3D human pose estimation."""

__version__ = "0.1.0"
