"""Writes voxels from standard input (x fastest) as one WKW mag with the reference library: LZ4HC, blocks of 32, files of 1024.

usage: write_wkw.py FOLDER DTYPE X Y Z
"""
import shutil
import sys

import numpy
import wkw

folder, dtype, *size = sys.argv[1:]
voxels = numpy.frombuffer(sys.stdin.buffer.read(), dtype).reshape([int(edge) for edge in size], order="F")
header = wkw.Header(numpy.dtype(dtype), block_len=32, file_len=32, block_type=wkw.Header.BLOCK_TYPE_RAW)
with wkw.Dataset.create(folder + ".raw", header) as raw:
    raw.write((0, 0, 0), voxels)
    raw.compress(folder, compress_files=True).close()
shutil.rmtree(folder + ".raw")
