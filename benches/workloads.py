"""What is packed and unpacked: closures in the benchmark's own store, each made once and kept."""

import json
import os
import shutil
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import debian
import synthetic
from room import Failure, remove

MB, GB = 10**6, 10**9
MIB, GIB = 2**20, 2**30

# Change it when a recipe below changes: what was made by an older one is made anew.
RECIPES = 2

# For the whole benchmark: 6 GB of store, as much again while its largest path is made, and then
# bundles, streams and the file systems that they are opened on.
FREE_SPACE = 20 * GB

# Registering 5,000 paths takes minutes if each is synced to disk; the next sample syncs anyway.
NO_SYNC = "export NIX_CONFIG='fsync-metadata = false'"


@dataclass(frozen=True)
class Scale:
    """How large the workloads are."""

    debian: bool
    closure_paths: int  # of the stand-in, where there are no Debian packages
    small_paths: int
    big_file: int
    big_file_base: int
    source_files: int
    diamond_levels: int


FULL = Scale(
    debian=True,
    closure_paths=0,
    small_paths=5000,
    big_file=4 * GIB,
    big_file_base=64 * MIB,
    source_files=43_000,
    diamond_levels=18,
)
# Enough to go through every line of the benchmark, in seconds.
SMOKE = Scale(
    debian=False,
    closure_paths=40,
    small_paths=50,
    big_file=8 * MIB,
    big_file_base=MIB // 4,
    source_files=430,
    diamond_levels=4,
)


@dataclass(frozen=True)
class Workload:
    """A closure, its sizes, and the directory whose shell.nix needs it."""

    name: str
    top: str
    nar_bytes: int
    paths: int
    files: int
    shell: str


