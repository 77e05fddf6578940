"""Runs races: every contestant in turn, round after round, each under the same conditions."""

import json
import os
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from contestants import MAKERS, Place
from room import Failure, Step, remove

# Inodes and room for a store that is empty at first: sparse, so it costs what is written to it.
# With less, ext4 would have fewer block groups than where stores usually live.
FREE_IN_IMAGE = 8 * 2**30

READ_STORE = 'find $(nix-store -qR "$top") -type f -print0 | xargs -0 cat | wc -c'


@dataclass(frozen=True)
class Sample:
    """One contestant's cost in one round: seconds, seconds, bytes, bytes."""

    workload: str
    contestant: str
    round: int
    wall: float
    cpu: float
    memory: int
    size: int


class Stadium:
    """Where races are run."""

    def __init__(self, rooms, workloads, rounds, warm_up, say):
        self._rooms, self._workloads, self._say = rooms, workloads, say
        self._rounds, self._warm_up = rounds, warm_up
        self._products = rooms.scratch()

    def run(self, race):
        """The samples of all rounds but the warm-up."""
        workload = self._workloads.get(race.workload)
        rounds = min(race.rounds, self._rounds)
        self._say(f"{workload.name}: reading the store once …")
        self._rooms.ask(READ_STORE, top=workload.top)
        samples = []
        for number in range(0 if race.warm_up and self._warm_up else 1, rounds + 1):
            # Nobody always runs after the same one.
            start = number % len(race.contestants)
            for contestant in race.contestants[start:] + race.contestants[:start]:
                made = self._sample(contestant, workload, number)
                samples += made if number > 0 else []
                self._show(made, number, rounds)
        return samples

    def _show(self, samples, number, rounds):
        which = f"round {number}/{rounds}" if number > 0 else "warm-up"
        for sample in samples:
            self._say(f"{sample.workload}: {which}: {sample.contestant}: {sample.wall:.3f} s")

    def _sample(self, contestant, workload, number):
        """What it cost, and what that which follows it cost."""
        environment = self._environment(contestant, workload)
        scratch = self._rooms.scratch()
        try:
            timed = [contestant] + ([contestant.then] if contestant.then else [])
            steps = [
                Step("preparation", preparation(contestant), environment=environment),
                *(timed_step(each, environment) for each in timed),
                Step(f"check of {contestant.name}", contestant.check, environment=environment),
            ]
            fresh = contestant.place is Place.FRESH
            nix = make_file_system(scratch, workload.nar_bytes) if fresh else None
            usages = self._rooms.run(steps, scratch, nix)
            size = size_of(scratch / "out" / contestant.makes) if contestant.makes else 0
            if contestant.product:
                made = scratch / "out" / contestant.makes
                made.replace(self._product(workload, contestant.makes))
        finally:
            remove(scratch)
        return [
            Sample(workload.name, each.name, number, **asdict(usages[each.name]), size=size)
            for each in timed
        ]

    def _environment(self, contestant, workload):
        """The variables of its scripts; what it needs of others is made if it is not there."""
        environment = {"top": workload.top, "shell": workload.shell}
        for product in contestant.needs:
            path = self._product(workload, product)
            if not path.exists():
                self._sample(MAKERS[product], workload, 0)
            environment[product] = str(path)
        return environment

    def _product(self, workload, name):
        return self._products / f"{workload.name}-{name}"


def preparation(contestant):
    lines = [f'cat "${product}" > /dev/null' for product in contestant.needs]
    if contestant.place is Place.FRESH:
        lines.append("nix-store --init")
    if contestant.before:
        lines.append(contestant.before)
    return "\n".join(lines)


def timed_step(contestant, environment):
    return Step(
        contestant.name,
        contestant.script,
        timed=True,
        cold=contestant.cold,
        daemon=contestant.daemon,
        environment=environment,
    )


def make_file_system(scratch, content):
    """A new ext4 in a file. On a file system where many files were deleted just before, ext4 takes
    several times as long to allocate inodes, for minutes."""
    image = scratch / "image"
    with open(image, "wb") as file:
        file.truncate(FREE_IN_IMAGE + 2 * content)
    # Lazily, or else it takes seconds; inside.py mounts it so that nothing is caught up with.
    options = ["-q", "-F", "-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard"]
    made = subprocess.run(["mkfs.ext4", *options, image], capture_output=True, text=True)
    if made.returncode != 0:
        raise Failure(f"mkfs.ext4 failed: {made.stderr.strip()}")
    return image


def size_of(path):
    """Bytes of a file, or of all files in a directory."""
    if not path.is_dir():
        return path.stat().st_size
    return sum(Path(at, name).stat().st_size for at, _, names in os.walk(path) for name in names)


class Samples:
    """The samples of each group's last run, and what they were taken of and with; on disk."""

    def __init__(self, path):
        self._path = path
        self.groups = json.loads(path.read_text()) if path.exists() else {}

    def replace(self, group, samples, workloads, versions):
        self.groups[group] = {
            "versions": versions,
            "workloads": {workload.name: asdict(workload) for workload in workloads},
            "samples": [asdict(sample) for sample in samples],
        }
        partial = self._path.with_suffix(".new")
        partial.write_text(json.dumps(self.groups, indent=1))
        partial.replace(self._path)

    def of(self, group, workload, contestant):
        """round → sample"""
        return {
            sample["round"]: Sample(**sample)
            for sample in self.groups.get(group, {}).get("samples", [])
            if (sample["workload"], sample["contestant"]) == (workload, contestant)
        }

    def rounds(self, group, workload):
        """The numbers of a race's rounds."""
        samples = self.groups.get(group, {}).get("samples", [])
        return {sample["round"] for sample in samples if sample["workload"] == workload}

    def workload(self, group, name):
        """Its sizes, as `Workload` has them; `None` if it was not measured."""
        return self.groups.get(group, {}).get("workloads", {}).get(name)
