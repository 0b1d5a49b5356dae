#!/usr/bin/env python3
"""The table of README.md from results: summary.py FOLDER. All shapes together are ranked as one list."""
import json
import os
import sys

NETWORKS = [("resnet50", "ResNet-50"), ("mobilenet-v2", "MobileNet-V2"), ("bert-base", "BERT-base")]
OTHER = ("other-shapes", "shapes of no network")


def ranks(values):
    """Mid-ranks for ties."""
    order = sorted(range(len(values)), key=lambda i: values[i])
    out = [0.0] * len(values)
    at = 0
    while at < len(order):
        end = at
        while end < len(order) and values[order[end]] == values[order[at]]:
            end += 1
        for i in order[at:end]:
            out[i] = (at + end + 1) / 2
        at = end
    return out


def rank_correlation(x, y):
    x, y = ranks(x), ranks(y)
    mean = (len(x) + 1) / 2
    product = sum((a - mean) * (b - mean) for a, b in zip(x, y))
    squares = sum((a - mean) ** 2 for a in x) * sum((b - mean) ** 2 for b in y)
    return product / squares ** 0.5


def median(values):
    values, half = sorted(values), len(values) // 2
    return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2


def error_of(row):
    return abs(row["predicted_ns"] - row["measured_ns"]) / row["measured_ns"]


def load(folder, name):
    with open(os.path.join(folder, name, "validate.cpu.json")) as file:
        return json.load(file)


def passed(result):
    return [row for row in result["rows"] if row["outcome"] == "OK"]


def print_row(title, result):
    rows = passed(result)
    print("| %s | %d | %d | %d | %d | %d | %.3f | %.1f%% | %.0f%% | %.0f%% |" % (
        title, sum(row["layers"] for row in result["rows"]), len(result["rows"]), result["ok"],
        result["mismatch"], result["unsupported"], result["rank_correlation"],
        100 * result["median_error_frac"], 100 * max(map(error_of, rows)),
        100 * result["geomean_peak_frac"]))


def print_sum(every):
    print("| the three together | %d | %d | %d | | | %.3f | %.1f%% | %.0f%% | |" % (
        sum(row["layers"] for row in every), len(every), len(every),
        rank_correlation([row["measured_ns"] for row in every],
                         [row["predicted_ns"] for row in every]),
        100 * median([error_of(row) for row in every]), 100 * max(map(error_of, every))))


def main(folder):
    print("| network | layers | shapes | OK | mismatch | unsupported | rank correlation | median error "
          "| worst error | of the peak |\n|---|---|---|---|---|---|---|---|---|---|")
    every = []
    for name, title in NETWORKS:
        result = load(folder, name)
        every += passed(result)
        print_row(title, result)
    print_sum(every)
    print_row(OTHER[1], load(folder, OTHER[0]))
    print("\nfurthest off in the three:")
    for row in sorted(every, key=error_of)[:-6:-1]:
        print("%-16s measured %7.1f us, predicted %7.1f us: %s" % (
            row["layer"], row["measured_ns"] / 1e3, row["predicted_ns"] / 1e3,
            ", ".join("%s %.1f" % (k, v / 1e3) for k, v in row.get("terms_ns", {}).items())))


main(sys.argv[1])
