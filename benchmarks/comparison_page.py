"""The results of compare_torch.py as Markdown tables and as a plot."""

COLOURS = {"pisr": "#1b6ca8", "oneDNN": "#7a9e3f", "torch tuned": "#e08e2b", "ONNX Runtime": "#8e5ba6", "torch plain": "#b9b9b9"}


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def markdown(result):
    limits = ", ".join("%s thread%s %.1f GFLOP/s" % (n, "" if n == "1" else "s", g)
                       for n, g in result["fma_gflops"].items())
    text = "Instruction set %s; FMA peak: %s; %d rounds.\n\n" % (result["instruction_set"], limits, result["rounds"])
    rows = []
    for row in result["comparisons"]:
        for s in row["systems"]:
            system = s["system"] + (" (%s)" % s["variant"] if s["variant"] else "")
            difference = "-" if s["difference"] is None else "%.1e" % s["difference"]
            rows.append([row["work"], str(row["threads"]), system, "%.1f" % s["median_ms"], "%.1f" % s["gflops"],
                         "%.1f" % s["percent_of_peak"],
                         "%.2f (%.2f - %.2f)" % (s["ratio"], s["least_ratio"], s["largest_ratio"]),
                         "%.0f" % s["peak_mb"], difference])
    text += table(["work", "threads", "system", "ms", "GFLOP/s", "% of peak", "time / pisr's", "peak MB", "difference"],
                  rows)
    if result["first_frame"]:
        text += "\nFrom the start of a fresh process to the end of its first W1:\n\n"
        text += table(["system", "threads", "ms", "time / pisr's"],
                      [[f["system"], str(f["threads"]), "%.1f" % f["ms"], "%.2f" % f["ratio"]]
                       for f in result["first_frame"]])
    if result["growth"]:
        text += "\nW1 by pisr at other sizes of the small image:\n\n"
        text += table(["size", "threads", "ms", "ns / pixel", "memory beyond the input, MB", "of it the output, MB"],
                      [[g["size"], str(g["threads"]), "%.1f" % g["ms"], "%.1f" % g["ns_per_pixel"],
                        "%.1f" % g["extra_mb"], "%.1f" % g["output_mb"]] for g in result["growth"]])
    return text


def svg(result):
    """Bars of the share of the FMA peak, the time beside each."""
    bar, gap, left, width = 15, 12, 150, 420
    parts = []
    y = 34
    for row in result["comparisons"]:
        top = y
        for s in row["systems"]:
            length = width * s["percent_of_peak"] / 100
            colour = COLOURS.get(s["system"], "#888888")
            parts.append('<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>' % (left, y, length, bar - 3, colour))
            parts.append('<text x="%.1f" y="%d">%s: %.1f ms, %.0f %%</text>'
                         % (left + length + 5, y + 10, s["system"], s["median_ms"], s["percent_of_peak"]))
            y += bar
        parts.append('<text x="%d" y="%d" text-anchor="end">%s, %d thread%s</text>'
                     % (left - 8, (top + y) / 2 + 2, row["work"], row["threads"], "" if row["threads"] == 1 else "s"))
        y += gap
    for percent in (0, 20, 40, 60, 80, 100):
        x = left + width * percent / 100
        parts.insert(0, '<line x1="%.0f" y1="26" x2="%.0f" y2="%d" stroke="#dddddd"/>' % (x, x, y - gap))
        parts.append('<text x="%.0f" y="20" text-anchor="middle">%d %%</text>' % (x, percent))
    head = ('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">'
            % (left + width + 190, y))
    title = "<title>Share of the FMA peak, and time, of each workload</title>"
    return "\n".join([head, title, '<rect width="100%" height="100%" fill="white"/>'] + parts + ["</svg>"]) + "\n"
