"""A realistic closure, from Debian's packages: each is unpacked into a store path that refers to
its dependencies' paths. How large it is depends on the release and on where apt looks: one machine
with Debian 12 got 195 paths and 856 MB of NARs, another 234 paths and 1,436 MB."""

import re
import subprocess
import sys
from functools import cmp_to_key

from room import Failure

PACKAGES = (
    *("gcc-12", "g++-12", "clang-14", "rustc", "cmake", "gdb", "git", "vim-nox"),
    *("python3", "perl", "nodejs", "openjdk-17-jre-headless"),
)

# Of which security.debian.org has other versions than the release.
UPDATED = (
    *("openssl", "libssl3", "curl", "libcurl4", "git", "sudo", "systemd", "libsystemd0"),
    *("perl-base", "perl-modules-5.36", "libperl5.36", "libxml2", "libexpat1", "libglib2.0-0"),
    *("python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib", "libarchive13"),
    *("bind9-libs", "openssh-client", "libpoppler126"),
)
FEWEST_UPDATED = 15

# What apt-cache is not to follow.
IGNORED = ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")


def download(folder):
    """Fetches the packages and their dependencies, with apt-get. Goes on where it was stopped."""
    folder.mkdir(parents=True, exist_ok=True)
    have = {deb.name.split("_")[0] for deb in folder.glob("*.deb")}
    for name in sorted(dependencies_by_apt() - have):
        # One by one: what is virtual cannot be downloaded, and would end a longer list.
        done = quietly("apt-get", "download", name, cwd=folder)
        if done.returncode != 0 and name in PACKAGES:
            download_any_version(name, folder)
    missing = set(PACKAGES) - {deb.name.split("_")[0] for deb in folder.glob("*.deb")}
    if missing:
        raise Failure(f"apt-get could not download {' '.join(sorted(missing))}")


def download_any_version(name, folder):
    """The newest one that there is. The very newest may be in a repository that is out of reach."""
    for version in reversed(versions(name)):
        if quietly("apt-get", "download", f"{name}={version}", cwd=folder).returncode == 0:
            return


def download_versions(folder):
    """Fetches the newest version of each updated package, and the one before, into two directories."""
    pairs = {name: versions(name)[-2:] for name in UPDATED}
    if not any(pairs.values()):
        quietly("apt-get", "update")
        pairs = {name: versions(name)[-2:] for name in UPDATED}
    found = 0
    for name, pair in pairs.items():
        if len(pair) == 2:
            found += 1
            for version, when in zip(pair, ("before", "after")):
                download_version(name, version, folder / when)
    if found < FEWEST_UPDATED:
        raise Failure(f"apt-cache knows two versions of only {found} of {', '.join(UPDATED)}")


def download_version(name, version, folder):
    folder.mkdir(parents=True, exist_ok=True)
    if not any(folder.glob(f"{name}_*.deb")):
        done = quietly("apt-get", "download", f"{name}={version}", cwd=folder)
        if done.returncode != 0:
            raise Failure(f"apt-get could not download {name} {version}:\n{done.stderr.strip()}")


def versions(name):
    """Those that apt-cache knows, the oldest one first."""
    lines = quietly("apt-cache", "madison", name).stdout.splitlines()
    found = {line.split("|")[1].strip() for line in lines if line.rstrip().endswith("Packages")}
    return sorted(found, key=cmp_to_key(compared))


def compared(one, other):
    if one == other:
        return 0
    is_less = quietly("dpkg", "--compare-versions", one, "lt", other).returncode == 0
    return -1 if is_less else 1


def dependencies_by_apt():
    argv = ["apt-cache", "depends", "--recurse", *(f"--no-{kind}" for kind in IGNORED), *PACKAGES]
    if quietly(*argv).returncode != 0:
        quietly("apt-get", "update")
    listing = quietly(*argv)
    if listing.returncode != 0:
        raise Failure(f"apt-cache does not know the packages:\n{listing.stderr.strip()}")
    return {line for line in listing.stdout.splitlines() if re.match(r"[a-z0-9][^:]*$", line)}


def quietly(*argv, **options):
    return subprocess.run(argv, text=True, capture_output=True, check=False, **options)


def expression(folder, build=None):
    """The Nix expression of the closure of all packages in a folder. With a build, each larger file names a
    store path in its end, and all store paths are others than those of another build."""
    packages = read_packages(folder)
    if not packages:
        raise Failure(f"there are no Debian packages in {folder}")
    order = dependencies_first(packages)
    embed = "" if build is None else EMBED.replace("BUILD", build)
    lines = [HEAD.replace("EMBED", embed)]
    for name in order:
        earlier = set(order[: order.index(name)])
        deb, needs = packages[name]
        paths = " ".join(variable(need) for need in sorted(needs & earlier))
        lines.append(f'{variable(name)} = unpack "{store_name(name)}" "{deb}" [ {paths} ];')
    lines.append(TAIL.format(" ".join(variable(name) for name in order)))
    return "\n".join(lines)


HEAD = """\
let
unpack = name: deb: needs: derivation {
  inherit name needs;
  deb = builtins.path { path = deb; name = "${name}.deb"; };
  system = builtins.currentSystem;
  builder = "/bin/sh";
  PATH = "/usr/bin:/bin";
  args = [ "-c" ''
    mkdir -p $out/nix-support
    dpkg-deb -x $deb $out
    chmod -R u+w $out
    echo $needs > $out/nix-support/propagated-build-inputs
EMBED  '' ];
};
"""

EMBED = """\
    set -- $needs
    if [ $# -gt 0 ]; then
      find $out -type f -size +4k | while read -r file; do printf '\\n%s' "$1" >> "$file"; done
    fi
    echo BUILD > $out/nix-support/build
"""

TAIL = """\
in derivation {{
  name = "bench-closure";
  system = builtins.currentSystem;
  builder = "/bin/sh";
  args = [ "-c" "echo $needs > $out" ];
  needs = [ {} ];
}}
"""


def read_packages(folder):
    """name → (file, names of what it depends on)"""
    packages = {}
    for deb in sorted(folder.glob("*.deb")):
        wanted = quietly("dpkg-deb", "-f", deb, "Package", "Depends", "Pre-Depends")
        if wanted.returncode != 0:
            raise Failure(f"{deb} is no Debian package; remove it:\n{wanted.stderr.strip()}")
        fields = dict(line.split(": ", 1) for line in wanted.stdout.splitlines() if ": " in line)
        wanted = ",".join(fields.get(kind, "") for kind in ("Depends", "Pre-Depends"))
        needs = {re.sub(r"[ (:].*", "", need.strip()) for need in re.split(r"[,|]", wanted)}
        packages[fields["Package"]] = (deb, needs)
    return packages


def dependencies_first(packages):
    """Debian's cycles are cut where they are met."""
    order, seen = [], set()

    def visit(name):
        if name in seen or name not in packages:
            return
        seen.add(name)
        for need in sorted(packages[name][1]):
            visit(need)
        order.append(name)

    sys.setrecursionlimit(10_000)  # a chain may be as long as there are packages
    for name in sorted(packages):
        visit(name)
    return order


def variable(name):
    return "p_" + re.sub(r"[^a-zA-Z0-9]", "_", name)


def store_name(name):
    return re.sub(r"[^a-zA-Z0-9+._-]", "-", name)
