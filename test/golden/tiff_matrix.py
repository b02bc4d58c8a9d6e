"""TIFF as it really lies about: samples, compressions, containers, volumes. What `tifffile` reads is what is expected; see README.md."""

import itertools
import shutil
import struct
import subprocess

import imagecodecs
import numpy as np
import tifffile

SMALL = (37, 50)
TILE = (16, 32)


def write(golden):
    """`golden`: the module generate.py."""
    samples(golden)
    compressions(golden)
    containers(golden)
    stacks(golden)
    ome(golden)
    pyramids(golden)
    pictures(golden)
    vendors(golden)
    if shutil.which("vips"):
        vips(golden)


def read(file, series=0):
    """The voxels of a series as T, C, Z, Y, X, S, as tifffile reads them."""
    with tifffile.TiffFile(file) as tif:
        one = tif.series[series]
        return ordered(one.axes, one.asarray())


def ordered(axes, data):
    axes = "".join("Z" if axis in "QI" else axis for axis in axes)
    for missing in [axis for axis in "TCZYXS" if axis not in axes]:
        data, axes = data[np.newaxis], missing + axes
    return data.transpose([axes.index(axis) for axis in "TCZYXS"])


def expected(golden, voxels, name="color", rgb=False, names=None, mag=(1, 1, 1), time=0):
    """Layers of T, C, Z, Y, X, S voxels at one time."""
    channels = voxels.shape[1]
    layers = []
    for c in range(channels):
        own = name if channels == 1 else f"{name}_{names[c] if names else f'c{c}'}"
        layers += golden.tiff_layers(voxels[time, c].transpose(2, 1, 0, 3), own, rgb, mag)
    return layers


def add(golden, name, about, data, rgb=False, convert=None, names=None, file="color.tif", **options):
    path = golden.tiff_file(name, file)
    options.setdefault("metadata", None)
    options.setdefault("photometric", "rgb" if rgb else "minisblack")
    tifffile.imwrite(path, data, **options)
    finish(golden, path, name, about, rgb, convert, names)


def finish(golden, path, name, about, rgb=False, convert=None, names=None, writer=None):
    voxels = read(path)
    voxels = voxels if convert is None else convert(voxels)
    times = [expected(golden, voxels, "color", rgb, names, time=t) for t in range(1, voxels.shape[0])]
    golden.case("tiff", name, about, expected(golden, voxels, "color", rgb, names), writer=writer)
    if times:
        golden.cases[-1]["times"] = times


def as_float(voxels):
    with np.errstate(over="ignore"):
        return voxels.astype(np.float32)


