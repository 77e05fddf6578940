"""results.md: everything that was measured last, and what a human wrote below it."""

from tables import memory_table, race_table, scaling_tables, target_table

# Explanations, of targets that were missed for one, go below it.
MARKER = "<!-- below: written by hand; `make bench` keeps it -->"
MARKER_START = "<!-- below: written by hand"

HOW = """\
`make bench` wrote this page; its code is `benches/run`. The contestants take turns, round after
round, on two processors. Before each turn, all earlier writes are synced to disk. Every store to
open into is on a fresh ext4.

* A *ratio* is the median of the ratios of all rounds.
* *min..max* is the range, over all rounds, of the number before it.
* *Wall* is the time from the start to the end of the command that a user would type.
* *CPU* is the processor time of all its processes, daemons included.
* *Peak MB* is the peak memory of the largest of these processes, in any round.
* 1 MB is 10⁶ bytes."""

NOTES = """\
`open` ends when everything is on the disk. Its competitors end when everything is in memory; “the
same and `sync`” is the time that they need to get as far. Through a daemon, `open` is compared with
`nix-store --import` without one. Of bundles that open themselves, the first time includes that the program
is put in its place. Their competitor is unpacked to a directory, which is then on `PATH`, as the
environments of pixi-pack are: it checks, registers and syncs nothing, and its programs do not find each
other in `/nix/store`. A cold page cache still holds the programs. Peak memory below
16 MB cannot be told from that of the measuring process."""


def write(path, samples, groups, machine, versions):
    """Replaces what was measured, and keeps what was written by hand."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = report(samples, groups, machine, versions)
    path.write_text(f"{text}\n\n{MARKER}{written_by_hand(path)}")


def written_by_hand(path):
    text = path.read_text() if path.exists() else ""
    _, found, below = text.partition(MARKER_START)
    return below.partition("-->")[2] if found else "\n"


def report(samples, groups, machine, versions):
    names = [group.name for group in groups]
    parts = [
        "# Benchmark",
        HOW,
        "\n".join(f"* {name}: {value}" for name, value in {**machine, **versions}.items()),
        *other_versions(samples, versions),
        "## Targets",
        target_table(samples, names),
        "## Peak memory, two jobs",
        memory_table(samples, names),
    ]
    for group in groups:
        parts += section(samples, group)
    parts.append(NOTES)
    return "\n\n".join(parts)


def section(samples, group):
    """A group's heading and its tables."""
    if group.name == "scaling":
        create, unpack = scaling_tables(samples, group)
        return [
            f"## {group.title}",
            "Create; ratios are to `nix copy`, zstd:",
            create,
            "Open; ratios are to `zstd -dc` into `nix-store --import`:",
            unpack,
        ]
    tables = [f"## {group.title}"]
    for race in group.races:
        facts = samples.workload(group.name, race.workload)
        if facts:
            rounds = len(samples.rounds(group.name, race.workload))
            tables.append(
                f"Paths: {facts['paths']:,}; files: {facts['files']:,}; "
                f"NARs: {facts['nar_bytes'] / 1e6:.0f} MB; rounds: {rounds}."
            )
        tables.append(race_table(samples, group, race))
    return tables


def other_versions(samples, versions):
    """Says of groups that were measured before, with something else."""
    return [
        f"The group “{name}” was measured with {', '.join(other)}."
        for name, measured in samples.groups.items()
        if (other := [v for key, v in measured["versions"].items() if versions.get(key) != v])
    ]
