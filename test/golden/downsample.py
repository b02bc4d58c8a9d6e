"""Small random volumes and what the webknossos library (mode) and numpy (mean) make of them.

Every file holds the source voxels, x fastest, then y, z, channels interleaved; the results are kept as SHA-256. Sizes are odd and the
first voxel may be the second of its pair: the references never see such a box, so it is cut into the pairs they can, each
with the voxels that are there.
"""

import hashlib
import itertools
import json
from pathlib import Path

import numpy as np
from webknossos.dataset.layer._downsampling_utils import _mode

HERE = Path(__file__).parent
DATA = HERE / "data" / "downsample"
SIZE = (7, 5, 3)
TYPES = ["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float32", "float64"]
FACTORS = [f for f in itertools.product((1, 2), repeat=3) if f != (1, 1, 1)]


def source(dtype: str, channels: int, rule: str) -> np.ndarray:
    """x, y, z, channel."""
    rng = np.random.default_rng(abs(hash_of(f"{dtype} {channels} {rule}")))
    shape = (*SIZE, channels)
    if rule == "mode":
        values = rng.integers(0, 3, shape)
        # three ids that differ only in their highest bits or sign
        info = np.iinfo(dtype)
        return np.array([info.min, 1, info.max], dtype=dtype)[values]
    if dtype.startswith("float"):
        # eighths: sums of eight are exact whatever their order
        values = (rng.integers(-(2**15), 2**15, shape) / 8).astype(dtype)
        values[rng.random(shape) < 0.3] = np.nan
        return values
    info = np.iinfo(dtype)
    values = rng.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)
    values[rng.random(shape) < 0.1] = info.max
    values[rng.random(shape) < 0.1] = info.min
    return values


def hash_of(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "little")


def mean(values: np.ndarray) -> object:
    if values.dtype.kind == "f":
        numbers = values.astype(np.float64)
        numbers = numbers[~np.isnan(numbers)]
        return values.dtype.type(np.mean(numbers)) if len(numbers) else np.nan
    total, count = sum(int(v) for v in values), len(values)
    # Python rounds halves of a fraction to even, but only in floats: exact integers instead
    whole, rest = divmod(total, count)
    return whole + (1 if 2 * rest > count or (2 * rest == count and whole % 2) else 0)


def mode(values: np.ndarray) -> object:
    return _mode(values.reshape(-1, 1))[0]


def downsample(data: np.ndarray, factor: tuple, phase: tuple, rule: str) -> np.ndarray:
    count = [-(-(n + p) // f) for n, p, f in zip(data.shape, phase, factor)]
    out = np.zeros((*count, data.shape[3]), data.dtype)
    for x, y, z in np.ndindex(*count):
        part = tuple(slice(max(0, i * f - p), (i + 1) * f - p) for i, f, p in zip((x, y, z), factor, phase))
        for c in range(data.shape[3]):
            # the library goes through a block along y, then x, then z
            values = data[part][..., c].transpose(1, 0, 2).ravel(order="F")
            out[x, y, z, c] = (mean if rule == "mean" else mode)(values)
    return out


def wire(data: np.ndarray) -> bytes:
    return np.ascontiguousarray(data.transpose(2, 1, 0, 3)).tobytes()


DATA.mkdir(parents=True, exist_ok=True)
index = []
for rule, dtype, channels in itertools.product(("mean", "mode"), TYPES, (1, 3)):
    if rule == "mode" and dtype.startswith("float"):
        continue
    data = source(dtype, channels, rule)
    name = f"{rule}_{dtype}_{channels}.bin"
    (DATA / name).write_bytes(wire(data))
    results = []
    for factor in FACTORS:
        # of all phases one after the other, that of z changing fastest
        phases = itertools.product(*((0, 1) if f == 2 else (0,) for f in factor))
        made = b"".join(wire(downsample(data, factor, phase, rule)) for phase in phases)
        results.append({"factor": factor, "sha256": hashlib.sha256(made).hexdigest()})
    index.append({"file": f"data/downsample/{name}", "rule": rule, "dataType": dtype, "channels": channels, "size": SIZE, "results": results})
(HERE / "downsample.json").write_text(json.dumps(index))