def samples(golden):
    grey = golden.texture(SMALL, "uint8", 11)
    bright = lambda voxels: voxels.astype(np.uint8) * 255
    dark = lambda voxels: (1 - voxels.astype(np.uint8)) * 255
    add(golden, "bilevel", "1 bit: black and white", grey > 128, convert=bright)
    add(golden, "bilevel_white", "1 bit, white is zero", grey > 128, convert=dark, photometric="miniswhite")
    add(golden, "bilevel_tiles", "1 bit, tiles, PackBits", grey > 128, convert=bright, tile=TILE, compression="packbits")
    add(golden, "bilevel_zlib", "1 bit, Deflate strips", grey > 128, convert=bright, rowsperstrip=5, compression="zlib")
    for order, word in (("<", "little"), (">", "big")):
        for dtype in ("float16", "float64"):
            add(golden, f"{dtype}_{word}", f"{dtype}, {word}-endian: served as 32 bits", golden.texture(SMALL, dtype, 3), convert=as_float, byteorder=order)
        add(golden, f"int64_{word}", f"int64, {word}-endian", golden.texture(SMALL, "int64", 4), byteorder=order, tile=TILE)
        add(golden, f"uint64_{word}", f"uint64, {word}-endian strips", golden.texture(SMALL, "uint64", 5), byteorder=order, rowsperstrip=4)
    add(golden, "double", "64-bit floats: served as 32 bits", golden.texture((48, 48), "float64"), convert=as_float)
    colours = np.random.default_rng(5).integers(0, 65536, (3, 256)).astype(np.uint16)
    look_up = lambda voxels: np.moveaxis((colours >> 8).astype(np.uint8)[:, voxels[..., 0]], 0, -1)
    add(golden, "palette", "a palette: its colours", grey, rgb=True, convert=look_up, photometric="palette", colormap=colours)
    add(golden, "palette_tiles", "a palette, tiles, LZW", grey, rgb=True, convert=look_up, photometric="palette", colormap=colours, tile=TILE, compression="lzw")
    add(golden, "white_is_zero_16", "white is zero, 16 bits, big-endian", golden.texture(SMALL, "uint16", 6), convert=lambda v: 65535 - v, photometric="miniswhite", byteorder=">")
    rgba = golden.texture((*SMALL, 4), "uint8", 7)
    add(golden, "rgba_premultiplied", "RGB with premultiplied alpha in strips", rgba, rgb=True, extrasamples=["assocalpha"], compression="zlib", predictor=2)
    planar = golden.texture((4, *SMALL), "uint8", 8)
    add(golden, "rgba_planar", "RGB and alpha in planes", planar, rgb=True, planarconfig="separate", extrasamples=["unassalpha"], tile=TILE)
    add(golden, "rgb16_planar", "RGB of 16 bits in planes: a layer each", planar[:3].astype(np.uint16) * 257, rgb=True, planarconfig="separate", compression="lzw")
    opaque = golden.texture((*SMALL, 2), "uint16", 9)
    add(golden, "grey_alpha", "grey with alpha", opaque, convert=lambda v: v[..., :1], planarconfig="contig", extrasamples=["unassalpha"], tile=TILE)
    add(golden, "bands_planar", "seven bands in planes, big-endian tiles", golden.texture((7, *SMALL), "uint16", 10), planarconfig="separate", tile=TILE, byteorder=">")
    add(golden, "float16_bands", "three bands of 16-bit floats", golden.texture((*SMALL, 3), "float16", 12), convert=as_float, planarconfig="contig", byteorder=">")


def compressions(golden):
    orders = (("<", "little"), (">", "big"))
    kinds = itertools.product(["uint8", "uint16", "uint32", "uint64", "int16", "int32", "int64"], ["lzw", "zlib", "zstd"], orders)
    for dtype, compression, (order, word) in kinds:
        data = golden.texture((20, 33), dtype, 20)
        add(golden, f"p2_{dtype}_{compression}_{word}", f"predictor 2, {dtype}, {compression}, {word}-endian", data, compression=compression, predictor=2, byteorder=order)
    for dtype, compression, (order, word) in itertools.product(["float16", "float32", "float64"], ["lzw", "zlib", "zstd"], orders):
        data = golden.texture((20, 33), dtype, 21)
        name = f"p3_{dtype}_{compression}_{word}"
        add(golden, name, f"predictor 3, {dtype}, {compression}, {word}-endian", data, convert=as_float, compression=compression, predictor=3, byteorder=order, tile=(16, 16))
    for dtype in ("uint16", "float32"):
        data = golden.texture((20, 33, 3), dtype, 22)
        predictor = 2 if dtype == "uint16" else 3
        add(golden, f"bands_p{predictor}", f"predictor {predictor} over three bands, big-endian", data, planarconfig="contig", compression="zlib", predictor=predictor, byteorder=">")
    add(golden, "deflate_32946", "Deflate under its older number", golden.texture(SMALL, "uint16", 23), compression=32946, tile=TILE)
    for compression in ("none", "packbits", "lzw"):
        name = f"fill_order_{compression}"
        path = golden.tiff_file(name)
        tifffile.imwrite(path, golden.texture((24, 31), "uint8", 24), metadata=None, compression=compression, rowsperstrip=6, extratags=[(65000, "H", 1, 2, True)])
        reverse_bits(path)
        finish(golden, path, name, f"bits stored lowest first, {compression}")


