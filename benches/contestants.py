"""Who runs against whom: the commands, as bash scripts, and the groups that run interleaved.

What scripts may use: $top, the path to pack; $shell, the directory of a shell.nix that needs it;
$out, an empty directory; $bundle and $stream, what `create` and `export` made of the workload;
$segments, the bundle's closure as one file; $base, a bundle of what the workload was before, and $update,
the update to it; $run, a bundle that opens itself, and $tarball, its closure as
tar and zstd pack it; $shellpack, $static, which is that for any machine, and $jobs.
"""

from dataclasses import dataclass
from enum import Enum

NIX = "nix --extra-experimental-features nix-command"


class Place(Enum):
    """Where a contestant runs."""

    STORE = "the benchmark's store, which holds the workload"
    FRESH = "an empty store on a file system of its own"


@dataclass(frozen=True)
class Contestant:
    """One way to do a job. Its name is its key in samples."""

    name: str
    title: str
    script: str
    place: Place = Place.STORE
    # Untimed, in the same room: what must have been done before.
    before: str = ""
    # Untimed: what it made is as it should be, or this fails.
    check: str = "true"
    # The file or directory in $out whose size counts.
    makes: str = ""
    # Others read what it makes.
    product: bool = False
    # It reads these products of others; they are read once before it is timed.
    needs: tuple[str, ...] = ()
    cold: bool = False
    daemon: bool = False
    # Runs directly after it on the same store.
    then: "Contestant | None" = None


@dataclass(frozen=True)
class Race:
    """Contestants that run in turn on one workload, several rounds."""

    workload: str
    contestants: tuple[Contestant, ...]
    # At most; the command line may ask for fewer.
    rounds: int = 1000
    # One more round, whose samples are dropped: a virtual machine's first touch of a page is slow.
    warm_up: bool = True


@dataclass(frozen=True)
class Group:
    """Races that are asked for by one name."""

    name: str
    title: str
    races: tuple[Race, ...]


# The create side. `--threads 2` and `-T2` are what both do by default on two processors.

ALL_PATHS_ARE_THERE = 'test $(ls "$out"/cache/*.narinfo | wc -l) = $(nix-store -qR "$top" | wc -l)'
BUNDLE_IS_SOUND = '"$shellpack" verify --quiet "$out/bundle"'


def nix_copy(name, title, compression, cold=False):
    return Contestant(
        name,
        title,
        f'{NIX} copy --to "file://$out/cache{compression}" "$top"',
        makes="cache",
        check=ALL_PATHS_ARE_THERE,
        cold=cold,
    )


def export(name, title, compression, product=False):
    return Contestant(
        name,
        title,
        f'nix-store --export $(nix-store -qR "$top") | zstd -q {compression} -o "$out/stream"',
        makes="stream",
        check='zstd -tq "$out/stream"',
        product=product,
    )


def create(name, title, options, product=False, cold=False):
    return Contestant(
        name,
        title,
        f'"$shellpack" create "$shell" -o "$out/bundle" --threads 2 {options}',
        makes="bundle",
        check=BUNDLE_IS_SOUND,
        product=product,
        cold=cold,
    )


# Neither rehearsal nor read-back: what the peers do not do.
LEAN = "--no-rehearsal $no_read_back"

NIX_COPY = nix_copy("nix-copy", "`nix copy`, zstd", "?compression=zstd")
NIX_COPY_COLD = nix_copy("nix-copy-cold", "`nix copy`, zstd, cold", "?compression=zstd", cold=True)
NIX_COPY_XZ = nix_copy("nix-copy-xz", "`nix copy`, xz (its default)", "")
EXPORT = export("export", "`nix-store --export`, zstd -3", "-T$jobs -3 --long=27", True)
EXPORT_19 = export("export-19", "`nix-store --export`, zstd -19", "-T$jobs -19 --long=27")
CREATE = create("create", "create", LEAN, product=True)
CREATE_COLD = create("create-cold", "create, cold", LEAN, cold=True)
CREATE_FAST = create("create-fast", "create `--level fast`", f"{LEAN} --level fast")
CREATE_SMALL = create("create-small", "create `--level small`", f"{LEAN} --level small")
CREATE_PROVED = create("create-proved", "create with rehearsal and read-back", "")

