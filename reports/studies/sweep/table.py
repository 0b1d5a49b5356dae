"""Hypervolume of latency and area against the grid's, and the work it took: table.py FOLDER SPACE."""
import csv
import glob
import json
import os
import sys

# Placed layers of a full evaluation; of a replay: edge-mix, vision-light.
LAYERS = {"edge-small": (200000, 123), "topology": (50000, 330)}
RUNG_FACTOR = {"grid": 1, "random": 1, "halving": 4, "nsga2": 64}
evaluations = []
folder, space = sys.argv[1:3]


def load(file):
    with open(file, encoding="utf-8") as rows:
        return [(float(r["makespan_ps"]), float(r["area_mm2"]), int(r["rung"]))
                for r in csv.DictReader(rows) if r["status"] == "ok"]


grid = load(os.path.join(folder, space + "-grid-1.csv"))
ideal = [min(p[d] for p in grid) for d in (0, 1)]
# Slightly worse than the worst, so that the ends of the front count.
reference = [max(p[d] for p in grid) * 1.0001 for d in (0, 1)]


def volume(points):
    """Stairs between the points and the reference, as a share of the box."""
    total, above = 0.0, 1.0
    scaled = sorted([(p[d] - ideal[d]) / (reference[d] - ideal[d]) for d in (0, 1)] for p in points)
    for latency, area in scaled:
        if latency < 1 and area < above:
            total += (1 - latency) * (above - area)
            above = area
    return total


print("| strategy, seed | evaluations | in full | work in full evaluations | replays' work | of the grid's work "
      "| of its hypervolume | by full evaluations alone |")
print("|---|---|---|---|---|---|---|---|")
for file in sorted(glob.glob(os.path.join(folder, space + "-*-[0-9]*.csv"))):
    name = os.path.basename(file)[len(space) + 1:-4]
    points = load(file)
    top = max(p[2] for p in points)
    work = sum(float(RUNG_FACTOR[name.split("-")[0]]) ** (p[2] - top) for p in points)
    with open(file[:-4] + ".json", encoding="utf-8") as run:
        replayed = json.load(run)["replays_now"] * LAYERS[space][1] / LAYERS[space][0]
    full = [p for p in points if p[2] == top]
    evaluations += [[name.split("-")[0], volume(points) / volume(grid), volume(full) / volume(grid)]]
    print(f"| {name.replace('-', ', ')} | {len(points)} | {len(full)} | {work:.1f} | {replayed:.2f} "
          f"| {(work + replayed) / len(grid):.3f} | {volume(points) / volume(grid):.4f} "
          f"| {volume(full) / volume(grid):.4f} |")

print("\n| strategy | mean | worst | by full evaluations alone, worst |\n|---|---|---|---|")
for strategy in sorted({e[0] for e in evaluations}):
    runs = [e for e in evaluations if e[0] == strategy]
    print(f"| {strategy} | {sum(e[1] for e in runs) / len(runs):.4f} | {min(e[1] for e in runs):.4f} "
          f"| {min(e[2] for e in runs):.4f} |")