def reverse_bits(path):
    """Turns the bits of all strips round, and the private tag 65000 into FillOrder, which tifffile keeps for itself."""
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tif:
        page = tif.pages[0]
        for offset, count in zip(page.dataoffsets, page.databytecounts):
            data[offset : offset + count] = imagecodecs.bitorder_encode(bytes(data[offset : offset + count]))
    path.write_bytes(bytes(data).replace(struct.pack("<HH", 65000, 3), struct.pack("<HH", 266, 3)))


def containers(golden):
    path = golden.tiff_file("tiles_in_strip_tags")
    tifffile.imwrite(path, golden.texture(SMALL, "uint16", 30), metadata=None, tile=TILE)
    data = path.read_bytes()
    for tiles, strips in ((324, 273), (325, 279)):
        kinds = [kind for kind in (3, 4) if data.count(struct.pack("<HH", tiles, kind)) == 1]
        assert len(kinds) == 1
        data = data.replace(struct.pack("<HH", tiles, kinds[0]), struct.pack("<HH", strips, kinds[0]))
    # tifffile takes such a file for strips; what it read before the tags were changed is right
    voxels = read(path)
    path.write_bytes(data)
    golden.case("tiff", "tiles_in_strip_tags", "tiles whose offsets stand in the tags for strips", expected(golden, voxels))
    path = golden.tiff_file("pages_of_other_sizes")
    with tifffile.TiffWriter(path) as writer:
        for n in range(5):
            shape = (50, 61) if n == 2 else SMALL
            writer.write(golden.texture(shape, "uint8", n), photometric="minisblack", metadata=None, contiguous=False)
    pages = golden.pages_of(path)
    golden.case("tiff", "pages_of_other_sizes", "a page of another size among slices", golden.tiff_layers(golden.volume([p for n, p in enumerate(pages) if n != 2])))
    path = golden.tiff_file("nodata")
    tiles = [golden.texture((16, 16), "int16", 31), None, None, golden.texture((16, 16), "int16", 32)]
    tifffile.imwrite(path, iter(tiles), shape=(32, 32), dtype="int16", tile=(16, 16), metadata=None, extratags=[(42113, "s", 0, "-9999", True)])
    finish(golden, path, "nodata", "GeoTIFF's no-data value stands in tiles that are not stored")
    add(golden, "tiles_cut", "raw tiles that are read in parts", golden.texture((100, 500), "uint8", 34), tile=(64, 512))
    add(golden, "tiles_cut_big", "raw big-endian tiles that are read in parts", golden.texture((100, 250), "uint16", 35), tile=(64, 256), byteorder=">")
    add(golden, "bigtiff_tiles_big", "BigTIFF, big-endian, planes of tiles", golden.texture((2, *SMALL), "uint16", 33), planarconfig="separate", bigtiff=True, byteorder=">", tile=TILE, compression="lzw")


