"""Reads whole Zarr arrays with zarr-python or TensorStore. Input: {library, format, arrays: [{url, topLeft, size, time?}]}.

Prints for each the SHA-256 of the voxels of the box (channels fastest, then x, y, z; little endian) after checking that everything
outside of it is zero, as JSON with the version of the library.
"""

import hashlib
import json
import sys

import numpy as np


def open_zarr(url, zarr_format):
    import zarr

    return zarr.open_array(url, mode="r", zarr_format=zarr_format)


def open_group(url, zarr_format):
    """The array by way of the layer's group, as somebody does who has the layer's address."""
    import zarr

    layer, mag = url.rsplit("/", 1)
    return zarr.open_group(layer, mode="r", zarr_format=zarr_format)[mag]


def open_tensorstore(url, zarr_format):
    import tensorstore as ts

    driver = "auto" if zarr_format is None else "zarr" if zarr_format == 2 else "zarr3"
    kvstore = {"driver": "http", "base_url": url + "/"} if driver != "auto" else url + "/"
    spec = {"driver": driver, "kvstore": kvstore} if driver != "auto" else kvstore
    return ts.open(spec, read=True).result()


def digest(array, top_left, size, time):
    box = (slice(None),) + tuple(slice(a, a + s) for a, s in zip(top_left, size))
    if time is not None:
        box = (box[0], slice(time, time + 1), *box[1:])
    inside = np.asarray(array[box])
    if time is not None:
        inside = inside[:, 0]
    if inside.shape[1:] != tuple(size):
        raise ValueError(f"shape {array.shape} does not hold {size} at {top_left}")
    # a whole cube file of nothing is not worth reading
    if time is None and np.prod(array.shape) < 2**22 and np.count_nonzero(np.asarray(array[...])) != np.count_nonzero(inside):
        raise ValueError("voxels outside of the box")
    return hashlib.sha256(inside.astype(inside.dtype.newbyteorder("<")).tobytes(order="F")).hexdigest()


def main():
    request = json.load(sys.stdin)
    library = request["library"]
    read = {"zarr": open_zarr, "zarr-group": open_group, "tensorstore": open_tensorstore}[library]
    results = []
    for array in request["arrays"]:
        try:
            voxels = read(array["url"], request["format"])
            results.append({"sha256": digest(voxels, array["topLeft"], array["size"], array.get("time"))})
        except Exception as error:  # one array must not hide the others
            results.append({"sha256": "", "error": f"{type(error).__name__}: {error}"[:400]})
    import importlib.metadata

    print("\n" + json.dumps({"version": importlib.metadata.version(library.split("-")[0]), "results": results}))


main()
