"""Random 32x32 crops by libvips, as many as are asked for; prints microseconds per crop. Arguments: file, edge, crops, seed."""

import random
import sys
import time

import pyvips

path, edge, crops, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
rng = random.Random(seed)
# no more threads than ours: one
pyvips.voperation.cache_set_max(0)
region = pyvips.Region.new(pyvips.Image.new_from_file(path, access="random"))
places = [(rng.randrange(edge - 32), rng.randrange(edge - 32)) for _ in range(crops)]
for x, y in places[:50]:
    region.fetch(x, y, 32, 32)
start = time.perf_counter()
for x, y in places:
    region.fetch(x, y, 32, 32)
print((time.perf_counter() - start) / crops * 1e6)
