"""Opens layers of OME-Zarr with napari's reader and in its (unseen) viewer model. Input: {layers: [URL]}.

Prints for each what napari makes of it: {version, layers: [[{kind, axes, units, scale, contrast, colormap, shapes, sha256}] | {error}]}; the
SHA-256 of the finest voxels as little endian, in C order.
"""

import hashlib
import importlib.metadata
import json
import sys
import warnings

import numpy as np
from napari.components import ViewerModel
from napari_ome_zarr import napari_get_reader

warnings.simplefilter("ignore")


def describe(data, properties, kind):
    viewer = ViewerModel()
    (layer,) = viewer._add_layer_from_data(data, properties, kind)
    finest = np.asarray(data[0])
    # the last two axes are what it draws
    drawn = [viewer.dims.axis_labels[axis] for axis in viewer.dims.displayed]
    return {
        "kind": kind,
        "axes": list(layer.axis_labels),
        "drawn": drawn,
        "units": [str(unit) for unit in layer.units],
        "scale": [float(edge) for edge in layer.scale],
        "contrast": [float(edge) for edge in layer.contrast_limits] if kind == "image" else None,
        "colormap": [float(part) for part in layer.colormap.colors[-1]][:3] if kind == "image" else None,
        "shapes": [list(level.shape) for level in data],
        "sha256": hashlib.sha256(finest.astype(finest.dtype.newbyteorder("<")).tobytes()).hexdigest(),
    }


def main():
    results = []
    for url in json.load(sys.stdin)["layers"]:
        try:
            results.append([describe(*one) for one in napari_get_reader(url)(url)])
        except Exception as error:  # one layer must not hide the others
            results.append({"error": f"{type(error).__name__}: {error}"[:400]})
    version = importlib.metadata.version
    print("\n" + json.dumps({"version": f"{version('napari')}, napari-ome-zarr {version('napari-ome-zarr')}", "layers": results}))


main()
