"""Writes voxels from standard input (x fastest) as one WKW mag with the reference library: LZ4HC, blocks of 32, files of 1024.

usage: write_wkw.py FOLDER DTYPE X Y Z
"""
import shutil
import sys

import numpy
import wkw


def write(folder, voxels, file_len=32, packed=True):
    """`file_len`: blocks of a file along each axis."""
    header = wkw.Header(voxels.dtype, block_len=32, file_len=file_len, block_type=wkw.Header.BLOCK_TYPE_RAW)
    plain = folder + ".raw" * packed
    with wkw.Dataset.create(plain, header) as raw:
        raw.write((0, 0, 0), voxels)
        if packed:
            raw.compress(folder, compress_files=True).close()
    if packed:
        shutil.rmtree(plain)


if __name__ == "__main__":
    folder, dtype, *size = sys.argv[1:]
    write(folder, numpy.frombuffer(sys.stdin.buffer.read(), dtype).reshape([int(edge) for edge in size], order="F"))
