"""What shellpack is to reach: ratios to peers in the same rounds, and absolute limits."""

import statistics
from dataclasses import dataclass

MB = 10**6


@dataclass(frozen=True)
class Target:
    """In a group's race on a workload, a contestant against another one."""

    job: str
    against: str
    group: str
    workload: str
    contestant: str
    peer: str
    wall: float
    size: float | None = None


ZSTD = "`nix copy`, zstd"
XZ = "`nix copy`, xz"
STREAM = "`zstd -dc` into `nix-store --import`"

TARGETS = (
    Target("create", ZSTD, "create", "whole", "create", "nix-copy", 0.65, 0.85),
    Target("create, cold page cache", ZSTD, "cold", "whole", "create-cold", "nix-copy-cold", 0.65),
    Target("create `--level fast`", ZSTD, "create", "whole", "create-fast", "nix-copy", 0.45, 0.95),
    Target("create `--level small`", XZ, "slow", "whole", "create-small", "nix-copy-xz", 0.55, 0.93),
    Target("create, 43,000 files", ZSTD, "files43k", "nixpkgs", "create", "nix-copy", 0.5),
    Target("open, own store", STREAM, "open", "whole", "open", "import", 0.35),
    Target("open, through a daemon", STREAM, "open", "whole", "open-daemon", "import", 0.50),
    Target("open, 43,000 files", STREAM, "files43k", "nixpkgs", "open", "import", 0.5),
    Target("open again", "the first open", "open", "whole", "open-again", "open", 0.03),
    Target("`sh dev.run`, first time", "open `--store`", "run", "quarter", "run", "open-own", 1.1),
    Target("verify", "`zstd -t`", "verify", "whole", "verify", "zstd-test", 1.0),
    # With the manifest, which is most of it.
    Target("update, every path rebuilt", "create", "update", "rebuilt", "create-update", "create", 1.5, 0.002),
    Target("open of that update", "open", "update", "rebuilt", "open-update", "open", 1.0),
    Target("update, newer versions", "create", "update", "newer", "create-update", "create", 1.5, 0.15),
    Target("open of that update", "open", "update", "newer", "open-update", "open", 1.0),
    Target("create again", "create", "update", "rebuilt", "create-again", "create", 0.35),
    # Evaluated as it is, recorded, and answered; to enter, before and by nix-shell.
    Target("create, diamond", "`nix-instantiate`", "diamond", "diamond", "evaluate", "instantiate", 4),
    Target("entry, diamond", "`nix-shell`", "diamond", "diamond", "enter", "nix-shell", 3),
    Target("rehearsal, read-back", "without", "create", "whole", "create-proved", "create", 1.4),
)


@dataclass(frozen=True)
class Limit:
    """What a contestant must not take more of, whatever others do."""

    job: str
    group: str
    workload: str
    contestant: str
    limit: float


WALL_LIMITS = (
    # The shell has no `setup`, so this is all that entering takes.
    Limit("entry, no evaluation", "entry", "whole", "enter-no-eval", 0.06),
    Limit("`sh dev.run`, again, no Nix", "run", "quarter", "run-bare-again", 0.15),
    Limit("env", "entry", "whole", "env", 0.05),
    Limit("inventory, 20,000 paths", "inventory", "small-paths", "inventory", 1.0),
    Limit("inspect, 5,000 paths", "inspect", "small-paths", "inspect", 0.1),
)

# With two jobs, and the same for a path of any size.
CREATE_MEMORY, SMALL_MEMORY, OPEN_MEMORY = 400 * MB, 600 * MB, 270 * MB
# A segment and its prefix are 112 MiB for each job.
UPDATE_MEMORY = 310 * MB

MEMORY_LIMITS = (
    Limit("create", "create", "whole", "create", CREATE_MEMORY),
    Limit("create, 43,000 files", "files43k", "nixpkgs", "create", CREATE_MEMORY),
    Limit("create, one file of 4 GiB", "scaling", "big-file", "create", CREATE_MEMORY),
    Limit("create `--level small`", "slow", "whole", "create-small", SMALL_MEMORY),
    Limit("create `--base`", "update", "rebuilt", "create-update", SMALL_MEMORY),
    Limit("open of an update", "update", "rebuilt", "open-update", UPDATE_MEMORY),
    Limit("open", "open", "whole", "open", OPEN_MEMORY),
    Limit("open, through a daemon", "open", "whole", "open-daemon", OPEN_MEMORY),
    Limit("`sh dev.run`, first time", "run", "quarter", "run", OPEN_MEMORY),
    Limit("open, 43,000 files", "files43k", "nixpkgs", "open", OPEN_MEMORY),
    Limit("open, one file of 4 GiB", "scaling", "big-file", "open", OPEN_MEMORY),
)


@dataclass(frozen=True)
class Measured:
    """A number, between the least and the most of the rounds."""

    middle: float
    least: float
    most: float


def median(samples, measure):
    """Of one contestant's rounds; `None` if there are none."""
    return spread([getattr(sample, measure) for sample in samples.values()])


def ratio(samples, peers, measure):
    """The median of the rounds' ratios, since a slow minute slows both; `None` without rounds."""
    pairs = [
        (getattr(samples[number], measure), getattr(peers[number], measure))
        for number in samples.keys() & peers.keys()
    ]
    return spread([own / other for own, other in pairs if other])


def spread(values):
    if not values:
        return None
    return Measured(statistics.median(values), min(values), max(values))