# The open side.

IS_VALID = 'nix-store --check-validity "$top"'


def import_stream(name, title, afterwards="", daemon=False):
    return Contestant(
        name,
        title,
        f'zstd -dc "$stream" | nix-store --import {afterwards}',
        place=Place.FRESH,
        check=IS_VALID,
        needs=("stream",),
        daemon=daemon,
    )


def open_bundle(name, title, daemon=False, then=None):
    return Contestant(
        name,
        title,
        '"$shellpack" open "$bundle" --no-shell --threads 2',
        place=Place.FRESH,
        check=IS_VALID,
        needs=("bundle",),
        daemon=daemon,
        then=then,
    )


IMPORT = import_stream("import", "`zstd -dc` into `nix-store --import`")
# It leaves its writes in memory, where `open` does not say “done” before they are on the disk.
IMPORT_SYNC = import_stream("import-sync", "the same and `sync`", "; sync -f /nix")
IMPORT_DAEMON = import_stream("import-daemon", "the same through a daemon", daemon=True)
OPEN_AGAIN = open_bundle("open-again", "open again, all present")
OPEN = open_bundle("open", "open", then=OPEN_AGAIN)
OPEN_DAEMON = open_bundle("open-daemon", "open through a daemon", daemon=True)

# The rest.

VERIFY = Contestant("verify", "verify", '"$shellpack" verify --threads 2 "$bundle"', needs=("bundle",))
ZSTD_TEST = Contestant(
    "zstd-test", "`zstd -t` of its segments", 'zstd -tq "$segments"', needs=("segments",)
)
INSPECT = Contestant("inspect", "inspect", '"$shellpack" inspect "$bundle"', needs=("bundle",))

# Entering: everything is there, and evaluating the shell takes no time worth mentioning.


def entry(name, title, options):
    return Contestant(
        name,
        title,
        f'"$shellpack" open "$bundle" {options} --run true',
        before='"$shellpack" open "$bundle" --no-shell',
        needs=("bundle",),
    )


NIX_SHELL = Contestant(
    "nix-shell",
    "`nix-shell --run true`",
    'cd "$shell" && NIX_BUILD_SHELL=bash nix-shell --run true',
)
ENTER = entry("enter", "open, evaluating", "")
ENTER_NO_EVAL = entry("enter-no-eval", "open `--no-eval`", "--no-eval")
ENV = Contestant(
    "env",
    "env",
    'cd opened && "$shellpack" env > /dev/null',
    before='"$shellpack" open "$bundle" --no-shell --dir opened',
    needs=("bundle",),
)

# Bundles that open themselves, beside what else brings programs to a machine in one file. All of them leave
# the closure in a new directory, and run `true` with it.

OWN_IS_THERE = 'test -e "$out/own$top"'


def into_own(name, title, command, needs):
    """Into a store of ours, and then the same again."""
    script = f'{command} --run true'
    again = Contestant(f"{name}-again", f"{title}, again", script)
    return Contestant(name, f"{title}, first", script, check=OWN_IS_THERE, needs=needs, then=again)


OPEN_OWN = into_own(
    "open-own", "open `--store`", '"$static" open "$bundle" --store "$out/own" --dir opened', ("bundle",)
)
RUN = into_own("run", "`sh dev.run`", 'sh "$run" --store "$out/own" --dir opened', ("run",))
# Where there is no Nix, it evaluates nothing.
RUN_BARE = into_own(
    "run-bare",
    "`sh dev.run --no-eval`",
    'sh "$run" --store "$out/own" --dir opened --no-eval',
    ("run",),
)
# As the environments of pixi-pack and the relocatable packs of Guix: unpacked to a directory, which is then
# on PATH. Nothing is checked, registered or synced, and nothing sees `/nix`.
WITH_UNPACKED = 'PATH="$out/own$top/bin:$PATH" bash -c true'
UNPACK_AGAIN = Contestant("unpack-again", "run what `tar` unpacked, again", WITH_UNPACKED)
UNPACK = Contestant(
    "unpack",
    "`zstd -dc` into `tar -x`, and run",
    f'mkdir "$out/own" && zstd -dc "$tarball" | tar -xf - -C "$out/own" && {WITH_UNPACKED}',
    check=OWN_IS_THERE,
    needs=("tarball",),
    then=UNPACK_AGAIN,
)

