"""The picture of the results: the ratio of each case, by group, beside the group's bar and the machine's limit."""

import statistics

# A group's cases are drawn in a strip, each a little lower than the one before it.
STRIP = 0.62
REACHED, BELOW, BAR, LIMIT = "#2f6f9f", "#c8452e", "#222222", "#b0b0b0"


def draw(kept, path):
    """Writes a PNG. Needs matplotlib."""
    import matplotlib

    with matplotlib.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = drawn(grouped(kept["results"]))
        figure.savefig(path, dpi=90, metadata={"Software": None})


def grouped(results):
    """[(title, bar, results), ...] of the groups that have a bar, the first at the top."""
    titles = dict.fromkeys(r["group"] for r in results if r["wanted"] is not None)
    groups = [(title, [r for r in results if r["group"] == title]) for title in titles]
    return [(title, members[0]["wanted"], members) for title, members in groups]


def drawn(groups):
    """The figure, without a window or a global state."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    figure = Figure(figsize=(9.5, 0.52 * len(groups) + 1.3), layout="constrained")
    axes = figure.subplots()
    for place, (_, wanted, results) in enumerate(groups):
        group(axes, place, wanted, results)
    axes.axvline(1, color=LIMIT, linewidth=1, zorder=0)
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    ticks = [x for x in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500) if low < x < high]
    axes.set_xticks(ticks, [f"{x:g}" for x in ticks])
    axes.set_xticks([], minor=True)
    axes.set_ylim(len(groups) - 0.5, -0.5)
    axes.set_yticks(range(len(groups)), [broken(title) for title, _, _ in groups])
    axes.tick_params(axis="y", length=0)
    beside(axes, -0.75, "median")
    axes.set_xlabel("PyTorch's time over Rushlight's (right of 1: Rushlight is quicker)")
    dot = {"marker": "o", "linestyle": "", "markersize": 5}
    handles = [
        Line2D([], [], color=REACHED, label="a case", **dot),
        Line2D([], [], color=BELOW, label="a case below its bar", **dot),
        Line2D([], [], color=BAR, linewidth=2, label="the bar"),
        Line2D(
            [],
            [],
            color=LIMIT,
            marker="|",
            linestyle="",
            markersize=8,
            markeredgewidth=2,
            label="at the machine's limit",
        ),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=4, frameon=False)
    return figure


def group(axes, place, wanted, results):
    """A strip: a dot for each case, a stroke for the bar, and for large workloads where the machine's limit is."""
    results = sorted(results, key=lambda r: r["ratio"])
    heights = [place + STRIP * ((k + 0.5) / len(results) - 0.5) for k in range(len(results))]
    limits = [(r["ratio"] / r["limit"], height) for r, height in zip(results, heights) if r.get("limit")]
    if limits:
        axes.scatter(*zip(*limits), marker="|", color=LIMIT, s=28, linewidth=1.5, zorder=1)
    colours = [BELOW if r["ratio"] < wanted else REACHED for r in results]
    axes.scatter([r["ratio"] for r in results], heights, color=colours, s=14, linewidth=0, zorder=3)
    axes.plot([wanted, wanted], [place - 0.4, place + 0.4], color=BAR, linewidth=2, zorder=2)
    middle = statistics.median(r["ratio"] for r in results)
    beside(axes, place, f"{middle:.1f}")


def beside(axes, place, text):
    axes.annotate(text, (1.005, place), xycoords=("axes fraction", "data"), va="center", annotation_clip=False)


def broken(title, width=46):
    """A title in two lines where it is long."""
    if len(title) <= width:
        return title
    at = title.rfind(" ", 0, len(title) // 2 + 8)
    return f"{title[:at]}\n{title[at + 1 :]}"
