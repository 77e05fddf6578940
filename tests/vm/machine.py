"""A machine: a QEMU with a kernel, two disks, no network, and a port for sticks."""

import base64
import codecs
import json
import os
import re
import select
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

MEMORY = "1G"
# What a machine says last, when it failed.
TAIL_LINES, TAIL_WIDTH = 25, 160
# A script travels in lines that a terminal takes.
LINE = 1000
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


class Failure(Exception):
    """What a scenario found, or what keeps it from being tried."""


class Deadline:
    """Until when a scenario may go on."""

    def __init__(self, seconds):
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self, doing):
        left = self._end - time.monotonic()
        if left <= 0:
            raise Failure(f"it was not done after {self.seconds} s: {doing}")
        return left


class Line:
    """A serial line, with an agent at its other end."""

    def __init__(self, path, deadline):
        self._deadline = deadline
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self.said = ""  # all of it, for the one who wants to know what went wrong
        self._rest = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def start(self, script, how="piped"):
        """Has a script run; `finish` waits for its end."""
        self._rest = ""
        text = base64.b64encode(script.encode()).decode()
        lines = [how, *(text[at : at + LINE] for at in range(0, len(text), LINE)), "."]
        self._socket.sendall(("\n".join(lines) + "\n").encode())

    def finish(self):
        """The exit status, and what was printed since `start` or the last `wait_for`."""
        printed, status = self.wait_for(r"\n?@@ (\d+)\n")
        return int(status[1]), printed

    def type(self, text):
        """As if somebody typed it."""
        self._socket.sendall(text.encode())

    def wait_for(self, pattern):
        """What comes before the pattern, and the match."""
        while not (found := re.search(pattern, self._rest)):
            ready, _, _ = select.select(
                [self._socket], [], [], self._deadline.left(f"waiting for {pattern!r}")
            )
            if ready:
                self._receive()
        before, self._rest = self._rest[: found.start()], self._rest[found.end() :]
        return before, found

    def _receive(self):
        received = self._socket.recv(1 << 16)
        if not received:
            raise Failure("the machine went down")
        # An escape sequence that comes in two parts is only seen by who reads `said`.
        text = ESCAPES.sub("", self._decoder.decode(received))
        self.said += text
        self._rest += text


