"""The open body model: people from a small archive, and how they are dressed, lit and drawn."""
