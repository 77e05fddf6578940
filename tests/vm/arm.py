"""A shell for ARM, packed on this machine: read here, where it does not run; opened by the program in it,
first under QEMU's user emulation and then on an ARM machine. Only there it is entered. Another ARM machine has
Nix, and packs the shell itself."""

import shutil
import subprocess
from functools import cached_property

from debian import Packages, run
from images import NIX_CONF, REPOSITORY, BareImages, add_fixtures, fill_with_busybox
from machine import Failure
from processor import AARCH64
from scenarios import ensure, ensure_says, opens_itself

CREATE = (
    "shellpack create fixtures/shells/blog --system aarch64-linux --option extra-platforms aarch64-linux "
    "--executable --opener opener -o dev.run"
)

# The kernel starts ARM programs by QEMU, in this user namespace and those below it. F: the emulator is
# opened now, and is there in every room; P: programs know by which name they were called.
REGISTER = r"""
mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc || {
  echo "this takes Linux 6.7, where a user namespace can have formats of programs of its own"
  exit 1
}
magic='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
printf '%s' ":arm:M::$magic:$mask:$(command -v qemu-aarch64-static):PF" > /proc/sys/fs/binfmt_misc/register
"""


# System calls by their numbers on ARM, with what comes of each: a number is an error. The first is a socket of the
# host's virtual machines, the second one of the network; then a keyring, and io_uring.
CALLS = """\
sub called { my ($number, @arguments) = @_; my $result = syscall($number, @arguments); $result < 0 ? 0 + $! : "made" }
print join(" ", called(198, 40, 1, 0), called(198, 2, 1, 0), called(219, 0, -4, 0), called(425, 1, 0)), "\\n";
"""
OUTSIDE, FILTERED = "97 made made 14", "97 made 1 38"
HOOK = f"""\
  CALLS = ./calls.pl;
  shellHook = ''
    [ "$(/usr/bin/perl $CALLS)" = "{FILTERED}" ] || exit 1
"""


class ArmImages(BareImages):
    """Files that the scenarios begin with."""

    def __init__(self, directory, shellpack, opener, say):
        packages = Packages(directory, AARCH64)
        say("programs for ARM")
        self.programs = packages.programs("busybox-static", "bash-static") / "bin"
        super().__init__(directory, AARCH64, self.programs / "busybox", packages, say)
        self.shellpack, self.opener, self.packages = shellpack, opener, packages

    @cached_property
    def root_with_nix(self):
        """Debian's Nix, what the fixtures are made of, and our program."""
        return self.file_system("nix", self._fill_with_nix)

    def _fill_with_nix(self, root):
        debian = self.packages.machine("nix-bin", "perl-base")
        fill_with_busybox(root, self.programs / "busybox", AARCH64)
        for made in ("usr/lib", "nix"):
            (root / made).mkdir()
        for name in ("bin", "sbin", "lib", "usr", "etc"):
            into = root / name if name in ("usr", "etc") else root / "usr" / name
            # The files of packages replace the links to busybox, and are not written through them.
            run("cp", "-a", "--remove-destination", f"{debian / name}/.", into)
        (root / "etc/nix").mkdir(exist_ok=True)
        (root / "etc/nix/nix.conf").write_text(NIX_CONF)
        shutil.copy(self.programs / "bash-static", root / "usr/bin")
        shutil.copy(self.opener, root / "usr/bin/shellpack")
        home = root / "root"
        add_fixtures(home)
        filtered = home / "fixtures/shells/filtered"
        filtered.mkdir()
        blog = (home / "fixtures/shells/blog/shell.nix").read_text()
        (filtered / "shell.nix").write_text(blog.replace("  shellHook = ''\n", HOOK))
        (filtered / "calls.pl").write_text(CALLS)

    def home(self, name, shellpack):
        """The home of a machine, with a shellpack in it; its store is beside it."""
        home = self.scratch / name
        (home / "bin").mkdir(parents=True)
        (self.scratch / f"{name}-nix").mkdir()
        shutil.copy(shellpack, home / "bin/shellpack")
        return home

    def bundle(self):
        if not self.executable.exists():
            raise Failure("it takes the bundle of the first scenario")
        return self.executable


