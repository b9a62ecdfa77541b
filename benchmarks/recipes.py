#!/usr/bin/env python3
"""Trains one network by several recipes, each over several seeds, and prints what each gains.

usage: recipes.py --data FOLDER... --test FOLDER... --out OUT [OPTION...] [NAME...]

Recipes differ from the first one, "base", a baseline, in the settings below. Those of the last table are students of a
teacher of --teacher-iters updates, one a seed, and a baseline of as many updates as teacher and student together. PSNR is
in dB, of the weights of the last update, under protocol pisr: mean and standard deviation over seeds, and the difference
to "base" seed by seed, likewise. Can be stopped at any point: the same command goes on, and complete trainings are kept.
OUT/recipes.md and OUT/recipes.json hold the table.

Exit codes: 0, 1 a training failed, 2 wrong use.
"""
import argparse
import concurrent.futures
import json
import os
import statistics
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RECIPES = {
    "base": [],
    "rate_1e-3": ["train.learning_rate=1e-3"],
    "rate_4e-3": ["train.learning_rate=4e-3"],
    "he": ["network.init=he"],
    "zero_last": ["network.zero_last=true"],
    "average": ["train.ema=0.999"],
    "patch_96": ["train.gt_size=96", "train.batch_size=4"],
    "batch_8": ["train.batch_size=8"],
    "l2_end": ["train.last_loss=l2", "train.last_loss_share=0.2"],
    "l2": ["train.last_loss=l2", "train.last_loss_share=1"],
    "charbonnier": ["train.last_loss=charbonnier", "train.last_loss_share=1"],
    "expanded": ["network.expanded_channels=64"],
}

# For networks without a path from input to output.
STARTS = {
    "interpolation": ["network.start_as_interpolation=true"],
    "interpolation_2e-3": ["network.start_as_interpolation=true", "train.learning_rate=2e-3"],
}
STUDENTS = {
    "equal_updates": [],
    "transfer": ["train.distillation=none"],
    "laplace": [],
    "laplace_1e-3": ["train.distillation_weight=1e-3"],
    "laplace_1e-3_decay": ["train.distillation_weight=1e-3", "train.distillation_decay=cosine"],
    "laplace_1e-2_early": ["train.distillation_weight=1e-2", "train.distillation_until=0.25"],
    "image_1e-1": ["train.distillation_place=image", "train.distillation=mae", "train.distillation_weight=0.1"],
    "image_1": ["train.distillation_place=image", "train.distillation=mae", "train.distillation_weight=1"],
    "image_1_decay": ["train.distillation_place=image", "train.distillation=mae", "train.distillation_weight=1",
                      "train.distillation_decay=cosine"],
    "image_1_no_transfer": ["train.distillation_place=image", "train.distillation=mae", "train.distillation_weight=1",
                            "train.weight_transfer=false"],
}
SETTINGS = {**RECIPES, **STARTS, **STUDENTS}


def run_program(arguments, run, phase, iters, seed, settings):
    """Trains into the folder `run`, where that is not done, and returns the weights of the last update."""
    last = os.path.join(run, f"{phase}_last.safetensors")
    if not os.path.exists(last):
        every = [f"train.total_iter={iters}", f"manual_seed={seed}", f"val.val_freq={iters}", *arguments.set, *settings]
        subprocess.run([os.path.join(arguments.programs, "pisr_train"), "-q", "--config", arguments.config, "--phase", phase,
                        "--out", run, "--resume", "auto", "-j", "1", "--data", *arguments.data,
                        *(part for setting in every for part in ("--set", setting))],
                       check=True, stdout=subprocess.DEVNULL)
    return last