class Workloads:
    """Makes workloads when they are asked for the first time, and remembers them on disk."""

    def __init__(self, directory, rooms, scale, debs, say):
        self._directory, self._rooms, self._scale, self._say = directory, rooms, scale, say
        self._debs = debs
        self._memory = directory / "workloads.json"
        self._recipes = {
            "whole": self._closure,
            "half": lambda: self._prefix("half", 1 / 2),
            "quarter": lambda: self._prefix("quarter", 1 / 4),
            "small-paths": lambda: self._small_paths(scale.small_paths),
            "big-file": self._big_file,
            "nixpkgs": self._nixpkgs,
            "diamond": self._diamond,
            "built": lambda: self._built("built"),
            "rebuilt": self._rebuilt,
            "older": lambda: self._versions("before"),
            "newer": self._newer,
        }
        # What a target has before it is updated.
        self._before = {"rebuilt": "built", "newer": "older"}
        self._shells = {"diamond": self._write_diamond}

    def get(self, name):
        known = self._remembered()
        if name not in known:
            self._ensure_space()
            self._say(f"making the workload “{name}” …")
            workload = self._describe(name, self._recipes[name]())
            known = {**self._remembered(), name: asdict(workload)}  # a recipe may have made others
            self._memory.write_text(json.dumps({"recipes": RECIPES, "workloads": known}, indent=1))
        return Workload(**known[name])

    def _remembered(self):
        if not self._memory.exists():
            return {}
        memory = json.loads(self._memory.read_text())
        if memory["recipes"] != RECIPES:
            return {}
        return {
            name: known
            for name, known in memory["workloads"].items()
            if os.path.lexists(self._on_host(known["top"])) and os.path.exists(known["shell"])
        }

    def _ensure_space(self):
        free = shutil.disk_usage(self._directory).free
        if self._scale is FULL and free < FREE_SPACE:
            raise Failure(
                f"{self._directory} has {free // GB} GB of free space, and {FREE_SPACE // GB} GB"
                " are needed; name another directory with --dir"
            )

    def _describe(self, name, top):
        closure = self._sizes(top)
        shell = self._directory / "shells" / name
        shell.mkdir(parents=True, exist_ok=True)
        (shell / "shell.nix").write_text(SHELL.format(name=name, top=top))
        if name in self._shells:
            self._shells[name](shell)
        if name in self._before:
            before = shell.with_suffix(".before")
            before.unlink(missing_ok=True)
            before.symlink_to(self._before[name])
        return Workload(
            name=name,
            top=top,
            nar_bytes=sum(closure.values()),
            paths=len(closure),
            files=sum(count_files(self._on_host(path)) for path in closure),
            shell=str(shell),
        )

    def _sizes(self, top):
        """path → bytes of its NAR, of all that a path refers to, references first."""
        closure = self._rooms.ask('nix-store -qR "$top"', top=top).split()
        sizes = self._rooms.ask('nix-store -q --size $(nix-store -qR "$top")', top=top).split()
        return dict(zip(closure, map(int, sizes)))

    def _on_host(self, store_path):
        return self._rooms.store / Path(store_path).relative_to("/nix")

    # Recipes: each returns the store path that refers to all others of its closure.

    def _closure(self):
        if not self._scale.debian:
            return self._small_paths(self._scale.closure_paths)
        debs = self._debs
        if debs is None:
            self._say("downloading Debian packages …")
            debs = self._directory / "debs"
            debian.download(debs)
        return self._build(debian.expression(debs.absolute()))

    def _built(self, build):
        """The closure with store paths in many files, as a build or another one leaves it."""
        if not self._scale.debian:
            return self._small_paths(self._scale.closure_paths + len(build))
        debs = self._debs or self._directory / "debs"
        debian.download(debs)
        return self._build(debian.expression(debs.absolute(), build))

    def _rebuilt(self):
        self.get("built")
        return self._built("rebuilt")

    def _versions(self, when):
        """Packages before or after Debian's security updates."""
        if not self._scale.debian:
            return self._small_paths(self._scale.closure_paths + len(when))
        debs = self._directory / "versions"
        debian.download_versions(debs)
        return self._build(debian.expression((debs / when).absolute()))

    def _newer(self):
        self.get("older")
        return self._versions("after")

    def _prefix(self, name, share):
        """A part of the whole closure, with all that it refers to."""
        whole = self.get("whole")
        taken, size = [], 0
        for path, path_size in self._sizes(whole.top).items():
            if size >= whole.nar_bytes * share:
                break
            taken.append(path)
            size += path_size
        return self._text_referring_to(name, taken)

    def _small_paths(self, count):
        """Half of them directories, half texts that refer to others."""
        writer = synthetic.Writer(count)
        with self._files() as files:
            synthetic.write_directories(files / "directories", count // 2, writer)
            directories = self._rooms.ask(ADD_ALL, files=str(files)).split()
            synthetic.write_texts(files / "texts", count - count // 2 - 1, directories, writer)
            (files / "texts.nix").write_text(TEXTS)
            texts = self._evaluate(files / "texts.nix")
        return self._text_referring_to("small-paths", sorted(directories + texts))

    def _big_file(self):
        base = self._mixed_content(self.get("whole"), self._scale.big_file_base)
        with self._files() as files:
            synthetic.write_big_file(files / "big-file", self._scale.big_file, base)
            return self._add(files / "big-file")

    def _nixpkgs(self):
        with self._files() as files:
            synthetic.write_nixpkgs(files / "nixpkgs", self._scale.source_files)
            return self._add(files / "nixpkgs")

    def _diamond(self):
        return self._text_referring_to("diamond", [])

    def _write_diamond(self, shell):
        """Files of which each imports the next one twice; at their end is a fetch that nobody pins."""
        levels = self._scale.diamond_levels
        for level in range(levels):
            below = f"import ./level-{level + 1}.nix"
            (shell / f"level-{level}.nix").write_text(f"{below} + {below}\n")
        (shell / "fetched").write_text("1")
        fetch = f'builtins.fetchurl "file://{shell}/fetched"'
        (shell / f"level-{levels}.nix").write_text(
            # Half a second of work: more than what shellpack does besides evaluating.
            "builtins.foldl' builtins.add (builtins.fromJSON (builtins.readFile"
            f" ({fetch}))) (builtins.genList (number: number) 2000000)\n"
        )
        text = (shell / "shell.nix").read_text()
        text = text.replace("inputs =", "sum = import ./level-0.nix;\n  inputs =")
        (shell / "shell.nix").write_text(text)

    # What recipes are made of.

    @contextmanager
    def _files(self):
        """A directory for what Nix is to read, removed at the end."""
        scratch = self._rooms.scratch()
        try:
            yield scratch
        finally:
            remove(scratch)

    def _add(self, path):
        return self._rooms.ask(f'{NO_SYNC}; nix-store --add "$path"', path=str(path))

    def _build(self, expression):
        with self._files() as files:
            (files / "closure.nix").write_text(expression)
            build = f'{NO_SYNC}; nix-build --no-out-link --max-jobs 2 "$file"'
            return self._rooms.ask(build, file=f"{files}/closure.nix")

    def _evaluate(self, file):
        evaluate = "nix-instantiate --eval --strict --json --read-write-mode"
        return json.loads(self._rooms.ask(f'{NO_SYNC}; {evaluate} "$file"', file=str(file)))

    def _text_referring_to(self, name, paths):
        with self._files() as files:
            listed = "\n".join(f"  (builtins.storePath {path})" for path in paths)
            text = f'builtins.concatStringsSep "\\n" [\n{listed}\n]'
            (files / "top.nix").write_text(f'builtins.toFile "{name}" ({text})\n')
            return self._evaluate(files / "top.nix")

    def _mixed_content(self, workload, size):
        """Pieces of a closure's files, programs and texts: of as many files as it takes."""
        files = [
            file
            for path in self._sizes(workload.top)
            for file in regular_files(self._on_host(path))
        ]
        sizes = [file.stat().st_size for file in files]
        piece = 4096
        while sum(min(each, piece) for each in sizes) < min(size, sum(sizes)):
            piece *= 2
        content = bytearray()
        for file in files:
            with open(file, "rb") as opened:
                content += opened.read(piece)
        return bytes(content[:size])


SHELL = """\
derivation {{
  name = "{name}";
  system = builtins.currentSystem;
  builder = "/bin/sh";
  inputs = builtins.storePath {top};
}}
"""

ADD_ALL = f"""
{NO_SYNC}
find "$files/directories" -mindepth 1 -maxdepth 1 -print0 | sort -z | xargs -0 nix-store --add
"""

TEXTS = """\
let
  described = builtins.fromJSON (builtins.readFile ./texts/texts.json);
  texts = builtins.genList text (builtins.length described);
  text = number:
    let
      own = builtins.elemAt described number;
      needs = map (builtins.elemAt texts) own.texts ++ map builtins.storePath own.paths;
      content = builtins.readFile (./texts + "/${toString number}");
    in
    builtins.toFile own.name (builtins.concatStringsSep "\\n" (needs ++ [ content ]));
in
texts
"""


def regular_files(path):
    if path.is_file() and not path.is_symlink():
        yield path
    for folder, folders, names in os.walk(path):
        folders.sort()
        for name in sorted(names):
            file = Path(folder, name)
            if file.is_file() and not file.is_symlink():
                yield file


def count_files(path):
    """All that is no directory."""
    if path.is_symlink() or path.is_file():
        return 1
    return sum(
        len(names) + sum(Path(folder, each).is_symlink() for each in folders)
        for folder, folders, names in os.walk(path)
    )