def in_room(home, script, *, runs_arm=False, instead=None, status=0):
    """Runs a script on a machine of this home; returns what it printed. `instead` has files for some of
    this machine's /usr/bin."""
    room = [REPOSITORY / "scripts/room", f"{home}-nix", home, "sh", "-euc", script]
    if runs_arm:
        mounts = "".join(f"mount --bind '{file}' /usr/bin/{name}\n" for name, file in (instead or {}).items())
        inside = f'{REGISTER}{mounts}exec "$@"'
        room = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-euc", inside, "sh", *room]
    done = subprocess.run(
        room, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    ensure(done.returncode == status, f"it exited with {done.returncode}, not {status}: {script}", done.stdout)
    return done.stdout


def packs_for_arm(stage):
    """create packs a shell for ARM, whose packages this machine builds because its kernel runs ARM
    programs by QEMU, with a program for ARM, and enters it in the rehearsal"""
    images = stage.images
    home = images.home("packs", images.shellpack)
    add_fixtures(home)
    shutil.copy(images.opener, home / "opener")
    # The packages copy these from the machine.
    own = {name: images.programs / name for name in ("busybox", "bash-static")}
    printed = in_room(home, CREATE, runs_arm=True, instead=own)
    ensure_says(printed, "^ +opens itself on aarch64-linux; ", "^ +for aarch64-linux, ", " entered nix-shell$")
    ensure("not tried" not in printed and "not entered" not in printed, "it is not entered:", printed)
    shutil.move(home / "dev.run", images.executable)


def reads_it_here(stage):
    """on this machine, verify and inspect read the bundle; open, and the file itself, refuse it in words"""
    images = stage.images
    home = images.home("reads", images.shellpack)
    shutil.copy(images.bundle(), home / "dev.run")
    ensure_says(in_room(home, "shellpack verify dev.run"), r"^dev\.run: sound \(")
    ensure_says(in_room(home, "shellpack inspect dev.run"), "^ *opens itself on aarch64-linux; ")
    printed = in_room(home, "shellpack open dev.run --run true", status=125)
    ensure_says(printed, r"^error: could not open dev\.run: it is for aarch64-linux, and this machine is x86_64-linux$")
    printed = in_room(home, "sh dev.run --run true", status=125)
    ensure_says(printed, "^error: this file is for aarch64-linux, and this machine is x86_64 with Linux$")


def opens_emulated(stage):
    """the program for ARM verifies, opens, lists and removes under QEMU's user emulation, and the header
    starts it where uname says so"""
    images = stage.images
    home = images.home("emulated", images.opener)
    shutil.copy(images.bundle(), home / "dev.run")
    shutil.copy(images.programs / "busybox", home)

    def says(script, *sentences):
        with stage.step(script):
            ensure_says(in_room(home, script, runs_arm=True), *sentences)

    says("shellpack --version", r"^shellpack \d")
    says("shellpack verify dev.run", r"^dev\.run: sound \(")
    says("shellpack inspect dev.run", "^ *opens itself on aarch64-linux; ")
    says("shellpack open dev.run --store store --no-shell", "imported [1-9]")
    says("shellpack open dev.run --store store --no-shell", "imported 0 ")
    says("shellpack list --store store", "^blog ")
    says("shellpack remove blog --store store; ls -A store/nix/store | wc -l", "^0$")
    # The shell's own uname, not this machine's.
    uname = "mkdir uname; ln -s ../busybox uname/uname; PATH=~/uname:$PATH"
    says(f"{uname} sh dev.run --shellpack verify dev.run", r"^dev\.run: sound \(")


def packs_on_arm(stage):
    """on an ARM machine with Nix, create packs the same shell, and the rehearsal filters system calls by
    their numbers there"""
    with stage.step("make the machine"):
        root = stage.images.root_with_nix
    with stage.machine("A", root) as a:
        ensure_says(a.run("/usr/bin/perl fixtures/shells/filtered/calls.pl 2> /dev/null"), f"^{OUTSIDE}$")
        with stage.step("A: create, with calls in the shellHook"):
            printed = a.run("shellpack create fixtures/shells/filtered -o filtered.shellpack")
        ensure_says(printed, "^ +entered nix-shell$", "^ +for aarch64-linux, ")
        with stage.step("A: rehearse"):
            printed = a.run("shellpack rehearse filtered.shellpack")
        ensure_says(printed, "the rehearsal passed: ")


# With how many seconds each may take.
ARM_SCENARIOS = [
    (packs_for_arm, 600),
    (reads_it_here, 100),
    (opens_emulated, 600),
    (opens_itself, 900),
    (packs_on_arm, 900),
]
