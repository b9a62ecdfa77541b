#!/usr/bin/env python3
"""Gathers what tools/ablation.sh has trained in OUT/ablation.md, .json and .svg, and prints the first.

usage: ablation_table.py OUT UPDATES SEEDS [scores]

PSNR is that of the weights of the last update: on the sets of scores.json, or the last validation of metrics.csv.
"""
import csv
import html
import json
import os
import statistics
import sys

HELD_OUT = "held-out images"
# name, hourglass, weight transfer, imitation, distillation, teacher, updates / N, paper: student, teacher (Set5, x2)
ROWS = [
    ("baseline", "-", "-", "-", "-", None, 1, 37.15, None),
    ("direct_mae", "no", "-", "-", "MAE", "teacher_direct", 2, 37.19, 57.60),
    ("hourglass_mae", "yes", "no", "no", "MAE", "teacher_no_imitation", 2, 37.22, 37.70),
    ("transfer_mae", "yes", "yes", "no", "MAE", "teacher_no_imitation", 2, 37.23, 37.70),
    ("imitation_mae", "yes", "yes", "yes", "MAE", "teacher", 2, 37.27, 37.65),
    ("imitation_gaussian", "yes", "yes", "yes", "VID_G", "teacher", 2, 37.31, 37.65),
    ("imitation_laplace", "yes", "yes", "yes", "VID_L", "teacher", 2, 37.33, 37.65),
    ("transfer_alone", "yes", "yes", "yes", "-", "teacher", 2, None, None),
    ("baseline_equal_updates", "-", "-", "-", "-", None, 2, None, None),
]


def psnr_by_set(run, has_scores):
    """Of the weights of the last update."""
    if has_scores:
        with open(os.path.join(run, "scores.json")) as file:
            rows = json.load(file)["results"]
        return {row["set"]: row["psnr"] for row in rows if row["model"] != "bicubic"}
    with open(os.path.join(run, "metrics.csv")) as file:
        measured = [row for row in csv.DictReader(file) if row["psnr"] and row["phase"] != "bicubic"]
    return {HELD_OUT: float(measured[-1]["psnr"])}


def summary(values):
    """The spread is the standard deviation over seeds of one training; none for a single seed."""
    return {"mean": statistics.mean(values), "spread": statistics.stdev(values) if len(values) > 1 else None,
            "values": values}


def gather(out, updates, seeds, has_scores):
    runs = {}

    def of_run(name):
        if name not in runs:
            found = [psnr_by_set(os.path.join(out, f"seed{seed}", name), has_scores) for seed in range(seeds)]
            runs[name] = {key: summary([psnr[key] for psnr in found]) for key in found[0]}
        return runs[name]

    return [{"name": name, "hourglass": hourglass, "weight_transfer": transfer, "imitation": imitation,
             "distillation": distillation, "updates": factor * updates, "student": of_run(name),
             "teacher": of_run(teacher) if teacher else None, "paper": {"student": student, "teacher": paper_teacher}}
            for name, hourglass, transfer, imitation, distillation, teacher, factor, student, paper_teacher in ROWS]


def text(value):
    if value is None:
        return "-"
    return f"{value['mean']:.3f}" + ("" if value["spread"] is None else f" +- {value['spread']:.3f}")


def markdown(rows, seeds):
    sets = list(rows[0]["student"])
    head = ["training", "hourglass", "weight transfer", "imitation", "distillation", "updates in all"]
    head += [f"student, {name}" for name in sets] + [f"teacher, {name}" for name in sets]
    head += ["paper: student", "paper: teacher"]
    lines = [f"PSNR in dB of the last update, mean and standard deviation over {seeds} seed{'s' if seeds > 1 else ''}. "
             "The paper's are of Set5, x2, FSRCNN and 1,000,000 updates a phase.", "",
             "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    number = lambda value: "-" if value is None else f"{value:.2f}"
    for row in rows:
        cells = [row[key] for key in ("name", "hourglass", "weight_transfer", "imitation", "distillation")]
        cells += [f"{row['updates']:,}"] + [text(row["student"][name]) for name in sets]
        cells += [text(row["teacher"][name] if row["teacher"] else None) for name in sets]
        cells += [number(row["paper"]["student"]), number(row["paper"]["teacher"])]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def svg(rows):
    """Students on the first set: a line from mean - spread to mean + spread, a dot for each seed; a cross is the paper's
    gain over its baseline, put on the baseline here."""
    name = next(iter(rows[0]["student"]))
    students = [row["student"][name] for row in rows]
    base, paper_base = students[0]["mean"], rows[0]["paper"]["student"]
    paper = [None if row["paper"]["student"] is None else base + row["paper"]["student"] - paper_base for row in rows]
    shown = [value for student in students for value in student["values"]] + [value for value in paper if value is not None]
    low, high = min(shown), max(shown)
    margin = max(0.01, (high - low) * 0.1)
    low, high = low - margin, high + margin
    left, width, line = 190, 430, 26
    height = line * (len(rows) + 2)
    x = lambda value: left + (value - low) / (high - low) * width
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 20} {height}" '
             'font-family="sans-serif" font-size="12">',
             f'<rect width="{left + width + 20}" height="{height}" fill="white"/>',
             f'<line x1="{x(base):.1f}" x2="{x(base):.1f}" y1="8" y2="{height - 2 * line + 8}" stroke="#bbb"/>']
    for i, (row, student) in enumerate(zip(rows, students)):
        y = line * i + 20
        parts.append(f'<text x="{left - 10}" y="{y + 4}" text-anchor="end">{html.escape(row["name"])}</text>')
        spread = student["spread"] or 0
        parts.append(f'<line x1="{x(student["mean"] - spread):.1f}" x2="{x(student["mean"] + spread):.1f}" '
                     f'y1="{y}" y2="{y}" stroke="#1f77b4" stroke-width="3"/>')
        parts += [f'<circle cx="{x(value):.1f}" cy="{y}" r="3.5" fill="#1f77b4"/>' for value in student["values"]]
        if paper[i] is not None:
            parts.append(f'<text x="{x(paper[i]):.1f}" y="{y + 5}" text-anchor="middle" fill="#d62728">x</text>')
    y = line * len(rows) + 14
    for i in range(5):
        value = low + (high - low) * (i + 0.5) / 5
        parts.append(f'<text x="{x(value):.1f}" y="{y}" text-anchor="middle">{value:.3f}</text>')
    parts.append(f'<text x="{left + width + 10}" y="{y + line - 4}" text-anchor="end">PSNR (dB), {html.escape(name)}; '
                 "dots: seeds, crosses: the paper's gains on this baseline</text></svg>")
    return "\n".join(parts) + "\n"


def write(path, content):
    with open(path + ".tmp", "w") as file:
        file.write(content)
    os.replace(path + ".tmp", path)


def main():
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    out, updates, seeds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    rows = gather(out, updates, seeds, len(sys.argv) == 5)
    table = markdown(rows, seeds)
    write(os.path.join(out, "ablation.json"), json.dumps({"updates": updates, "seeds": seeds, "rows": rows}, indent=2) + "\n")
    write(os.path.join(out, "ablation.svg"), svg(rows))
    write(os.path.join(out, "ablation.md"), table)
    print(table, end="")


if __name__ == "__main__":
    main()