class Monitor:
    """QEMU's own line (QMP): sticks are plugged in and pulled out with it."""

    def __init__(self, path, deadline):
        self._deadline = deadline
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._stream = self._socket.makefile("r")
        self._events = []
        self._receive()
        self.do("qmp_capabilities")

    def do(self, command, **arguments):
        order = {"execute": command, "arguments": arguments}
        self._socket.sendall(json.dumps(order).encode())
        while True:
            answer = self._receive()
            if "error" in answer:
                raise Failure(f"QEMU does not {command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]
            self._events.append(answer)

    def wait_for(self, event, **data):
        while True:
            for seen in self._events:
                about = seen.get("data", {})
                if seen.get("event") == event and data.items() <= about.items():
                    self._events.remove(seen)
                    return
            self._events.append(self._receive())

    def _receive(self):
        self._socket.settimeout(self._deadline.left("waiting for QEMU"))
        line = self._stream.readline()
        if not line:
            raise Failure("QEMU ended")
        return json.loads(line)


class Machine:
    """A machine that runs. `run` and `type` are what a user does there."""

    def __init__(self, name, images, disks, deadline):
        """`disks` are the images that its / begins as and, if it has one, its /nix; the machine gets
        copies of its own."""
        self.name = name
        self._deadline = deadline
        self._dir = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=images.scratch))
        self._qemu = None
        self._lines = []
        self._sticks = 0
        try:
            self._boot(images, disks)
        except BaseException as failure:
            self.stop()
            if isinstance(failure, Failure):
                raise Failure(f"{failure}\n{self.last_words}") from None
            raise

    def _boot(self, images, bases):
        disks = []
        for base in bases:
            disk = self._dir / f"{base.stem}.qcow2"
            create = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw"]
            subprocess.run([*create, "-b", base.resolve(), disk], check=True)
            # What a machine has when it ends is of no interest: nothing is synced.
            disks += ["-drive", f"file={disk},if=virtio,cache=unsafe,discard=unmap"]
        lines, processor = [], images.processor
        names = ("control", "terminal")
        for name in names:
            lines += ["-chardev", f"socket,id={name},path={self._dir / name},server=on,wait=off"]
        agents = ",".join(processor.agents)
        argv = [
            # It does not outlive us, whatever ends us.
            *("setpriv", "--pdeathsig", "KILL", processor.qemu, *processor.machine()),
            *("-m", MEMORY, "-smp", str(min(2, os.cpu_count())), "-nodefaults", "-no-reboot", "-display", "none"),
            *("-nic", "none", "-kernel", images.kernel, "-initrd", images.initramfs),
            # The kernel passes on as a variable what it does not know.
            *("-append", f"console={processor.console} panic=-1 quiet loglevel=5 agents={agents}"),
            *(*lines, *processor.serial(self._dir / "kernel", names), *disks),
            *("-device", "qemu-xhci,id=usb", "-device", "virtio-rng-pci"),
            *("-qmp", f"unix:{self._dir / 'qmp'},server=on,wait=off"),
        ]
        errors = open(self._dir / "qemu", "w")
        self._qemu = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, start_new_session=True
        )
        while not (self._dir / "qmp").exists():
            self._deadline.left("starting QEMU")
            if self._qemu.poll() is not None:
                raise Failure("QEMU did not start")
            time.sleep(0.02)
        self._monitor = Monitor(self._dir / "qmp", self._deadline)
        self._control = Line(self._dir / "control", self._deadline)
        self._terminal = Line(self._dir / "terminal", self._deadline)
        self._lines = [self._control, self._terminal]
        for line in self._lines:
            line.wait_for("@@ ready\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Pulls the plug."""
        if self._qemu:
            self._qemu.kill()
            self._qemu.wait()
        self.last_words = self._last_words()
        shutil.rmtree(self._dir)

    def run(self, script, status=0):
        """Runs a script without a terminal, and returns what it printed."""
        self._control.start(script)
        return self._ended(self._control, script, status)

    def start(self, script, how="piped"):
        """Has a script run beside others; "typed" is at a terminal."""
        self._terminal.start(script, how)

    def finish(self, status=0):
        """Waits for what was started, and returns what it printed."""
        return self._ended(self._terminal, "what was started", status)

    def wait_for(self, pattern):
        """Waits for what was started to print it."""
        self._terminal.wait_for(pattern)

    def type(self, text):
        self._terminal.type(text)

    def _ended(self, line, script, expected):
        status, printed = line.finish()
        if status != expected:
            raise Failure(
                f"on machine {self.name} it exited with {status}, not {expected}: {script.strip()}"
                + tail(printed)
            )
        return printed

    def plug_in(self, stick, slow=None, broken=None):
        """Plugs in a stick; returns what to pull out. A slow one takes and gives so many bytes in
        a second. A broken one cannot read the sectors of this range of bytes."""
        self._sticks += 1
        plug = f"stick{self._sticks}"
        node = {"driver": "file", "filename": str(stick), "node-name": f"{plug}-0"}
        layers = [{**node, "read-only": False}]
        if broken:
            # QEMU knows one sector per rule.
            rule = {"event": "none", "iotype": "read", "errno": 5, "once": False, "immediately": True}
            sectors = range(broken.start // 512, -(-broken.stop // 512))
            rules = [{**rule, "sector": sector} for sector in sectors]
            layers.append({"driver": "blkdebug", "image": f"{plug}-0", "inject-error": rules})
        if slow:
            group = f"{plug}-slow"
            limits = {"bps-write": slow, "bps-read": slow}
            self._monitor.do("object-add", **{"qom-type": "throttle-group", "id": group, "limits": limits})
            layers.append({"driver": "throttle", "throttle-group": group})
        layers.append({"driver": "raw"})
        for number, layer in enumerate(layers[1:], 1):
            layer["node-name"] = f"{plug}-{number}"
            if layer["driver"] != "blkdebug":
                layer["file"] = f"{plug}-{number - 1}"
        for layer in layers:
            self._monitor.do("blockdev-add", **layer)
        device = {"driver": "usb-storage", "bus": "usb.0", "removable": True}
        self._monitor.do("device_add", **device, id=plug, drive=layers[-1]["node-name"])
        return plug, len(layers)

    def pull_out(self, plugged):
        """Pulls a stick out, whatever the machine does with it."""
        plug, layers = plugged
        self._monitor.do("device_del", id=plug)
        self._monitor.wait_for("DEVICE_DELETED", device=plug)
        for number in reversed(range(layers)):
            self._monitor.do("blockdev-del", **{"node-name": f"{plug}-{number}"})

    def wait_until_written(self, plugged, bytes):
        self._wait_until(plugged, "wr_bytes", bytes)

    def wait_until_read(self, plugged, bytes):
        self._wait_until(plugged, "rd_bytes", bytes)

    def _wait_until(self, plugged, what, bytes):
        """Waits until so much went to or came from a stick since it was plugged in."""
        while True:
            for device in self._monitor.do("query-blockstats"):
                is_stick = f"/{plugged[0]}/" in device.get("qdev", "")
                if is_stick and device["stats"][what] >= bytes:
                    return
            self._deadline.left(f"waiting for {bytes} bytes of {what} of a stick")
            time.sleep(0.1)

    def _last_words(self):
        words = ""
        for name in ("qemu", "kernel"):
            file = self._dir / name
            if file.exists():
                words += section(f"{self.name}, {name}", file.read_text(errors="replace"))
        for name, line in zip(("control", "terminal"), self._lines):
            words += section(f"{self.name}, {name}", line.said)
        return words


def section(title, text):
    return f"  -- {title}{tail(text)}\n" if text.strip() else ""


def tail(text):
    lines = ESCAPES.sub("", text).strip().splitlines()[-TAIL_LINES:]
    return "".join(f"\n     {printable(line)[:TAIL_WIDTH]}" for line in lines)


def printable(text):
    return "".join(character for character in text if character.isprintable())
