"""Pseudo-3D: from annotated 2D joints to 3D poses, by a dictionary of recorded ones."""
