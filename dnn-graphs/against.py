#!/usr/bin/env python3
"""Compares networks of this folder with what `socweave import` makes of ONNX models.

    dnn-graphs/against.py FOLDER        a folder with resnet50.onnx, mobilenetv2.onnx ...

Layers are equal if operator, extents, parameters, epilogue and producers, all the way back, are,
whatever their names and order in the file; where the first layer differs already, by operator,
extents and parameters alone. Prints what only one side has; exits 1 if that is not what README.md
says.
"""

import collections
import json
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
PROGRAM = HERE.parent / "build" / "socweave"

# model -> graph, options of import, whether producers count, layers that only the import and that
# only the graph has
MODELS = {
    "resnet50": ("resnet50", [], True, {"gemm": 1}, {"gemm": 1}),
    "mobilenetv2": ("mobilenet-v2", [], True, {}, {}),
    "googlenet": ("googlenet", [], False, {"maxpool2d": 9}, {}),
    "resnet18": ("resnet18", [], True, {}, {}),
    "vgg19": ("vgg19", [], True, {"gemm": 1}, {"gemm": 1}),
    "alexnet": ("alexnet", [], True, {"gemm": 1}, {"gemm": 1}),
    "squeezenet": ("squeezenet", [], True, {"conv2d": 1}, {"conv2d": 1}),
    "ds_cnn": ("ds-cnn", ["--fold", "elementwise"], False, {"conv2d": 1, "avgpool2d": 1},
               {"conv2d": 1, "global_avgpool": 1}),
    "resnet8": ("resnet8", ["--fold", "elementwise"], False, {"conv2d": 2, "avgpool2d": 1},
                {"conv2d": 2, "add": 3, "global_avgpool": 1}),
}


def import_model(model, options):
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        command = [PROGRAM, "import", model, "-o", out.name, "--types", "u8,s8,u8", *options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return json.load(open(out.name))


def signatures(graph, with_producers):
    """Of every layer: what it does and on what."""
    layers = {layer["name"]: layer for layer in graph["layers"]}
    done = {}

    def feed(source):
        if isinstance(source, list):
            return tuple(feed(one) for one in source)
        if isinstance(source, dict):
            return feed(source["from"]), source["elements"]
        return signature(source) if source in layers else "input"

    def step(one):
        if isinstance(one, str):
            return one
        return (one["op"], feed(one["input"])) if "input" in one else one["op"]

    def signature(name):
        if name not in done:
            layer = layers[name]
            numbers = [tuple(sorted((k, v) for k, v in layer.get(key, {}).items() if key == "params" or v != 1))
                       for key in ("extents", "params")]
            flow = (tuple(feed(one) for one in layer["inputs"]),
                    tuple(step(one) for one in layer.get("epilogue", [])))
            done[name] = hash((layer["op"], *numbers, flow if with_producers else ()))
        return done[name]

    sys.setrecursionlimit(100000)
    return {name: signature(name) for name in layers}, layers


def only(left, right, layers):
    """Layers of the left side that the right one lacks, by operator."""
    spare = collections.Counter(right.values())
    found = collections.Counter()
    for name, signature in left.items():
        if spare[signature] > 0:
            spare[signature] -= 1
        else:
            found[layers[name]["op"]] += 1
    return dict(found)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder, wrong = pathlib.Path(sys.argv[1]), 0
    for model, (graph, options, with_producers, *wanted) in MODELS.items():
        if not (folder / f"{model}.onnx").exists():
            continue
        imported = import_model(folder / f"{model}.onnx", options)
        kept = json.load(open(HERE / f"{graph}.json"))
        a, a_layers = signatures(imported, with_producers)
        b, b_layers = signatures(kept, with_producers)
        found = [only(a, b, a_layers), only(b, a, b_layers)]
        ok = imported["macs"] == kept["macs"] and found == wanted
        wrong += not ok
        print(f"{graph}: {len(a)} and {len(b)} layers, {imported['macs']} MACs; only in the import "
              f"{found[0] or 'none'}, only here {found[1] or 'none'}{'' if ok else '  UNEXPECTED'}")
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())
