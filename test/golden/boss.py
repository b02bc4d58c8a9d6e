"""Blosc containers by blosc and numcodecs, and the cutouts of a small BossDB as its server compresses them.

Writes data/boss/ and boss.json, which names for every container who wrote it and the SHA-256 of what the reference decodes, and for
the experiment what the API says of it. The server (boss: bossspatialdb/renderers.py) and its official client (intern) both call
blosc.compress(volume, typesize=BITS of a sample), so the element size in the header is 8, 16, 32 or 64.
"""

import gzip
import hashlib
import json
import shutil
from pathlib import Path

import blosc
import numpy as np

HERE = Path(__file__).parent
OUT = HERE / "data" / "boss"
rng = np.random.default_rng(10)


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def numcodecs_blosc():
    try:
        from numcodecs import blosc as module
    except Exception as error:  # another package it looks for may be broken
        raise SystemExit(f"numcodecs cannot be imported: {error}")
    return module


def vectors() -> list:
    nb = numcodecs_blosc()
    rows = []

    def add(name, packed, plain, writer):
        (OUT / "codec" / f"{name}.blosc").write_bytes(packed)
        assert blosc.decompress(packed) == plain
        rows.append({"file": f"codec/{name}.blosc", "writer": writer, "size": len(plain), "sha256": sha(plain), "header": list(packed[:4])})

    def texture(dtype, count):
        x = np.arange(count)
        wave = (np.sin(x / 40) * 50 + 100 + rng.integers(0, 2, count)).astype(np.int64)
        return (wave * (1 if dtype == "uint8" else 257)).astype(dtype)

    def labels(dtype, count):
        ids = rng.integers(1, 2**31, 6).astype(np.uint64) * np.uint64(2**21 if dtype == "uint64" else 1)
        return ids.astype(dtype)[(np.arange(count) // 97) % 6]

    kinds = {"uint8": texture("uint8", 3001), "uint16": texture("uint16", 2000), "uint32": labels("uint32", 3000), "uint64": labels("uint64", 2001)}
    for codec in ("blosclz", "lz4", "lz4hc", "zlib", "zstd"):
        for dtype, values in kinds.items():
            for shuffle, word in ((0, "plain"), (1, "bytes"), (2, "bits")):
                plain = values.tobytes()
                packed = nb.compress(np.frombuffer(plain, dtype), codec.encode(), 9, shuffle, 4096)
                add(f"{codec}-{dtype}-{word}", packed, plain, f"numcodecs {codec} shuffle {shuffle}, blocks of 4096 bytes")
    for dtype, values in kinds.items():
        plain = values.tobytes()
        bits = int(dtype[4:])
        for codec in ("blosclz", "lz4", "zstd"):
            packed = blosc.compress(plain, typesize=bits, clevel=9, cname=codec)
            add(f"typesize-{bits}-{codec}", packed, plain, f"blosc {codec}, typesize {bits}")
    noise = rng.integers(0, 256, 1500, dtype=np.uint8).tobytes()
    add("memcpy", blosc.compress(noise, typesize=8), noise, "blosc, not compressible")
    add("level-0", blosc.compress(kinds["uint8"].tobytes(), typesize=8, clevel=0), kinds["uint8"].tobytes(), "blosc, level 0")
    for size in (3, 5, 7, 12, 24):
        plain = labels("uint8", 96 * size + 1).tobytes()
        for shuffle, word in ((1, "bytes"), (2, "bits")):
            packed = blosc.compress(plain, typesize=size, clevel=9, shuffle=shuffle, cname="lz4")
            add(f"typesize-{size}-{word}", packed, plain, f"blosc lz4, typesize {size}, shuffle {shuffle}")
    zeros = bytes(70_000)
    add("zeros", blosc.compress(zeros, typesize=8), zeros, "blosc, zeros in several blocks")
    # matches further away than 8 KiB, runs longer than a length byte
    far = bytes(rng.integers(0, 256, 700, dtype=np.uint8))
    plain = far + bytes(9500) + far + bytes(range(256)) * 3 + far
    add("far-blosclz", blosc.compress(plain, typesize=1, clevel=9, shuffle=0, cname="blosclz"), plain, "blosc blosclz, far matches")
    add("far-lz4", blosc.compress(plain, typesize=1, clevel=9, shuffle=0, cname="lz4"), plain, "blosc lz4, far matches")
    # the codec whose number is 2, in a container of our own: no build of blosc on PyPI has it
    import cramjam

    block = bytes(cramjam.snappy.compress_raw(plain))
    head = bytes([2, 1, (2 << 5) | 16, 1]) + b"".join(n.to_bytes(4, "little") for n in (len(plain), len(plain), 24 + len(block)))
    packed = head + (20).to_bytes(4, "little") + len(block).to_bytes(4, "little") + block
    (OUT / "codec" / "snappy.blosc").write_bytes(packed)
    rows.append({"file": "codec/snappy.blosc", "writer": f"cramjam {cramjam.__version__} snappy, container by this script", "size": len(plain), "sha256": sha(plain), "header": list(packed[:4])})
    # more than what is put together at a time, and matches of any length
    cells = np.arange(40_000)
    cells = cells // 37 + (cells // 640) * 100
    for dtype, factor in (("uint16", 1), ("uint32", 65537), ("uint64", 2**37 + 3)):
        values = (cells.astype(np.uint64) * np.uint64(factor)).astype(dtype)
        plain = values.tobytes()
        add(f"cells-{dtype}-boss", blosc.compress(plain, typesize=int(dtype[4:])), plain, "blosc as the Boss calls it, labels")
        for codec, shuffle, word in (("lz4", 1, "bytes"), ("lz4", 2, "bits"), ("zstd", 2, "bits")):
            packed = nb.compress(values, codec.encode(), 5, shuffle)
            add(f"cells-{dtype}-{codec}-{word}", packed, plain, f"numcodecs {codec} shuffle {shuffle}, labels")
    # what repeats within any number of bytes
    plain = b"".join((bytes(rng.integers(0, 256, period, dtype=np.uint8)) * 700)[: 251 + 40 * period] for period in range(1, 70))
    for codec in ("blosclz", "lz4"):
        packed = blosc.compress(plain, typesize=1, clevel=9, shuffle=0, cname=codec)
        add(f"periods-{codec}", packed, plain, f"blosc {codec}, runs that repeat within 1 to 69 bytes")
    # one value, and one value but for the last
    for dtype in ("uint16", "uint32", "uint64"):
        values = np.full(40_000, 0x1020304050607 % 2 ** int(dtype[4:]), dtype)
        for name in ("one", "last"):
            if name == "last":
                values[-1] = 0
            plain = values.tobytes()
            add(f"{name}-{dtype}-boss", blosc.compress(plain, typesize=int(dtype[4:])), plain, "blosc as the Boss calls it")
            add(f"{name}-{dtype}-lz4", nb.compress(values, b"lz4", 5, 1), plain, "numcodecs lz4 shuffle 1")
    return rows


FRAME = {
    "name": "frame", "description": "", "x_start": 0, "x_stop": 540, "y_start": 8, "y_stop": 60, "z_start": 2, "z_stop": 21,
    "x_voxel_size": 0.004, "y_voxel_size": 0.004, "z_voxel_size": 0.04, "voxel_unit": "micrometers",
}
LEVELS = 3
CUBOID = (512, 512, 16)


def extent(res, factors):
    start = [FRAME[f"{axis}_start"] // factors[res][d] for d, axis in enumerate("xyz")]
    stop = [-(-FRAME[f"{axis}_stop"] // factors[res][d]) for d, axis in enumerate("xyz")]
    return start, stop


def voxels(dtype, res, factors, time, seed):
    start, stop = extent(res, factors)
    z, y, x = np.mgrid[start[2] : stop[2], start[1] : stop[1], start[0] : stop[0]]
    x, y, z = x * factors[res][0], y * factors[res][1], z * factors[res][2]
    if dtype == "uint8":
        return (((x // 8) * 3 + (y // 4) * 5 + z * 7 + seed + 50 * time) % 251 + 1).astype(dtype)
    if dtype == "uint16":
        return (((x // 8) * 300 + (y // 4) * 5 + z * 1001 + seed) % 65521 + 1).astype(dtype)
    cell = x // 40 + 100 * (y // 20) + 1000 * (z // 8) + 1 + seed
    return cell.astype(dtype) * np.dtype(dtype).type(2**37 + 3 if dtype == "uint64" else 65537)


def experiment() -> dict:
    flat = [(2**r, 2**r, 1) for r in range(LEVELS)]
    iso = [(1, 1, 1), (2, 2, 1), (4, 4, 2)]
    channels = {
        "em": dict(type="image", datatype="uint8", levels=range(LEVELS), status="DOWNSAMPLED", times=1),
        "fluo": dict(type="image", datatype="uint16", levels=[0], status="NOT_DOWNSAMPLED", times=1),
        "cells": dict(type="annotation", datatype="uint64", levels=[0], status="IN_PROGRESS", times=1),
        "parts": dict(type="annotation", datatype="uint32", levels=[1, 2], status="DOWNSAMPLED", times=1, base=1),
        "huge": dict(type="image", datatype="uint64", levels=[], status="NOT_DOWNSAMPLED", times=1),
    }
    cutouts = []
    for seed, (name, channel) in enumerate(channels.items()):
        for res in channel["levels"]:
            for kind, factors in (("", flat), ("iso", iso)):
                if kind == "iso" and (name != "em" or factors[res] == flat[res]):
                    continue
                add_volume(cutouts, name, channel["datatype"], res, factors, 0, seed, kind)
    for time in range(3):
        add_volume(cutouts, "movie", "uint8", 0, flat, time, 9, f"t{time}")
    described = {
        name: {
            "name": name, "description": "", "experiment": "exp", "type": channel["type"], "datatype": channel["datatype"],
            "base_resolution": channel.get("base", 0), "default_time_sample": 0, "sources": [], "related": [], "creator": "someone",
            "downsample_status": channel["status"], "storage_type": "spdb", "bucket": None, "cv_path": None,
        }
        for name, channel in channels.items()
    }
    described["movie"] = {**described["fluo"], "name": "movie", "datatype": "uint8", "experiment": "film"}
    return {
        "frame": FRAME,
        "levels": LEVELS,
        "factors": {"": flat, "iso": iso},
        "channels": described,
        "cutouts": cutouts,
    }


def add_volume(cutouts, channel, dtype, res, factors, time, seed, kind):
    """The whole volume, for any range, and the cutouts on the grid of cuboids, compressed as the server does."""
    start, stop = extent(res, factors)
    volume = voxels(dtype, res, factors, time, seed)
    if channel == "fluo":
        # a cuboid nothing was ever written to
        volume[:, :, 512 - start[0] :] = 0
    name = f"{channel}-{res}" + (f"-{kind}" if kind else "")
    (OUT / f"{name}.raw.gz").write_bytes(gzip.compress(volume.tobytes(), 9, mtime=0))
    grid = [range(start[d] // CUBOID[d], -(-stop[d] // CUBOID[d])) for d in range(3)]
    for cz in grid[2]:
        for cy in grid[1]:
            for cx in grid[0]:
                low = [max(start[d], c * CUBOID[d]) for d, c in enumerate((cx, cy, cz))]
                high = [min(stop[d], (c + 1) * CUBOID[d]) for d, c in enumerate((cx, cy, cz))]
                part = volume[low[2] - start[2] : high[2] - start[2], low[1] - start[1] : high[1] - start[1], low[0] - start[0] : high[0] - start[0]]
                part = np.ascontiguousarray(part)
                packed = blosc.compress(part.tobytes(), typesize=8 * part.itemsize)
                file = f"{name}-{cx}_{cy}_{cz}.blosc"
                (OUT / file).write_bytes(packed)
                cutouts.append(
                    {"channel": channel, "resolution": res, "kind": kind, "low": low, "high": high, "file": file, "sha256": sha(part.tobytes())}
                )
    cutouts.append({"channel": channel, "resolution": res, "kind": kind, "low": start, "high": stop, "volume": f"{name}.raw.gz", "sha256": sha(volume.tobytes())})


shutil.rmtree(OUT, ignore_errors=True)
(OUT / "codec").mkdir(parents=True)
index = {"writer": f"blosc {blosc.__version__} (c-blosc {blosc.blosclib_version})", "vectors": vectors(), "experiment": experiment()}
(HERE / "boss.json").write_text(json.dumps(index, indent=1) + "\n")
