"""Rooms: private namespaces in which /nix is a directory or a file system of ours.

Each sample runs in a room of its own, made by inside.py, with an empty home and a clean
environment. The host's /nix is not visible there. Mounts and processes are gone when the room is,
whatever ends it; loop devices detach themselves with their mount.
"""

import json
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

INSIDE = Path(__file__).with_name("inside.py")

# Not the caller's: what is installed for a user only, or lies in /nix, is not there in a room.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# The store is root's own, as after `apt-get install nix-bin` without its daemon. Builds, which only
# the workloads need, use the host's shell and tools.
NIX_CONF = """\
build-users-group =
sandbox = false
substituters =
"""

# So much of a failed command's log is shown.
TAIL_LINES, TAIL_WIDTH = 20, 200


class Failure(Exception):
    """Something that the user must know, and that ends the benchmark."""


@dataclass
class Step:
    """A bash script to run in a room. Only what is timed can be cold or go through a daemon."""

    name: str
    script: str
    timed: bool = False
    cold: bool = False
    daemon: bool = False
    environment: dict[str, str] = field(default_factory=dict)


@dataclass
class Usage:
    """What a step cost: seconds of wall and processor time, bytes of the largest process."""

    wall: float
    cpu: float
    memory: int


class Rooms:
    """Makes rooms whose files are below one directory."""

    def __init__(self, directory, variables):
        self.store = directory / "nix"
        self._conf = directory / "conf"
        self._scratch = directory / "scratch"
        self._variables = variables
        shutil.rmtree(self._scratch, ignore_errors=True)  # what a killed run left
        for made in (self.store, self._conf, self._scratch):
            made.mkdir(parents=True, exist_ok=True)
        (self._conf / "nix.conf").write_text(NIX_CONF)
        self._count = 0

    def clean(self):
        """Removes all that samples need and do not leave."""
        shutil.rmtree(self._scratch)

    def scratch(self):
        """A new, empty directory for one sample; whoever asked removes it."""
        self._count += 1
        made = self._scratch / str(self._count)
        for part in ("home", "tmp", "out", "root"):
            (made / part).mkdir(parents=True)
        return made

    def run(self, steps, scratch, nix=None):
        """Runs steps in a room until one fails. `nix` is a directory or an ext4 image."""
        order = {
            "root": str(scratch / "root"),
            "nix": str(nix or self.store),
            "cwd": str(scratch / "out"),
            "log": str(scratch / "log"),
            "environment": self._environment(scratch),
            "steps": [asdict(step) for step in steps],
        }
        answers = converse(order)
        last = answers[-1] if answers else None
        if last is None or last["status"] != 0 or len(answers) != len(steps):
            raise Failure(describe_failure(last, steps, scratch / "log"))
        return {a["name"]: Usage(a["wall"], a["cpu"], a["memory"]) for a in answers}

    def ask(self, script, **environment):
        """What a script prints, with the benchmark's store as /nix."""
        scratch = self.scratch()
        try:
            answered = f"{{ {script}\n}} > ../answer"
            self.run([Step(script.strip(), answered, environment=environment)], scratch)
            return (scratch / "answer").read_text().strip()
        finally:
            shutil.rmtree(scratch)

    def _environment(self, scratch):
        return {
            "PATH": PATH,
            "HOME": str(scratch / "home"),
            "TMPDIR": str(scratch / "tmp"),
            "NIX_CONF_DIR": str(self._conf),
            "USER": "root",
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "out": str(scratch / "out"),
            **self._variables,
        }


def converse(order):
    """Gives inside.py its order, in new namespaces, and returns its answer."""
    argv = ["unshare", "--mount", "--pid", "--fork", "--kill-child", sys.executable, "-B", INSIDE]
    with open(order["log"], "a") as log:
        room = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,  # Ctrl-C is for us; we end the room
        )
    try:
        answer, _ = room.communicate(json.dumps(order))
    except BaseException:
        room.kill()  # and its first process with it, and all others with that one
        room.communicate()
        raise
    return json.loads(answer) if room.returncode == 0 else []


def describe_failure(last, steps, log):
    if last is None:
        what = f"the room of “{steps[0].name}” failed"
    else:
        what = f"“{last['name']}” failed with status {last['status']}"
    lines = log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
    tail = "".join(f"\n    {printable(line)[:TAIL_WIDTH]}" for line in lines)
    return f"{what}; the end of what it printed:{tail or ' nothing'}"


def printable(text):
    return "".join(character for character in text if character.isprintable())


def remove(path):
    """Removes a file or a directory; store paths are read-only, but not to root."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
