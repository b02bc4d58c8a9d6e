"""Reads whole Zarr arrays with zarr-python or TensorStore. Input: {library, format, axes, token?, arrays: [{url, topLeft, size, time?}]}.

`axes`: "cxyz" or "czyx"; times come after or before the channel.

Prints for each the SHA-256 of the voxels of the box (channels fastest, then x, y, z; little endian) after checking that everything
outside of it is zero, as JSON with the version of the library.
"""

import hashlib
import json
import sys

import numpy as np


def open_zarr(url, zarr_format, token):
    import zarr

    options = {"client_kwargs": {"headers": {"X-Auth-Token": token}}} if token else None
    return zarr.open_array(url, mode="r", storage_options=options, **format_of(zarr, zarr_format))


def format_of(zarr, zarr_format):
    """zarr-python 2 knows one format only."""
    return {} if zarr.__version__.startswith("2.") else {"zarr_format": zarr_format}


def open_group(url, zarr_format, token):
    """The array by way of the layer's group, as somebody does who has the layer's address."""
    import zarr

    layer, mag = url.rsplit("/", 1)
    return zarr.open_group(layer, mode="r", **format_of(zarr, zarr_format))[mag]


def open_tensorstore(url, zarr_format, token):
    import tensorstore as ts

    driver = "auto" if zarr_format is None else "zarr" if zarr_format == 2 else "zarr3"
    headers = [f"X-Auth-Token: {token}"] if token else []
    kvstore = {"driver": "http", "base_url": url + "/", "headers": headers} if driver != "auto" else url + "/"
    spec = {"driver": driver, "kvstore": kvstore} if driver != "auto" else kvstore
    return ts.open(spec, read=True).result()


def digest(array, axes, top_left, size, time):
    space = tuple(slice(a, a + s) for a, s in zip(top_left, size))
    at = () if time is None else (time,)
    if axes == "cxyz":
        inside = np.asarray(array[(slice(None), *at, *space)])
    else:
        inside = np.asarray(array[(*at, slice(None), *reversed(space))]).transpose(0, 3, 2, 1)
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
            voxels = read(array["url"], request["format"], request.get("token"))
            results.append({"sha256": digest(voxels, request["axes"], array["topLeft"], array["size"], array.get("time"))})
        except Exception as error:  # one array must not hide the others
            results.append({"sha256": "", "error": f"{type(error).__name__}: {error}"[:400]})
    import importlib.metadata

    print("\n" + json.dumps({"version": importlib.metadata.version(library.split("-")[0]), "results": results}))


main()
