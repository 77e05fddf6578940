"""A machine for torture: its own /nix and home, no network, and a look at what is there afterwards."""

import hashlib
import os
import subprocess
from pathlib import Path

NIX_CONFIG = "substituters =\nsandbox = false\nbuild-users-group =\n"

# A room of its own for each command. What ends with it cannot disturb the next one.
ROOM = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child"]

PROLOGUE = """
mount -t proc proc /proc; ip link set lo up 2>/dev/null
mount --bind "$MACHINE/nix" /nix; export HOME=$MACHINE/home TMPDIR=$MACHINE/tmp; cd "$HOME"
"""

DAEMON = """
rm -f /nix/var/nix/daemon-socket/socket
nix-daemon > "$MACHINE/daemon.log" 2>&1 & for i in $(seq 50); do
  [ -S /nix/var/nix/daemon-socket/socket ] && break; sleep .1; done; export NIX_REMOTE=daemon
"""

# Exit codes that no command of shellpack's may have: a panic, and 128 + SIGABRT, SIGSEGV, SIGBUS, SIGILL.
CRASHES = {101, 134, 139, 135, 132}


class Broken(Exception):
    """A promise that does not hold."""


class Machine:
    def __init__(self, directory, shellpack, template=None, trusted=None):
        self.dir = Path(directory)
        self.shellpack = Path(shellpack)
        self.template = template
        self.trusted = trusted
        self.dir.mkdir(parents=True)
        self.reset()

    def reset(self):
        """As it was made: an empty store, an empty home."""
        for name in ["nix", "home", "tmp"]:
            remove(self.dir / name)
        if self.template:
            subprocess.run(["cp", "-a", self.template, self.dir / "nix"], check=True)
        else:
            for name in ["nix/store", "nix/var"]:
                (self.dir / name).mkdir(parents=True)
        (self.dir / "home/.config/shellpack").mkdir(parents=True)
        (self.dir / "tmp").mkdir()
        if self.trusted:
            policy = self.dir / "home/.config/shellpack/config.toml"
            policy.write_text(f'trusted-keys = ["{self.trusted}"]\n')

    def run(self, script, daemon=False, timeout=120):
        """Runs a script of bash's. Returns its exit code and what it printed."""
        environment = {
            "PATH": f"{self.shellpack.parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "MACHINE": str(self.dir),
            "NIX_CONFIG": NIX_CONFIG,
            "LC_ALL": "C.UTF-8",
        }
        script = PROLOGUE + (DAEMON if daemon else "") + script
        done = subprocess.run(
            [*ROOM, "bash", "-c", script],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
        )
        said = done.stdout.decode(errors="replace")
        if done.returncode in CRASHES or "panicked at" in said:
            raise Broken(f"crashed with {done.returncode}: {said[-600:]}")
        return done.returncode, said

    def succeed(self, script, **options):
        code, said = self.run(script, **options)
        if code != 0:
            raise Broken(f"exit code {code} of {script.strip()}: {said[-600:]}")
        return said

    def store(self):
        """The digest of each path in the store."""
        store = self.dir / "nix/store"
        names = [name for name in os.listdir(store) if not name.startswith(".")]
        return {name: digest(store / name) for name in names}

    def project(self, name):
        """The digest of an opened project, if there is one."""
        place = self.dir / "home" / name
        return digest(place) if place.exists() else None

    def leftovers(self):
        """What nobody should find after an error."""
        home, found = self.dir / "home", []
        found += [str(it) for it in home.glob(".shellpack-*")]
        roots = home / ".local/state/shellpack/roots"
        found += [str(it) for it in roots.iterdir()] if roots.exists() else []
        return found

    def ensure_sound_store(self):
        """Nix itself reads every valid path, and compares it with its database."""
        said = self.succeed("nix-store --verify --check-contents 2>&1")
        bad = [it for it in said.splitlines() if "modified" in it or "disappeared" in it or "error" in it]
        if bad:
            raise Broken(f"the store is damaged: {bad[:3]}")


def remove(place):
    subprocess.run(["rm", "-rf", place], check=True)


def digest(place):
    """Of a tree: names, kinds, executable bits and contents."""
    total = hashlib.sha256()
    if place.is_symlink() or not place.is_dir():
        add(total, place, b"")
        return total.hexdigest()
    for directory, names, files in os.walk(place):
        names.sort()
        here = Path(directory)
        for name in sorted(files + [it for it in names if (here / it).is_symlink()]):
            add(total, here / name, os.fsencode((here / name).relative_to(place)))
        total.update(b"d" + os.fsencode(here.relative_to(place)) + b"\0")
    return total.hexdigest()


def add(total, file, name):
    if file.is_symlink():
        total.update(b"l" + name + b"\0" + os.fsencode(os.readlink(file)) + b"\0")
    else:
        mode = b"x" if file.stat().st_mode & 0o100 else b"f"
        total.update(mode + name + b"\0" + hashlib.sha256(file.read_bytes()).digest())
