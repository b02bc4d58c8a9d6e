"""Cuboids as a BossDB sends them, and how long numcodecs takes to decode one: writes them into the folder given, then times each file
named on stdin and answers with milliseconds."""

import json
import sys
import time
from pathlib import Path

import blosc
import numpy as np

# numcodecs looks for packages that may be there and broken; only its Blosc is wanted
try:
    from numcodecs import blosc as reference
    import numcodecs
except Exception as error:
    sys.exit(f"numcodecs cannot be imported: {error}")

folder = Path(sys.argv[1])
rng = np.random.default_rng(4)
z, y, x = np.mgrid[0:16, 0:512, 0:512]
smooth = np.sin(x / 60) * 40 + np.cos(y / 45) * 50 + np.sin(z / 5) * 10 + 128
cells = (x // 37) + (y // 29) * 100 + (z // 5) * 7 + 1
volumes = {
    "uint8 image": (smooth + rng.normal(0, 1.2, x.shape)).astype(np.uint8) & 0xFC,
    "uint8 noise": rng.integers(0, 256, x.shape, dtype=np.uint8),
    "uint16 image": (smooth * 40 + rng.normal(0, 10, x.shape)).astype(np.uint16),
    "uint32 labels": (cells * 65537).astype(np.uint32),
    "uint64 labels": cells.astype(np.uint64) * np.uint64(2**37 + 3),
    "empty": np.zeros(x.shape, np.uint8),
}
files = []
for name, volume in volumes.items():
    # as server and client call it: bits in place of bytes
    for how, packed in (
        ("BossDB", blosc.compress(volume.tobytes(), typesize=8 * volume.itemsize)),
        ("LZ4, bytes shuffled", reference.compress(volume, b"lz4", 5, 1)),
        ("Zstandard, bits shuffled", reference.compress(volume, b"zstd", 5, 2)),
    ):
        file = f"{len(files)}.blosc"
        (folder / file).write_bytes(packed)
        files.append({"file": file, "name": name, "how": how, "bytes": volume.nbytes, "packed": len(packed)})
print(json.dumps({"version": numcodecs.__version__, "threads": reference.get_nthreads() if hasattr(reference, "get_nthreads") else 0, "files": files}), flush=True)
target = {entry["file"]: np.empty(entry["bytes"], np.uint8) for entry in files}
for line in sys.stdin:
    file, threads = line.split()
    packed = (folder / file).read_bytes()
    reference.set_nthreads(int(threads))
    begin = time.perf_counter()
    reference.decompress(packed, target[file])
    print((time.perf_counter() - begin) * 1000, flush=True)
