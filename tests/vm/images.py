"""What machines are made of: Debian's kernel, an initramfs, a root file system with Nix and
shellpack, and Nix stores. Machines work on copies of their own."""

import lzma
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from debian import Packages, run
from machine import Failure
from processor import X86_64

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent

# What the kernel does not have built in, for the disks, for sticks, and for a file system of a network.
# The first is what ext4 asks for by another name.
MODULES = """
    crc32c_generic virtio_pci virtio_blk virtio_rng ext4
    xhci_pci usb_storage sd_mod vfat nls_ascii nls_cp437 nls_iso8859_1 nls_utf8
    nfsd nfsv4
""".split()

# Programs of the host that machines have, beside busybox's.
PROGRAMS = ["/usr/bin/nix", "/usr/bin/git"]
# Where Nix has what it calls besides; which of them there are depends on its version.
DIRECTORIES = ["/usr/lib/nix", "/usr/libexec/nix"]

NIX_CONF = "build-users-group =\nsandbox = false\nsubstituters =\n"
PASSWD = """\
root:x:0:0:root:/root:/bin/sh
alice:x:1000:1000::/home/alice:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/bin/false
"""
GROUP = "root:x:0:\nalice:x:1000:\nnogroup:x:65534:\n"

# Sparse: machines at full size take it, others do not.
DISK = "40G"

# The blog's shell, and a file that cannot be compressed.
SHELL = """\
{{ mib ? 1 }}:
let
  pkgs = import (builtins.fetchTarball {{
    url = "file:///root/fixtures/nixpkgs.tar.gz";
{hash}
  }}) {{ config = {{ }}; overlays = [ ]; }};
in
pkgs.mkShell {{
  name = "stick-shell";
  PAYLOAD = pkgs.runCommand "payload" {{ }} "head -c ${{toString (mib * 1048576)}} /dev/urandom > $out";
  buildInputs = [ pkgs.hello ];
  shellHook = "export MESSAGE=\\"$(hello)\\"";
}}
"""


class BareImages:
    """Files that machines with busybox and nothing else begin with; `scratch` is for what scenarios
    make."""

    def __init__(self, directory, processor, busybox, packages, say):
        self.processor = processor
        self.directory = directory
        self.scratch = directory / "scratch"
        shutil.rmtree(self.scratch, ignore_errors=True)  # what a killed run left
        self.scratch.mkdir(parents=True)
        say("the kernel")
        tree = packages.kernel()
        self.kernel = next(tree.glob("boot/vmlinuz-*"))
        say("the images")
        self.initramfs = directory / "initramfs"
        write_initramfs(self.initramfs, tree, busybox)
        self.bare_root = self.file_system("bare", lambda root: fill_with_busybox(root, busybox, processor))
        self.executable = self.scratch / "dev.run"  # a shell as a bundle that opens itself

    def file_system(self, name, fill):
        tree, image = self.scratch / name, self.scratch.parent / f"{name}.ext4"
        tree.mkdir()
        fill(tree)
        image.unlink(missing_ok=True)
        run("truncate", "-s", DISK, image)
        run("mkfs.ext4", "-q", "-J", "size=32", "-E", "root_owner=0:0", "-d", tree, image)
        shutil.rmtree(tree)
        return image

    def stick(self, name, size):
        """A new vfat stick."""
        image = self.scratch / name
        run("truncate", "-s", size, image)
        run("mkfs.vfat", "-F", "32", "-n", "STICK", image)
        return image


class Images(BareImages):
    """Files that all machines begin with."""

    def __init__(self, directory, shellpack, opener, payloads, say):
        """`opener` is a static shellpack. `payloads` are how many MiB a shell brings that cannot be
        compressed."""
        busybox = Path(shutil.which("busybox"))
        super().__init__(directory, X86_64, busybox, Packages(directory, X86_64), say)
        self.root = self.file_system("root", lambda root: fill_root(root, shellpack, busybox))
        self.empty_store = self.file_system("empty", lambda nix: None)
        self.store = self.file_system(
            "store", lambda nix: fill_store(nix, shellpack, opener, payloads, self.executable)
        )


def install_what_is_missing(part):
    """What it installs is in scripts/needed; it says so itself."""
    if subprocess.run([REPOSITORY / "scripts/setup", part], stdout=sys.stderr).returncode != 0:
        raise Failure("what the virtual machines need is not there")


def modules(tree):
    """The kernel modules to load, in this order: what each file is to be called, and its content."""
    # Since Debian 13, a package has them in /usr.
    files = [file for lib in ("lib", "usr/lib") for file in tree.glob(f"{lib}/modules/**/*.ko*")]
    known = {file.name.split(".ko")[0].replace("-", "_"): file for file in files}
    order = {}

    def add(name):
        file = known.get(name.replace("-", "_"))  # what is not there is built in
        if file is None or file in order:
            return
        content = file.read_bytes()
        if file.suffix == ".xz":  # since Debian 13
            content = lzma.decompress(content)
        needs = re.search(rb"\0depends=([^\0]*)\0", content)
        for needed in needs[1].decode().split(",") if needs and needs[1] else []:
            add(needed)
        order[file] = content

    for name in MODULES:
        add(name)
    return [(f"{file.name.split('.ko')[0]}.ko", content) for file, content in order.items()]