# What a target has: paths that are registered, as many as a workstation's, without files.

REGISTERED = r"""awk 'BEGIN {
    srand(1)
    split("python3.11 perl5.36 haskell rust lib gnome kde texlive node ocaml", kinds)
    split("core utils json http parse net crypto data text graph tool doc image test", words)
    split(" -dev -doc -bin -lib -man", outputs, " ")
    for (n = 0; n < 20000; n++) {
        part = digest = ""
        for (at = 0; at < 32; at++) part = part substr("0123456789abcdfghijklmnpqrsvwxyz", 1 + int(rand() * 32), 1)
        for (at = 0; at < 64; at++) digest = digest substr("0123456789abcdef", 1 + int(rand() * 16), 1)
        name = kinds[1 + int(rand() * 10)] "-" words[1 + int(rand() * 14)] words[1 + int(rand() * 14)]
        version = int(rand() * 9) "." int(rand() * 30) "." int(rand() * 12) outputs[int(rand() * 12)]
        printf "/nix/store/%s-%s-%s\n%s\n%d\n\n0\n", part, name, version, digest, 120 + 8 * int(rand() * rand() * 1000000)
    }
}' | nix-store --load-db"""

INVENTORY = Contestant(
    "inventory",
    "inventory",
    '"$shellpack" inventory -o "$out/have.spi"',
    place=Place.FRESH,
    before=REGISTERED,
    makes="have.spi",
    # 72 bytes a path, and the room for signatures.
    check='grep -aqx "paths = 20000" "$out/have.spi" && test $(stat -c %s "$out/have.spi") -le 1445000',
)
PATH_INFO = Contestant(
    "path-info",
    "`nix path-info --all --json`",
    f'{NIX} path-info --all --json > "$out/infos"',
    place=Place.FRESH,
    before=REGISTERED,
    makes="infos",
)

# Evaluating: every file once, however many others import it.

INSTANTIATE = Contestant(
    "instantiate", "`nix-instantiate`", 'cd "$shell" && nix-instantiate --quiet shell.nix'
)
EVALUATE = Contestant(
    "evaluate",
    "create `--dry-run`, not rehearsed",
    '"$shellpack" create "$shell" -o "$out/bundle" --dry-run --no-rehearsal',
)

# Updates: the workload is what another one became, $shell.before: a rebuild, in which every store path is
# another, or newer versions.

CREATE_BASE = Contestant(
    "create-base",
    "create of what is there before",
    f'"$shellpack" create "$shell.before/" -o "$out/base" --threads 2 {LEAN}',
    makes="base",
    product=True,
)
CREATE_UPDATE = Contestant(
    "create-update",
    "create `--base`",
    f'"$shellpack" create "$shell" -o "$out/update" --base "$base" --threads 2 {LEAN}',
    makes="update",
    check='"$shellpack" verify --quiet "$out/update" --base "$base"',
    product=True,
    needs=("base",),
)
CREATE_AGAIN = Contestant(
    "create-again",
    "create `--force` of the same",
    f'"$shellpack" create "$shell" -o "$out/again" --force --threads 2 {LEAN}',
    before=f'"$shellpack" create "$shell" -o "$out/again" --threads 2 {LEAN}',
    makes="again",
    check='"$shellpack" verify --quiet "$out/again"',
)
# What zstd alone makes of it: the old stream as the prefix of the new one, as they are.
PLAIN_PREFIX = Contestant(
    "plain-prefix",
    "`zstd -3 --patch-from`",
    'zstd -q -3 --long=31 --patch-from="$out/old" "$out/new" -o "$out/patch"',
    before='top_before=$(sed -n "s/.*storePath \\(.*\\);/\\1/p" "$shell.before/shell.nix")\n'
    'nix-store --export $(nix-store -qR "$top_before") > "$out/old"\n'
    'nix-store --export $(nix-store -qR "$top") > "$out/new"',
    makes="patch",
)
OPEN_UPDATE = Contestant(
    "open-update",
    "open of the update",
    '"$shellpack" open "$update" --no-shell --threads 2',
    place=Place.FRESH,
    before='"$shellpack" open "$base" --no-shell --threads 2',
    check=IS_VALID,
    needs=("base", "update"),
)

