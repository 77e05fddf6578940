"""Debian's packages, downloaded and unpacked, and not installed: also those for another processor, of
which apt and dpkg of this machine know nothing."""

import os
import re
import shutil
import subprocess

from machine import Failure


class Packages:
    """Packages for a processor. What is unpacked stays in the directory for the next time."""

    def __init__(self, directory, processor):
        self._directory = directory
        self._debian = processor.debian
        self._configuration = None

    def kernel(self):
        """The kernel and its modules."""
        return self._unpacked("kernel", self._download_kernel)

    def programs(self, *packages):
        """These packages in one tree."""
        return self._unpacked("programs", lambda into: self._download(into, *packages))

    def machine(self, *packages):
        """These packages, and all that they depend on, in one tree."""

        def download(into):
            (into / "partial").mkdir()
            how = ["-y", "--download-only", "--no-install-recommends", "-o", f"Dir::Cache::archives={into}"]
            self._apt("apt-get", "install", "-q", "-o", "Debug::NoLocking=1", *how, *packages)

        return self._unpacked("machine", download)

    def _download(self, into, *packages):
        self._apt("apt-get", "download", "-q", *packages, cwd=into)

    def _download_kernel(self, into):
        name = f"linux-image-{self._debian}"
        depends = self._apt("apt-cache", "depends", "--important", name)
        found = re.search(r"Depends: (linux-image-\S+)", depends)
        if not found:
            raise Failure(f"there is no {name}: this takes Debian")
        self._download(into, found[1])

    def _unpacked(self, name, download_into):
        tree = self._directory / name
        if tree.exists():
            return tree
        self._update()
        download, unpacked = self._directory / "download", self._directory / f"{name}.new"
        for made in (download, unpacked):
            shutil.rmtree(made, ignore_errors=True)
            made.mkdir()
        download_into(download)
        for package in download.glob("*.deb"):
            run("dpkg-deb", "-x", package, unpacked)
        shutil.rmtree(download)
        unpacked.rename(tree)
        return tree

    def _update(self):
        if self._configuration:
            return
        # The machine's sources, and lists of our own.
        state = self._directory / "apt"
        for made in ("lists/partial", "cache/archives/partial"):
            (state / made).mkdir(parents=True, exist_ok=True)
        (state / "status").touch()
        self._configuration = state / "configuration"
        self._configuration.write_text(
            f'APT::Architecture "{self._debian}";\nAPT::Architectures {{ "{self._debian}"; }};\n'
            f'Dir::State "{state}";\nDir::State::status "{state}/status";\nDir::Cache "{state}/cache";\n'
        )
        self._apt("apt-get", "update", "-q")

    def _apt(self, *argv, **options):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "APT_CONFIG": str(self._configuration)}
        return run(*argv, env=environment, **options)


def run(*argv, **options):
    done = subprocess.run(argv, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise Failure(f"{argv[0]} failed:\n{done.stdout}{done.stderr}".strip())
    return done.stdout
