"""Reads the same array from several places with zarr-python, whole, in turns, and compares the voxels.

Input: {places: {name: URL or folder}, copies: {name: {folder, codec}}, from: name, rounds}. Copies are made once, with the chunks and the
axes of the array at `from`: codec "none" or "lz4" (Blosc without shuffle). Prints {version, bytes, chunks, seconds: {name: [...]}, busy: {name: share of
the time in which this process used its core}}.
"""

import json
import os
import sys
import time

import numpy as np
import zarr


def seconds(array):
    start, start_cpu = time.perf_counter(), time.process_time()
    voxels = array[...]
    return time.perf_counter() - start, time.process_time() - start_cpu, voxels


def copy(array, folder, codec):
    making = folder + ".tmp"
    compressors = zarr.codecs.BloscCodec(cname="lz4", clevel=5, shuffle="noshuffle") if codec == "lz4" else None
    made = zarr.create_array(
        making,
        shape=array.shape,
        chunks=array.chunks,
        dtype=array.dtype,
        filters=[codec for codec in array.metadata.codecs if isinstance(codec, zarr.codecs.TransposeCodec)] or None,
        compressors=compressors,
        zarr_format=3,
        overwrite=True,
    )
    # nothing of 0 is left out: the server does not leave it out, either
    with zarr.config.set({"array.write_empty_chunks": True}):
        made[...] = array[...]
    os.rename(making, folder)


def main():
    request = json.load(sys.stdin)
    source = zarr.open_array(request["places"][request["from"]], mode="r", zarr_format=3)
    for one in request["copies"]:
        if not os.path.exists(one["folder"]):
            copy(source, one["folder"], one["codec"])
    arrays = {name: zarr.open_array(place, mode="r", zarr_format=3) for name, place in request["places"].items()}
    times = {name: [] for name in arrays}
    cpu = dict.fromkeys(arrays, 0)
    first = None
    for turn in range(-1, request["rounds"]):
        for name, array in arrays.items():
            taken, used, voxels = seconds(array)
            if first is None:
                first = voxels
            if not np.array_equal(first, voxels):
                raise ValueError(f"{name} has other voxels")
            del voxels
            # the first turn fills the page cache
            if turn >= 0:
                times[name].append(taken)
                cpu[name] += used
    busy = {name: cpu[name] / sum(times[name]) for name in arrays}
    said = {"bytes": int(first.nbytes), "chunks": int(source.nchunks), "version": zarr.__version__, "seconds": times, "busy": busy}
    print("\n" + json.dumps(said))


main()
