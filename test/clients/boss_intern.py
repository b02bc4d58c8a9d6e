"""BossDB's official client against the double: URL and cutouts as JSON on stdin, what it reads on stdout."""

import hashlib
import json
import sys
from importlib.metadata import version

import numpy as np
from intern.remote.boss import BossRemote
from intern.resource.boss.resource import CoordinateFrameResource, ExperimentResource

asked = json.load(sys.stdin)
protocol, host = asked["url"].split("://")
remote = BossRemote({"protocol": protocol, "host": host, "token": asked["token"]})


def sha(array) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


channels = {}
cutouts = []
for one in asked["cutouts"]:
    experiment, name = one["experiment"], one["channel"]
    if name not in channels:
        channels[name] = remote.get_channel(name, "col", experiment)
    ranges = [[low, high] for low, high in zip(one["low"], one["high"])]
    times = {} if one["time"] is None else {"time_range": [one["time"], one["time"] + 1]}
    volume = remote.get_cutout(channels[name], one["resolution"], *ranges, parallel=False, **times)
    cutouts.append({"sha256": sha(volume), "dtype": str(volume.dtype), "shape": list(volume.shape)})


def refused(work) -> str:
    try:
        work()
    except Exception as error:
        return str(error)
    raise SystemExit("what should be refused was answered")


experiment = remote.get_project(ExperimentResource("exp", "col"))
frame = remote.get_project(CoordinateFrameResource(experiment.coord_frame))
em = channels["em"]
json.dump(
    {
        "version": version("intern"),
        "cutouts": cutouts,
        "channels": {
            name: {"type": c.type, "datatype": c.datatype, "base": c.base_resolution, "status": c.downsample_status} for name, c in channels.items()
        },
        "experiment": {"levels": experiment.num_hierarchy_levels, "method": experiment.hierarchy_method, "samples": experiment.num_time_samples},
        "frame": {
            "start": [frame.x_start, frame.y_start, frame.z_start],
            "stop": [frame.x_stop, frame.y_stop, frame.z_stop],
            "size": [frame.x_voxel_size, frame.y_voxel_size, frame.z_voxel_size],
            "unit": frame.voxel_unit,
        },
        "listed": remote.list_channels("col", "exp"),
        "refused": {
            "outside": refused(lambda: remote.get_cutout(em, 0, [0, 600], [8, 20], [2, 4], parallel=False)),
            "level": refused(lambda: remote.get_cutout(em, 7, [0, 10], [8, 20], [2, 4], parallel=False)),
            "channel": refused(lambda: remote.get_channel("other", "col", "exp")),
            "token": refused(lambda: BossRemote({"protocol": protocol, "host": host, "token": "wrong"}).get_channel("em", "col", "exp")),
        },
    },
    sys.stdout,
)
