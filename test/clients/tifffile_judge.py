"""What tifffile reads of each file: hashes of every volume a layer may show of it (x fastest, then y, z; channels interleaved; little endian)."""

import hashlib
import json
import logging
import os
import sys

import numpy as np
import tifffile

logging.disable(logging.CRITICAL)


def ordered(axes, data):
    axes = "".join("Z" if axis in "QI" else axis for axis in axes)
    for missing in [axis for axis in "TCZYXS" if axis not in axes]:
        data, axes = data[np.newaxis], missing + axes
    return data.transpose([axes.index(axis) for axis in "TCZYXS"])


def digest(voxels):
    return hashlib.sha256(np.ascontiguousarray(voxels).astype(voxels.dtype.newbyteorder("<")).tobytes()).hexdigest()


def served(page, voxels):
    """As we say that we serve it: masks as black and white, palettes as their colours, floats as 32 bits, white is zero turned over."""
    if page.photometric == 3 and page.colormap is not None:
        return np.moveaxis((page.colormap >> 8).astype(np.uint8)[:, voxels[..., 0]], 0, -1)
    if voxels.dtype == bool:
        voxels = voxels.astype(np.uint8) * 255
    if voxels.dtype.kind == "f":
        with np.errstate(over="ignore"):
            voxels = voxels.astype(np.float32)
    if page.photometric == 0 and voxels.dtype.kind == "u":
        voxels = np.iinfo(voxels.dtype).max - voxels
    return voxels


def candidates(tif):
    found, shapes = [], []
    for series in tif.series:
        page = series.keyframe
        voxels = served(page, ordered(series.axes, series.asarray()))
        shapes.append(f"{series.axes} {'x'.join(map(str, series.shape))}")
        for c in range(voxels.shape[1]):
            volume = voxels[0, c]
            if volume.shape[-1] in (3, 4) and volume.dtype == np.uint8:
                found.append(digest(volume[..., :3]))
            found += [digest(volume[..., s]) for s in range(volume.shape[-1])]
    return found, shapes


def judge(path):
    try:
        with tifffile.TiffFile(path) as tif:
            found, shapes = candidates(tif)
            # a page of another size among slices: its neighbours are the volume
            sizes = {}
            for page in tif.pages:
                sizes.setdefault((page.shape, page.dtype), []).append(page)
            for alike in sizes.values():
                if 1 < len(alike) < len(tif.pages):
                    found.append(digest(np.stack([page.asarray() for page in alike])))
        # files of a set: each by itself, too
        with tifffile.TiffFile(path, is_ome=False) as tif:
            found += candidates(tif)[0]
        return {"candidates": found, "shape": "; ".join(shapes)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    paths = json.load(sys.stdin)
    # the codecs tifffile calls print to standard output
    out = os.dup(1)
    os.dup2(2, 1)
    files = {path: judge(path) for path in paths}
    os.write(out, json.dumps({"version": tifffile.__version__, "files": files}).encode())
