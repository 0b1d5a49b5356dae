#!/usr/bin/env python3
"""Writes the twelve COMB SoCs of this folder: {small,large} x {low,high} x {plain,-gemm,-any}.

    python3 soc-configs/generate.py            write the files
    python3 soc-configs/generate.py --check    fail if a file differs from what would be written

The other SoCs here are written by hand.
"""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent

SOURCE = ("Zheng et al., COMB, DAC 2023, evaluation set-up, and the authors' prototype (Domino): 128 x 128 "
          "PEs at 200 MHz, 24 MB scratchpads, link bandwidth Low 0.8 and High 3.2 GB/s, 32 GB/s on "
          "one accelerator, off-chip memory not modelled")

NOTES = {
    "": "Convolutions run on NVDLA, depthwise ones on ShiDianNao, products on the TPU.",
    "-gemm": "As the plain one, and products also run on NVDLA: COMB's setting for its language "
             "workload.",
    "-any": "Every accelerator runs convolutions, depthwise ones and products, at its own cost.",
}

# 8-bit multiply 0.2 + add 0.03 pJ; MAESTRO's registers 1.68 and scratchpad 18.61 MACs a byte.
MAC_PJ = 0.23
ENERGY = {
    "mac_pj": MAC_PJ,
    "register_pj_per_byte": round(1.68 * MAC_PJ, 4),
    "scratchpad_pj_per_byte": round(18.61 * MAC_PJ, 4),
    "hop_pj_per_byte": 16.32,
    "memory_pj_per_byte": 118.4,
    "pe_idle_pj_per_cycle": 0.027,
}

# Rows of the mesh, top to bottom.
MESHES = {
    "small": (("nvdla", "nvdla"), ("shidiannao", "tpu")),
    "large": (("shidiannao", "shidiannao"), ("nvdla", "nvdla"), ("nvdla", "nvdla"), ("tpu", "tpu")),
}
LINK_BYTES_PER_S = {"low": 800000000, "high": 3200000000}
# Dataflow, what it runs in the plain SoC, layers that may share it.
ACCELERATORS = {
    "nvdla": ("nvdla-ws", ["conv"], 2),
    "shidiannao": ("shidiannao-os", ["depthwise"], 1),
    "tpu": ("tpu-os", ["gemm"], 2),
}


def supports(kind, variant):
    if variant == "-any":
        return ["conv", "depthwise", "gemm"]
    if variant == "-gemm" and kind == "nvdla":
        return ["conv", "gemm"]
    return ACCELERATORS[kind][1]


def accelerator(kind, size, variant):
    mesh = MESHES[size]
    places = [[x, y] for y, row in enumerate(mesh) for x, name in enumerate(row) if name == kind]
    dataflow, _, shared = ACCELERATORS[kind]
    single = len(places) == 1
    entry = {"name": kind}
    entry.update({"place": places[0]} if single else {"count": len(places), "places": places})
    entry.update({"clock_hz": 200000000, "pe_rows": 128, "pe_cols": 128, "dataflow": dataflow,
                  "supports": supports(kind, variant), "shared_layers_max": shared,
                  "scratchpad_bytes": 24 << 20, "scratchpad_bytes_per_cycle": "unlimited",
                  "local_bytes_per_s": 32000000000})
    return entry


def soc_text(size, speed, variant):
    mesh = MESHES[size]
    head = {
        "socweave": "soc/1", "name": f"comb-{size}-{speed}{variant}", "source": SOURCE,
        "note": NOTES[variant] + " Sources of the energy figures: README.md.",
        "network": {"topology": "mesh", "columns": len(mesh[0]), "rows": len(mesh),
                    "link_bytes_per_s": LINK_BYTES_PER_S[speed], "hop_latency_ns": 0,
                    "switching": "store-and-forward"},
    }
    rows = ",\n".join("    " + compact(accelerator(kind, size, variant)) for kind in ACCELERATORS)
    tail = {"memory": [{"name": "dram", "unlimited": True}], "energy": ENERGY}
    return ("{\n" + "".join(f"  {compact(k)}: {compact(v)},\n" for k, v in head.items())
            + '  "accelerators": [\n' + rows + "\n  ],\n"
            + ",\n".join(f"  {compact(k)}: {compact(v)}" for k, v in tail.items()) + "\n}\n")


def compact(value):
    return json.dumps(value, ensure_ascii=False)


def main():
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit(__doc__)
    stale = []
    for size in MESHES:
        for speed in LINK_BYTES_PER_S:
            for variant in NOTES:
                path = HERE / f"comb-{size}-{speed}{variant}.json"
                text = soc_text(size, speed, variant)
                if not check:
                    path.write_text(text, encoding="utf-8")
                elif not path.exists() or path.read_text(encoding="utf-8") != text:
                    stale.append(path.name)
    if stale:
        sys.exit("out of date, run generate.py: " + " ".join(stale))


if __name__ == "__main__":
    main()