def stacks(golden):
    hyper = golden.texture((2, 3, 2, 20, 24), "uint16", 40)
    for order, word in (("<", "little"), (">", "big")):
        add(golden, f"imagej_tzc_{word}", f"ImageJ hyperstack with time, {word}-endian", hyper, imagej=True, byteorder=order, metadata={"axes": "TZCYX", "spacing": 2, "unit": "um"}, resolution=(2, 2))
    luts = [np.stack([np.arange(256) * on for on in colour]).astype(np.uint8) for colour in ((1, 0, 0), (0, 1, 0))]
    add(golden, "imagej_colours", "ImageJ with colour tables and ranges", golden.texture((2, 20, 24), "uint8", 41), imagej=True, metadata={"axes": "CYX", "mode": "composite", "LUTs": luts, "Ranges": (5.0, 200.0, 7.0, 90.0)})
    for axes in ("ZCYX", "CZYX", "TYX", "TCZYX", "QYX"):
        shape = {"Z": 3, "C": 2, "T": 2, "Q": 4}
        data = golden.texture([*(shape[axis] for axis in axes[:-2]), 20, 24], "uint8", 42)
        add(golden, f"shaped_{axes.lower()}", f"tifffile's own description, {axes}", data, metadata={"axes": axes} if "Q" not in axes else {})
    truncated = golden.texture((3, 2, 20, 24), "uint16", 43)
    add(golden, "shaped_truncated", "tifffile's own description with one directory for all planes", truncated, metadata={"axes": "ZCYX", "truncate": True}, byteorder=">")
    path = golden.tiff_file("imagej_one_directory")
    stack = golden.texture((4, 2, 20, 20), "uint16", 44)
    tifffile.imwrite(path, stack, imagej=True, metadata={"axes": "ZCYX"})
    voxels = read(path)
    data = bytearray(path.read_bytes())
    order = "<" if data[:2] == b"II" else ">"
    with tifffile.TiffFile(path) as tif:
        first = tif.pages.first.offset
    entries = struct.unpack_from(order + "H", data, first)[0]
    struct.pack_into(order + "I", data, first + 2 + 12 * entries, 0)
    path.write_bytes(data)
    assert np.array_equal(read(path), voxels)
    golden.case("tiff", "imagej_one_directory", "an ImageJ stack with a directory for one page only", expected(golden, voxels))
    add(golden, "series", "a time series", golden.texture((3, 20, 20), "uint8"), imagej=True, metadata={"axes": "TYX"})


OME = '<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:{uuid}">{images}</OME>'


def pixels(name, order, sizes, blocks, extra=""):
    x, y, z, c, t = sizes
    return (
        f'<Image ID="Image:0" Name="{name}"><Pixels ID="Pixels:0" DimensionOrder="{order}" Type="uint8" SizeX="{x}" SizeY="{y}" '
        f'SizeZ="{z}" SizeC="{c}" SizeT="{t}">{extra}{blocks}</Pixels></Image>'
    )


def ome(golden):
    shape = {"T": 2, "C": 3, "Z": 4}
    for slow in itertools.permutations("TCZ"):
        axes = "".join(slow) + "YX"
        data = golden.texture([*(shape[axis] for axis in slow), 20, 24], "uint8", 50)
        add(golden, f"ome_{axes.lower()}", f"OME-TIFF, {axes}", data, ome=True, metadata={"axes": axes}, file="color.ome.tif")
    names = ["DAPI", "GFP"]
    colour = {"axes": "CYX", "Channel": {"Name": names, "Color": [struct.unpack(">i", bytes(rgba))[0] for rgba in ((0, 0, 255, 255), (0, 255, 0, 255))]}}
    add(golden, "ome_colours", "OME-TIFF with names and colours of channels", golden.texture((2, 20, 24), "uint16", 51), names=names, ome=True, metadata=colour, file="color.ome.tif")
    add(golden, "ome_rgb", "OME-TIFF of RGB slices", golden.texture((3, 20, 24, 3), "uint8", 52), rgb=True, ome=True, metadata={"axes": "ZYXS"}, file="color.ome.tif")
    # pages in an order of their own: TiffData says which is which
    path = golden.tiff_file("ome_ifds", "color.ome.tif")
    planes = golden.texture((6, 20, 24), "uint8", 53)
    places = [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1)]
    shuffled = [4, 2, 0, 5, 1, 3]
    blocks = "".join(f'<TiffData IFD="{ifd}" FirstZ="{places[n][0]}" FirstC="{places[n][1]}" PlaneCount="1"/>' for ifd, n in enumerate(shuffled))
    xml = OME.format(uuid="1", images=pixels("shuffled", "XYZCT", (24, 20, 3, 2, 1), blocks))
    with tifffile.TiffWriter(path) as writer:
        for ifd, n in enumerate(shuffled):
            writer.write(planes[n], description=xml.encode() if ifd == 0 else None, metadata=None, contiguous=False, photometric="minisblack")
    finish(golden, path, "ome_ifds", "OME-TIFF whose TiffData puts every page elsewhere")
    set_of_files(golden, "ome_set", "an OME-TIFF in four files, each with all of the XML")
    set_of_files(golden, "ome_set_gap", "an OME-TIFF in four files of which one is missing: zeros", drop=2)
    path = golden.tiff_file("ome_images", "color.ome.tif")
    with tifffile.TiffWriter(path, ome=True) as writer:
        for n in range(2):
            writer.write(golden.texture((3, 20, 24), "uint8", 55 + n), metadata={"axes": "ZYX", "Name": f"position {n}"}, photometric="minisblack")
        writer.write(golden.texture((10, 12), "uint8", 57), metadata={"axes": "YX", "Name": "label"}, photometric="minisblack")
    layers = [one for n in range(2) for one in expected(golden, read(path, n), f"color_position_{n}")]
    golden.case("tiff", "ome_images", "three images in one OME-TIFF, two of them of one size", layers)


