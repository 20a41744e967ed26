"""Which shard runs where: Dask clients, shard futures, progress and resume."""
