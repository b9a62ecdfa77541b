#!/usr/bin/env python3
"""Trains one network by several recipes, each over several seeds, and prints what each gains.

usage: recipes.py --data FOLDER... --test FOLDER... --out OUT [OPTION...] [NAME...]

Recipes differ from the first one, "base", in the settings below, and have as many updates. PSNR is in dB, of the weights
of the last update, under protocol pisr: the mean over seeds, the standard deviation over seeds, and the mean difference
to "base" seed by seed with its own deviation. Can be stopped at any point: the same command goes on, and complete
trainings are kept. OUT/recipes.md and OUT/recipes.json hold the table.

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


def train(arguments, name, seed):
    """The scores of one training, {set: PSNR}."""
    run = os.path.join(arguments.out, f"{name}_seed{seed}")
    scores = os.path.join(run, "scores.json")
    if not os.path.exists(scores):
        settings = [f"train.total_iter={arguments.iters}", f"manual_seed={seed}", f"val.val_freq={arguments.iters}",
                    "data.exclude=302003", *arguments.set, *RECIPES[name]]
        last = os.path.join(run, "baseline_last.safetensors")
        if not os.path.exists(last):
            subprocess.run([os.path.join(arguments.programs, "pisr_train"), "-q", "--config", arguments.config, "--phase",
                            "baseline", "--out", run, "--resume", "auto", "-j", "1", "--data", *arguments.data,
                            *(part for setting in settings for part in ("--set", setting))],
                           check=True, stdout=subprocess.DEVNULL)
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
        lines.append(f"| {name} | {' '.join(f'`{setting}`' for setting in RECIPES[name])} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(RECIPES)}; all without any")
    parser.add_argument("--data", nargs="+", required=True, help="training images")
    parser.add_argument("--test", nargs="+", required=True, help="sets to measure on")
    parser.add_argument("--out", required=True)
    parser.add_argument("--config", default=os.path.join(ROOT, "configs/plain_x2.json"))
    parser.add_argument("--set", action="append", default=[], help="a setting of every recipe")
    parser.add_argument("--iters", type=int, default=16000, help="updates of a training")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="trainings at once, each with one thread")
    parser.add_argument("--programs", default=os.path.join(ROOT, "build/cpu/tools"))
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(RECIPES)
    if unknown or arguments.iters < 1 or arguments.seeds < 1 or arguments.jobs < 1:
        parser.error(f"unknown recipe '{unknown.pop()}'" if unknown else "--iters, --seeds and --jobs must be positive")
    names = ["base", *(name for name in RECIPES if name != "base" and name in (arguments.names or RECIPES))]
    os.makedirs(arguments.out, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        jobs = {(name, seed): pool.submit(train, arguments, name, seed)
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
        json.dump({"updates": arguments.iters, "psnr": found}, file, indent=1)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
