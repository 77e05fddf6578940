"""The first process of a room (see room.py): makes it, runs the steps of one order, measures them.

Reads the order as JSON from stdin, and answers on stdout with one object per step that it ran;
the last one's `status` is not 0 if that step failed. What the steps print goes to the order's log.

A process of its own and small: the kernel charges a process with the peak memory of the one that
started it, up to its `exec`, so that no step can show less than this one has (some 15 MB).
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

DAEMON_SOCKET = "/nix/var/nix/daemon-socket/socket"
DAEMON_PATIENCE = 10  # seconds for nix-daemon to start, and again for it to end


def main():
    order = json.load(sys.stdin)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, sys.stderr.fileno())
    enter_new_root(Path(order["root"]), order["nix"])
    os.chdir(order["cwd"])

    answers = []
    for step in order["steps"]:
        answers.append(run(step, order["environment"]))
        if answers[-1]["status"] != 0:
            break
    leave()
    json.dump(answers, sys.stdout)


def enter_new_root(new, nix):
    """Makes a root that shows the host's directories, but a /nix of ours, and moves into it.

    A new root rather than a mount over the host's /nix, because the host may not have one.
    """
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", new)
    for entry in Path("/").iterdir():
        if entry.is_symlink():
            (new / entry.name).symlink_to(os.readlink(entry))
        elif entry.is_dir() and entry.name != "nix":
            (new / entry.name).mkdir()
            if entry.name != "proc":
                mount("--rbind", entry, new / entry.name)
    mount("-t", "proc", "proc", new / "proc")
    (new / "nix").mkdir()
    # noinit_itable: the kernel would go on initialising the file system in the background.
    kind = ["--bind"] if os.path.isdir(nix) else ["-t", "ext4", "-o", "loop,noinit_itable"]
    mount(*kind, nix, new / "nix")

    old = new / ".old"
    old.mkdir()
    os.chdir(new)
    call("pivot_root", ".", ".old")
    os.chdir("/")
    call("umount", "--lazy", "/.old")
    os.rmdir("/.old")


def leave():
    """Ends what steps left behind, so that /nix can be unmounted, and its loop device with it."""
    os.chdir("/")
    try:
        os.kill(-1, signal.SIGKILL)  # all but the first process of a namespace: us
    except ProcessLookupError:
        pass
    while reap_stray(block=True):
        pass
    call("umount", "/nix")


def run(step, environment):
    """One step, and what it cost: seconds of wall and processor time, bytes of memory."""
    environment = {**environment, **step["environment"]}
    # Everybody starts with nothing left to write for the one before.
    if step["timed"]:
        os.sync()
    if step["cold"]:
        forget_page_cache(environment)
    daemon = start_daemon(environment) if step["daemon"] else None
    if daemon:
        environment["NIX_REMOTE"] = "daemon"

    started = time.monotonic()
    child = spawn(["bash", "-euo", "pipefail", "-c", step["script"]], environment)
    _, status, used = os.wait4(child, 0)
    wall = time.monotonic() - started

    usages = [used]
    if daemon:
        usages.append(stop_daemon(daemon))
    while stray := reap_stray():
        usages.append(stray)
    return {
        "name": step["name"],
        "status": os.waitstatus_to_exitcode(status),
        "wall": wall,
        "cpu": sum(usage.ru_utime + usage.ru_stime for usage in usages),
        "memory": max(usage.ru_maxrss for usage in usages) * 1024,
    }


def spawn(argv, environment):
    """Starts a program that reads nothing and prints to the log."""
    to_log = [
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, 2, 1),
    ]
    program = shutil.which(argv[0], path=environment["PATH"])
    # Python ignores SIGPIPE; a program whose reader has ended must not go on.
    return os.posix_spawn(
        program, argv, environment, file_actions=to_log, setsigdef=[signal.SIGPIPE]
    )


def reap_stray(block=False):
    """The usage of an orphan that has come to us and has ended; `None` if there is none."""
    try:
        child, _, used = os.wait4(-1, 0 if block else os.WNOHANG)
    except ChildProcessError:
        return None
    return used if child else None


def forget_page_cache(environment):
    """Drops what is cached of all files, but for the programs: the store is what is to be cold."""
    Path("/proc/sys/vm/drop_caches").write_text("3")
    for program in ["nix", environment["shellpack"], "bash", "zstd"]:
        call(program, "--version", stdout=subprocess.DEVNULL, env=environment)


def start_daemon(environment):
    """Starts nix-daemon and waits until it listens."""
    daemon = spawn(["nix-daemon"], environment)
    deadline = time.monotonic() + DAEMON_PATIENCE
    while time.monotonic() < deadline:
        with socket.socket(socket.AF_UNIX) as client:
            if client.connect_ex(DAEMON_SOCKET) == 0:
                break
        time.sleep(0.01)
    else:
        sys.exit("nix-daemon does not listen")
    wait_for_connections_to_end(daemon)
    return daemon


def stop_daemon(daemon):
    """Stops nix-daemon, and returns what it and the processes of its connections used."""
    wait_for_connections_to_end(daemon)  # then it has counted them
    os.kill(daemon, signal.SIGTERM)
    deadline = time.monotonic() + DAEMON_PATIENCE
    while time.monotonic() < deadline:
        child, _, used = os.wait4(daemon, os.WNOHANG)
        if child:
            return used
        time.sleep(0.01)
    sys.exit("nix-daemon does not end")


def wait_for_connections_to_end(daemon):
    """It makes a process for each connection, which ends soon after the client."""
    while any(parent_of(process) == daemon for process in Path("/proc").glob("[0-9]*")):
        time.sleep(0.01)


def parent_of(process):
    try:
        status = (process / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None  # it ended just now
    # The second field is the program's name, in parentheses, and may contain anything.
    return int(status.rpartition(")")[2].split()[1])


def mount(*arguments):
    call("mount", *arguments)


def call(*argv, **options):
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, **options)


if __name__ == "__main__":
    main()
