"""Writes the golden data of Neuroglancer Precomputed with tensorstore and cloud-volume, and says what their readers make of it. See README.md."""

import gzip
import hashlib
import json
import shutil
from pathlib import Path

import compresso
import imagecodecs
import numpy as np
import tensorstore as ts
from cloudvolume import CloudVolume
from cloudvolume.lib import Bbox
from PIL import Image

HERE = Path(__file__).parent
ROOT = HERE / "data" / "precomputed"
CLASSES = {"float32": "float"}
cases = []


def texture(shape, dtype, seed=0):
    """Voxels x, y, z, channel that differ everywhere and use the whole range of their type."""
    dtype = np.dtype(dtype)
    rng = np.random.default_rng(seed)
    steps = sum((index // 3) * (7 + 4 * axis) for axis, index in enumerate(np.indices(shape))) % 23
    if dtype.kind == "f":
        values = ((np.arange(23) - 11) * 1.37e3).astype(dtype)
    else:
        limits = np.iinfo(dtype)
        span = int(limits.max) - int(limits.min)
        values = np.array([limits.min + span * i // 22 for i in range(23)], dtype=dtype)
    return values[(steps + rng.integers(0, 2, shape)) % 23]


def cells(shape, dtype, seed=0, count=40):
    """Labels of regions around random points, 64-bit ones beyond 2^53; 0 in a corner."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 1, (count, 3)) * shape[:3]
    ids = rng.integers(1, min(np.iinfo(dtype).max, 2**63 - 1), count).astype(dtype)
    grid = np.stack(np.indices(shape[:3]), -1)
    nearest = np.argmin(((grid[..., None, :] - points) ** 2).sum(-1), -1)
    labels = ids[nearest]
    labels[:4, :5, :6] = 0
    return labels[..., None] if len(shape) < 4 else np.stack([labels + c for c in range(shape[3])], -1)


def describe(name, voxels, mag=(1, 1, 1), top_left=(0, 0, 0), suffix=None):
    """`voxels`: x, y, z, channel in the mag's own voxels; several channels that are no colours are a layer each."""
    dtype = voxels.dtype.name
    channels = voxels.shape[3]
    if channels == 3 and dtype == "uint8":
        parts = [(name, "uint24", voxels)]
    elif channels == 1:
        parts = [(name, CLASSES.get(dtype, dtype), voxels)]
    else:
        parts = [(f"{name}_c{c}", CLASSES.get(dtype, dtype), voxels[..., c : c + 1]) for c in range(channels)]
    layers = []
    for layer, element_class, part in parts:
        wire = np.ascontiguousarray(part.transpose(2, 1, 0, 3)).astype(part.dtype.newbyteorder("<"))
        layers.append(
            {
                "name": layer,
                "elementClass": element_class,
                "mag": list(mag),
                "topLeft": [int(v) for v in top_left],
                "size": list(part.shape[:3]),
                "sha256": hashlib.sha256(wire.tobytes()).hexdigest(),
            }
        )
    return layers


def case(dataset, writer, about, layers=(), refused=None):
    entry = {
        "path": f"data/precomputed/{dataset}",
        "writer": writer,
        "organization": "precomputed",
        "dataset": dataset,
        "about": about,
        "layers": list(layers),
    }
    if refused:
        entry["refused"] = refused
    cases.append(entry)


def by_tensorstore(dataset, about, voxels, encoding="raw", chunk=(16, 12, 8), offset=(0, 0, 0), sharding=None, scale=None, kind=None, name=None):
    """Writes a scale, reads it again, and lists it. A second call for the same folder adds a scale."""
    dtype = voxels.dtype.name
    scale = {"resolution": [4, 4, 40], "encoding": encoding, "chunk_size": list(chunk), "voxel_offset": list(offset), "size": list(voxels.shape[:3]), **(scale or {})}
    if encoding == "compressed_segmentation":
        scale.setdefault("compressed_segmentation_block_size", [8, 8, 8])
    if sharding:
        scale["sharding"] = {"@type": "neuroglancer_uint64_sharded_v1", **sharding}
    spec = {
        "driver": "neuroglancer_precomputed",
        "kvstore": {"driver": "file", "path": str(ROOT / dataset)},
        "multiscale_metadata": {"type": kind or ("segmentation" if encoding == "compressed_segmentation" else "image"), "data_type": dtype, "num_channels": voxels.shape[3]},
        "scale_metadata": scale,
    }
    store = ts.open(spec, create=True, open=True).result()
    store.write(voxels).result()
    read = store.read().result()
    mag = [round(r / f) for r, f in zip(scale["resolution"], [4, 4, 40])]
    layers = describe(name or dataset, read, mag=mag, top_left=offset)
    if encoding not in ("jpeg",):
        assert np.array_equal(read, voxels), dataset
    known = next((one for one in cases if one["dataset"] == dataset), None)
    if known:
        known["layers"] += layers
    else:
        case(dataset, "tensorstore", about, layers)


def by_cloudvolume(dataset, about, voxels, encoding, compress=None, offset=(0, 0, 0), chunk=(16, 12, 8), layer_type=None, sharded=None, **more):
    dtype = voxels.dtype.name
    info = CloudVolume.create_new_info(
        num_channels=voxels.shape[3],
        layer_type=layer_type or "segmentation",
        data_type=dtype,
        encoding=encoding,
        resolution=[4, 4, 40],
        voxel_offset=list(offset),
        chunk_size=list(chunk),
        volume_size=list(voxels.shape[:3]),
    )
    if encoding == "jxl":
        info["scales"][0]["jxl_quality"] = 100
    volume = CloudVolume(f"file://{ROOT / dataset}", info=info, compress=compress, progress=False, non_aligned_writes=True, **more)
    volume.commit_info()
    low = np.array(offset)
    volume[tuple(slice(int(a), int(a + n)) for a, n in zip(low, voxels.shape[:3]))] = voxels
    read = np.asarray(volume[Bbox(low, low + voxels.shape[:3])])
    assert encoding == "jpeg" or np.array_equal(read, voxels), dataset
    case(dataset, "cloud-volume", about, describe(dataset, read, top_left=offset))
    return volume


def info_of(dataset):
    return json.loads((ROOT / dataset / "info").read_text())


def write_info(dataset, info):
    (ROOT / dataset).mkdir(parents=True, exist_ok=True)
    (ROOT / dataset / "info").write_text(json.dumps(info))


def raw_types():
    for dtype in ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "float32"]:
        by_tensorstore(f"raw_{dtype}", f"{dtype}, raw, cut chunks, odd offset", texture((19, 17, 9, 1), dtype), offset=(3, 5, 7))
    by_tensorstore("raw_rgb", "three channels of uint8: uint24", texture((19, 17, 9, 3), "uint8"), offset=(1, 2, 3))
    by_tensorstore("raw_channels", "two channels of uint16: a layer each", texture((19, 17, 9, 2), "uint16"))


def pictures():
    by_tensorstore("jpeg", "jpeg, grey", texture((29, 25, 11, 1), "uint8") // 8 + 60, "jpeg")
    by_tensorstore("jpeg_rgb", "jpeg, colours", texture((29, 25, 11, 3), "uint8") // 8 + 60, "jpeg")
    for channels in (1, 2, 3, 4):
        for dtype in ("uint8", "uint16"):
            by_tensorstore(f"png_{dtype}_{channels}", f"png, {channels} × {dtype}", texture((19, 17, 9, channels), dtype), "png", offset=(-3, 5, 0) if channels == 1 else (0, 0, 0))
    by_cloudvolume("jxl", "JPEG XL without loss, grey", texture((19, 17, 9, 1), "uint8"), "jxl", layer_type="image")
    jpeg_by_hand("jpeg_restart", cells((19, 17, 9), "uint8"))
    for channels in (3, 4):
        jxl_by_hand(f"jxl_{channels}", texture((19, 17, 9, channels), "uint8"))
    by_cloudvolume("png_gz", "png by cloud-volume, gzip around it", texture((19, 17, 9, 1), "uint8"), "png", compress="gzip", layer_type="image")
    by_cloudvolume("jpeg_cv", "jpeg by cloud-volume", texture((29, 25, 11, 1), "uint8") // 8 + 60, "jpeg", layer_type="image")


def jpeg_by_hand(dataset, voxels):
    """With restart markers and tables of its own, which the reference writers do not make."""
    size = list(voxels.shape[:3])
    info = CloudVolume.create_new_info(1, "image", "uint8", "jpeg", [4, 4, 40], [0, 0, 0], size, chunk_size=size)
    write_info(dataset, info)
    folder = ROOT / dataset / info["scales"][0]["key"]
    folder.mkdir(parents=True)
    file = folder / f"0-{size[0]}_0-{size[1]}_0-{size[2]}"
    picture = voxels[..., 0].transpose(2, 1, 0).reshape(size[1] * size[2], size[0])
    Image.fromarray(np.ascontiguousarray(picture)).save(file, "JPEG", quality=91, optimize=True, restart_marker_rows=1)
    read = imagecodecs.jpeg8_decode(file.read_bytes()).reshape(size[2], size[1], size[0], 1).transpose(2, 1, 0, 3)
    case(dataset, "Pillow", "jpeg with restart markers", describe(dataset, read))


def jxl_by_hand(dataset, voxels):
    """cloud-volume 12.15 mixes up the channels of JPEG XL when it writes; one chunk by libjxl, as neuroglancer reads it."""
    size = list(voxels.shape[:3])
    info = CloudVolume.create_new_info(voxels.shape[3], "image", "uint8", "jxl", [4, 4, 40], [0, 0, 0], size, chunk_size=size)
    write_info(dataset, info)
    folder = ROOT / dataset / info["scales"][0]["key"]
    folder.mkdir(parents=True)
    picture = voxels.transpose(2, 1, 0, 3).reshape(size[1] * size[2], size[0], voxels.shape[3])
    stream = imagecodecs.jpegxl_encode(np.ascontiguousarray(picture), lossless=True)
    assert np.array_equal(imagecodecs.jpegxl_decode(stream), picture)
    (folder / f"0-{size[0]}_0-{size[1]}_0-{size[2]}").write_bytes(stream)
    case(dataset, "libjxl", f"JPEG XL without loss, {voxels.shape[3]} channels", describe(dataset, voxels))


def segmentations():
    for dtype in ("uint32", "uint64"):
        by_tensorstore(f"cseg_{dtype}", f"compressed_segmentation of {dtype}, cut chunks and blocks", cells((29, 25, 21), dtype), "compressed_segmentation", chunk=(16, 16, 16), offset=(3, 5, 7))
        by_tensorstore(f"cseg_{dtype}_noise", f"compressed_segmentation of {dtype}, a label per voxel", texture((13, 11, 9, 1), dtype, 5) + np.arange(13 * 11 * 9, dtype=dtype).reshape(13, 11, 9, 1), "compressed_segmentation", scale={"compressed_segmentation_block_size": [8, 4, 2]})
        by_cloudvolume(f"cseg_{dtype}_cv", f"compressed_segmentation of {dtype} by cloud-volume, gzip", cells((29, 25, 21), dtype, 3), "compressed_segmentation", compress="gzip", chunk=(16, 16, 16))
    by_tensorstore("cseg_pieces", "compressed_segmentation in chunks larger than a bucket, cut, odd offset", cells((100, 70, 45), "uint32", 12, 20), "compressed_segmentation", chunk=(64, 64, 64), offset=(3, 5, 7))
    zipped = {"hash": "identity", "preshift_bits": 0, "minishard_bits": 1, "shard_bits": 0, "minishard_index_encoding": "gzip", "data_encoding": "gzip"}
    by_tensorstore("cseg_pieces_sharded", "the same of uint64, sharded and zipped, chunks of three edges", cells((100, 70, 45), "uint64", 13, 20), "compressed_segmentation", chunk=(64, 32, 40), offset=(-7, 64, 32), sharding=zipped)
    by_tensorstore("cseg_channels", "compressed_segmentation of two channels", cells((19, 17, 9, 2), "uint32"), "compressed_segmentation", kind="image")
    for dtype in ("uint8", "uint16", "uint32", "uint64"):
        by_cloudvolume(f"compresso_{dtype}", f"compresso of {dtype}", cells((37, 29, 13), dtype, 8), "compresso", compress="gzip", chunk=(32, 16, 8), offset=(-5, 2, 1))
    by_cloudvolume("compresso_noise", "compresso of labels without regions", texture((17, 13, 9, 1), "uint32", 4), "compresso", compress=False)
    compresso_connectivity()


def compresso_connectivity():
    """Streams cloud-volume reads but does not write: version 0, regions through z, other windows."""
    labels = cells((37, 29, 13), "uint64", 9)[..., 0]
    variants = {"v0": {}, "conn6": {"connectivity": 6}, "steps": {"steps": (8, 8, 1)}, "steps_z": {"steps": (4, 2, 2), "connectivity": 6}}
    for name, options in variants.items():
        dataset = f"compresso_{name}"
        stream = compresso.compress(np.asfortranarray(labels), random_access_z_index=False, **options)
        assert np.array_equal(compresso.decompress(stream), labels)
        info = CloudVolume.create_new_info(1, "segmentation", "uint64", "compresso", [4, 4, 40], [0, 0, 0], list(labels.shape), chunk_size=list(labels.shape))
        write_info(dataset, info)
        folder = ROOT / dataset / info["scales"][0]["key"]
        folder.mkdir(parents=True)
        (folder / "0-37_0-29_0-13").write_bytes(stream)
        case(dataset, "compresso", f"compresso with {options or 'no index'}, version 0", describe(dataset, labels[..., None]))


def shards():
    volume = cells((45, 35, 19), "uint64", 11)
    variants = {
        "identity": {"hash": "identity", "preshift_bits": 0, "minishard_bits": 0, "shard_bits": 0},
        "identity_bits": {"hash": "identity", "preshift_bits": 1, "minishard_bits": 2, "shard_bits": 3, "minishard_index_encoding": "gzip", "data_encoding": "gzip"},
        "murmur": {"hash": "murmurhash3_x86_128", "preshift_bits": 1, "minishard_bits": 3, "shard_bits": 1, "minishard_index_encoding": "raw", "data_encoding": "gzip"},
        "murmur_wide": {"hash": "murmurhash3_x86_128", "preshift_bits": 0, "minishard_bits": 1, "shard_bits": 5, "minishard_index_encoding": "gzip", "data_encoding": "raw"},
    }
    for name, sharding in variants.items():
        by_tensorstore(f"shard_{name}", f"sharded, {sharding}, offset", volume, "compressed_segmentation", chunk=(16, 16, 16), offset=(-7, 100, 9), sharding=sharding)
    raw = texture((61, 45, 11, 1), "uint8", 2)
    by_tensorstore("shard_raw", "sharded, raw", raw, "raw", chunk=(16, 16, 8), sharding=variants["identity_bits"], offset=(5, 6, 7))
    by_tensorstore("shard_legacy", "sharded, the older files .index and .data", raw, "raw", chunk=(16, 16, 8), sharding=variants["murmur"])
    table = 16 << variants["murmur"]["minishard_bits"]
    for shard in (ROOT / "shard_legacy").rglob("*.shard"):
        whole = shard.read_bytes()
        shard.with_suffix(".index").write_bytes(whole[:table])
        shard.with_suffix(".data").write_bytes(whole[table:])
        shard.unlink()


def places():
    voxels = texture((29, 25, 11, 1), "uint8", 6)
    for compress in ("gzip", "br", "zstd"):
        by_cloudvolume(f"sibling_{compress}", f"files ending in .{compress}", voxels, "raw", compress=compress, layer_type="image")
    # coarser scales, one of them anisotropic, resolutions with fractions
    for factor in ((1, 1, 1), (2, 2, 1), (4, 4, 2)):
        part = voxels[:: factor[0], :: factor[1], :: factor[2]]
        by_tensorstore("scales", "three scales, resolutions with fractions", part, scale={"resolution": [4 * factor[0], 4 * factor[1], 40 * factor[2]]})
    info = info_of("scales")
    for scale in info["scales"]:
        scale["resolution"] = [round(r * 0.895, 3) for r in scale["resolution"]]
    info["scales"][1]["hidden"] = True
    info |= {"locked": False, "data_dir": "elsewhere", "mesh": "mesh", "skeletons": "skeletons", "segment_properties": "props"}
    write_info("scales", info)
    # two chunk sizes: each a complete copy
    by_tensorstore("chunk_sizes", "two chunk sizes", voxels, chunk=(16, 16, 8), scale={"key": "one"})
    by_tensorstore("chunk_sizes_b", "copied into the other", voxels, chunk=(32, 32, 1), scale={"key": "one"})
    for file in (ROOT / "chunk_sizes_b" / "one").iterdir():
        shutil.copy(file, ROOT / "chunk_sizes" / "one" / file.name)
    shutil.rmtree(ROOT / "chunk_sizes_b")
    cases.pop()
    info = info_of("chunk_sizes")
    info["scales"][0]["chunk_sizes"] = [[16, 16, 8], [32, 32, 1]]
    write_info("chunk_sizes", info)
    # an info that only says where the volume is, and a scale that lies beside its info
    write_info("redirect", {"redirect": "../raw_uint8"})
    twin = next(one for one in cases if one["dataset"] == "raw_uint8")
    case("redirect", "tensorstore", "an info that redirects", [{**twin["layers"][0], "name": "redirect"}])
    info = info_of("raw_uint16")
    info["scales"][0]["key"] = "../raw_uint16/" + info["scales"][0]["key"]
    write_info("key_beside", info)
    twin = next(one for one in cases if one["dataset"] == "raw_uint16")
    case("key_beside", "tensorstore", "a key that leads out of the folder", [{**twin["layers"][0], "name": "key_beside"}])
    # two layers in one dataset, the coarser one at 8 nm
    for name, factor in (("image", 1), ("labels", 2)):
        part = voxels if name == "image" else cells((15, 13, 11), "uint32", 1)
        by_tensorstore(f"layers/{name}", "two layers, a folder each", part, "raw" if name == "image" else "compressed_segmentation", name=name, scale={"resolution": [4 * factor, 4 * factor, 40]})
    both = cases.pop()
    cases[-1] = {**cases[-1], "path": "data/precomputed/layers", "dataset": "layers", "layers": cases[-1]["layers"] + both["layers"]}


def real():
    """Ground truth of FIB-25 at 3000, 3000, 3000, as neuroglancer's own tests have it (third-party/)."""
    packed = HERE / "third-party" / "google+neuroglancer" / "64x64x64-raw-uint64-segmentation.dat.gz"
    wire = gzip.decompress(packed.read_bytes())
    assert hashlib.sha256(wire).hexdigest() == "ca9b371e0e20bf72488db0733f806ff8886a4207affffe85bb5a0852f1e24c18"
    voxels = np.frombuffer(wire, "<u8").reshape(64, 64, 64, 1, order="F").copy(order="F")
    murmur = {"hash": "murmurhash3_x86_128", "preshift_bits": 1, "minishard_bits": 1, "shard_bits": 1, "minishard_index_encoding": "gzip", "data_encoding": "gzip"}
    by_tensorstore("fib25_sharded", "FIB-25 labels, compressed_segmentation in shards", voxels, "compressed_segmentation", chunk=(32, 32, 32), offset=(3000,) * 3, sharding=murmur)
    by_cloudvolume("fib25_compresso", "FIB-25 labels, compresso", voxels, "compresso", compress="gzip", chunk=(64, 64, 32), offset=(3000,) * 3)


def refused():
    base = info_of("raw_uint32")
    for encoding in ("fpzip", "kempressed", "zfpc", "crackle"):
        info = json.loads(json.dumps(base))
        info["scales"][0]["encoding"] = encoding
        write_info(f"refused_{encoding}", info)
        case(f"refused_{encoding}", "hand", f"encoding {encoding}", refused=encoding)
    write_info("refused_graphene", {**base, "app": {"vertices": {}}, "graph": {"chunk_size": [1, 1, 1]}, "data_dir": "gs://elsewhere"})
    case("refused_graphene", "hand", "graphene", refused="graphene")
    write_info("refused_mesh", {"@type": "neuroglancer_multilod_draco", "vertex_quantization_bits": 16})
    case("refused_mesh", "hand", "the info of a mesh", refused="neuroglancer_multilod_draco")
    for name, change, word in [
        ("type", {"data_type": "complex64"}, "complex64"),
        ("scales", {"scales": []}, "scales"),
        ("redirect_net", {"redirect": "https://example.org/x"}, "network"),
        ("redirect_loop", {"redirect": "."}, "more than 10 times"),
    ]:
        write_info(f"refused_{name}", {**base, **change})
        case(f"refused_{name}", "hand", f"info with {change}", refused=word)
    for name, change, word in [
        ("bomb", {"chunk_sizes": [[4096, 4096, 4096]]}, "at most 268435456"),
        ("minishards", {"sharding": {"@type": "neuroglancer_uint64_sharded_v1", "hash": "identity", "preshift_bits": 0, "minishard_bits": 60, "shard_bits": 4}}, "minishard_bits"),
        ("morton", {"size": [2**30, 2**30, 2**30], "chunk_sizes": [[8, 8, 8]], "sharding": {"@type": "neuroglancer_uint64_sharded_v1", "hash": "identity", "preshift_bits": 0, "minishard_bits": 6, "shard_bits": 15}}, "81 bits"),
        ("below", {"voxel_offset": [-100, 0, 0]}, "below 0"),
    ]:
        info = json.loads(json.dumps(base))
        info["scales"][0] |= change
        write_info(f"refused_{name}", info)
        case(f"refused_{name}", "hand", f"scale with {change}", refused=word)


shutil.rmtree(ROOT, ignore_errors=True)
ROOT.mkdir(parents=True)
raw_types()
pictures()
segmentations()
shards()
places()
real()
refused()
for litter in [*ROOT.rglob("provenance*"), *ROOT.rglob(".cloudvolume*")]:
    litter.unlink()
(HERE / "precomputed.json").write_text(json.dumps(cases, indent=1) + "\n")
print(len(cases), "cases", sum(f.stat().st_size for f in ROOT.rglob("*") if f.is_file()), "bytes")
