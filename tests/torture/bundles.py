"""The bundles that are tortured, made by `shellpack create` on a machine of their own."""

import random
import shutil
import subprocess

from machine import Machine

SHELL = """
let
  tool = n: derivation {
    name = "%(name)s-tool-${toString n}"; system = "x86_64-linux"; builder = "/bin/sh";
    args = [ "-c" "PATH=/bin:/usr/bin; mkdir -p $out/bin $out/share/deep/er; echo '#!/bin/sh' > $out/bin/t${toString n}; chmod +x $out/bin/t${toString n}; ln -s ../bin $out/share/deep/link; echo ${toString n} ${if n == 0 then "" else tool (n - 1)} > $out/share/deep/er/text" ];
  };
in derivation {
  name = "%(name)s-shell"; system = "x86_64-linux"; builder = "/bin/sh";
  tools = map tool [ 0 1 2 3 4 5 ]; data = ./data; shared = builtins.toFile "shared" "shared by all";
}
"""


class Bundles:
    """`small`, for thousands of openings; `large`, whose opening takes long enough to be disturbed; and
    `other`, which shares paths with `large`. All are signed."""

    def __init__(self, directory, shellpack, seed):
        self.dir = directory
        self.shellpack = shellpack
        self.machine = Machine(directory / "packing", shellpack)
        self.machine.succeed("nix-store --init")
        self.template = directory / "empty-store"
        subprocess.run(["cp", "-a", self.machine.dir / "nix", self.template], check=True)
        self.trusted = self.machine.succeed("shellpack -q keygen torture-1").strip()
        self.seed = seed
        self.small = self.make("small", 1, 600)
        self.large = self.make("large", 60, 300_000)
        self.other = self.make("other", 60, 300_000, data="large")
        self.expected = {name: self.opened(name) for name in ["small", "large", "other"]}

    def make(self, name, files, size, data=None):
        """A bundle with that many files of random bytes."""
        home = self.machine.dir / "home"
        project = home / name
        (project / "data").mkdir(parents=True)
        bytes_ = random.Random(f"{self.seed} {data or name}")
        for number in range(files):
            (project / "data" / str(number)).write_bytes(bytes_.randbytes(size))
        (project / "shell.nix").write_text(SHELL % {"name": data or name})
        self.machine.succeed(f"shellpack -q create {name} --sign-key torture-1.key 2>&1")
        bundle = self.dir / f"{name}.shellpack"
        shutil.copy(home / f"{name}.shellpack", bundle)
        return bundle

    def machine_for(self, name):
        """A machine that trusts the signer, and has nothing."""
        return Machine(self.dir / name, self.shellpack, self.template, self.trusted)

    def opened(self, name):
        """The store and the project that a sound bundle opens into."""
        machine = self.machine_for(f"sound-{name}")
        bundle = self.dir / f"{name}.shellpack"
        machine.succeed(f"shellpack -q open {bundle} --no-shell 2>&1")
        machine.ensure_sound_store()
        return machine.store(), machine.project(name)
