"""Mosaics of Rogez & Schmid, Eq. 5-9: probability, blending, composition."""
