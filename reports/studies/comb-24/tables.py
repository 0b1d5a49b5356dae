#!/usr/bin/env python3
"""results.md from the comparisons beside this script (rows.csv, summary.csv, compare.json), with the paper's figures
(comb_fig5.csv) beside ours. Parts that were not run are said to be missing. Standard library only."""
import csv
import json
import math
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
RUNS = sys.argv[1] if len(sys.argv) > 1 else HERE
WORKLOADS = ["vision-light", "vision-heavy", "language", "mixed-light", "mixed-mid", "mixed-heavy"]
PLACES = [(size, rate) for size in ("small", "large") for rate in ("low", "high")]
CASES = [(size, rate, workload) for size, rate in PLACES for workload in WORKLOADS]


def geomean(values):
    values = list(values)
    return math.exp(sum(map(math.log, values)) / len(values))


def load_paper():
    with open(os.path.join(HERE, "comb_fig5.csv")) as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return {(row["soc"].lower(), row["bw"].lower(), row["workload"].lower(), row["scheduler"].lower()):
                {"latency": float(row["latency_s_approx"]), "energy": float(row["energy_nJ"])} for row in rows}


def load_rows(part):
    """{(size, rate, workload, mapper): {figure: geomean over seeds}}, or None."""
    try:
        with open(os.path.join(RUNS, part, "rows.csv")) as file:
            rows = list(csv.DictReader(file))
    except OSError:
        return None
    runs = {}
    for row in rows:
        _, size, rate = row["soc"].split("-")[:3]
        runs.setdefault((size, rate, row["workload"], row["mapper"]), []).append(row)
    return {key: {"latency": geomean(float(row["makespan_ps"]) for row in group) * 1e-12,
                  "analytic": geomean(float(row["analytic_makespan_ps"]) for row in group) * 1e-12,
                  "energy": geomean(float(row["energy_pj"]) for row in group) * 1e-3,
                  "bound": min(float(row["lower_bound_ps"]) for row in group) * 1e-12}
            for key, group in runs.items()}


def load_json(part):
    try:
        with open(os.path.join(RUNS, part, "compare.json")) as file:
            return json.load(file)
    except OSError:
        return None


def ratio(table, worse, better, figure, where=CASES):
    """Geomean and range of worse / better over cases, or a dash."""
    values = [table[case + (worse,)][figure] / table[case + (better,)][figure] for case in where
              if case + (worse,) in table and case + (better,) in table]
    if len(values) < len(where):
        return "–"
    return f"{geomean(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def print_table(head, rows):
    print("| " + " | ".join(head) + " |")
    print("|---|" + "---:|" * (len(head) - 1))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def section_paper(paper, ours):
    print("## COMB against its baselines, the paper's figures and ours\n")
    print("Geometric mean (lowest to highest) of baseline / COMB over 24 cases. Latency *analytic* is without contention, as in the\n"
          "paper; *simulated* with it. H2H: `h2h`; MAGMA as COMB reads it: `comb-no-sharing`; as published: `magma`.\n")
    rows = []
    for label, theirs, names in (("H2H", "h2h", ["h2h"]), ("MAGMA", "magma", ["comb-no-sharing", "magma"])):
        for name in names:
            rows.append([f"{label} (`{name}`)",
                         ratio(paper, theirs, "comb", "latency"), ratio(ours, name, "comb", "analytic"),
                         ratio(ours, name, "comb", "latency"),
                         ratio(paper, theirs, "comb", "energy"), ratio(ours, name, "comb", "energy")])
    print_table(["baseline / COMB", "paper, latency", "ours, analytic", "ours, simulated", "paper, energy", "ours, energy"],
                rows)
    print("The same by SoC and bandwidth:\n")
    rows = []
    for size, rate in PLACES:
        where = [case for case in CASES if case[:2] == (size, rate)]
        rows.append([f"{size}, {rate}",
                     ratio(paper, "h2h", "comb", "latency", where), ratio(ours, "h2h", "comb", "analytic", where),
                     ratio(paper, "magma", "comb", "latency", where),
                     ratio(ours, "comb-no-sharing", "comb", "analytic", where)])
    print_table(["SoC", "H2H: paper", "ours", "MAGMA: paper", "ours (`comb-no-sharing`)"], rows)


def section_cases(paper, ours):
    print("## Case by case, restricted\n")
    print("Latency in ms. *paper*: read off its figure 5, ±1.5%. Ours: analytic, means over seeds; *simulated*: with contention.\n")
    columns = [("comb", "analytic"), ("h2h", "analytic"), ("comb-no-sharing", "analytic"), ("socweave@fixed", "analytic"),
               ("comb", "latency"), ("socweave@fixed", "latency"), ("socweave@tiled", "latency")]
    both = {key[:3] + ("paper " + key[3],): value for key, value in paper.items()}
    both.update({key: dict(value, latency=value["analytic"]) for key, value in ours.items()})
    print("Paper / ours, geometric mean: COMB " + ratio(both, "paper comb", "comb", "latency") + ", H2H "
          + ratio(both, "paper h2h", "h2h", "latency") + ". README.md on why.\n")
    rows = []
    for case in CASES:
        theirs = [f"{paper[case + (name,)]['latency'] * 1e3:.1f}" for name in ("comb", "h2h", "magma")]
        mine = [f"{ours[case + (name,)][figure] * 1e3:.1f}" if case + (name,) in ours else "–" for name, figure in columns]
        key = case + ("socweave@fixed",)
        bound = f"{ours[key]['bound'] * 1e3:.1f}" if key in ours else "–"
        rows.append(["-".join(case[:2]) + " " + case[2]] + theirs + mine + [bound])
    print_table(["case", "COMB, paper", "H2H, paper", "MAGMA, paper", "`comb`", "`h2h`", "`comb-no-sharing`", "`socweave@fixed`",
                 "`comb`, simulated", "`socweave@fixed`, simulated", "`socweave@tiled`, simulated", "bound, fixed"], rows)


