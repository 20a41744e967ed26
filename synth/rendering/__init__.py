"""Rendered people in the poses and cameras of a data set: the counterpart of mosaics ("surreal" images)."""