def set_of_files(golden, name, about, drop=None):
    planes = golden.texture((4, 20, 24), "uint8", 54)
    files = [f"part_z{n // 2}_c{n % 2}.ome.tif" for n in range(4)]
    blocks = "".join(
        f'<TiffData IFD="0" FirstZ="{n // 2}" FirstC="{n % 2}" PlaneCount="1"><UUID FileName="{file}">urn:uuid:{n}</UUID></TiffData>' for n, file in enumerate(files)
    )
    for n, file in enumerate(files):
        xml = OME.format(uuid=n, images=pixels("set", "XYZCT", (24, 20, 2, 2, 1), blocks))
        if n != drop:
            tifffile.imwrite(golden.tiff_file(name, file), planes[n], description=xml.encode(), metadata=None, photometric="minisblack")
    voxels = read(golden.tiff_file(name, files[0]))
    golden.case("tiff", name, about, expected(golden, voxels, "part_z0_c0"))


def pyramids(golden):
    """A slide as Aperio's scanner writes it, an OME pyramid of two channels, levels that are no powers of two."""
    path = golden.tiff_file("aperio", "slide.svs")
    levels = [golden.smooth((96 >> n, 128 >> n, 3), n) for n in (0, 2)]
    words = "Aperio Image Library v1\r\n128x96 (32x32) JPEG/RGB|AppMag = 20|MPP = 0.4990"
    with tifffile.TiffWriter(path) as writer:
        writer.write(levels[0], tile=(32, 32), compression="jpeg", photometric="rgb", description=words, metadata=None)
        writer.write(golden.smooth((48, 64, 3), 7), compression="jpeg", photometric="rgb", description=words, metadata=None, rowsperstrip=48)
        writer.write(levels[1], tile=(32, 32), compression="jpeg", photometric="rgb", description=words, metadata=None)
        writer.write(golden.smooth((24, 32, 3), 8), compression="lzw", predictor=2, photometric="rgb", description=f"{words} label", subfiletype=1, metadata=None)
        writer.write(golden.smooth((24, 64, 3), 9), compression="jpeg", photometric="rgb", description=f"{words} macro", subfiletype=9, metadata=None)
    with tifffile.TiffFile(path) as tif:
        base = tif.series[0]
        layers = [one for n, mag in ((0, 1), (1, 4)) for one in golden.tiff_layers(golden.volume([base.levels[n].asarray()]), "slide", True, (mag, mag, 1))]
    golden.case("tiff", "aperio", "a slide: thumbnail, label and macro left out", layers)
    path = golden.tiff_file("ome_pyramid", "color.ome.tif")
    full = golden.texture((2, 64, 80), "uint16", 60)
    with tifffile.TiffWriter(path, ome=True) as writer:
        writer.write(full, subifds=2, tile=(16, 16), metadata={"axes": "CYX"}, photometric="minisblack")
        for step in (2, 4):
            writer.write(full[:, ::step, ::step], subfiletype=1, tile=(16, 16), photometric="minisblack")
    with tifffile.TiffFile(path) as tif:
        base = tif.series[0]
        layers = []
        for n in range(3):
            voxels = ordered(base.levels[n].axes, base.levels[n].asarray())
            layers += expected(golden, voxels, mag=(1 << n, 1 << n, 1))
    golden.case("tiff", "ome_pyramid", "OME-TIFF of two channels with smaller copies in sub-IFDs", layers)
    path = golden.tiff_file("pyramid_odd")
    sizes = [(101, 131), (51, 66), (26, 33), (34, 44)]
    with tifffile.TiffWriter(path) as writer:
        for n, size in enumerate(sizes):
            writer.write(golden.texture(size, "uint8", n), tile=(16, 16), subfiletype=int(n > 0), metadata=None, photometric="minisblack")
    pages = golden.pages_of(path)
    layers = [one for n in range(3) for one in golden.tiff_layers(golden.volume([pages[n]]), mag=(1 << n, 1 << n, 1))]
    golden.case("tiff", "pyramid_odd", "a pyramid of odd sizes; a level of a third is left out", layers)


