#!/usr/bin/env python3
"""A report in headless Chromium: makes tiny runs, writes their page, opens it and uses it with real pointer and key events.

usage: report_browser_test.py PROGRAMS     PROGRAMS: the folder of pisr_train and pisr_report
"""
import json
import math
import os
import pathlib
import random
import re
import struct
import subprocess
import sys
import tempfile
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import browser  # noqa: E402  (beside the programs that use it)

SHARED = pathlib.Path(os.environ.get("PISR_SHARED", ROOT.parent / "shared"))
# More updates than a curve has bins, so that there are bands.
CONFIG = {
    "network": {"d": 6, "s": 4, "m": 1},
    "data": {"built_in": {"count": 3, "validation_count": 2, "size": 96}},
    "train": {"total_iter": 450, "batch_size": 2, "gt_size": 8, "save_checkpoint_freq": 450, "print_freq": 1},
    "val": {"val_freq": 90}, "threads": 2, "device": "cpu",
}
TITLE = "</script><b>bold</b> & \"quoted\""
IMAGE = "<i>odd & 'name'"
failures = []


def check(right, what):
    if not right:
        failures.append(what)
        if len(failures) <= 40:
            print(f"FAILED: {what}", file=sys.stderr)


def close(a, b, tolerance):
    return abs(a - b) <= tolerance


def run(programs, name, *arguments):
    done = subprocess.run([programs / name, *map(str, arguments)], capture_output=True, timeout=300)
    if done.returncode != 0:
        sys.exit(f"{name} {arguments}: exit code {done.returncode}\n{done.stderr.decode(errors='replace')}")


