"""Writes meshes of a small segmentation with igneous, and says what cloud-volume reads out of them. See README.md."""

import json
import shutil
from pathlib import Path

import igneous.task_creation as tc
import numpy as np
from cloudvolume import CloudVolume

HERE = Path(__file__).parent
ROOT = HERE / "data" / "meshes"
SMALL, LARGE = 7, 2**53 + 3
SHAPE, OFFSET, RESOLUTION = (40, 36, 30), (100, 50, 30), (8, 8, 20)


def run(tasks):
    for task in tasks:
        task.execute() if hasattr(task, "execute") else task()


def labels():
    voxels = np.zeros(SHAPE, dtype="u8")
    where = np.stack(np.indices(SHAPE), -1)
    voxels[((where - [14, 14, 14]) ** 2).sum(-1) < 50] = SMALL
    voxels[((where - [28, 20, 18]) ** 2).sum(-1) < 40] = LARGE
    return voxels


def write(name):
    path = ROOT / name
    shutil.rmtree(path, ignore_errors=True)
    url = f"file://{path}"
    options = dict(resolution=RESOLUTION, voxel_offset=OFFSET, chunk_size=(64, 64, 64), layer_type="segmentation")
    CloudVolume.from_numpy(labels()[..., None], url, encoding="compressed_segmentation", compress=False, **options)
    sharded = name == "sharded"
    run(
        tc.create_meshing_tasks(
            url, mip=0, shape=(24, 24, 24), mesh_dir="mesh", sharded=sharded, simplification=False, compress="gzip" if name == "legacy" else None
        )
    )
    if name == "legacy":
        run(tc.create_mesh_manifest_tasks(url, magnitude=1))
    elif name == "multires":
        run(tc.create_unsharded_multires_mesh_tasks(url, num_lod=2, min_chunk_size=(6, 6, 6), magnitude=1))
    else:
        run(tc.create_sharded_multires_mesh_tasks(url, num_lod=2, min_chunk_size=(6, 6, 6)))
    for file in (path / "mesh").iterdir():
        is_input = name != "legacy" and ":" in file.name
        if is_input or ".frags" in file.name or ".spatial" in file.name or ".labels" in file.name:
            file.unlink()
    (path / "provenance").unlink()


def read(name):
    """Per level of detail: how many triangles cloud-volume finds, and all their corners in nm: their box, mean and mean square."""
    volume = CloudVolume(f"file://{ROOT / name}")
    for segment in (SMALL, LARGE):
        levels = []
        for lod in range(1 if name == "legacy" else 8):
            try:
                mesh = volume.mesh.get(segment, **({} if name == "legacy" else {"lod": lod}))
            except Exception:
                break
            mesh = mesh[segment] if isinstance(mesh, dict) else mesh
            if len(mesh.faces) == 0:
                break
            corners = mesh.vertices[mesh.faces].reshape(-1, 3)
            levels.append(
                {
                    "triangles": len(mesh.faces),
                    "min": [float(v) for v in corners.min(0)],
                    "max": [float(v) for v in corners.max(0)],
                    "mean": [float(v) for v in corners.astype("f8").mean(0)],
                    "meanSquare": [float(v) for v in (corners.astype("f8") ** 2).mean(0)],
                }
            )
        yield {"dataset": name, "segment": str(segment), "lods": levels}


ROOT.mkdir(parents=True, exist_ok=True)
cases = []
for name in ("legacy", "multires", "sharded"):
    write(name)
    cases += read(name)
    # a colon cannot be in the name of a file on Windows; who uses them puts it back
    for file in list((ROOT / name / "mesh").glob("*:*")):
        file.rename(file.with_name(file.name.replace(":", "%3A")))
(HERE / "meshes.json").write_text(json.dumps(cases, indent=2) + "\n")
