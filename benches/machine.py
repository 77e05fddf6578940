"""The machine: what has to be installed on it, and what is written about it."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from room import PATH, Failure

# What the targets are for.
PROCESSORS = 2


def ensure_root():
    if os.geteuid() != 0:
        raise Failure("root is needed, to mount file systems; try: sudo benches/run")


def install_what_is_missing():
    """What it installs is in scripts/needed; it says so itself."""
    setup = Path(__file__).resolve().parent.parent / "scripts/setup"
    if subprocess.run([setup, "bench"], stdout=sys.stderr).returncode != 0:
        raise Failure("what the benchmark needs is not there")


def pin():
    """Uses two processors, if there are more: of two cores rather than two threads of one."""
    allowed = sorted(os.sched_getaffinity(0))
    first_of_core = {core(processor): processor for processor in reversed(allowed)}
    preferred = sorted(first_of_core.values())
    others = [processor for processor in allowed if processor not in preferred]
    os.sched_setaffinity(0, (preferred + others)[:PROCESSORS])


def core(processor):
    """The same text for the threads of one core."""
    path = Path(f"/sys/devices/system/cpu/cpu{processor}/topology/thread_siblings_list")
    return path.read_text() if path.exists() else str(processor)


def describe(directory):
    """What results depend on, as rows of a table."""
    processors = len(os.sched_getaffinity(0))
    model = first_field("/proc/cpuinfo", "model name") or os.uname().machine
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    file_system = output("findmnt", "-n", "-o", "FSTYPE", "-T", directory) or "unknown"
    return {
        "processor": f"{model}, {processors} of {os.cpu_count()} cores",
        "memory": f"{memory / 1e9:.0f} GB",
        "kernel": os.uname().release,
        "file system": f"{file_system}; stores to open into: ext4 on a loop device on it",
    }


def versions(shellpack, repository):
    """Of the programs; `repository` is where shellpack was built, if that is known."""
    digest = hashlib.sha256(Path(shellpack).read_bytes()).hexdigest()[:12]
    built = f"{output(shellpack, '--version')}, binary {digest}"
    if repository:
        commit = output("git", "-C", repository, "describe", "--always", "--dirty")
        built += f", commit {commit or 'unknown'}"
    return {
        "Nix": output("nix", "--version").rpartition(" ")[2],
        "zstd": output("zstd", "--version").partition(" v")[2].partition(",")[0],
        "shellpack": built.removeprefix("shellpack "),
    }


def knows_no_read_back(shellpack):
    return "--no-read-back" in output(shellpack, "create", "--help")


def first_field(path, name):
    for line in Path(path).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return None


def output(*argv):
    """What a command prints; nothing if it fails."""
    environment = {**os.environ, "PATH": PATH}
    done = subprocess.run(argv, capture_output=True, text=True, env=environment)
    return done.stdout.strip() if done.returncode == 0 else ""