def write_initramfs(path, tree, busybox):
    """An archive as `cpio -H newc` writes it, which is what the kernel reads."""
    with open(path, "wb") as archive:

        def add(name, mode, content=b""):
            fields = [0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0]
            header = "070701" + "".join(f"{field:08x}" for field in fields) + name + "\0"
            for part in (header.encode(), content):
                archive.write(part + bytes(-len(part) % 4))

        for directory in ("bin", "modules"):
            add(directory, 0o40755)
        add("init", 0o100755, (HERE / "guest/init").read_bytes())
        add("bin/busybox", 0o100755, busybox.read_bytes())
        for number, (module, content) in enumerate(modules(tree)):
            add(f"modules/{number:02}-{module}", 0o100644, content)
        add("TRAILER!!!", 0)


def fill_with_busybox(root, busybox, processor=X86_64):
    """The least that a machine has: busybox, an ordinary user, and what runs our scripts."""
    for made in ("usr/bin", "usr/sbin", "etc", "root", "var/tmp", "home/alice"):
        (root / made).mkdir(parents=True)
    for made in ("mnt", "dev", "proc", "sys", "tmp", "run"):
        (root / made).mkdir()
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    os.chown(root / "home/alice", 1000, 1000)
    (root / "etc/passwd").write_text(PASSWD)
    (root / "etc/group").write_text(GROUP)

    shutil.copy(busybox, root / "usr/bin/busybox")
    for applet in run(*processor.emulator, busybox, "--list").split():
        if applet != "busybox":
            (root / "usr/bin" / applet).symlink_to("busybox")
    for name in ("agent", "plug", "share"):
        shutil.copy(HERE / "guest" / name, root / "usr/bin")
    shutil.copy(HERE / "guest/boot", root / "usr/sbin/boot")


def fill_root(root, shellpack, busybox):
    fill_with_busybox(root, busybox)
    for made in ("usr/lib", "usr/lib64", "etc/nix", "nix", "opt"):
        (root / made).mkdir()
    (root / "etc/nix/nix.conf").write_text(NIX_CONF)
    shutil.copy(shutil.which("bash-static"), root / "usr/bin/bash-static")
    (root / "usr/bin/bash").symlink_to("bash-static")
    run("strip", "-o", root / "usr/bin/shellpack", shellpack)
    for program in PROGRAMS:
        shutil.copy(program, root / program[1:])
    for link in Path("/usr/bin").glob("nix-*"):
        if link.is_symlink():
            (root / "usr/bin" / link.name).symlink_to("nix")
    for directory in filter(os.path.isdir, DIRECTORIES):
        shutil.copytree(directory, root / directory[1:], symlinks=True)
    copy_libraries(root, [shellpack, *PROGRAMS])
    add_fixtures(root / "root")


def copy_libraries(root, programs):
    """What the host's loader finds for these programs, at the same places."""
    for program in programs:
        # It fails for a static program, which needs none.
        found = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
        for library in re.findall(r"(/\S+) \(0x", found):
            place = root / library[1:]
            if place.exists():
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, place)
            if place.name == "libc.so.6":  # it loads these by name
                for plugin in Path(library).parent.glob("libnss_*.so.2"):
                    shutil.copy(plugin, place.parent)


def add_fixtures(home):
    fixtures = home / "fixtures"
    shutil.copytree(REPOSITORY / "fixtures", fixtures, symlinks=True)
    blog = (fixtures / "shells/blog/shell.nix").read_text()
    pinned = next(line for line in blog.splitlines() if "sha256 =" in line)
    stick = fixtures / "shells/stick"
    stick.mkdir()
    (stick / "shell.nix").write_text(SHELL.format(hash=pinned))


def fill_store(nix, shellpack, opener, payloads, executable):
    """A store that has what the shells take, so that the machine with it, which is slow, does not
    have to build that, nor fetch anything. Makes the bundle that opens itself on the way."""
    home = nix.with_name("home")
    (home / "bin").mkdir(parents=True)
    shutil.copy(shellpack, home / "bin/shellpack")
    add_fixtures(home)
    for mib in payloads:
        create = f"shellpack create fixtures/shells/stick --arg mib {mib} --dry-run --no-rehearsal"
        run(REPOSITORY / "scripts/room", nix, home, *create.split())
    shutil.copy(opener, home / "opener")
    create = "shellpack create fixtures/shells/stick --executable --opener opener -o dev.run"
    run(REPOSITORY / "scripts/room", nix, home, *create.split())
    shutil.move(home / "dev.run", executable)
    shutil.rmtree(home)
