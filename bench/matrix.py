"""Writes the volumes of bench/matrix.ts with the reference writers of each format.

usage: matrix.py FOLDER     FOLDER/voxels has color.bin (uint8 512x512x256), labels.bin (uint32 256x256x256) and plane.bin (uint8 8192x8192), x fastest
needs: numpy wkw tifffile imagecodecs tensorstore
"""
import os
import sys

import numpy
import tensorstore
import tifffile
import write_wkw

out = sys.argv[1]
color = numpy.fromfile(f"{out}/voxels/color.bin", "u1").reshape(512, 512, 256, order="F")
labels = numpy.fromfile(f"{out}/voxels/labels.bin", "<u4").reshape(256, 256, 256, order="F")
plane = numpy.fromfile(f"{out}/voxels/plane.bin", "u1").reshape(8192, 8192)

for name, layer, voxels, packed in (("wkw-lz4", "color", color, True), ("wkw-labels", "segmentation", labels, True), ("wkw-raw", "color", color, False)):
    os.makedirs(f"{out}/{name}/{layer}")
    # files of 256 and not 1024: the uncompressed ones would be mostly holes
    write_wkw.write(f"{out}/{name}/{layer}/1", voxels, file_len=8, packed=packed)

for name, compression in (("tiff-raw", None), ("tiff-lzw", "lzw"), ("tiff-jpeg", "jpeg")):
    os.makedirs(f"{out}/{name}")
    tifffile.imwrite(f"{out}/{name}/color.tif", plane, tile=(256, 256), compression=compression, photometric="minisblack", metadata=None)

SHARDING = {
    "@type": "neuroglancer_uint64_sharded_v1",
    "preshift_bits": 3,
    "hash": "identity",
    "minishard_bits": 3,
    "shard_bits": 2,
    "minishard_index_encoding": "gzip",
    "data_encoding": "gzip",
}
for name, voxels, encoding, more in (
    ("precomputed-raw", color, "raw", {}),
    ("precomputed-jpeg", color, "jpeg", {"jpeg_quality": 80}),
    ("precomputed-cseg", labels, "compressed_segmentation", {"compressed_segmentation_block_size": [8, 8, 8]}),
    ("precomputed-sharded", color, "raw", {"sharding": SHARDING}),
):
    spec = {
        "driver": "neuroglancer_precomputed",
        "kvstore": {"driver": "file", "path": f"{out}/{name}"},
        "multiscale_metadata": {"type": "segmentation" if voxels is labels else "image", "data_type": voxels.dtype.name, "num_channels": 1},
        "scale_metadata": {"resolution": [4, 4, 4], "encoding": encoding, "chunk_size": [64, 64, 64], "size": list(voxels.shape), **more},
    }
    tensorstore.open(spec, create=True).result().write(voxels[..., None]).result()