def write_png(path, width, height):
    """Stripes and noise, so that no two pieces are alike."""
    noise = random.Random(1)
    rows = b"".join(b"\0" + bytes(min(255, 90 * ((x // 3 + y // 5) % 2) + noise.randrange(100)) for x in range(width) for _ in range(3))
                    for y in range(height))

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
                     chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def make_page(programs, folder):
    (folder / "small.json").write_text(json.dumps(CONFIG))
    for name, more in [("pisr", ["--phase", "all"]), ("baseline", ["--phase", "baseline"]),
                       ("without", ["--phase", "teacher", "--set", "train.imitation_weight=0", "--set", "train.total_iter=20"])]:
        run(programs, "pisr_train", "--config", folder / "small.json", "--out", folder / name, *more)
    odd = folder / "sets <of> images"
    odd.mkdir()
    write_png(odd / f"{IMAGE}.png", 150, 110)
    sets = ["--data", odd]
    if (SHARED / "data/benchmark/Set5").is_dir():
        sets += ["--data", SHARED / "data/benchmark/Set5"]
    else:
        print("published systems are not looked at: no Set5 in", SHARED)
    run(programs, "pisr_report", folder / "pisr", folder / "baseline", folder / "without", *sets, "--time", "--title", TITLE,
        "-o", folder / "page.html")
    return folder / "page.html", len(sets) > 2


# What a drawing shows: its ticks, the curves that are visible, and where their points are.
READ_PLOT = """(figure => ({
  data: JSON.parse(figure.querySelector('script').textContent),
  pressed: [...figure.querySelectorAll('.scales [aria-pressed=true]')].map(button => button.value),
  across: [...figure.querySelectorAll('.tick[text-anchor=middle]')].map(node => [node.textContent, Number(node.getAttribute('x'))]),
  up: [...figure.querySelectorAll('.tick[text-anchor=end]')].map(node => [node.textContent, Number(node.getAttribute('y'))]),
  curves: [...figure.querySelectorAll('.curve')].map(group => ({
    visible: getComputedStyle(group).display !== 'none',
    line: group.querySelector('.line')?.getAttribute('d') ?? '',
    band: group.querySelector('.band')?.getAttribute('d') ?? '',
    dots: [...group.querySelectorAll('circle')].map(dot => [Number(dot.getAttribute('cx')), Number(dot.getAttribute('cy'))]),
    colour: getComputedStyle(group.querySelector('.line, circle') ?? group).stroke,
  })),
  references: [...figure.querySelectorAll('.reference')].map(line => Number(line.getAttribute('y1'))),
  text: figure.querySelector('.drawing').textContent,
  heading: figure.querySelector('h3').textContent,
  names: [...figure.querySelectorAll('.legend button')].map(button => button.textContent),
}))"""


def number(text):
    """What shortNumber() wrote."""
    return float(text[:-1]) * {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}[text[-1]] if text[-1] in "kMGT" else float(text)


def scale_of(ticks, log):
    """The function from a value to its place, told by the first and the last tick."""
    (first, a), (last, b) = ticks[0], ticks[-1]
    scaled = math.log10 if log else float
    low, high = scaled(number(first)), scaled(number(last))
    return lambda value: a + (scaled(value) - low) / (high - low) * (b - a)


def points_of(path):
    return [tuple(map(float, point.split())) for point in re.split("[ML]", path)[1:]]


def check_curves(plot, name):
    """Every point of the data is drawn, where the ticks of the axes say."""
    log = plot["pressed"] == ["log"]
    check(len(plot["across"]) >= 3 and len(plot["up"]) >= 3, f"{name}: fewer than three ticks")
    x_of, y_of = scale_of(plot["across"], False), scale_of(plot["up"], log)
    for text, place in plot["up"]:
        check(close(y_of(number(text)), place, 0.1), f"{name}: the tick {text} is not at its value")
    check(len(plot["curves"]) == len(plot["data"]["curves"]) > 0, f"{name}: number of curves")
    for drawn, curve in zip(plot["curves"], plot["data"]["curves"]):
        wanted = [point for point in curve["points"] if point[1] is not None and (not log or point[1] > 0)]
        got = points_of(drawn["line"]) + [tuple(dot) for dot in drawn["dots"]]
        check(len(got) == len(wanted) > 0, f"{name}, {curve['name']}: {len(got)} points, wanted {len(wanted)}")
        for (x, y), point in zip(got, wanted):
            right = close(x, x_of(point[0]), 0.2) and (close(y, y_of(point[1]), 0.2) or abs(y_of(point[1])) > 9000)
            check(right, f"{name}, {curve['name']}: {point} is drawn at {x}, {y}")
        check((drawn["band"] != "") == (len(wanted[0]) == 4), f"{name}, {curve['name']}: band")
        check(drawn["line"] == "" or drawn["colour"] != "none", f"{name}, {curve['name']}: no colour")
    for place, line in zip(plot["references"], plot["data"]["references"]):
        check(close(place, y_of(line["y"]), 0.2), f"{name}: the line {line['name']} is not at its value")


def middle_of(page, expression):
    """The middle of an element in the window, scrolled to."""
    page.evaluate(f"({expression}).scrollIntoView({{block: 'center'}})")
    page.settle()
    return page.evaluate(f"(box => [box.x + box.width / 2, box.y + box.height / 2, box.width, box.height])(({expression}).getBoundingClientRect())")


def check_load(page):
    check(page.evaluate("document.title") == TITLE, "the title is not the text")
    check(page.evaluate("document.querySelector('h1').textContent") == TITLE, "the heading is not the text")
    check(page.evaluate("document.querySelector('h1 b')") is None, "the title became an element")
    check(page.evaluate("document.querySelector('.comparison h3').textContent") == IMAGE, "the name of the image is not the text")
    images = page.evaluate("[...document.images].map(image => [image.complete, image.naturalWidth, image.alt])")
    check(len(images) >= 9, f"{len(images)} images, wanted 9 or more")
    for complete, width, name in images:
        check(complete and width > 0, f"the image '{name}' is not decoded")
    check(page.evaluate("[...document.querySelectorAll('.chart')].every(figure => !figure.hidden)"), "a figure is hidden")


def check_plots(page):
    count = page.evaluate("document.querySelectorAll('[data-kind=plot]').length")
    check(count == 7, f"{count} plots, wanted 7")
    bands = 0
    for i in range(count):
        figure = f"document.querySelectorAll('[data-kind=plot]')[{i}]"
        plot = page.evaluate(f"{READ_PLOT}({figure})")
        name = plot["data"]["title"]
        if not plot["pressed"]:
            plot["pressed"] = ["linear"]
        check(plot["pressed"] == plot["data"]["axes"][:1], f"{name}: the first axis is {plot['pressed']}")
        check_curves(plot, name)
        check(plot["heading"] == name + plot["data"]["y"], f"{name}: its heading is {plot['heading']}")
        check(plot["names"] == [curve["name"] for curve in plot["data"]["curves"]], f"{name}: its legend is {plot['names']}")
        check(plot["data"]["x"] in plot["text"], f"{name}: the axis has no name")
        bands += sum(curve["band"] != "" for curve in plot["curves"])
        for line in plot["data"]["references"]:
            check(line["name"] in plot["text"], f"{name}: the line has no name")
        if len(plot["data"]["axes"]) == 2:
            page.click(*middle_of(page, f"{figure}.querySelector('.scales [aria-pressed=false]')")[:2])
            other = page.evaluate(f"{READ_PLOT}({figure})")
            check(other["pressed"] == plot["data"]["axes"][1:], f"{name}: the button does not choose the axis")
            check(other["curves"] != plot["curves"], f"{name}: the other axis shows the same")
            check_curves(other, f"{name}, other axis")
    check(bands > 0, "no curve has a band")


def check_pointer(page):
    """Legend, and values under the pointer and by keys, of the first plot of training."""
    figure = "[...document.querySelectorAll('[data-kind=plot]')].find(node => node.textContent.includes('PSNR in validation'))"
    x, y, width, _ = middle_of(page, f"{figure}.querySelector('svg.plot')")
    tip = f"(tip => [!tip.hidden, tip.textContent, tip.getBoundingClientRect().right <= innerWidth])({figure}.querySelector('.tip'))"
    page.mouse("mouseMoved", x, y)
    shown, text, inside = page.evaluate(tip)
    check(shown and inside and "iteration" in text and "Student" in text, f"no values under the pointer: {text}")
    names = page.evaluate(f"[...{figure}.querySelectorAll('.legend button')].map(button => button.textContent)")
    check(len(names) == 4, f"legend: {names}")
    index = names.index("Student")
    page.click(*middle_of(page, f"{figure}.querySelectorAll('.legend button')[{index}]")[:2])
    curves = page.evaluate(f"{READ_PLOT}({figure})")["curves"]
    check([curve["visible"] for curve in curves] == [i != index for i in range(4)], "a click on a name does not hide its curve")
    x, y, width, _ = middle_of(page, f"{figure}.querySelector('svg.plot')")
    page.mouse("mouseMoved", x + 1, y)
    check("Student" not in page.evaluate(tip)[1], "a hidden curve has values")
    page.mouse("mouseMoved", 1, 1)
    check(not page.evaluate(tip)[0], "the values stay when the pointer goes")
    page.evaluate(f"{figure}.querySelector('svg.plot').focus()")
    page.key("End")
    last = page.evaluate(tip)
    page.key("Home")
    check(last[0] and "450" in last[1] and page.evaluate(tip)[1] != last[1], f"keys do not move over the curves: {last}")


def check_divider(page):
    stage = "document.querySelector('.stage')"
    split = f"parseFloat({stage}.style.getPropertyValue('--split'))"
    x, y, width, height = middle_of(page, stage)
    check(width > 200 and height > 100, "the pictures under the divider are too small")
    page.mouse("mouseMoved", x, y)
    page.mouse("mousePressed", x, y, buttons=1)
    page.mouse("mouseMoved", x + 0.1 * width, y, buttons=1)
    page.mouse("mouseMoved", x + 0.3 * width, y, buttons=1)
    page.mouse("mouseReleased", x + 0.3 * width, y)
    got = page.evaluate(split)
    check(close(got, 80, 0.5), f"dragged to 80 %, the divider is at {got}")
    place = page.evaluate("(box => box.x + box.width / 2)(document.querySelector('.divider').getBoundingClientRect())")
    check(close(place, x + 0.3 * width, 2), "the divider is not drawn where it is")
    page.mouse("mouseMoved", x - 0.3 * width, y)
    check(page.evaluate(split) == got, "the divider follows a pointer that is not pressed")
    for key, wanted in [("ArrowLeft", -1), ("ArrowLeft", -2), ("ArrowRight", -1)]:
        page.key(key)
        now = page.evaluate(split)
        check(close(now, round(got) + wanted, 0.01), f"after {key} the divider is at {now}, it was at {got}")
    sources = page.evaluate("[...document.querySelectorAll('.comparison')[0].querySelectorAll('.strip img')].map(image => image.src)")
    side = "document.querySelector('.stage .left').src"
    check(page.evaluate(side) == sources[1], "bicubic is not on the left")
    page.evaluate("(box => { box.selectedIndex = 0; box.dispatchEvent(new Event('change')); })(document.querySelector('.stage select.a'))")
    check(page.evaluate(side) == sources[0], "the choice does not change the picture")


READ_COST = """(figure => ({
  data: JSON.parse(figure.querySelector('script').textContent),
  across: [...figure.querySelectorAll('.tick[text-anchor=middle]')].map(node => [node.textContent, Number(node.getAttribute('x'))]),
  up: [...figure.querySelectorAll('.tick[text-anchor=end]')].map(node => [node.textContent, Number(node.getAttribute('y'))]),
  circles: [...figure.querySelectorAll('.drawing circle')].map(node => ({
    x: Number(node.getAttribute('cx')), y: Number(node.getAttribute('cy')), r: Number(node.getAttribute('r')),
    name: node.getAttribute('aria-label'), published: node.classList.contains('published')})),
  names: [...figure.querySelectorAll('text.name')].map(node => node.textContent),
  overflow: [...figure.querySelectorAll('text.name')].filter(node => { const box = node.getBoundingClientRect();
    const outer = figure.getBoundingClientRect(); return box.left < outer.left || box.right > outer.right; }).length,
}))(document.querySelector('[data-kind=cost]'))"""


def check_cost(page, published):
    for key in ["paper", "exact", "ms"]:
        page.click(*middle_of(page, f"document.querySelector('[data-kind=cost] button[value={key}]')")[:2])
        cost = page.evaluate(READ_COST)
        points = [point for point in cost["data"]["points"] if point[key] is not None]
        check(len(cost["circles"]) == len(points) == (11 if published and key != "ms" else 2),
              f"cost, {key}: {len(cost['circles'])} circles for {len(points)} points")
        check(cost["overflow"] == 0, f"cost, {key}: a name leaves the figure")
        x_of, y_of = scale_of(cost["across"], True), scale_of(cost["up"], False)
        # The largest circle is that of the most parameters of all, which the axis of times does not show.
        most = max(point["parameters"] for point in cost["data"]["points"])
        largest = max(circle["r"] for circle in cost["circles"]) if key != "ms" else largest
        for point in points:
            circle = next((circle for circle in cost["circles"] if circle["name"].startswith(point["name"] + ":") and
                           close(circle["y"], y_of(point["psnr"]), 0.3)), None)
            check(circle is not None, f"cost, {key}: no circle of {point['name']} at its PSNR")
            if circle is None:
                continue
            check(close(circle["x"], x_of(point[key]), 0.3), f"cost, {key}: {point['name']} is not at its cost")
            check(circle["published"] == point["published"], f"cost: {point['name']} looks like the others")
            check(point["name"] in cost["names"], f"cost: {point['name']} has no name")
            area = max(4, largest ** 2 * point["parameters"] / most)
            check(close(circle["r"] ** 2, area, 0.02 * area + 0.1), f"cost: the area of {point['name']}")
    page.evaluate("document.querySelector('[data-kind=cost] .drawing circle').focus()")
    tip = page.evaluate("(tip => tip.hidden ? '' : tip.textContent)(document.querySelector('[data-kind=cost] .tip'))")
    check("parameters" in tip and "dB" in tip, "a circle does not tell its numbers")


def check_functions(page):
    """What the runs do not have: empty plots, gaps, far values."""
    def calls(expression, wanted):
        got = page.evaluate(expression)
        check(got == wanted, f"{expression} is {got}, wanted {wanted}")
    calls("[0, 5000, 2.5e6, 3e9, 1e13, 0.001, 1e-7, -0.25].map(shortNumber)", ["0", "5k", "2.5M", "3G", "10T", "0.001", "1e-7", "-0.25"])
    calls("[12345.6, 1.5, 0.00012, 0].map(exactNumber)", ["12,346", "1.500", "1.20e-4", "0.000"])
    calls("linearTicks(-6, 106, 5)", [0, 20, 40, 60, 80, 100])
    calls("linearTicks(-0.29, 0.3, 5)", [-0.2, -0.1, 0, 0.1, 0.2, 0.3])
    calls("linearTicks(32.3, 37.9, 5)", [33, 34, 35, 36, 37])
    calls("logTicks(0.7, 14000)", [1, 10, 100, 1000, 10000])
    calls("logTicks(0.0007, 0.14)", [0.001, 0.01, 0.1])
    calls("logTicks(1.3, 11)", [2, 5, 10])
    far = [[i, 1000 if i < 5 else 1 + 0.01 * i] for i in range(101)]
    calls(f"curvesUp([{{points: {json.dumps(far)}}}], [], false).high < 3", True)
    calls(f"curvesUp([{{points: {json.dumps(far)}}}], [{{y: 900}}], false).high > 900", True)

    def drawn(points, axes=("linear",)):
        plot = {"title": "t", "x": "x", "y": "y", "axes": axes, "references": [], "curves": [{"name": "a", "colour": 0, "points": points}]}
        page.evaluate(f"""(figure => {{ figure.className = 'card chart added'; figure.innerHTML = '<script type="application/json"><' + '/script>';
          figure.querySelector('script').textContent = {json.dumps(json.dumps(plot))}; document.querySelector('main').append(figure);
          startPlot(figure, 'added'); }})(document.createElement('figure'))""")
        read = page.evaluate(f"{READ_PLOT}([...document.querySelectorAll('.added')].pop())")
        read["pressed"] = read["pressed"] or ["linear"]
        read["svg"] = page.evaluate("[...document.querySelectorAll('.added svg.plot')].pop().outerHTML")
        return read
    for points in [[], [[1, None], [2, None]]]:
        check("no values yet" in drawn(points)["text"], f"a plot of {points} does not say that it has no values")
    single = drawn([[5, 2]])
    check(single["curves"][0]["line"] == "" and len(single["curves"][0]["dots"]) == 1, "one point is no dot")
    gap = drawn([[0, 1], [1, 2], [2, None], [3, 4], [4, 5], [5, None], [6, 3]])["curves"][0]
    check((gap["line"].count("M"), gap["line"].count("L"), len(gap["dots"])) == (2, 2, 1), f"gaps: {gap}")
    for value in [0, 1, -3, 1e-12, 1e12, 1e300]:
        for axes in [["linear"], ["log", "linear"]] if value > 0 else [["linear"]]:
            for points in [[[0, value], [1, value], [2, value]], [[0, value], [1, 2 * value]]]:
                svg = drawn(points, axes)["svg"]
                check("NaN" not in svg and "Infinity" not in svg and 'class="line"' in svg, f"{points} on {axes}: {svg[:300]}")
    check_curves(drawn([[0, 1], [50, 10], [100, 100]], ["log", "linear"]), "a logarithmic axis")
    page.evaluate("document.querySelectorAll('.added').forEach(figure => figure.remove())")


def check_width(page, width):
    page.resize(width)
    page.settle()
    page.settle()
    wide = page.evaluate("document.documentElement.scrollWidth")
    check(wide <= width, f"at {width} pixels the page is {wide} wide")
    check(page.evaluate("[...document.querySelectorAll('svg.plot:not(.size)')].every(svg => Math.abs(svg.viewBox.baseVal.width - "
                        "svg.parentElement.clientWidth) <= 1)"), f"at {width} pixels a drawing has another width")


def check_without_script(page, path):
    page.scripts(False)
    page.open(path)
    text = page.evaluate("document.body.innerText")
    check("drawn by the page's script" in text, "the page does not say that its script does not run")
    check(page.evaluate("[...document.querySelectorAll('.chart, .stage')].every(node => node.offsetHeight === 0)"), "empty figures are shown")
    check(page.evaluate("document.querySelectorAll('td').length") > 20, "no tables without the script")
    check(page.evaluate("[...document.images].every(image => image.naturalWidth > 0 || !image.src)"), "no pictures without the script")
    page.scripts(True)


def main():
    if browser.find_browser() is None:
        print("SKIPPED: no Chromium: tools/install_deps.sh installs it")
        sys.exit(1 if "1" in (os.environ.get("PISR_REQUIRE_CHECKERS"), os.environ.get("PISR_REQUIRE_SHARED")) else 77)
    programs = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as folder, browser.Page() as page:
        path, published = make_page(programs, pathlib.Path(folder))
        page.resize(1200)
        page.open(path)
        page.settle()
        check_load(page)
        check_plots(page)
        check_pointer(page)
        check_divider(page)
        check_cost(page, published)
        check_functions(page)
        for width in (390, 768, 1200):
            check_width(page, width)
        page.dark()
        page.resize(390)
        page.open(path)
        page.settle()
        check_load(page)
        check_divider(page)
        check_without_script(page, path)
        for error in page.errors:
            check(False, error)
    if failures:
        sys.exit(f"{len(failures)} checks failed")
    print("the page works: curves, circles, divider, axes, without its script, at 390, 768 and 1200 pixels")


if __name__ == "__main__":
    try:
        main()
    except browser.BrowserError as error:
        sys.exit(f"browser: {error}")