def pictures(golden):
    folder = golden.tiff_file("png_slices", "a").parent
    for kind, shape in (("png_slices", (20, 30)), ("png16_slices", (20, 30)), ("png_rgba_slices", (20, 30, 4)), ("jpeg_slices", (24, 32, 3)), ("jpeg_grey_slices", (24, 32))):
        slices = []
        for n in range(3):
            data = golden.smooth(shape, n) if "jpeg" in kind else golden.texture(shape, "uint16" if "16" in kind else "uint8", n)
            encoded = imagecodecs.jpeg8_encode(data, level=90) if "jpeg" in kind else imagecodecs.png_encode(data)
            golden.tiff_file(kind, f"slice{n + 8}.{'jpg' if 'jpeg' in kind else 'png'}").write_bytes(encoded)
            slices.append(imagecodecs.jpeg8_decode(encoded) if "jpeg" in kind else imagecodecs.png_decode(encoded))
        golden.case("tiff", kind, f"pictures that are slices: {kind}", golden.tiff_layers(golden.volume(slices), "slice", len(shape) == 3), writer="imagecodecs")
    assert folder.is_dir()
    if not shutil.which("convert"):
        return
    for kind, options in (("png_interlaced_slices", ["-interlace", "PNG"]), ("png_palette_slices", ["-colors", "40", "-type", "Palette", "-define", "png:bit-depth=8"])):
        slices = []
        for n in range(2):
            plain = golden.tiff_file(kind, f"plain{n}.png")
            plain.write_bytes(imagecodecs.png_encode(golden.smooth((19, 30, 3), n)))
            path = golden.tiff_file(kind, f"slice{n}.png")
            subprocess.run(["convert", plain, *options, "-define", "png:exclude-chunks=date,time", "+set", "date:create", "+set", "date:modify", path], check=True)
            plain.unlink()
            slices.append(imagecodecs.png_decode(path.read_bytes())[..., :3])
        golden.case("tiff", kind, f"pictures that are slices: {kind}", golden.tiff_layers(golden.volume(slices), "slice", True), writer="ImageMagick")


