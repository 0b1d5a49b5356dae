#!/usr/bin/env python3
"""Writes the DNN graphs and workloads of this folder.

    python3 dnn-graphs/generate.py            write the files
    python3 dnn-graphs/generate.py --check    fail if a file differs from what would be written

Every network is written layer by layer from its publication. Shapes are tracked on the way, so a
convolution whose input does not fit, or a MAC total that is not the published one, stops the run.
"""

import csv
import json
import math
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent

MAC_ONLY = (
    "Layers are the operators with MACs, as COMB maps them. Activations, pools, softmax, "
    "normalisation and residual additions ride along as epilogues; concatenations are inputs with "
    "several producers."
)


class Net:
    """A graph in the making. `shape[name]` is what leaves the layer or graph input `name`."""

    def __init__(self, name, source, note, macs=None):
        self.name, self.source, self.note, self.published_macs = name, source, note, macs
        self.inputs, self.layers, self.shape, self.macs = [], [], {}, 0

    def input(self, name, *shape):
        self.inputs.append({"name": name, "shape": list(shape)})
        self.shape[name] = list(shape)
        return name

    def operand_shape(self, operand):
        """NCHW shape of one operand; several producers are concatenated along the channels."""
        if isinstance(operand, str):
            return self.shape[operand]
        if isinstance(operand, dict):
            return operand["shape"]
        parts = [self.operand_shape(part) for part in operand]
        rest = parts[0][:1] + parts[0][2:]
        assert all(p[:1] + p[2:] == rest for p in parts), (self.name, operand, parts)
        return parts[0][:1] + [sum(p[1] for p in parts)] + parts[0][2:]

    def part(self, producer, *shape):
        """Only this part of the producer's output is read."""
        elements = math.prod(shape)
        assert elements <= math.prod(self.shape[producer]), (self.name, producer, shape)
        return {"from": producer, "elements": elements, "shape": list(shape)}

    def layer(self, name, op, extents, operands, params=None, epilogue=(), shape=None, out=None,
              macs=0):
        assert name not in self.shape, (self.name, name)
        entry = {"name": name, "op": op, "extents": extents}
        if params:
            entry["params"] = params
        entry["inputs"] = [written(operand) for operand in operands]
        if epilogue:
            entry["epilogue"] = [written(step) for step in epilogue]
        self.shape[name] = list(out or shape)
        if out and shape and list(out) != list(shape):
            entry["output_shape"] = list(out)
        self.layers.append(entry)
        self.macs += macs
        return name

    def conv(self, name, operand, k, kernel, stride=1, pad=None, epilogue=("relu",), out=None,
             depthwise=False, groups=1):
        n, c, height, width = self.operand_shape(operand)
        r, s = kernel if isinstance(kernel, tuple) else (kernel, kernel)
        ph, pw = (r // 2, s // 2) if pad is None else pad
        p = (height + 2 * ph - r) // stride + 1
        q = (width + 2 * pw - s) // stride + 1
        params = {}
        if stride != 1:
            params.update(sh=stride, sw=stride)
        if ph or pw:
            params.update(ph=ph, pw=pw)
        if depthwise:
            assert k == c
            op, extents = "depthwise_conv2d", {"n": n, "g": c}
        elif groups > 1:
            op, extents = "grouped_conv2d", {"n": n, "g": groups, "k": k // groups, "c": c // groups}
            out = out or [n, k, p, q]  # the expression's output has the groups apart
        else:
            op, extents = "conv2d", {"n": n, "k": k, "c": c}
        extents.update(p=p, q=q, r=r, s=s)
        return self.layer(name, op, extents, [operand], params, epilogue,
                          [n, groups, k // groups, p, q] if groups > 1 else [n, k, p, q], out,
                          math.prod(extents.values()))

    def depthwise(self, name, operand, kernel, stride=1, pad=None, epilogue=("relu6",)):
        c = self.operand_shape(operand)[1]
        return self.conv(name, operand, c, kernel, stride, pad, epilogue, depthwise=True)

    def gemm(self, name, operand, m, n, k, epilogue=(), out=None):
        self.expect(name, operand, m * k)
        extents = {"m": m, "n": n, "k": k}
        return self.layer(name, "gemm", extents, [operand], None, epilogue, [m, n], out, m * n * k)

    def batched_gemm(self, name, left, right, b, m, n, k, epilogue=(), out=None):
        self.expect(name, left, b * m * k)
        self.expect(name, right, b * k * n)
        extents = {"b": b, "m": m, "n": n, "k": k}
        return self.layer(name, "batched_gemm", extents, [left, right], None, epilogue, [b, m, n],
                          out, b * m * n * k)

    def map(self, name, op, extents, operands, epilogue=(), out=None):
        """An operator without MACs; the output has one element per point unless `out` is given."""
        elements = math.prod(extents.values())
        for operand in operands:
            self.expect(name, operand, elements)
        return self.layer(name, op, extents, operands, None, epilogue, out or extents.values())

    def expect(self, name, operand, elements):
        parts = operand if isinstance(operand, list) else [operand]
        got = sum(math.prod(self.operand_shape(part)) for part in parts)
        assert got == elements, (self.name, name, got, elements)

    def text(self):
        if self.published_macs is not None:
            assert self.macs == self.published_macs, (self.name, self.macs, self.published_macs)
        head = {"socweave": "dnn/1", "name": self.name, "source": self.source, "note": self.note,
                "macs": self.macs, "types": {"input": "u8", "weight": "s8", "output": "u8"},
                "inputs": self.inputs}
        lines = [f"  {json.dumps(key)}: {compact(value)}," for key, value in head.items()]
        layers = ",\n".join("    " + compact(layer) for layer in self.layers)
        return "{\n" + "\n".join(lines) + '\n  "layers": [\n' + layers + "\n  ]\n}\n"


def compact(value):
    return json.dumps(value, ensure_ascii=False)


def written(operand):
    """An input or epilogue step as the file has it."""
    if isinstance(operand, list):
        return [written(part) for part in operand]
    if isinstance(operand, dict):
        return {key: value for key, value in operand.items() if key != "shape"}
    return operand


def add(producer):
    return {"op": "add", "input": producer}


def resnet50():
    net = Net("resnet50", "He et al., Deep residual learning for image recognition, CVPR 2016, table 1",
              MAC_ONLY + " Stride 2 sits in the 3x3 convolution, as in the common implementations "
              "and the ONNX light model whose total this is.", 4089184256)
    x = net.input("image", 1, 3, 224, 224)
    x = net.conv("conv1", x, 64, 7, 2, epilogue=("relu", "maxpool"), out=[1, 64, 56, 56])
    for stage, (blocks, width) in enumerate(((3, 64), (4, 128), (6, 256), (3, 512)), 2):
        for block in range(blocks):
            stride = 2 if stage > 2 and block == 0 else 1
            name = f"conv{stage}_{block + 1}"
            a = net.conv(name + "a", x, width, 1)
            b = net.conv(name + "b", a, width, 3, stride)
            shortcut = x
            if block == 0:
                shortcut = net.conv(name + "s", x, 4 * width, 1, stride, epilogue=())
            last = stage == 5 and block == blocks - 1
            x = net.conv(name + "c", b, 4 * width, 1,
                         epilogue=(add(shortcut), "relu") + (("globalavgpool",) if last else ()),
                         out=[1, 2048, 1, 1] if last else None)
    net.gemm("fc", x, 1, 1000, 2048)
    return net


def mobilenet_v2():
    net = Net("mobilenet-v2", "Sandler et al., MobileNetV2, CVPR 2018, table 2", MAC_ONLY, 300774272)
    x = net.input("image", 1, 3, 224, 224)
    x = net.conv("conv1", x, 32, 3, 2, epilogue=("relu6",))
    number, channels = 0, 32
    for expand, out, repeats, first_stride in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2),
                                               (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
                                               (6, 320, 1, 1)):
        for repeat in range(repeats):
            number += 1
            stride = first_stride if repeat == 0 else 1
            block, y = f"block{number}", x
            if expand != 1:
                y = net.conv(block + "_expand", y, expand * channels, 1, epilogue=("relu6",))
            y = net.depthwise(block + "_dw", y, 3, stride)
            residual = (add(x),) if stride == 1 and channels == out else ()
            x = net.conv(block + "_project", y, out, 1, epilogue=residual)
            channels = out
    x = net.conv("conv_last", x, 1280, 1, epilogue=("relu6", "globalavgpool"), out=[1, 1280, 1, 1])
    net.gemm("fc", x, 1, 1000, 1280)
    return net


def googlenet():
    net = Net("googlenet", "Szegedy et al., Going deeper with convolutions, CVPR 2015, table 1",
              MAC_ONLY + " Feature maps are 55, 27, 13 and 6 wide, as in the ONNX light model "
              "inception_v1 whose total this is: its pools round down. The stride-1 pool before a "
              "pool_proj convolution is part of reading that convolution's input.", 1431556352)
    x = net.input("image", 1, 3, 224, 224)
    x = net.conv("conv1", x, 64, 7, 2, epilogue=("relu", "maxpool"), out=[1, 64, 55, 55])
    x = net.conv("conv2_reduce", x, 64, 1)
    x = net.conv("conv2", x, 192, 3, epilogue=("relu", "maxpool"), out=[1, 192, 27, 27])
    modules = (("3a", 64, 96, 128, 16, 32, 32, None), ("3b", 128, 128, 192, 32, 96, 64, 13),
               ("4a", 192, 96, 208, 16, 48, 64, None), ("4b", 160, 112, 224, 24, 64, 64, None),
               ("4c", 128, 128, 256, 24, 64, 64, None), ("4d", 112, 144, 288, 32, 64, 64, None),
               ("4e", 256, 160, 320, 32, 128, 128, 6), ("5a", 256, 160, 320, 32, 128, 128, None),
               ("5b", 384, 192, 384, 48, 128, 128, 1))
    for name, c1, c3_reduce, c3, c5_reduce, c5, pool_proj, pooled in modules:
        # A pool after the module is a pool after each of its branches.
        tail = {None: ("relu",), 1: ("relu", "globalavgpool")}.get(pooled, ("relu", "maxpool"))

        def branch(suffix, operand, k, kernel):
            out = [1, k, pooled, pooled] if pooled else None
            return net.conv(f"inception_{name}_{suffix}", operand, k, kernel, epilogue=tail, out=out)

        def reduce(suffix, k):
            return net.conv(f"inception_{name}_{suffix}", x, k, 1)

        x = [branch("1x1", x, c1, 1),
             branch("3x3", reduce("3x3_reduce", c3_reduce), c3, 3),
             branch("5x5", reduce("5x5_reduce", c5_reduce), c5, 5),
             branch("pool_proj", x, pool_proj, 1)]
    net.gemm("fc", x, 1, 1000, 1024)
    return net


def yolov5s():
    net = Net("yolov5s", "Ultralytics YOLOv5 v6.0, models/yolov5s.yaml (depth 0.33, width 0.50), "
              "640x640: 16.5 GFLOPs published",
              MAC_ONLY + " The three 5x5 pools of SPPF ride on its first convolution, whose output "
              "is the concatenation of the four maps. Nearest upsampling rides on its producer; a "
              "consumer of the map before it reads a quarter.")
    silu = ("silu",)

    def c3(name, x, width, bottlenecks, shortcut):
        hidden = width // 2
        y = net.conv(name + "_cv1", x, hidden, 1, epilogue=silu)
        for i in range(bottlenecks):
            z = net.conv(f"{name}_m{i}_cv1", y, hidden, 1, epilogue=silu)
            y = net.conv(f"{name}_m{i}_cv2", z, hidden, 3,
                         epilogue=silu + ((add(y),) if shortcut else ()))
        side = net.conv(name + "_cv2", x, hidden, 1, epilogue=silu)
        return net.conv(name + "_cv3", [y, side], width, 1, epilogue=silu)

    x = net.input("image", 1, 3, 640, 640)
    x = net.conv("b0", x, 32, 6, 2, (2, 2), silu)
    x = net.conv("b1", x, 64, 3, 2, epilogue=silu)
    x = c3("b2", x, 64, 1, True)
    x = net.conv("b3", x, 128, 3, 2, epilogue=silu)
    p3 = x = c3("b4", x, 128, 2, True)
    x = net.conv("b5", x, 256, 3, 2, epilogue=silu)
    p4 = x = c3("b6", x, 256, 3, True)
    x = net.conv("b7", x, 512, 3, 2, epilogue=silu)
    x = c3("b8", x, 512, 1, True)
    x = net.conv("b9_cv1", x, 256, 1, epilogue=silu + ("maxpool",) * 3, out=[1, 1024, 20, 20])
    x = net.conv("b9_cv2", x, 512, 1, epilogue=silu)
    h10 = net.conv("h10", x, 256, 1, epilogue=silu + ("upsample",), out=[1, 256, 40, 40])
    x = c3("h13", [h10, p4], 256, 1, False)
    h14 = net.conv("h14", x, 128, 1, epilogue=silu + ("upsample",), out=[1, 128, 80, 80])
    d3 = c3("h17", [h14, p3], 128, 1, False)
    x = net.conv("h18", d3, 128, 3, 2, epilogue=silu)
    d4 = c3("h20", [x, net.part(h14, 1, 128, 40, 40)], 256, 1, False)
    x = net.conv("h21", d4, 256, 3, 2, epilogue=silu)
    d5 = c3("h23", [x, net.part(h10, 1, 256, 20, 20)], 512, 1, False)
    for i, feature in enumerate((d3, d4, d5)):
        net.conv(f"detect{i}", feature, 255, 1, epilogue=("sigmoid",))
    return net


def encoder(net, name, x, seq, hidden, heads, feed_forward):
    """One transformer encoder layer, post-norm, as in BERT."""
    width = hidden // heads
    q = net.gemm(name + "_q", x, seq, hidden, hidden)
    k = net.gemm(name + "_k", x, seq, hidden, hidden)
    v = net.gemm(name + "_v", x, seq, hidden, hidden)
    scores = net.batched_gemm(name + "_qk", q, k, heads, seq, seq, width, ("softmax",))
    context = net.batched_gemm(name + "_av", scores, v, heads, seq, width, seq)
    attended = net.gemm(name + "_out", context, seq, hidden, hidden, (add(x), "layernorm"))
    y = net.gemm(name + "_ffn1", attended, seq, feed_forward, hidden, ("gelu",))
    return net.gemm(name + "_ffn2", y, seq, hidden, feed_forward, (add(attended), "layernorm"))


def bert_base():
    net = Net("bert-base", "Devlin et al., BERT, NAACL 2019: 12 layers, hidden 768, 12 heads, "
              "feed-forward 3072",
              MAC_ONLY + " Sequence length 128, batch 1. Attention is one batched product over the "
              "heads. The embedding look-up and the pooler are left out, as in COMB's prototype.")
    x = net.input("embeddings", 128, 768)
    for i in range(12):
        x = encoder(net, f"l{i}", x, 128, 768, 12, 3072)
    return net


def albert_base():
    net = Net("albert-base", "Lan et al., ALBERT, ICLR 2020: embedding 128, 12 layers, hidden 768, "
              "12 heads, feed-forward 3072",
              MAC_ONLY + " Sequence length 128, batch 1. ALBERT shares its weights across the 12 "
              "layers; a graph has no word for that, so every layer reads its own.")
    x = net.input("embeddings", 128, 128)
    x = net.gemm("embedding_projection", x, 128, 768, 128)
    for i in range(12):
        x = encoder(net, f"l{i}", x, 128, 768, 12, 3072)
    return net


def lstm2():
    steps, features, hidden = 32, 240, 1024
    net = Net("lstm2", "MLPerf Inference v0.7 RNN-T, the two LSTM layers before time stacking: 240 "
              "features (80 x 3 spliced frames), 1024 units; cell: Hochreiter and Schmidhuber, 1997",
              MAC_ONLY + " Unrolled over 32 time steps, batch 1; one product of [x, h] with the "
              "four gates' weights per step. A layer's output is h and c; the product reads h, the "
              "epilogue c. Weights are read again in every step.")
    x = net.input("frames", steps, features)
    state = [net.input(f"state{i}", 2, hidden) for i in range(2)]
    for t in range(steps):
        below = net.part(x, features)
        for i in range(2):
            width = math.prod(below["shape"])
            cell = ("sigmoid", "tanh", {"op": "mul", "input": written(net.part(state[i], hidden))},
                    "add", "mul")
            state[i] = net.gemm(f"t{t}_l{i}", [below, net.part(state[i], hidden)], 1, 4 * hidden,
                                width + hidden, cell, [2, hidden])
            below = net.part(state[i], hidden)
    return net


OWN_LAYERS = (
    "Softmax, normalisation, pools, additions and data movement are layers of their own, with bytes "
    "and no MACs; only ReLU rides along."
)


def transformer_encoder():
    seq, hidden, heads, width, feed_forward = 128, 768, 12, 64, 3072
    net = Net("transformer-encoder", "Devlin et al., BERT, NAACL 2019: one encoder layer of "
              "BERT-base", OWN_LAYERS + " Sequence length 128, batch 1.")
    x = net.input("hidden", seq, hidden)
    q, k, v = (net.gemm(name, x, seq, hidden, hidden) for name in ("query", "key", "value"))
    k = net.map("key_transpose", "transpose", {"k": seq, "p": heads, "q": width}, [k],
                out=[heads, width, seq])
    y = net.batched_gemm("scores", q, k, heads, seq, seq, width)
    y = net.map("softmax", "softmax", {"b": heads, "m": seq, "n": seq}, [y])
    y = net.batched_gemm("context", y, v, heads, seq, width, seq)
    y = net.map("merge_heads", "reshape", {"k": hidden, "p": seq}, [y], out=[seq, hidden])
    y = net.gemm("attention_out", y, seq, hidden, hidden)
    y = net.map("attention_add", "add", {"k": hidden, "p": seq}, [y, x], out=[seq, hidden])
    x = net.map("attention_norm", "layernorm", {"m": seq, "n": hidden}, [y])
    y = net.gemm("ffn1", x, seq, feed_forward, hidden)
    y = net.map("gelu", "gelu", {"k": feed_forward, "p": seq}, [y], out=[seq, feed_forward])
    y = net.gemm("ffn2", y, seq, hidden, feed_forward)
    y = net.map("ffn_add", "add", {"k": hidden, "p": seq}, [y, x], out=[seq, hidden])
    net.map("ffn_norm", "layernorm", {"m": seq, "n": hidden}, [y])
    return net


def classifier(net, x, classes):
    """Average over the map, one dense layer, softmax."""
    _, k, height, width = net.shape[x]
    x = net.map("avgpool", "global_avgpool", {"k": k, "r": height, "s": width}, [x], out=[1, k])
    x = net.gemm("fc", x, 1, classes, k)
    net.map("softmax", "softmax", {"n": classes}, [x], out=[1, classes])


def resnet8():
    net = Net("resnet8", "Banbury et al., MLPerf Tiny, NeurIPS 2021: image classification, CIFAR-10",
              OWN_LAYERS + " Padding of the stride-2 convolutions is written as symmetric.", 12501632)
    x = net.input("image", 1, 3, 32, 32)
    x = net.conv("conv1", x, 16, 3)
    for stage, (width, stride) in enumerate(((16, 1), (32, 2), (64, 2)), 1):
        y = net.conv(f"stage{stage}_a", x, width, 3, stride)
        y = net.conv(f"stage{stage}_b", y, width, 3, epilogue=())
        if stride == 2:
            x = net.conv(f"stage{stage}_s", x, width, 1, stride, epilogue=())
        shape = net.shape[y]
        x = net.map(f"stage{stage}_add", "add", dict(zip("nkpq", shape)), [y, x], ("relu",), shape)
    classifier(net, x, 10)
    return net


def ds_cnn():
    net = Net("ds-cnn", "Banbury et al., MLPerf Tiny, NeurIPS 2021: keyword spotting; Zhang et al., "
              "Hello Edge, 2017", OWN_LAYERS + " Padding of the first convolution is written as "
              "symmetric.", 2656768)
    x = net.input("mfcc", 1, 1, 49, 10)
    x = net.conv("conv1", x, 64, (10, 4), 2, (5, 1))
    for i in range(1, 5):
        x = net.depthwise(f"dw{i}", x, 3, epilogue=("relu",))
        x = net.conv(f"pw{i}", x, 64, 1)
    classifier(net, x, 12)
    return net


def resnet18():
    net = Net("resnet18", "He et al., Deep residual learning for image recognition, CVPR 2016, table 1",
              MAC_ONLY, 1814073344)
    x = net.input("image", 1, 3, 224, 224)
    x = net.conv("conv1", x, 64, 7, 2, epilogue=("relu", "maxpool"), out=[1, 64, 56, 56])
    for stage, width in enumerate((64, 128, 256, 512), 2):
        for block in range(2):
            stride = 2 if stage > 2 and block == 0 else 1
            name = f"conv{stage}_{block + 1}"
            a = net.conv(name + "a", x, width, 3, stride)
            shortcut = x
            if stride == 2:
                shortcut = net.conv(name + "s", x, width, 1, stride, epilogue=())
            last = stage == 5 and block == 1
            x = net.conv(name + "b", a, width, 3,
                         epilogue=(add(shortcut), "relu") + (("globalavgpool",) if last else ()),
                         out=[1, 512, 1, 1] if last else None)
    net.gemm("fc", x, 1, 1000, 512)
    return net


def vgg19():
    net = Net("vgg19", "Simonyan and Zisserman, Very deep convolutional networks, ICLR 2015, table 1, "
              "column E", MAC_ONLY, 19632062464)
    x, size = net.input("image", 1, 3, 224, 224), 224
    for stage, (convs, width) in enumerate(((2, 64), (2, 128), (4, 256), (4, 512), (4, 512)), 1):
        for i in range(1, convs + 1):
            pooled = i == convs
            size = size // 2 if pooled else size
            x = net.conv(f"conv{stage}_{i}", x, width, 3,
                         epilogue=("relu", "maxpool") if pooled else ("relu",),
                         out=[1, width, size, size] if pooled else None)
    for name, n, k in (("fc6", 4096, 25088), ("fc7", 4096, 4096), ("fc8", 1000, 4096)):
        x = net.gemm(name, x, 1, n, k, () if name == "fc8" else ("relu",))
    return net


def alexnet():
    net = Net("alexnet", "Krizhevsky et al., ImageNet classification with deep convolutional neural "
              "networks, NeurIPS 2012",
              MAC_ONLY + " Feature maps are 54, 26 and 12 wide, as in the ONNX light model bvlc_alexnet "
              "whose total this is: no padding before the first convolution. Two groups in the second, "
              "fourth and fifth.", 654560384)
    x = net.input("image", 1, 3, 224, 224)
    x = net.conv("conv1", x, 96, 11, 4, (0, 0), ("relu", "lrn", "maxpool"), [1, 96, 26, 26])
    x = net.conv("conv2", x, 256, 5, epilogue=("relu", "lrn", "maxpool"), out=[1, 256, 12, 12], groups=2)
    x = net.conv("conv3", x, 384, 3)
    x = net.conv("conv4", x, 384, 3, groups=2)
    x = net.conv("conv5", x, 256, 3, epilogue=("relu", "maxpool"), out=[1, 256, 6, 6], groups=2)
    for name, n, k in (("fc6", 4096, 9216), ("fc7", 4096, 4096), ("fc8", 1000, 4096)):
        x = net.gemm(name, x, 1, n, k, () if name == "fc8" else ("relu",))
    return net


def squeezenet():
    net = Net("squeezenet", "Iandola et al., SqueezeNet, 2016; version 1.1 of the authors' repository",
              MAC_ONLY + " The maps are 55, 27 and 13 wide: pools round down.", 349151936)
    x = net.input("image", 1, 3, 224, 224)
    x = net.conv("conv1", x, 64, 3, 2, (0, 0), ("relu", "maxpool"), [1, 64, 55, 55])
    for i, (squeeze, expand, pooled) in enumerate(
            ((16, 64, None), (16, 64, 27), (32, 128, None), (32, 128, 13), (48, 192, None),
             (48, 192, None), (64, 256, None), (64, 256, None)), 2):
        y = net.conv(f"fire{i}_squeeze1x1", x, squeeze, 1)
        tail = ("relu", "maxpool") if pooled else ("relu",)
        out = [1, expand, pooled, pooled] if pooled else None
        x = [net.conv(f"fire{i}_expand{kernel}x{kernel}", y, expand, kernel, epilogue=tail, out=out)
             for kernel in (1, 3)]
    net.conv("conv10", x, 1000, 1, epilogue=("relu", "globalavgpool"), out=[1, 1000, 1, 1])
    return net


PRE_NORM = (
    "Batch 1. Attention is one batched product over the heads, softmax rides on the scores. What is "
    "normalised is read by the residual addition too, so normalisations are layers of their own. "
    "Masked scores are computed like the others."
)


def pre_norm_block(net, name, x, seq, hidden, heads, feed_forward):
    """One transformer layer that normalises before it multiplies, as in GPT-2 and ViT."""
    width = hidden // heads
    y = net.map(name + "_norm1", "layernorm", {"m": seq, "n": hidden}, [x], out=[seq, hidden])
    qkv = net.gemm(name + "_qkv", y, seq, 3 * hidden, hidden)
    part = net.part(qkv, heads, seq, width)
    scores = net.batched_gemm(name + "_qk", part, part, heads, seq, seq, width, ("softmax",))
    context = net.batched_gemm(name + "_av", scores, part, heads, seq, width, seq)
    x = net.gemm(name + "_out", context, seq, hidden, hidden, (add(x),))
    y = net.map(name + "_norm2", "layernorm", {"m": seq, "n": hidden}, [x], out=[seq, hidden])
    y = net.gemm(name + "_ffn1", y, seq, feed_forward, hidden, ("gelu",))
    return net.gemm(name + "_ffn2", y, seq, hidden, feed_forward, (add(x),))


def vit_b16():
    seq, hidden = 197, 768
    block = 4 * seq * hidden ** 2 + 2 * seq ** 2 * hidden + 2 * seq * hidden * 4 * hidden
    net = Net("vit-b16", "Dosovitskiy et al., An image is worth 16x16 words, ICLR 2021, table 1: "
              "ViT-Base, patches of 16 x 16, 224 x 224; 17.6 GMACs in Touvron et al., DeiT, ICML 2021",
              PRE_NORM + " 196 patches and the class token.",
              196 * 768 * 768 + 12 * block + 768 * 1000)
    image, token = net.input("image", 1, 3, 224, 224), net.input("class_token", 1, hidden)
    patches = net.conv("patches", image, hidden, 16, 16, (0, 0), (), out=[196, hidden])
    x = net.map("positions", "add", {"n": seq, "k": hidden}, [[token, patches]], out=[seq, hidden])
    for i in range(12):
        x = pre_norm_block(net, f"l{i}", x, seq, hidden, 12, 4 * hidden)
    x = net.map("norm", "layernorm", {"m": seq, "n": hidden}, [x], out=[seq, hidden])
    net.gemm("head", net.part(x, 1, hidden), 1, 1000, hidden)
    return net


def gpt2_medium():
    seq, hidden = 1024, 1024
    block = 12 * seq * hidden ** 2 + 2 * seq ** 2 * hidden
    net = Net("gpt2-medium", "Radford et al., Language models are unsupervised multitask learners, 2019, "
              "table 2: 24 layers, 1024 wide, 16 heads, 345M parameters",
              PRE_NORM + " All 1024 tokens of the context; logits of the last one (vocabulary 50257). "
              "The look-up of embeddings is left out.", 24 * block + hidden * 50257)
    x = net.input("embeddings", seq, hidden)
    for i in range(24):
        x = pre_norm_block(net, f"l{i}", x, seq, hidden, 16, 4 * hidden)
    x = net.map("norm", "layernorm", {"m": seq, "n": hidden}, [x], out=[seq, hidden])
    net.gemm("logits", net.part(x, 1, hidden), 1, 50257, hidden)
    return net


def llama_layer(name, seq, cached, what):
    hidden, heads, shared, width, feed_forward = 4096, 32, 8, 128, 14336
    total, rows = cached + seq, heads // shared * seq
    macs = (2 * seq * hidden ** 2 + 2 * seq * hidden * shared * width +
            2 * heads * seq * total * width + 3 * seq * hidden * feed_forward)
    net = Net(name, "Grattafiori et al., The Llama 3 herd of models, 2024, table 3: one layer of the 8B "
              "model (4096 wide, 32 heads, 8 of keys and values, feed-forward 14336)",
              PRE_NORM + " Four heads of queries share one of keys and values: they are rows of one "
              "product. Rotary embedding is a unary step behind queries and keys. " + what, macs)
    x = net.input("hidden", seq, hidden)
    y = net.map("attention_norm", "rmsnorm", {"m": seq, "n": hidden}, [x], out=[seq, hidden])
    q = net.gemm("q", y, seq, hidden, hidden, ("unary",))
    k = net.gemm("k", y, seq, shared * width, hidden, ("unary",))
    v = net.gemm("v", y, seq, shared * width, hidden)
    if cached:
        k = [net.input("k_cache", cached, shared * width), k]
        v = [net.input("v_cache", cached, shared * width), v]
    scores = net.batched_gemm("qk", q, k, shared, rows, total, width, ("softmax",))
    context = net.batched_gemm("av", scores, v, shared, rows, width, total)
    x = net.gemm("o", context, seq, hidden, hidden, (add(x),))
    y = net.map("ffn_norm", "rmsnorm", {"m": seq, "n": hidden}, [x], out=[seq, hidden])
    gate = net.gemm("gate", y, seq, feed_forward, hidden, ("silu",))
    up = net.gemm("up", y, seq, feed_forward, hidden, ({"op": "mul", "input": gate},))
    net.gemm("down", up, seq, hidden, feed_forward, (add(x),))
    return net


def llama_prefill():
    return llama_layer("llama3-8b-layer-prefill", 512, 0, "512 tokens at once.")


def llama_decode():
    return llama_layer("llama3-8b-layer-decode", 1, 2047, "One token; 2047 before it in the cache.")


def tiny_cnn():
    net = Net("tiny-cnn", "made up for examples and tests", "A convolution, a depthwise separable "
              "one with a shortcut, a classifier.")
    x = net.input("image", 1, 3, 32, 32)
    stem = net.conv("stem", x, 16, 3)
    x = net.depthwise("dw", stem, 3, 2)
    side = net.conv("shortcut", stem, 32, 1, 2, epilogue=())
    x = net.conv("pw", x, 32, 1, epilogue=(add(side), "relu", "globalavgpool"), out=[1, 32, 1, 1])
    net.gemm("fc", x, 1, 10, 32)
    return net


def tiny_mlp():
    net = Net("tiny-mlp", "made up for examples and tests", "Two branches that meet again.")
    x = net.input("x", 16, 64)
    x = net.gemm("in", x, 16, 128, 64, ("relu",))
    left = net.gemm("left", x, 16, 64, 128, ("relu",))
    right = net.gemm("right", x, 16, 64, 128, ("relu",))
    net.gemm("out", [left, right], 16, 10, 128)
    return net


def bert_large():
    net = Net("bert-large", "Devlin et al., BERT, NAACL 2019: 24 layers, hidden 1024, 16 heads, "
              "feed-forward 4096",
              MAC_ONLY + " Sequence length 128, batch 1; embeddings and pooler are left out, as in bert-base.",
              24 * (4 * 128 * 1024 ** 2 + 2 * 128 ** 2 * 1024 + 2 * 128 * 1024 * 4096))
    x = net.input("embeddings", 128, 1024)
    for i in range(24):
        x = encoder(net, f"l{i}", x, 128, 1024, 16, 4096)
    return net


def gpt2_large():
    seq, hidden = 1024, 1280
    block = 12 * seq * hidden ** 2 + 2 * seq ** 2 * hidden
    net = Net("gpt2-large", "Radford et al., Language models are unsupervised multitask learners, 2019, "
              "table 2: 36 layers, 1280 wide, 20 heads, 762M parameters",
              PRE_NORM + " All 1024 tokens of the context; logits of the last one (vocabulary 50257). "
              "The look-up of embeddings is left out.", 36 * block + hidden * 50257)
    x = net.input("embeddings", seq, hidden)
    for i in range(36):
        x = pre_norm_block(net, f"l{i}", x, seq, hidden, 20, 4 * hidden)
    x = net.map("norm", "layernorm", {"m": seq, "n": hidden}, [x], out=[seq, hidden])
    net.gemm("logits", net.part(x, 1, hidden), 1, 50257, hidden)
    return net


def unet():
    net = Net("unet", "Ronneberger et al., U-Net, MICCAI 2015, figure 1: 64 to 1024 channels, two classes",
              "Input 512 x 512 x 1. Convolutions are padded, so that maps keep their size and nothing is "
              "cropped; an up-convolution is an enlargement and a 3 x 3 convolution. Pools ride along "
              "a 1 x 1 convolution.")
    x, skips = net.input("image", 1, 1, 512, 512), []
    for level, k in enumerate((64, 128, 256, 512)):
        x = net.conv(f"down{level}_1", x, k, 3)
        skips.append(net.conv(f"down{level}_2", x, k, 3))
        side = 512 >> (level + 1)
        x = net.conv(f"down{level}_pool", skips[-1], k, 1, epilogue=("maxpool",), out=[1, k, side, side])
    x = net.conv("bottom_1", x, 1024, 3)
    x = net.conv("bottom_2", x, 1024, 3, epilogue=("relu", "upsample"), out=[1, 1024, 64, 64])
    for level, k in ((3, 512), (2, 256), (1, 128), (0, 64)):
        x = net.conv(f"up{level}_0", x, k, 3)
        x = net.conv(f"up{level}_1", [skips[level], x], k, 3)
        side = 512 >> max(level - 1, 0)
        grows = level > 0
        x = net.conv(f"up{level}_2", x, k, 3, epilogue=("relu", "upsample") if grows else ("relu",),
                     out=[1, k, side, side] if grows else None)
    net.conv("classes", x, 2, 1, epilogue=())
    return net


XRBENCH = {  # file of XRBench's layers, as the benchmark names it: what it is
    "KD_res8_narrow": "keyword detection, res8-narrow (Tang and Lin, ICASSP 2018)",
    "ASR_EM_24L": "speech recognition, Emformer with 24 layers (Shi et al., ICASSP 2021)",
    "SS_HRViT_b1": "semantic segmentation, HRViT-b1 (Gu et al., CVPR 2022)",
    "DE_midas_v21_small": "depth estimation, MiDaS v2.1 small (Ranftl et al., TPAMI 2022)",
    "PD_Plane_RCNN_Quarter": "plane detection, PlaneRCNN at a quarter (Liu et al., CVPR 2019)",
    "OD_D2go_FasterRCNN": "object detection, D2Go Faster-RCNN (Meta, 2021)",
    "HT_hand_graph_cnn_half": "hand tracking, Hand Shape/Pose at a half (Ge et al., CVPR 2019)",
    "ES_RITNet": "eye segmentation, RITNet (Chaudhary et al., ICCVW 2019)",
    "GE_FBNet_C": "gaze estimation, Eyecod's FBNet-C (You et al., ISCA 2022)",
    "DR_RGBd_200": "depth refinement, Sparse-to-Dense RGBd-200 (Ma and Karaman, ICRA 2018)",
    "AS_ED_TCN": "action segmentation, ED-TCN (Lea et al., CVPR 2017)",
}
XRBENCH_SOURCE = "XRBench (Kwon et al., MLSys 2023), github.com/XRBench/XRBench-MLSys2023, commit 8915666"


def xrbench_rows(file):
    with open(HERE / "xrbench" / file, encoding="utf-8") as lines:
        return list(csv.DictReader(line for line in lines if line[0] != "#"))


def xrbench_name(model):
    return "xrbench-" + model.lower().replace("_", "-")


def xrbench_net(model):
    """XRBench lists layers without edges: a chain, with what lies between two that do not fit as an epilogue."""
    net = Net(xrbench_name(model), XRBENCH_SOURCE + ": " + XRBENCH[model],
              "Layers, extents and their order are XRBench's, which counts depthwise convolutions and products as "
              "dense convolutions of stride 1. It gives no edges: here each layer reads the one before; where sizes "
              "differ (pools, resizing, joins, heads) a pool or an enlargement to what is read stands between.")
    shapes = [[int(row[key]) for key in ("N", "C", "Y", "X")] for row in xrbench_rows(model + ".csv")]
    x = net.input("input", *shapes[0])
    for i, row in enumerate(xrbench_rows(model + ".csv")):
        assert row["strideY"] == row["strideX"] == "1"
        r, s, k = int(row["R"]), int(row["S"]), int(row["K"])
        pad = ((r - 1) // 2, (s - 1) // 2)
        y = shapes[i][2] + 2 * pad[0] - r + 1, shapes[i][3] + 2 * pad[1] - s + 1
        wanted = shapes[i + 1] if i + 1 < len(shapes) else None
        has, needs = k * y[0] * y[1], math.prod(wanted) if wanted else 0
        if wanted is None or wanted == [1, k, *y]:
            x = net.conv(f"{i}_{row['layer']}", x, k, (r, s), pad=pad)
        else:
            fit = ("relu",) if has == needs else ("relu", "maxpool" if has > needs else "upsample")
            x = net.conv(f"{i}_{row['layer']}", x, k, (r, s), pad=pad, epilogue=fit, out=wanted)
    return net


def xrbench_scenarios():
    """One workload per usage scenario."""
    rows = xrbench_rows("scenarios.csv")
    for scenario in dict.fromkeys(row["scenario"] for row in rows):
        entries = []
        for row in rows:
            if row["scenario"] != scenario:
                continue
            model = row["model"].replace("D2go_FastRCNN", "OD_D2go_FasterRCNN")
            entry = {"graph": f"../{xrbench_name(model)}.json", "name": model.split("_")[0].lower(),
                     "rate_hz": int(row["fps"])}
            if row["depends_on"]:
                entry["depends_on"] = row["depends_on"].split("_")[0].lower()
            if float(row["probability"]) < 1:
                entry["probability"] = float(row["probability"])
            entries.append(entry)
        name = scenario.lower().replace("_", "-").replace("interactiona", "interaction-a")
        name = name.replace("interactionb", "interaction-b")
        yield f"xrbench-{name}", XRBENCH_SOURCE, entries


SCAR_SOURCE = "SCAR (Odema et al., MICRO 2024), table III"
# Networks with a batch (datacenter) or frames per second (AR/VR).
SCAR = (
    ((("gpt2-large", 1), ("bert-large", 3)), False),
    ((("gpt2-large", 1), ("bert-large", 3), ("resnet50", 1)), False),
    ((("gpt2-large", 1), ("bert-large", 3), ("resnet50", 32)), False),
    ((("gpt2-large", 8), ("bert-large", 24), ("unet", 1), ("resnet50", 32)), False),
    ((("gpt2-large", 8), ("bert-large", 24), ("bert-base", 24), ("unet", 1), ("resnet50", 32),
      ("googlenet", 32)), False),
    ((("OD_D2go_FasterRCNN", 10), ("PD_Plane_RCNN_Quarter", 15), ("DE_midas_v21_small", 30), ("ASR_EM_24L", 3),
      ("SS_HRViT_b1", 10)), True),
    ((("PD_Plane_RCNN_Quarter", 15), ("HT_hand_graph_cnn_half", 45), ("DE_midas_v21_small", 30)), True),
    ((("OD_D2go_FasterRCNN", 30), ("ASR_EM_24L", 3)), True),
    ((("ES_RITNet", 60), ("GE_FBNet_C", 60), ("HT_hand_graph_cnn_half", 30), ("DR_RGBd_200", 30)), True),
    ((("ES_RITNet", 60), ("GE_FBNet_C", 60), ("HT_hand_graph_cnn_half", 45)), True),
)


def scar_scenarios():
    for number, (networks, is_xr) in enumerate(SCAR, 1):
        entries = []
        for network, count in networks:
            if not is_xr:
                entries.append({"graph": f"../{network}.json", "copies": count})
                continue
            entry = {"graph": f"../{xrbench_name(network)}.json", "name": network.split("_")[0].lower(),
                     "rate_hz": count}
            if network == "GE_FBNet_C":  # the two halves of EyeCod
                entry["depends_on"] = "es"
            entries.append(entry)
        yield f"scar-{number}", SCAR_SOURCE, entries


def scenario_text(name, source, entries):
    rows = ",\n".join("    " + compact(entry) for entry in entries)
    note = ("Networks of the AR/VR scenarios are XRBench's." if any("rate_hz" in e for e in entries)
            else "A batch is as many copies.") if name.startswith("scar") else \
        "Deadlines are the periods; a gaze waits for its eyes, speech for its keyword."
    return (f'{{\n  "socweave": "workload/1", "name": {compact(name)},\n'
            f'  "source": {compact(source)}, "note": {compact(note)},\n  "networks": [\n{rows}\n  ]\n}}\n')


NETWORKS = (resnet50, mobilenet_v2, googlenet, yolov5s, bert_base, albert_base, lstm2, transformer_encoder,
            resnet8, ds_cnn, resnet18, vgg19, alexnet, squeezenet, vit_b16, gpt2_medium, llama_prefill,
            llama_decode, bert_large, gpt2_large, unet, tiny_cnn, tiny_mlp)

COMB_SOURCE = "Zheng et al., COMB, DAC 2023, table 2"
WORKLOADS = (
    ("vision-light", COMB_SOURCE, (("resnet50", 2), ("mobilenet-v2", 2), ("googlenet", 2))),
    ("vision-heavy", COMB_SOURCE, (("resnet50", 8), ("mobilenet-v2", 8), ("googlenet", 8))),
    ("language", COMB_SOURCE, (("albert-base", 2), ("bert-base", 2), ("lstm2", 4))),
    ("mixed-light", COMB_SOURCE, (("yolov5s", 2), ("googlenet", 2), ("bert-base", 2), ("lstm2", 2),
                                  ("mobilenet-v2", 2))),
    ("mixed-mid", COMB_SOURCE, (("yolov5s", 4), ("googlenet", 4), ("bert-base", 4), ("lstm2", 2),
                                ("mobilenet-v2", 4))),
    ("mixed-heavy", COMB_SOURCE, (("yolov5s", 8), ("googlenet", 8), ("bert-base", 8), ("lstm2", 2),
                                  ("mobilenet-v2", 8))),
    ("edge-mix", "networks of an always-on device with memory-bound operators as layers of their own",
     (("transformer-encoder", 1), ("mobilenet-v2", 1), ("resnet8", 2), ("ds-cnn", 2))),
    ("tiny", "made up for examples and tests", (("tiny-cnn", 1), ("tiny-mlp", 1))),
)


def workload_text(name, source, networks):
    rows = ",\n".join(f'    {{ "graph": "../{graph}.json", "copies": {copies} }}'
                      for graph, copies in networks)
    return (f'{{\n  "socweave": "workload/1", "name": {compact(name)},\n'
            f'  "source": {compact(source)},\n  "networks": [\n{rows}\n  ]\n}}\n')


def files():
    for build in NETWORKS:
        net = build()
        yield HERE / f"{net.name}.json", net.text(), f"{len(net.layers)} layers, {net.macs} MACs"
    for model in XRBENCH:
        net = xrbench_net(model)
        yield HERE / f"{net.name}.json", net.text(), f"{len(net.layers)} layers, {net.macs} MACs"
    for row in (*xrbench_scenarios(), *scar_scenarios()):
        yield HERE / "workloads" / f"{row[0]}.json", scenario_text(*row), f"{len(row[2])} entries"
    for row in WORKLOADS:
        yield HERE / "workloads" / f"{row[0]}.json", workload_text(*row), f"{len(row[2])} graphs"


def main():
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit(__doc__)
    stale = []
    for path, text, what in files():
        json.loads(text)
        if check:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                stale.append(str(path.relative_to(HERE)))
        else:
            path.write_text(text, encoding="utf-8")
            print(f"{path.relative_to(HERE)}: {what}")
    if stale:
        sys.exit("out of date, run generate.py: " + " ".join(stale))


if __name__ == "__main__":
    main()
