"""Writes small JPEGs of every kind with libjpeg-turbo (imagecodecs, Pillow) and says what it decodes them to. See README.md."""

import hashlib
import io
import json
from pathlib import Path

import imagecodecs
import numpy as np
from PIL import Image

ROOT = Path(__file__).parent / "data" / "jpeg"
cases = []


def picture(height, width, channels):
    y, x = np.mgrid[0:height, 0:width]
    rng = np.random.default_rng(height * 1000 + width)
    planes = [128 + 90 * np.sin(x / 7 + k) * np.cos(y / (5 + k)) + rng.normal(0, 12, (height, width)) for k in range(channels)]
    return np.squeeze(np.clip(np.stack(planes, -1), 0, 255).astype("u1"), -1 if channels == 1 else ())


def case(name, data):
    pixels = imagecodecs.jpeg8_decode(data)
    (ROOT / f"{name}.jpg").write_bytes(data)
    cases.append({"name": name, "shape": list(pixels.shape), "sha256": hashlib.sha256(pixels.tobytes()).hexdigest()})


def pillow(array, **options):
    file = io.BytesIO()
    Image.fromarray(array).save(file, "JPEG", **options)
    return file.getvalue()


ROOT.mkdir(parents=True, exist_ok=True)
for height, width in [(1, 1), (2, 3), (17, 23), (5, 40), (64, 64)]:
    for level in (40, 90):
        size = f"{height}x{width}_q{level}"
        case(f"grey_{size}", imagecodecs.jpeg8_encode(picture(height, width, 1), level=level))
        for sampling in ("444", "422", "420", "440", "411"):
            case(f"{sampling}_{size}", imagecodecs.jpeg8_encode(picture(height, width, 3), level=level, subsampling=sampling))
case("progressive", pillow(picture(33, 50, 3), progressive=True))
case("optimised", pillow(picture(33, 50, 3), optimize=True, quality=95))
for blocks in (1, 3):
    case(f"restart_{blocks}", pillow(picture(33, 50, 3), restart_marker_blocks=blocks))
case("restart_rows", pillow(picture(33, 50, 1), restart_marker_rows=1))
(Path(__file__).parent / "jpeg.json").write_text(json.dumps(cases, indent=1) + "\n")
