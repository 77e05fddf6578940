"""Samples as tables, for terminals and for results.md: the same Markdown."""

from targets import MEMORY_LIMITS, TARGETS, WALL_LIMITS, median, ratio

MB = 10**6
NONE = "–"

TITLES = {
    "quarter": "a quarter of the closure",
    "half": "half of the closure",
    "whole": "the closure",
    "small-paths": "small paths",
    "nixpkgs": "one path of many files",
    "big-file": "one path, one large file",
}


def target_table(samples, groups):
    """Of all targets that these groups measure."""
    rows = []
    for target in TARGETS:
        if target.group not in groups:
            continue
        own = samples.of(target.group, target.workload, target.contestant)
        peers = samples.of(target.group, target.workload, target.peer)
        for measure, limit in (("wall", target.wall), ("size", target.size)):
            if limit is not None:
                reached = ratio(own, peers, measure)
                row = judged(reached, limit, lambda number: f"{number:.3f}")
                rows.append([target.job, target.against, measure, *row])
    for limit in WALL_LIMITS:
        if limit.group in groups:
            reached = median(samples.of(limit.group, limit.workload, limit.contestant), "wall")
            row = judged(reached, limit.limit, lambda number: f"{number:.3f} s")
            rows.append([limit.job, NONE, "wall", *row])
    return table(["job", "against", "what", "ratio", "min..max", "target", ""], rows)


def memory_table(samples, groups):
    """The most of any round, against the limits."""
    rows = []
    for limit in MEMORY_LIMITS:
        if limit.group in groups:
            used = median(samples.of(limit.group, limit.workload, limit.contestant), "memory")
            verdict = NONE if used is None else met(used.most <= limit.limit)
            most = megabytes(used.most) if used else NONE
            rows.append([limit.job, most, f"≤ {megabytes(limit.limit)}", verdict])
    return table(["job", "peak MB", "limit MB", ""], rows)


def race_table(samples, group, race):
    """Everything that was measured in a race; ratios are to the first that does the same job."""
    rows, first = [], None
    for contestant in everybody(race):
        own = samples.of(group.name, race.workload, contestant.name)
        if first is None or (contestant.makes == "") != (first.makes == ""):
            first = contestant
        peers = samples.of(group.name, race.workload, first.name)
        wall, cpu, memory, size = (
            median(own, measure) for measure in ("wall", "cpu", "memory", "size")
        )
        if wall is None:
            continue
        row = [
            contestant.title,
            seconds(wall.middle),
            f"{seconds(wall.least)}..{seconds(wall.most)}",
            shown_ratio(ratio(own, peers, "wall")),
            seconds(cpu.middle),
            megabytes(memory.most),
            megabytes(size.middle) if size.middle else NONE,
            shown_ratio(ratio(own, peers, "size")),
        ]
        rows.append(row)
    header = ["", "wall s", "min..max", "ratio", "CPU s", "peak MB", "size MB", "ratio"]
    return table(header, rows)


def scaling_tables(samples, group):
    """How costs grow, from race to race, of either side."""
    create, unpack = [], []
    for race in group.races:
        facts = samples.workload(group.name, race.workload)
        if facts is None:
            continue
        of = {
            contestant.name: samples.of(group.name, race.workload, contestant.name)
            for contestant in race.contestants
        }
        peers = of.get("nix-copy", {})
        size = median(of["create"], "size")
        sizes = [
            TITLES[race.workload],
            megabytes(facts["nar_bytes"]),
            f"{facts['paths']:,}",
            f"{facts['files']:,}",
        ]
        packed = [
            megabytes(size.middle) if size else NONE,
            shown_ratio(ratio(of["create"], peers, "size")),
        ]
        create.append([*sizes, *side(facts, of["create"], peers), *packed])
        unpack.append([*sizes, *side(facts, of["open"], of.get("import", {}))])
    header = ["", "NARs MB", "paths", "files", "wall s", "MB/s", "ratio", "peak MB"]
    return table([*header, "size MB", "ratio"], create), table(header, unpack)


def side(facts, own, peers):
    wall, memory = median(own, "wall"), median(own, "memory")
    if wall is None:
        return [NONE] * 4
    return [
        seconds(wall.middle),
        f"{facts['nar_bytes'] / MB / wall.middle:.0f}",
        shown_ratio(ratio(own, peers, "wall")),
        megabytes(memory.most),
    ]


def everybody(race):
    for contestant in race.contestants:
        yield contestant
        if contestant.then:
            yield contestant.then


def judged(reached, limit, show):
    """The columns from the number to the verdict."""
    if reached is None:
        return [NONE, NONE, f"≤ {limit:g}", NONE]
    between = f"{show(reached.least)}..{show(reached.most)}"
    return [show(reached.middle), between, f"≤ {limit:g}", met(reached.middle <= limit)]


def met(yes):
    return "met" if yes else "**missed**"


def seconds(number):
    """Three digits: more would be noise."""
    return f"{number:.3f}" if number < 1 else f"{number:.2f}" if number < 100 else f"{number:.0f}"


def megabytes(number):
    return f"{number / MB:.1f}" if number < 10 * MB else f"{number / MB:.0f}"


def shown_ratio(measured):
    return f"{measured.middle:.2f}" if measured else NONE


def table(header, rows):
    """Markdown whose columns are aligned, to be read as it is."""
    if not rows:
        return "(not measured)"
    widths = [max(3, *(len(row[at]) for row in [header, *rows])) for at in range(len(header))]
    rule = ["-" * width for width in widths]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |"
        for row in [header, rule, *rows]
    )
