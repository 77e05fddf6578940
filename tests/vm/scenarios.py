"""What is tried, each on machines and sticks of its own. Machine A makes bundles; machine B opens
them, and begins with an empty store. Machine C has busybox and nothing else. None has a network."""

import contextlib
import mmap
import re
import shutil
import subprocess
import time
from dataclasses import dataclass, field

from machine import Deadline, Failure, Machine, tail

MIB = 1 << 20
NAME = "dev.shellpack"
BUNDLE = f"/mnt/{NAME}"
CREATE = f"shellpack create ~/fixtures/shells/stick --force -o {BUNDLE}"

# Incompressible MiB of the usual bundle, how large its volumes are, and bytes in a second of a
# stick that one can pull out in time.
PAYLOAD, VOLUME, SLOW = 24, 8, 3 * MIB
LARGE = f"--arg mib {PAYLOAD}"

# Enters what was opened, and shows that it is what was packed.
SHOW = """--run 'test "$MESSAGE" = "Hello, world!" && sha256sum < $PAYLOAD'"""
# An ordinary user types this, in single quotes of root's.
AS_ALICE = r"""cd; sh /mnt/dev.run --run "echo \$MESSAGE; type hello" """
# Locks of an NFS server are the kernel's as well.
ENTER_SHARED = (
    r"""cd; shellpack enter stick --store /net/shells --run "echo \$MESSAGE; echo locks:; cat /proc/locks" """
)
# All files of a shared store where it is, and when each was changed.
EVERYTHING = "cd /srv/shells; find . -exec stat -c '%n %s %Y %Z' {} + | sort | sha256sum"
ASKS = r"insert its medium and press Enter[^\n]*: "
SOUND = "nix-store --verify --check-contents 2>&1; "


@dataclass
class Size:
    """How large the bundle is that goes all the way."""

    payload: int  # MiB that cannot be compressed
    stick: int  # MiB
    volumes: int
    options: str
    says: list  # what `create` must say
    seconds: int


SMALL = Size(PAYLOAD, 256, 4, f"--volume-size {VOLUME}M", [], 600)
FULL = Size(
    payload=4300,
    stick=16 << 10,
    volumes=2,
    options="",
    says=["vfat allows no larger file: the bundle is cut into 2 volumes"],
    seconds=6 * 3600,
)


@dataclass
class Stage:
    """What a scenario has to do with."""

    images: object
    seconds: int
    size: Size
    made: dict = field(default_factory=dict)  # what later scenarios use, of those before
    machines: list = field(default_factory=list)
    steps: list = field(default_factory=list)  # what took how long, where that is of interest

    def __post_init__(self):
        self._deadline = Deadline(self.seconds)

    def a(self):
        return self.machine("A", self.images.root, self.images.store)

    def b(self):
        return self.machine("B", self.images.root, self.images.empty_store)

    def c(self):
        return self.machine("C", self.images.bare_root)

    @contextlib.contextmanager
    def step(self, name):
        began = time.monotonic()
        yield
        self.steps.append((name, time.monotonic() - began))

    def machine(self, name, *disks):
        machine = Machine(name, self.images, disks, self._deadline)
        self.machines.append(machine)
        return machine

    def stick(self, name, size):
        return self.images.stick(name, size)

    def stick_with_volumes(self, name):
        """A copy of the stick that the first scenario wrote."""
        self._ensure_made("stick")
        copy = self.images.scratch / name
        shutil.copy(self.made["stick"], copy)
        return copy

    def payload(self):
        self._ensure_made("payload")
        return self.made["payload"]

    def _ensure_made(self, what):
        if "tried" not in self.made:  # only some were asked for
            cuts_by_itself(self)
        if what not in self.made:
            raise Failure("it takes the stick of the first scenario, which failed")


def ensure(is_so, what, printed=""):
    if not is_so:
        raise Failure(what + tail(printed))


def ensure_says(printed, *sentences):
    for sentence in sentences:
        ensure(re.search(sentence, printed, re.MULTILINE), f"it does not say {sentence!r}:", printed)


def ensure_one_error(printed, *sentences):
    errors = re.findall(r"^error: .*", printed, re.MULTILINE)
    ensure(len(errors) == 1, f"there is not one error, but {len(errors)}:", printed)
    ensure("panicked" not in printed, "it panics:", printed)
    ensure_says(printed, *sentences)


def ensure_sealed(machine):
    """No network: nothing but the loopback, and that is down."""
    links = machine.run("ls /sys/class/net; cat /sys/class/net/lo/operstate").split()
    ensure(links == ["lo", "down"], f"it has a network: {links}")


def payload_of(machine, mib):
    path = f"$(nix-build ~/fixtures/shells/stick/shell.nix -A PAYLOAD --arg mib {mib} --no-out-link)"
    return machine.run(f"sha256sum < {path}").split()[0]