def train(arguments, name, seed, teacher=None):
    """The scores of one training, {set: PSNR}; `teacher` is a job that gives the weights of a student's teacher."""
    run = os.path.join(arguments.out, f"{name}_seed{seed}")
    scores = os.path.join(run, "scores.json")
    if not os.path.exists(scores):
        phase, iters, settings = "baseline", arguments.iters, SETTINGS[name]
        if name == "equal_updates":
            iters += arguments.teacher_iters
        elif name in STUDENTS:
            phase = "student"
            settings = [f"train.teacher_weights={teacher.result()}", *settings]
        last = run_program(arguments, run, phase, iters, seed, settings)
        with open(scores + ".tmp", "w") as file:
            subprocess.run([os.path.join(arguments.programs, "pisr_eval"), "-m", last, "-j", "1", "-d", *arguments.test,
                            "--json", "-"], check=True, stdout=file, stderr=subprocess.DEVNULL)
        os.replace(scores + ".tmp", scores)
    with open(scores) as file:
        return {row["set"]: row["psnr"] for row in json.load(file)["results"] if row["model"] != "bicubic"}


def summary(values):
    spread = f" ±{statistics.stdev(values):.3f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.3f}{spread}"


def table(arguments, found):
    sets = list(found["base"][0])
    lines = ["| recipe | settings | " + " | ".join(f"{name} | gain" for name in sets) + " |",
             "|" + "---|" * (2 + 2 * len(sets))]
    for name, runs in found.items():
        cells = []
        for one in sets:
            values = [run[one] for run in runs]
            gains = [value - base[one] for value, base in zip(values, found["base"])]
            cells += [summary(values), "" if name == "base" else summary(gains)]
        lines.append(f"| {name} | {' '.join(f'`{setting}`' for setting in SETTINGS[name])} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("names", nargs="*", metavar="NAME",
                        help=f"of {', '.join(SETTINGS)}; without any, those from base to expanded")
    parser.add_argument("--data", nargs="+", required=True, help="training images")
    parser.add_argument("--test", nargs="+", required=True, help="sets to measure on")
    parser.add_argument("--out", required=True)
    parser.add_argument("--config", default=os.path.join(ROOT, "configs/plain_x2.json"))
    parser.add_argument("--set", action="append", default=[], help="a setting of every recipe")
    parser.add_argument("--iters", type=int, default=16000, help="updates of a training")
    parser.add_argument("--teacher-iters", type=int, default=8000, help="updates of a teacher")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="trainings at once, each with one thread")
    parser.add_argument("--programs", default=os.path.join(ROOT, "build/cpu/tools"))
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(SETTINGS)
    if unknown:
        parser.error(f"unknown recipe '{unknown.pop()}'")
    if min(arguments.iters, arguments.teacher_iters, arguments.seeds, arguments.jobs) < 1:
        parser.error("--iters, --teacher-iters, --seeds and --jobs must be positive")
    names = ["base", *(name for name in SETTINGS if name != "base" and name in (arguments.names or RECIPES))]
    os.makedirs(arguments.out, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        # Jobs begin in their order, so a student never keeps its teacher waiting.
        teachers = {seed: pool.submit(run_program, arguments, os.path.join(arguments.out, f"teacher_seed{seed}"), "teacher",
                                      arguments.teacher_iters, seed, [])
                    for seed in range(arguments.seeds) if set(names) & set(STUDENTS) - {"equal_updates"}}
        jobs = {(name, seed): pool.submit(train, arguments, name, seed, teachers.get(seed))
                for seed in range(arguments.seeds) for name in names}
        try:
            found = {name: [jobs[name, seed].result() for seed in range(arguments.seeds)] for name in names}
        except subprocess.CalledProcessError as error:
            pool.shutdown(cancel_futures=True)
            print(f"recipes: error: {error.cmd[0]} ended with {error.returncode}", file=sys.stderr)
            return 1
    text = table(arguments, found)
    with open(os.path.join(arguments.out, "recipes.md"), "w") as file:
        file.write(text + "\n")
    with open(os.path.join(arguments.out, "recipes.json"), "w") as file:
        json.dump({"updates": arguments.iters, "teacher_updates": arguments.teacher_iters, "psnr": found}, file, indent=1)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
