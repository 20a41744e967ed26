"""Data sets as chunked, sharded Zarr v3 stores that are never taken for whole when they are half-written.

``schema`` says which arrays there are, ``create`` makes, resumes and extends a store, ``writer`` writes
one shard of every array and its commit record, ``commits`` tells what is done, ``seal`` closes the store,
``reader`` reads it (numpy alone for uncompressed stores) and ``verify`` checks every byte of it. ``batches`` is
for trainers: several stores with their label passes (``sources``, ``columns``), shuffled (``order``) and read ahead.

What lies in a store::

    zarr.json                 root group; its attributes describe the data and hold the seal
    images/zarr.json          one folder for each array
    images/c.12.0.0.0         shard 12 of it (samples 12,000 ... 12,999 when shards hold 1,000)
    commits/000012.json       commit record of shard 12: only this file means that the shard is done
    tables/NAME/              lists of strings (file names of the sources), see `tables`
    labels/PASS/              a later label pass: a store of the same layout that names the seal it builds on

`commits` is an empty Zarr array, so that Zarr readers that list the store pass its records by.
"""
