"""Decodes blocks with the reference libraries for bench/reference.ts: one line in, {"codec", "files", "sizes"}, one line out, milliseconds."""

import json
import sys
import time
from pathlib import Path

import imagecodecs

blocks = {}


def decoder(codec):
    if codec == "lz4":
        return lambda data, size: imagecodecs.lz4_decode(data, header=False, out=size)
    if codec == "cseg":
        import compressed_segmentation

        return lambda data, shape: compressed_segmentation.decompress(data, shape["size"], shape["type"], shape["block"], order="F")
    if codec == "blosc":
        import numcodecs.blosc

        return lambda data, size: numcodecs.blosc.decompress(data)
    decode = getattr(imagecodecs, {"deflate": "zlib_decode", "jpeg": "jpeg8_decode"}.get(codec, f"{codec}_decode"))
    if codec in ("jpeg", "png"):
        return lambda data, size: decode(data)
    return lambda data, size: decode(data, out=size)


for line in sys.stdin:
    task = json.loads(line)
    key = tuple(task["files"])
    if key not in blocks:
        blocks[key] = [Path(file).read_bytes() for file in task["files"]]
    decode = decoder(task["codec"])
    start = time.perf_counter()
    for data in blocks[key]:
        decode(data, task["size"])
    print((time.perf_counter() - start) * 1000, flush=True)