def section_energy(paper, ours):
    print("## Energy, restricted\n")
    print("In mJ. The paper's is time × power; ours counts accesses, transfers and idle PEs (see README.md), so only ratios compare.\n")
    rows = []
    for case in CASES:
        theirs = [f"{paper[case + (name,)]['energy'] * 1e-6:.0f}" for name in ("comb", "h2h", "magma")]
        mine = [f"{ours[case + (name,)]['energy'] * 1e-6:.1f}" if case + (name,) in ours else "–"
                for name in ("comb", "h2h", "comb-no-sharing", "socweave@fixed", "socweave@tiled")]
        rows.append(["-".join(case[:2]) + " " + case[2]] + theirs + mine)
    print_table(["case", "COMB, paper", "H2H, paper", "MAGMA, paper", "`comb`", "`h2h`", "`comb-no-sharing`", "`socweave@fixed`",
                 "`socweave@tiled`"], rows)


def section_any(ours, free):
    print("## What the restriction costs\n")
    print("Restricted / any accelerator, geometric mean over 24 cases: how many times shorter the makespan gets when every\n"
          "accelerator may run every layer.\n")
    both = {key: value for key, value in ours.items()}
    both.update({key[:3] + (key[3] + " any",): value for key, value in free.items()})
    rows = [[f"`{worse}` / `{better}` on any", ratio(both, worse, better + " any", "analytic"),
             ratio(both, worse, better + " any", "latency")]
            for worse, better in (("comb", "comb"), ("comb", "socweave@fixed"), ("comb", "socweave@tiled"),
                                  ("socweave@fixed", "socweave@fixed"), ("socweave@tiled", "socweave@tiled"))]
    print_table(["", "analytic", "simulated"], rows)


def section_part(part, title):
    print(f"## {title}\n")
    data = load_json(part)
    if data is None:
        print(f"Not run yet: `./run {part} tables`.\n")
        return
    cases, first = len(data["cases"]), data["mappers"][0]
    print(f"{cases} cases, {data['seeds']} seeds, {data['budget_layers']:,} placed layers per run"
          f"{', searched for ' + data['objective'] if data['objective'] != 'latency' else ''}.\n")
    print(f"How many times better `{first}` is, by {'simulated makespan' if data['objective'] == 'latency' else data['objective']}:\n")
    rows = []
    for pair in data["summary"]:
        if pair["mapper"] == first:
            rows.append([f"`{pair['baseline']}`", f"{pair['geomean_speedup']:.3f}", f"{pair['low']:.3f} to {pair['high']:.3f}",
                         f"{pair['worst']:.3f}", f"{pair['best']:.3f}", f"{pair['wins']} / {pair['ties']} / {pair['losses']}",
                         f"{pair['holm_p']:.2g}", f"{pair['geomean_analytic_speedup']:.3f}", f"{pair['geomean_energy_ratio']:.3f}"])
    print_table(["against", "geomean", "95%", "worst", "best", "+ / = / −", "p, Holm", "analytic", "energy"], rows)
    others = [pair for pair in data["summary"] if pair["mapper"].startswith("socweave@") and pair["mapper"] != first
              and pair["baseline"] == "comb"]
    for pair in others:
        print(f"`{pair['mapper']}` against `comb`: {pair['geomean_speedup']:.3f} ({pair['worst']:.3f} to {pair['best']:.3f}), analytic "
              f"{pair['geomean_analytic_speedup']:.3f}, energy {pair['geomean_energy_ratio']:.3f}.\n")
    print("Above the lower bound of the mapper's own sharing mode:\n")
    rows = [[f"`{gap['mapper']}`", f"{gap['analytic_gap_frac']:.1%}", f"{gap['analytic_gap_worst_frac']:.1%}",
             f"{gap['proved']} of {gap['runs']}", f"{gap['gap_frac']:.1%}", f"{gap['contention_frac']:.1%}",
             f"{gap['spread_frac']:.2%}"] for gap in data["gaps"]]
    print_table(["mapper", "analytic", "worst", "proved optimal", "simulated", "contention adds", "spread over seeds"], rows)


def main():
    paper, ours = load_paper(), load_rows("restricted")
    print("# Results\n")
    print("Written by `tables.py` from the folders beside it; remade with `./run`. README.md says what to make of it.\n")
    if ours is None:
        print("The part `restricted` was not run yet, so nothing of ours stands beside the paper's figures: `./run restricted tables`.\n")
        print("The paper's own, baseline / COMB: H2H " + ratio(paper, "h2h", "comb", "latency") + ", MAGMA "
              + ratio(paper, "magma", "comb", "latency") + ".\n")
    else:
        section_paper(paper, ours)
        section_cases(paper, ours)
        section_energy(paper, ours)
        free = load_rows("any")
        if free:
            section_any(ours, free)
    for part, title in (("restricted", "All mappers, restricted"), ("any", "All mappers, any accelerator"),
                        ("ablation-restricted", "Ablation, restricted"), ("ablation-any", "Ablation, any accelerator"),
                        ("deep-restricted", "A larger budget, restricted"), ("deep-any", "A larger budget, any accelerator"),
                        ("energy", "Searched for energy")):
        section_part(part, title)
    return 0


if __name__ == "__main__":
    sys.exit(main())