def names(image):
    """The names on a stick that is plugged in nowhere."""
    listed = subprocess.run(
        ["mdir", "-b", "-i", image, "::"], capture_output=True, text=True, check=True
    )
    return sorted(line.removeprefix("::/") for line in listed.stdout.split())


def extract(image, name):
    """A file's bytes."""
    return subprocess.run(
        ["mtype", "-i", image, f"::{name}"], capture_output=True, check=True
    ).stdout


def sample_of(image, name, at):
    """Some bytes of a file, at a place in it."""
    reader = subprocess.Popen(["mtype", "-i", image, f"::{name}"], stdout=subprocess.PIPE)
    with reader:
        while at > 0:
            at -= len(reader.stdout.read(min(at, MIB)))
        sample = reader.stdout.read(64)
        reader.kill()
    return sample


def find_on(image, name, at):
    """Where a byte of a file is on its stick."""
    sample = sample_of(image, name, at)
    with open(image, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as bytes:
        place = bytes.find(sample)
        ensure(place >= 0 and bytes.find(sample, place + 1) < 0, f"{name} is not found on its stick")
    return place


def opens(machine, image, payload):
    """A stick is plugged in, mounted read-only, and opened; what comes out is what was packed."""
    machine.plug_in(image)
    ensure_opens(machine, f"plug -o ro; cd /tmp; shellpack open {BUNDLE} {SHOW}", payload)


def ensure_opens(machine, script, payload):
    printed = machine.run(script)
    ensure(payload in printed, "what was opened is not what was packed:", printed)


def cuts_by_itself(stage):
    """create cuts the bundle for a place that takes no larger file, reads it again from the stick,
    replaces another that is there, and says when it is safe to remove"""
    stage.made["tried"] = True
    image = stage.stick("made", "256M")
    with stage.a() as a:
        ensure_sealed(a)
        a.plug_in(image)
        a.run(f"plug; {CREATE} --volume-size 400K")  # which is replaced
        # In units of 512 bytes. The kernel's answer is that of vfat to a file of 4 GiB.
        printed = a.run(f"ulimit -f {VOLUME * MIB // 512}; {CREATE} {LARGE} --parity 5%")
        ensure_says(
            printed,
            f"allows no larger file: the bundle is cut into 4 volumes of {VOLUME} MiB",
            "read again from it; it is safe to remove",
        )
        # It said so: nothing is synced or unmounted.
        stage.made["payload"] = payload_of(a, PAYLOAD)
    volumes = [f"{NAME}.{number:03}" for number in range(1, 5)]
    ensure(names(image) == [*volumes, f"{NAME}.parity", f"{NAME}.sha256"], f"the stick has {names(image)}")
    stage.made["stick"] = image


def refuses_what_cannot_fit(stage):
    """create refuses what a stick cannot take, with numbers, before the work; what only turns out
    to be too much, it warns of, and leaves nothing of it"""
    image = stage.stick("small", "40M")
    with stage.a() as a:
        a.plug_in(image)
        a.run("plug")
        printed = a.run(f"{CREATE} --volume-size dvd", status=1)
        ensure_one_error(printed, r"in files of 4\.38 GiB: vfat allows files of up to 4\.00 GiB")
        ensure("evaluating" not in printed, "it evaluates before it refuses:", printed)
        a.run("! dd if=/dev/zero of=/mnt/full bs=1M 2>/dev/null")
        printed = a.run(CREATE, status=1)
        ensure_one_error(printed, r"it needs at least .* KiB, and its file system has .* free")
        ensure("packing" not in printed, "it packs before it refuses:", printed)
        a.run("truncate -s 39M /mnt/full")
        printed = a.run(CREATE, status=1)
        ensure_one_error(printed, r"warning: .* may not fit: .* MiB or more, and .* has .* KiB free")
        ensure_one_error(printed, "No space left on device", "hint: free some space")
        ensure(a.run("ls -A /mnt").split() == ["full"], "something stays on the stick")


def pulled_while_writing(stage):
    """a stick is pulled out while it is written: one clear error, nothing under a final name, and
    the next create goes well"""
    image = stage.stick("pulled", "256M")
    with stage.a() as a:
        stick = a.plug_in(image, slow=SLOW)
        a.run("plug")
        a.start(f"{CREATE} {LARGE} --volume-size {VOLUME}M")
        a.wait_until_written(stick, PAYLOAD * MIB // 3)
        a.pull_out(stick)
        printed = a.finish(status=1)
        ensure_one_error(printed, re.escape(BUNDLE), "hint: ")
        ensure("safe to remove" not in printed, "it says that it was safe:", printed)
        a.plug_in(image)
        left = a.run("plug; ls -A /mnt").split()
        ensure(not [name for name in left if name.startswith(NAME)], f"half-written: {left}")
        a.run(f"{CREATE} {LARGE} --volume-size {VOLUME}M")
        expected = payload_of(a, PAYLOAD)
    with stage.b() as b:
        opens(b, image, expected)


def pulled_while_copying(stage):
    """a stick is pulled out while a bundle is copied to it: one clear error, nothing under a final
    name; the same command goes on, and says when it is safe to remove"""
    source, image = stage.stick_with_volumes("source"), stage.stick("copy", "256M")
    copy = f"shellpack copy ~/{NAME} /mnt"
    with stage.b() as b:
        stick = b.plug_in(source)
        b.run(f"plug -o ro; shellpack join {BUNDLE} -o ~/{NAME}; umount /mnt")
        b.pull_out(stick)
        stick = b.plug_in(image, slow=SLOW)
        b.run("plug")
        b.start(copy)
        b.wait_until_written(stick, PAYLOAD * MIB // 3)
        b.pull_out(stick)
        printed = b.finish(status=1)
        ensure_one_error(printed, "plug it in")
        ensure("safe to remove" not in printed, "it says that it was safe:", printed)
        b.plug_in(image)
        left = b.run("plug; ls -A /mnt").split()
        ensure(NAME not in left, f"half-written: {left}")
        ensure_says(b.run(copy), "it is safe to remove")
    with stage.b() as b:
        opens(b, image, stage.payload())


def opens_read_only(stage):
    """a stick that is mounted read-only opens, in place and without a network"""
    image = stage.stick_with_volumes("read-only")
    with stage.b() as b:
        ensure_sealed(b)
        opens(b, image, stage.payload())


def opens_itself(stage):
    """a file that opens itself does so where there is busybox and nothing else, for an ordinary
    user, from a stick that is mounted noexec"""
    image = stage.stick("bare", "128M")
    copy = ["mcopy", "-i", image, stage.images.executable, "::dev.run"]
    subprocess.run(copy, check=True)
    with stage.c() as c:
        ensure_sealed(c)
        c.run("test ! -e /nix; ! command -v bash || false; ! command -v nix-store || false")
        c.plug_in(image)
        c.run("plug -o ro,noexec")
        for imported in ("[1-9]", "0 "):
            with stage.step("C: sh dev.run --run"):
                printed = c.run(f"su alice -c '{AS_ALICE}'")
            ensure_says(printed, "^Hello, world!$", "^hello is /nix/store/", f"imported {imported}")


def shares_over_a_network(stage):
    """a store on NFS is filled by root, and entered by an ordinary user where that is mounted
    read-only: no lock is taken, and nothing is written; what it frees is not for one machine to say"""
    image = stage.stick("shared", "128M")
    subprocess.run(["mcopy", "-i", image, stage.images.executable, "::dev.run"], check=True)
    with stage.b() as b:
        b.plug_in(image)
        b.run("plug -o ro; share; stat -f -c %T /net")
        with stage.step("B: open onto NFS"):
            printed = b.run("cd /tmp; shellpack open /mnt/dev.run --store /net/shells --no-shell")
        ensure_says(printed, "imported [1-9]")
        # A store of one user's, by its place alone: the local one is collected.
        for dir, says in (("/net/own", "not looked for in /net/own: other"), ("/root/own", "freed ")):
            printed = b.run(
                f"cd; shellpack open /mnt/dev.run --store {dir} --dir project --run true;"
                f" shellpack remove stick --store {dir}; rm -r project"
            )
            ensure_says(printed, says)
        b.run("mount -o remount,ro /net; ! touch /net/shells/x")
        before = b.run(EVERYTHING)
        printed = b.run(f"su alice -c '{ENTER_SHARED}'")
        ensure_says(printed, "^Hello, world!$", "^locks:$")
        # The server delegates files to those who read them (DELEG): not something that was asked for.
        held = re.search(r"^\d+: (POSIX|FLOCK|OFDLCK) ", printed, re.MULTILINE)
        ensure(not held, "it holds a lock:", printed)
        ensure(b.run(EVERYTHING) == before, "something was written to the store")


def pulled_while_reading(stage):
    """a stick is pulled out while it is read: one clear error, a sound store, and the next open
    goes well"""
    image = stage.stick_with_volumes("unread")
    with stage.b() as b:
        stick = b.plug_in(image, slow=SLOW)
        b.run("plug -o ro")
        b.start(f"cd /tmp; shellpack open {BUNDLE} {SHOW}")
        b.wait_until_read(stick, PAYLOAD * MIB // 3)
        b.pull_out(stick)
        printed = b.finish(status=125)
        ensure_one_error(printed, rf"{re.escape(BUNDLE)}\.00\d", "hint: ")
        b.run(SOUND)
        opens(b, image, stage.payload())
        b.run(SOUND)


def unreadable_sector(stage):
    """a stick has sectors that cannot be read: verify and open name the file and the place, and
    from parity the bundle is restored"""
    image = stage.stick_with_volumes("broken")
    at = VOLUME * MIB // 2
    place = find_on(image, f"{NAME}.002", at)
    with stage.b() as b:
        b.plug_in(image, broken=range(place, place + 4096))
        b.run("plug -o ro")
        # The kernel reads pages; what it says of the place is as exact as that.
        unread = rf"could not be read: {re.escape(BUNDLE)}\.002, from byte {at // 10000}\d+ on: Input"
        printed = b.run(f"shellpack verify {BUNDLE}", status=1)
        ensure_one_error(printed, unread, rf"damaged: \S*\.002.*{at // 10000}", " is covered ")
        printed = b.run(f"cd /tmp; shellpack open {BUNDLE} {SHOW}", status=125)
        ensure_one_error(printed, unread, "plug it in and try again.* shellpack repair")
        b.run(SOUND)
        b.run(f"shellpack repair {BUNDLE} -o /root/{NAME}")
        ensure_opens(b, f"cd /tmp; shellpack open /root/{NAME} {SHOW}", stage.payload())


def two_sticks(stage):
    """volumes on two sticks, of which one is plugged in at a time: open asks for the next one"""
    whole = stage.stick_with_volumes("whole")
    first, second = stage.stick("first", "64M"), stage.stick("second", "64M")
    for number in range(1, 5):
        name = f"{NAME}.{number:03}"
        target = first if number in (1, 2) else second
        subprocess.run(
            ["mcopy", "-i", target, "-", f"::{name}"], input=extract(whole, name), check=True
        )
    with stage.b() as b:
        stick = b.plug_in(first)
        b.run("plug -o ro")
        b.start(f"cd /tmp; shellpack open {BUNDLE} {SHOW}", how="typed")
        b.wait_for(rf"{re.escape(NAME)}\.003 is not there\n  {ASKS}")
        b.type("\n")  # too early: it asks again
        b.wait_for(ASKS)
        b.run("umount /mnt")  # nothing of it is held open
        b.pull_out(stick)
        b.plug_in(second)
        b.run("plug -o ro")
        b.type("\n")
        printed = b.finish()
        ensure(stage.payload() in printed, "what was opened is not what was packed:", printed)


def arrives(stage):
    """a bundle goes onto a vfat stick, loses a megabyte on the way, is mounted read-only on a
    machine without a network, repaired with 5 % parity, and opens"""
    image, mib = stage.stick("travels", f"{stage.size.stick}M"), stage.size.payload
    with stage.a() as a:
        ensure_sealed(a)
        a.plug_in(image)
        a.run("plug")
        with stage.step("A: create --parity 5%, onto the stick, read again from it"):
            printed = a.run(f"{CREATE} --arg mib {mib} --parity 5% {stage.size.options}")
        ensure_says(printed, *stage.size.says, "it is safe to remove")
        expected = payload_of(a, mib)
    volumes = [name for name in names(image) if re.search(r"\.\d+$", name)]
    ensure(len(volumes) == stage.size.volumes, f"the stick has {names(image)}")
    place = find_on(image, volumes[0], stage.size.payload * MIB // stage.size.volumes // 2)
    with open(image, "r+b") as stick:
        stick.seek(place)
        stick.write(b"lost" * (MIB // 4))
    with stage.b() as b:
        ensure_sealed(b)
        b.plug_in(image)
        b.run("plug -o ro")
        with stage.step("B: verify finds the damage, and that it is covered"):
            printed = b.run(f"shellpack verify {BUNDLE}", status=1)
        ensure_one_error(printed, rf"damaged: \S*{volumes[0]}", " is covered ", "shellpack repair")
        with stage.step("B: open refuses it"):
            printed = b.run(f"cd /tmp; shellpack open {BUNDLE} {SHOW}", status=125)
        ensure_one_error(printed, "shellpack repair")
        with stage.step("B: repair, into a file on its disk"):
            b.run(f"shellpack repair {BUNDLE} -o /root/{NAME}")
        with stage.step("B: open what was repaired"):
            ensure_opens(b, f"cd /tmp; shellpack open /root/{NAME} {SHOW}", expected)
        with stage.step("B: nix-store --verify --check-contents"):
            b.run(SOUND)


# In the order in which they are tried; with how many seconds each may take.
SCENARIOS = [
    (cuts_by_itself, 300),
    (refuses_what_cannot_fit, 200),
    (pulled_while_writing, 300),
    (pulled_while_copying, 300),
    (opens_read_only, 200),
    (opens_itself, 300),
    (shares_over_a_network, 300),
    (pulled_while_reading, 300),
    (unreadable_sector, 200),
    (two_sticks, 200),
    (arrives, None),  # as long as its size takes
]
