"""The other side of bench/precomputed.ts: `make FOLDER RAW` writes the stores, `read FOLDER/NAME CACHE` reads the boxes given on stdin."""

import json
import os
import sys
import time

import numpy as np
import tensorstore as ts


def make(folder, raw):
    """`raw`: 256³ uint8 and 256³ uint32, one after the other."""
    edge = 256
    data = np.fromfile(raw, dtype="u1")
    color = data[: edge**3].reshape(edge, edge, edge, 1, order="F")
    labels = data[edge**3 :].view("<u4").reshape(edge, edge, edge, 1, order="F")
    kinds = {
        "raw": (color, "raw", {}),
        "jpeg": (color, "jpeg", {"jpeg_quality": 80}),
        "compressed_segmentation": (labels, "compressed_segmentation", {"compressed_segmentation_block_size": [8, 8, 8]}),
        "compressed_segmentation_64": (labels.astype("u8") + 2**60, "compressed_segmentation", {"compressed_segmentation_block_size": [8, 8, 8]}),
    }
    for name, (voxels, encoding, more) in kinds.items():
        spec = {
            "driver": "neuroglancer_precomputed",
            "kvstore": {"driver": "file", "path": os.path.join(folder, name)},
            "multiscale_metadata": {"type": "segmentation" if encoding.startswith("c") else "image", "data_type": voxels.dtype.name, "num_channels": 1},
            "scale_metadata": {"resolution": [4, 4, 4], "encoding": encoding, "chunk_size": [64, 64, 64], "size": [edge, edge, edge], **more},
        }
        ts.open(spec, create=True, delete_existing=True).result().write(voxels).result()


def read(path, cache):
    boxes = json.load(sys.stdin)
    context = ts.Context({"cache_pool": {"total_bytes_limit": cache}, "data_copy_concurrency": {"limit": 1}, "file_io_concurrency": {"limit": 1}})
    store = ts.open({"driver": "neuroglancer_precomputed", "kvstore": {"driver": "file", "path": path}}, context=context).result()
    for x, y, z in boxes[:50]:
        store[x : x + 32, y : y + 32, z : z + 32].read().result()
    start, cpu = time.perf_counter(), time.process_time()
    for x, y, z in boxes:
        store[x : x + 32, y : y + 32, z : z + 32].read().result()
    print(json.dumps({"wall": time.perf_counter() - start, "cpu": time.process_time() - cpu}))


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(sys.argv[2], sys.argv[3])
    else:
        read(sys.argv[2], int(sys.argv[3]))
