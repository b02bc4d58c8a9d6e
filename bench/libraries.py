"""Reads 32³ boxes of one volume with the library its field uses. Positions come as JSON; what it took goes out as JSON. See libraries.ts."""

import hashlib
import json
import sys
import time

import numpy as np

EDGE = 32


def wkw_reader(path):
    import wkw

    dataset = wkw.Dataset.open(path)
    return lambda x, y, z: dataset.read((x, y, z), (EDGE, EDGE, EDGE))[0]


def tifffile_reader(path):
    import tifffile
    import zarr

    array = zarr.open(tifffile.TiffFile(path).aszarr(), mode="r")
    # one plane: y, x
    return lambda x, y, z: np.asarray(array[y : y + EDGE, x : x + EDGE]).T[..., None]


def cloudvolume_reader(path):
    from cloudvolume import CloudVolume

    volume = CloudVolume(f"file://{path}", progress=False, cache=False, lru_bytes=0)
    return lambda x, y, z: np.asarray(volume[x : x + EDGE, y : y + EDGE, z : z + EDGE])[..., 0]


def tensorstore_reader(path):
    import tensorstore as ts

    one = {"limit": 1}
    spec = {"driver": "neuroglancer_precomputed", "kvstore": {"driver": "file", "path": path}}
    context = ts.Context({"data_copy_concurrency": one, "file_io_concurrency": one, "cache_pool": {"total_bytes_limit": 0}})
    store = ts.open(spec, context=context).result()
    return lambda x, y, z: store[x : x + EDGE, y : y + EDGE, z : z + EDGE, 0].read().result()


READERS = {"wkw": wkw_reader, "tifffile": tifffile_reader, "cloud-volume": cloudvolume_reader, "tensorstore": tensorstore_reader}

library, path = sys.argv[1:]
positions = json.load(sys.stdin)
read = READERS[library](path)
digests = [hashlib.sha256(np.asfortranarray(read(*at)).tobytes("F")).hexdigest() for at in positions[:8]]
for at in positions[:50]:
    read(*at)
start = time.perf_counter()
for at in positions:
    np.asfortranarray(read(*at))
print(json.dumps({"seconds": time.perf_counter() - start, "digests": digests}))