def vendors(golden):
    grey = golden.texture((20, 20), "uint8", 70)
    for name, tag, word in (("lsm", 34412, "Zeiss LSM"), ("stk", 33629, "MetaMorph STK"), ("ndpi", 65420, "Hamamatsu NDPI"), ("fluoview", 34361, "FluoView")):
        tifffile.imwrite(golden.tiff_file(f"vendor_{name}", f"color.{name if name != 'fluoview' else 'tif'}"), grey, metadata=None, extratags=[(tag, "I", 1, 1, True)])
        golden.case("tiff", f"vendor_{name}", f"refused by name: {word}", refused=word)
    for name, text, word in (
        ("scn", '<?xml version="1.0"?><scn xmlns="http://www.leica-microsystems.com/scn/2010/10/01"></scn>', "Leica SCN"),
        ("qptiff", '<?xml version="1.0"?><PerkinElmer-QPI-ImageDescription></PerkinElmer-QPI-ImageDescription>', "QPTIFF"),
        ("scanimage", "state.configPath='C:'\rstate.configName='x'", "ScanImage"),
    ):
        tifffile.imwrite(golden.tiff_file(f"vendor_{name}", f"color.{name if name != 'scanimage' else 'tif'}"), grey, metadata=None, description=text)
        golden.case("tiff", f"vendor_{name}", f"refused by name: {word}", refused=word)
    tifffile.imwrite(golden.tiff_file("complex"), golden.texture((20, 20), "float32").astype(np.complex64), metadata=None, photometric="minisblack")
    golden.case("tiff", "complex", "complex numbers", refused="complex")
    tifffile.imwrite(golden.tiff_file("one_compressed_strip"), np.zeros((20000, 20000), np.uint8), metadata=None, compression="zstd", rowsperstrip=20000, photometric="minisblack")
    golden.case("tiff", "one_compressed_strip", "400 MB in one compressed strip", refused="vips tiffsave")


def vips(golden):
    """What libvips writes: JPEG with tables of its own, pyramids as pages and as sub-IFDs, one bit."""
    base = golden.ROOT.parent / "vips-input.tif"
    tifffile.imwrite(base, golden.smooth((130, 160, 3)), photometric="rgb", metadata=None)
    for name, about, options in (
        ("vips_jpeg", "JPEG, sub-sampled YCbCr with tables", ["--compression=jpeg", "--Q=75", "--tile", "--tile-width=64", "--tile-height=48"]),
        ("vips_jpeg_strips", "JPEG in strips", ["--compression=jpeg", "--Q=85"]),
        ("vips_rgb_jpeg", "JPEG that keeps RGB", ["--compression=jpeg", "--rgbjpeg", "--tile", "--tile-width=64", "--tile-height=64"]),
        ("vips_packbits", "PackBits", ["--compression=packbits"]),
        ("vips_lzw", "LZW with predictor, BigTIFF", ["--compression=lzw", "--predictor=horizontal", "--bigtiff"]),
    ):
        path = golden.tiff_file(name)
        subprocess.run(["vips", "tiffsave", base, path, *options], check=True)
        finish(golden, path, name, f"vips: {about}", rgb=True, writer="libvips")
    for name, options in (("vips_pyramid", []), ("vips_pyramid_subifd", ["--subifd"])):
        path = golden.tiff_file(name)
        subprocess.run(["vips", "tiffsave", base, path, "--tile", "--tile-width=32", "--tile-height=32", "--pyramid", "--compression=deflate", *options], check=True)
        with tifffile.TiffFile(path) as tif:
            page = tif.pages[0]
            pages = [page, *page.pages] if options else list(tif.pages)
            layers = [one for n, level in enumerate(pages) for one in golden.tiff_layers(golden.volume([level.asarray()]), rgb=True, mag=(1 << n, 1 << n, 1))]
        golden.case("tiff", name, f"vips: a pyramid{' in sub-IFDs' if options else ''}", layers, writer="libvips")
    grey = golden.tiff_file("vips_1bit")
    subprocess.run(["vips", "extract_band", base, base.with_suffix(".v"), "0"], check=True)
    subprocess.run(["vips", "tiffsave", base.with_suffix(".v"), grey, "--bitdepth=1", "--miniswhite"], check=True)
    finish(golden, grey, "vips_1bit", "vips: 1 bit, white is zero", convert=lambda voxels: (1 - voxels.astype(np.uint8)) * 255, writer="libvips")
    for left in (base, base.with_suffix(".v")):
        left.unlink()
