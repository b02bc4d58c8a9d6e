"""Reads a whole mag with zarr-python, through the server and from the same chunks as a local Zarr, in turns. Input: {url, local, rounds}."""

import json
import os
import sys
import time

import numpy as np
import zarr


def seconds(array):
    start = time.perf_counter()
    voxels = array[...]
    return time.perf_counter() - start, voxels


def main():
    request = json.load(sys.stdin)
    remote = zarr.open_array(request["url"], mode="r", zarr_format=3)
    if not os.path.exists(request["local"]):
        making = request["local"] + ".tmp"
        copy = zarr.create_array(
            making, shape=remote.shape, chunks=remote.chunks, dtype=remote.dtype, compressors=None, zarr_format=3, overwrite=True
        )
        copy[...] = remote[...]
        os.rename(making, request["local"])
    local = zarr.open_array(request["local"], mode="r", zarr_format=3)
    times = {"remote": [], "local": []}
    for _ in range(request["rounds"]):
        taken, from_disk = seconds(local)
        times["local"].append(taken)
        taken, through_us = seconds(remote)
        times["remote"].append(taken)
        if not np.array_equal(from_disk, through_us):
            raise ValueError("the voxels differ")
    print(json.dumps({"bytes": int(from_disk.nbytes), "chunks": int(local.nchunks), "version": zarr.__version__, **times}))


main()
