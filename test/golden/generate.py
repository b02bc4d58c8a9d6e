"""Writes the golden data with the reference writers and says what their readers make of it. See README.md."""

import hashlib
import itertools
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import tifffile
import tiff_matrix
import wkw

ROOT = Path(__file__).parent / "data"
OTHERS = Path(__file__).parent / "third-party"
ELEMENT_CLASS = {"float32": "float", "float64": "double"}
cases = []


def texture(shape, dtype, seed=0):
    """Voxels that compress, use the whole range of their type, and differ everywhere. Axes as in `shape`."""
    dtype = np.dtype(dtype)
    rng = np.random.default_rng(seed)
    grid = np.indices(shape)
    steps = sum((index // 3) * (7 + 4 * axis) for axis, index in enumerate(grid)) % 23
    if dtype.kind == "f":
        values = ((np.arange(23) - 11) * 1.37e3).astype(dtype)
    else:
        limits = np.iinfo(dtype)
        span = int(limits.max) - int(limits.min)
        values = np.array([limits.min + span * i // 22 for i in range(23)], dtype=dtype)
    return values[(steps + rng.integers(0, 2, shape)) % 23]


def layer(name, element_class, voxels, mag=(1, 1, 1), top_left=(0, 0, 0)):
    """`voxels`: axes x, y, z, channel; `top_left` in voxels of the mag."""
    wire = np.ascontiguousarray(voxels.transpose(2, 1, 0, 3)).astype(voxels.dtype.newbyteorder("<"))
    return {
        "name": name,
        "elementClass": element_class,
        "mag": list(mag),
        "topLeft": [int(v) for v in top_left],
        "size": list(voxels.shape[:3]),
        "sha256": hashlib.sha256(wire.tobytes()).hexdigest(),
    }


def case(organization, dataset, about, layers=(), refused=None, path=None, writer=None):
    entry = {
        "path": path or f"data/{organization}/{dataset}",
        "writer": writer or {"wkw": "wkw", "tiff": "tifffile"}[organization],
        "organization": organization,
        "dataset": dataset,
        "about": about,
        "layers": list(layers),
    }
    if refused:
        entry["refused"] = refused
    cases.append(entry)


# ---------------------------------------------------------------- WKW

BLOCK_TYPES = {"raw": wkw.Header.BLOCK_TYPE_RAW, "lz4": wkw.Header.BLOCK_TYPE_LZ4, "lz4hc": wkw.Header.BLOCK_TYPE_LZ4HC}


def wkw_mag(folder, voxels, block_type, block_len, file_len, top_left, drop=()):
    """Writes `voxels` (channel, x, y, z) and returns what the reference reader reads of the box: axes x, y, z, channel."""
    folder.mkdir(parents=True)
    channels, *size = voxels.shape
    cube = block_len * file_len
    end = [-(-(start + edge) // cube) * cube for start, edge in zip(top_left, size)]
    full = np.zeros((channels, *end), voxels.dtype)
    box = tuple(slice(start, start + edge) for start, edge in zip(top_left, size))
    full[(slice(None), *box)] = voxels
    header = wkw.Header(
        voxel_type=voxels.dtype, num_channels=channels, block_len=block_len, file_len=file_len, block_type=BLOCK_TYPES[block_type]
    )
    with wkw.Dataset.create(str(folder), header) as dataset:
        # whole cube files, from cube 0 on: only those that hold something of the box, so that others are missing
        starts = [range(start // cube * cube, stop, cube) for start, stop in zip(top_left, end)]
        for n, at in enumerate(itertools.product(*starts)):
            if n not in drop:
                dataset.write(at, full[(slice(None), *(slice(a, a + cube) for a in at))])
    with wkw.Dataset.open(str(folder)) as dataset:
        return dataset.read(top_left, size).transpose(1, 2, 3, 0)


def wkw_layers(voxels, mag=(1, 1, 1), top_left=(0, 0, 0), name="color"):
    channels, dtype = voxels.shape[3], str(voxels.dtype)
    if dtype == "uint8" and channels == 3:
        return [layer(name, "uint24", voxels, mag, top_left)]
    element_class = ELEMENT_CLASS.get(dtype, dtype)
    if channels == 1:
        return [layer(name, element_class, voxels, mag, top_left)]
    return [layer(f"{name}_c{c}", element_class, voxels[..., c : c + 1], mag, top_left) for c in range(channels)]


def properties(folder, dtype, channels, top_left, size, mag, category="color", **keys):
    element_class = "uint24" if (dtype, channels) == ("uint8", 3) else ELEMENT_CLASS.get(dtype, dtype)
    top = {"id": {"name": folder.name, "team": "wkw"}, "scale": keys.pop("scale", [4, 4, 40])}
    mags = keys or {"mags": [{"mag": list(mag)}]}
    box = {"topLeft": [t * m for t, m in zip(top_left, mag)]}
    box |= {key: edge * m for key, edge, m in zip(("width", "height", "depth"), size, mag)}
    entry = {"name": "color", "category": category, "elementClass": element_class, "dataFormat": "wkw", "boundingBox": box, **mags}
    (folder / "datasource-properties.json").write_text(json.dumps({**top, "dataLayers": [entry]}, indent=1))


def wkw_case(name, about, dtype="uint8", channels=1, block="lz4", block_len=8, file_len=2, size=(19, 23, 17), top_left=(3, 5, 9),
             mag=(1, 1, 1), folder=None, drop=(), props=None):  # fmt: skip
    dataset = ROOT / "wkw" / name
    place = folder or "color/" + (str(mag[0]) if len(set(mag)) == 1 else "-".join(map(str, mag)))
    voxels = wkw_mag(dataset / place, texture((channels, *size), dtype, len(cases)), block, block_len, file_len, top_left, drop)
    properties(dataset, dtype, channels, top_left, size, mag, **(props or {}))
    refused = "double" if dtype == "float64" else None
    case("wkw", name, about, () if refused else wkw_layers(voxels, mag, top_left), refused)


def write_wkw():
    types = ["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float32"]
    for dtype, block in zip(types, itertools.cycle(["raw", "lz4", "lz4hc"])):
        wkw_case(f"{dtype}_{block}", f"{dtype}, {block}, odd box over several cube files", dtype, block=block)
    wkw_case("float64", "double, which webKnossos cannot display", "float64", size=(8, 8, 8), top_left=(0, 0, 0))
    wkw_case("block32_file1", "blocks of 32³, one a file", "uint16", block_len=32, file_len=1, size=(40, 33, 31))
    wkw_case("block16_file4", "blocks of 16³, 64 a file", "uint8", block_len=16, file_len=4, size=(70, 20, 30))
    wkw_case("block64_file1", "blocks of 64³, larger than a bucket", "uint8", block_len=64, file_len=1, size=(60, 61, 62), top_left=(2, 2, 1))
    wkw_case("block1_file8", "blocks of a single voxel", "uint8", block="raw", block_len=1, file_len=8, size=(5, 6, 7), top_left=(1, 1, 0))
    wkw_case("rgb", "3 × uint8 = uint24", channels=3)
    wkw_case("rgb_raw", "3 × uint8 = uint24, raw", channels=3, block="raw")
    wkw_case("two_channels", "2 × uint8: a layer each", channels=2)
    wkw_case("three_uint16", "3 × uint16: a layer each", "uint16", channels=3)
    wkw_case("missing_files", "two of eight cube files are missing: zeros", "uint32", size=(30, 30, 30), top_left=(0, 0, 0), drop=(1, 6))
    wkw_case("mag_4", "only mag 4, folder 4", mag=(4, 4, 4))
    wkw_case("mag_2_2_2", "mag folder written 2-2-2", mag=(2, 2, 2), folder="color/2-2-2")
    wkw_case("mag_2_2_1", "an anisotropic mag", "uint16", mag=(2, 2, 1))
    wkw_case("mag_path", "mags[].path relative to the dataset", folder="color/one", props={"mags": [{"mag": 1, "path": "./color/one"}]})
    wkw_case("mag_path_layer", "mags[].path relative to the layer", folder="color/one", props={"mags": [{"mag": [1, 1, 1], "path": "one"}]})
    wkw_case("legacy_scalar", "wkwResolutions with a scalar", props={"wkwResolutions": [{"resolution": 1, "cubeLength": 16}]})
    wkw_case("legacy_triple", "wkwResolutions with a triple", props={"wkwResolutions": [{"resolution": [1, 1, 1], "cubeLength": 16}]})
    wkw_case("scale_unit", "scale with a unit", props={"scale": {"factor": [0.004, 0.004, 0.04], "unit": "micrometer"}, "mags": [{"mag": 1}]})
    found = ROOT / "wkw" / "no_properties"
    for mag in (1, 2):
        size = (16 // mag, 32 // mag, 16 // mag)
        voxels = wkw_mag(found / "segmentation" / str(mag), texture((1, *size), "uint32", mag), "lz4", 8, 2 // mag, (0, 0, 0))
        case("wkw", "no_properties", f"no datasource-properties.json, mag {mag}", wkw_layers(voxels, (mag,) * 3, name="segmentation"))


# ---------------------------------------------------------------- TIFF


def pages_of(file):
    with tifffile.TiffFile(file) as tif:
        return [page.asarray() for page in tif.pages]


def volume(pages, planar=False):
    """Pages, each (y, x), (y, x, sample) or with `planar` (sample, y, x) → x, y, z, channel."""
    stack = np.stack(pages)
    if stack.ndim == 3:
        stack = stack[..., np.newaxis]
    elif planar:
        stack = stack.transpose(0, 2, 3, 1)
    return stack.transpose(2, 1, 0, 3)


def tiff_file(name, file="color.tif"):
    folder = ROOT / "tiff" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder / file


def tiff_layers(voxels, name="color", rgb=False, mag=(1, 1, 1)):
    channels, dtype = voxels.shape[3], str(voxels.dtype.newbyteorder("="))
    element_class = ELEMENT_CLASS.get(dtype, dtype)
    if rgb:
        voxels, channels = voxels[..., :3], 3
    if rgb and dtype == "uint8":
        return [layer(name, "uint24", voxels, mag)]
    if channels == 1:
        return [layer(name, element_class, voxels, mag)]
    return [layer(f"{name}_c{c}", element_class, voxels[..., c : c + 1], mag) for c in range(channels)]


def tiff_case(name, about, shape=(75, 90), dtype="uint16", rgb=False, planar=False, seed=None, voxels=None, **options):
    file = tiff_file(name)
    data = texture(shape, dtype, len(cases) if seed is None else seed) if voxels is None else voxels
    options.setdefault("photometric", "rgb" if rgb else "minisblack")
    options.setdefault("metadata", None)
    tifffile.imwrite(file, data, **options)
    case("tiff", name, about, tiff_layers(volume(pages_of(file), planar), rgb=rgb))


def smooth(shape, seed=0):
    y, x = np.indices(shape[:2])
    base = 128 + 80 * np.sin(x / 9 + seed) * np.cos(y / 11)
    return np.stack([np.roll(base, 7 * c, 1) for c in range(shape[2])], -1).round().astype(np.uint8) if len(shape) == 3 else base.round().astype(np.uint8)


def write_tiff():
    tile, tall = (32, 48), (64, 16)
    for dtype in ["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "float32"]:
        tiff_case(f"strips_{dtype}", f"{dtype} in strips of 7 rows, big-endian", dtype=dtype, byteorder=">", rowsperstrip=7)
        tiff_case(f"tiles_{dtype}", f"{dtype} in tiles of 48×32, LZW", dtype=dtype, tile=tile, compression="lzw")
    for compression in ["lzw", "zlib", "packbits", "zstd"]:
        for order, word in (("<", "little"), (">", "big")):
            tiff_case(f"{compression}_{word}", f"{compression}, {word}-endian, tiles that are not square", byteorder=order, tile=tall, compression=compression)
    for dtype, (order, word) in itertools.product(["uint8", "uint16", "uint32"], (("<", "little"), (">", "big"))):
        tiff_case(f"predictor2_{dtype}_{word}", f"horizontal predictor, {dtype}, {word}-endian", dtype=dtype, byteorder=order, tile=tile, compression="zlib", predictor=2)
    for order, word in (("<", "little"), (">", "big")):
        tiff_case(f"predictor3_{word}", f"floating-point predictor, {word}-endian", dtype="float32", byteorder=order, tile=tile, compression="zlib", predictor=3)
    tiff_case("bigtiff", "BigTIFF", bigtiff=True, tile=tile)
    tiff_case("bigtiff_big", "BigTIFF, big-endian, Deflate strips", bigtiff=True, byteorder=">", compression="zlib", rowsperstrip=9)
    tiff_case("one_strip", "the whole image in one strip", rowsperstrip=75)
    tiff_case("rgb", "RGB, chunky tiles", (75, 90, 3), "uint8", rgb=True, tile=tile)
    tiff_case("rgb_deflate", "RGB, Deflate with predictor", (75, 90, 3), "uint8", rgb=True, tile=tile, compression="zlib", predictor=2)
    tiff_case("rgb_planar", "RGB in separate planes", (3, 75, 90), "uint8", rgb=True, planar=True, planarconfig="separate", compression="lzw", rowsperstrip=20)
    tiff_case("rgba", "RGB with alpha: alpha is left out", (75, 90, 4), "uint8", rgb=True, extrasamples=["unassalpha"], tile=tile)
    tiff_case("rgb16", "RGB of 16 bits: a layer each", (75, 90, 3), "uint16", rgb=True, tile=tile)
    tiff_case("five_bands", "five samples that are no colours", (75, 90, 5), "uint8", planarconfig="contig", rowsperstrip=16)
    tiff_case("jpeg_grey", "JPEG, grey", tile=(32, 32), compression="jpeg", voxels=smooth((75, 90)))
    tiff_case("jpeg_ycbcr", "JPEG, YCbCr with subsampling", rgb=True, tile=(32, 32), compression="jpeg", voxels=smooth((75, 90, 3)))
    tiff_case("stack", "nine pages: nine slices", (9, 31, 40), "uint8", tile=(16, 16), compression="zstd")
    file = tiff_file("white_is_zero")
    grey = texture((40, 50), "uint8", 1)
    tifffile.imwrite(file, grey, photometric="miniswhite", metadata=None)
    case("tiff", "white_is_zero", "MinIsWhite is inverted", tiff_layers(volume([255 - grey])))
    file = tiff_file("sparse")
    sparse = np.zeros((64, 96), np.uint16)
    sparse[:32, :32] = texture((32, 32), "uint16", 2)
    sparse[32:, 64:] = texture((32, 32), "uint16", 3)
    tiles = (sparse[y : y + 32, x : x + 32] for y in (0, 32) for x in (0, 32, 64))
    tifffile.imwrite(file, (t if t.any() else None for t in tiles), shape=sparse.shape, dtype=sparse.dtype, tile=(32, 32), metadata=None)
    case("tiff", "sparse", "tiles that are not stored", tiff_layers(volume(pages_of(file))))
    pyramid("pages_as_mags", False)
    pyramid("subifds_as_mags", True)
    imagej()
    ome()
    slices()
    refusals()
    tiff_matrix.write(sys.modules[__name__])


def pyramid(name, subifds):
    file = tiff_file(name)
    levels = [texture((128 >> n, 160 >> n), "uint8", n) for n in range(3)]
    with tifffile.TiffWriter(file) as writer:
        for n, level in enumerate(levels):
            extra = {"subifds": 2} if subifds and n == 0 else {}
            writer.write(level, tile=(32, 32), subfiletype=int(n > 0), metadata=None, photometric="minisblack", **extra)
    layers = [one for n, level in enumerate(levels) for one in tiff_layers(volume([level]), mag=(1 << n, 1 << n, 1))]
    case("tiff", name, "a tiled pyramid" + (" in SubIFDs" if subifds else ", its levels successive pages"), layers)


def imagej():
    file = tiff_file("imagej")
    hyperstack = texture((4, 2, 33, 47), "uint16", 5)
    tifffile.imwrite(file, hyperstack, imagej=True, byteorder=">", resolution=(1 / 0.2, 1 / 0.2), metadata={"axes": "ZCYX", "spacing": 0.5, "unit": "um"})
    pages = pages_of(file)
    layers = [one for c in range(2) for one in tiff_layers(volume(pages[c::2]), f"color_c{c}")]
    case("tiff", "imagej", "ImageJ hyperstack, z and two channels, big-endian, 200×200×500 nm", layers)


def ome():
    file = tiff_file("ome", "color.ome.tif")
    stack = texture((2, 5, 33, 47), "uint8", 6)
    metadata = {"axes": "CZYX", "PhysicalSizeX": 0.1, "PhysicalSizeY": 0.1, "PhysicalSizeZ": 0.3, "Channel": {"Name": ["DAPI", "GFP"]}}
    tifffile.imwrite(file, stack, ome=True, metadata=metadata, photometric="minisblack", tile=(16, 16))
    with tifffile.TiffFile(file) as tif:
        series = tif.series[0].asarray()
    layers = [one for c, name in enumerate(["DAPI", "GFP"]) for one in tiff_layers(volume(series[c]), f"color_{name}")]
    case("tiff", "ome", "OME-TIFF, z and two named channels, 100×100×300 nm", layers)


def slices():
    pages = {n: texture((30, 41), "uint16", n) for n in (10, 20, 40)}
    for n, page in pages.items():
        tifffile.imwrite(tiff_file("slices", f"scan_{n:04}.tif"), page, metadata=None, compression="zlib")
    layers = [pages[10], pages[20], np.zeros((30, 41), np.uint16), pages[40]]
    case("tiff", "slices", "one file per slice, in steps of ten, one missing", tiff_layers(volume(layers), "scan"))


def refusals():
    def refuse(name, about, word, data, **options):
        tifffile.imwrite(tiff_file(name), data, metadata=options.pop("metadata", None), **options)
        case("tiff", name, about, refused=word)

    grey, rgb = texture((48, 48), "uint8", 1), smooth((48, 48, 3))
    refuse("cmyk", "CMYK", "CMYK", smooth((48, 48, 4)), photometric="separated")
    refuse("lzma", "LZMA", "LZMA", grey, compression="lzma", photometric="minisblack")
    refuse("webp", "WebP", "WebP", rgb, compression="webp", photometric="rgb")
    refuse("jpeg2000", "JPEG 2000", "JPEG 2000", grey, compression="jpeg2000", photometric="minisblack")
    refuse("jpegxl", "JPEG XL", "JPEG XL", grey, compression="jpegxl", photometric="minisblack")
    refuse("lerc", "LERC", "LERC", grey, compression="lerc", photometric="minisblack")


# ---------------------------------------------------------------- files of other projects


def third_party():
    """What the reference readers make of the files in third-party/."""

    def other(path, writer, dataset, about, layers=(), refused=None):
        case("sample_organization", dataset, about, layers, refused, f"third-party/{path}", writer)

    viv, libvips, libs = "hms-dbmi+viv", "libvips+libvips", "scalableminds+webknossos-libs"
    file = OTHERS / viv / "multi-channel.ome.tif"
    channels = [one for c, page in enumerate(pages_of(file)) for one in tiff_layers(volume([page]), f"multi-channel_c{c}")]
    other(f"{viv}/multi-channel.ome.tif", "Bio-Formats", "multi-channel", "OME-TIFF of three channels, int8, big-endian", channels)
    for folder, pattern, stack, writer, about in (
        ("channels", "Channel_{}.tif", "Channel", "ImageJ", "one page a file, a stack by their names"),
        ("companion", "multifile-Z{}.ome.tiff", "multifile", "Bio-Formats", "one page a file, a set by its companion file"),
    ):
        numbers = range(3) if folder == "channels" else range(1, 6)
        pages = [tifffile.imread(OTHERS / viv / folder / pattern.format(n), is_ome=False) for n in numbers]
        other(f"{viv}/{folder}", writer, folder, about, tiff_layers(volume(pages), stack))
    file = OTHERS / libvips / "1bit.tif"
    other(f"{libvips}/1bit.tif", "libtiff", "1bit", "1 bit", tiff_layers(volume([page.astype(np.uint8) * 255 for page in pages_of(file)]), "1bit"))
    for name, word in (
        ("2bit", "2 bit"), ("4bit", "4 bit"), ("ojpeg-strip", "old-style JPEG"), ("ojpeg-tile", "old-style JPEG"), ("subsampled", "YCbCr"),
    ):  # fmt: skip
        other(f"{libvips}/{name}.tif", "libtiff", name, word, refused=word)
    for name, size in (("simple_wkw_dataset", (24, 24, 24)), ("old_wkw_dataset", (64, 64, 64))):
        with wkw.Dataset.open(str(OTHERS / libs / name / "color" / "1")) as dataset:
            voxels = dataset.read((0, 0, 0), size).transpose(1, 2, 3, 0)
        other(f"{libs}/{name}", "webknossos-libs", name, "a dataset folder of its tests", wkw_layers(voxels))


if __name__ == "__main__":
    for organization in ("wkw", "tiff"):
        shutil.rmtree(ROOT / organization, ignore_errors=True)
    write_wkw()
    write_tiff()
    third_party()
    (ROOT.parent / "index.json").write_text("[\n" + ",\n".join(json.dumps(one, ensure_ascii=False) for one in cases) + "\n]\n")
    size = sum(file.stat().st_size for file in ROOT.rglob("*") if file.is_file())
    print(f"{len(cases)} cases, {size / 1e6:.2f} MB; " + ", ".join(f"{m.__name__} {getattr(m, '__version__', '')}" for m in (np, tifffile)))