# How products are made when their contestant has not run yet, or has none.
SEGMENTS = Contestant(
    "segments",
    "the segments of a bundle",
    'tar -xOf "$bundle" --wildcards "closure/*.zst" > "$out/segments"',
    makes="segments",
    product=True,
    needs=("bundle",),
)
CREATE_RUN = Contestant(
    "create-run",
    "create `--executable`",
    f'"$shellpack" create "$shell" -o "$out/run" --executable --opener "$static" --threads 2 {LEAN}',
    makes="run",
    product=True,
)
TAR = Contestant(
    "tar",
    "`tar` and zstd -3",
    'tar -cf - -C / $(nix-store -qR "$top" | cut -c 2-) | zstd -q -T$jobs -3 --long=27 -o "$out/tarball"',
    makes="tarball",
    product=True,
)
MAKERS = {
    maker.makes: maker
    for maker in (CREATE, EXPORT, SEGMENTS, CREATE_RUN, TAR, CREATE_BASE, CREATE_UPDATE)
}

# The table shows how costs grow; the ratios that count are measured elsewhere.
SCALING_ROUNDS = 2

BOTH_SIDES = (NIX_COPY, EXPORT, CREATE, IMPORT, OPEN)


def groups(slow_rounds):
    """In the order in which they run."""
    peers_and_create = (NIX_COPY, EXPORT, CREATE, CREATE_FAST, CREATE_PROVED)
    peers_and_open = (IMPORT, IMPORT_SYNC, IMPORT_DAEMON, OPEN, OPEN_DAEMON)
    slow = (NIX_COPY_XZ, EXPORT_19, CREATE_SMALL)
    return (
        Group("create", "Create", (Race("whole", peers_and_create),)),
        Group("open", "Open", (Race("whole", peers_and_open),)),
        Group("entry", "Entry", (Race("whole", (NIX_SHELL, ENTER, ENTER_NO_EVAL, ENV)),)),
        Group(
            "run",
            "Bundles that open themselves",
            (Race("quarter", (OPEN_OWN, RUN, RUN_BARE, UNPACK, NIX_SHELL)),),
        ),
        Group(
            "diamond",
            "A diamond of imports, 18 levels",
            (Race("diamond", (INSTANTIATE, EVALUATE, NIX_SHELL, ENTER)),),
        ),
        Group("verify", "Verify", (Race("whole", (ZSTD_TEST, VERIFY)),)),
        Group("inspect", "Inspect", (Race("small-paths", (INSPECT,)),)),
        Group(
            "inventory",
            "Inventory of 20,000 paths",
            (Race("small-paths", (PATH_INFO, INVENTORY)),),
        ),
        Group(
            "update",
            "Updates: a rebuild of everything, and newer versions",
            (
                Race(
                    "rebuilt",
                    (CREATE, CREATE_UPDATE, CREATE_AGAIN, PLAIN_PREFIX, OPEN, OPEN_UPDATE),
                    2,
                ),
                Race("newer", (CREATE, CREATE_UPDATE, PLAIN_PREFIX, OPEN, OPEN_UPDATE)),
            ),
        ),
        Group("files43k", "One path of 43,000 files", (Race("nixpkgs", BOTH_SIDES),)),
        Group(
            "scaling",
            "Scaling",
            (
                Race("quarter", BOTH_SIDES, SCALING_ROUNDS),
                Race("half", BOTH_SIDES, SCALING_ROUNDS),
                Race("whole", BOTH_SIDES, SCALING_ROUNDS),
                Race("small-paths", BOTH_SIDES, SCALING_ROUNDS),
                Race("nixpkgs", BOTH_SIDES, SCALING_ROUNDS),
                # Not `nix-store --import`: it holds each NAR in memory.
                Race("big-file", (NIX_COPY, CREATE, OPEN), SCALING_ROUNDS, warm_up=False),
            ),
        ),
        Group("cold", "Cold page cache", (Race("whole", (NIX_COPY_COLD, CREATE_COLD)),)),
        # Minutes each, in which a first touch does not show.
        Group("slow", "Slow", (Race("whole", slow, slow_rounds, warm_up=False),)),
    )
