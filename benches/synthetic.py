"""Files of made-up content that compresses as real files do. The same on every machine."""

import bisect
import itertools
import json
import random
import string

KB, MB = 1000, 1_000_000

# Of about as many different words, and as unevenly used, as the prose in nixpkgs.
VOCABULARY, UNEVENNESS = 12_000, 1.05

ALPHABET = string.ascii_letters + string.digits + "+/"


class Writer:
    """Deterministic words, numbers and files."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        syllables = [
            a + b for a in "bcdfghklmnprstvw" for b in ("a", "e", "i", "o", "u", "er", "on")
        ]
        self.vocabulary = list(
            dict.fromkeys(
                "".join(self.random.choices(syllables, k=self.random.choice((1, 2, 2, 3))))
                for _ in range(VOCABULARY)
            )
        )
        weights = (1 / rank**UNEVENNESS for rank in range(1, len(self.vocabulary) + 1))
        self._cumulated = list(itertools.accumulate(weights))

    def word(self):
        at = bisect.bisect(self._cumulated, self.random.random() * self._cumulated[-1])
        return self.vocabulary[min(at, len(self.vocabulary) - 1)]

    def words(self, count):
        return self.random.choices(self.vocabulary, cum_weights=self._cumulated, k=count)

    def name(self):
        return "-".join(self.random.choices(self.vocabulary, k=2))

    def version(self):
        return ".".join(str(self.random.randrange(30)) for _ in range(3))

    def digest(self):
        return "sha256-" + "".join(self.random.choices(ALPHABET, k=43)) + "="

    def size(self, least, most):
        """Small sizes are as much more frequent than large ones as they are smaller."""
        return int(least * (most / least) ** self.random.random())

    def prose(self, size):
        text = " ".join(self.words(size // 4))
        return text[:size]


def write_directories(folder, count, writer):
    """Directories of 1 to 60 kB with text, a program of bytes and a symlink."""
    for number in range(count):
        made = folder / f"{writer.name()}-{number}"
        made.mkdir(parents=True)
        size = writer.size(1 * KB, 60 * KB)
        (made / "README").write_text(writer.prose(size * 3 // 4))
        program = made / "program"
        program.write_bytes(writer.random.randbytes(size // 4))
        program.chmod(0o755)
        (made / "link").symlink_to("program")


def write_texts(folder, count, referable, writer):
    """Texts of 1 to 60 kB, and texts.json: for each its name and what it refers to, which is
    store paths among `referable` or, by number, texts before it."""
    folder.mkdir(parents=True)
    texts = []
    for number in range(count):
        (folder / str(number)).write_text(writer.prose(writer.size(1 * KB, 60 * KB)))
        numbers = {writer.random.randrange(number) for _ in range(2)} if number else set()
        paths = set(writer.random.choices(referable, k=2))
        name = f"{writer.name()}-{number}"
        texts.append({"name": name, "texts": sorted(numbers), "paths": sorted(paths)})
    (folder / "texts.json").write_text(json.dumps(texts))


def write_big_file(path, size, base):
    """One file of blocks like `base`, each with its bytes exchanged for others by a permutation of
    its own: each block compresses as the base does, and none is a repetition of another."""
    writer = random.Random(4)
    left = size
    with open(path, "wb") as file:
        while left > 0:
            table = list(range(256))
            writer.shuffle(table)
            file.write(base.translate(bytes(table))[:left])
            left -= len(base)


def write_nixpkgs(folder, files):
    """A tree shaped like the nixpkgs source: 5 kB per file, of which a tenth is one large file."""
    writer = Writer(43)
    large = folder / "pkgs/development/haskell-modules/hackage-packages.nix"
    large.parent.mkdir(parents=True)
    with open(large, "w") as file:
        for _ in range(files // 2):
            file.write(package(writer, 900))
    for number in range(files - 1):
        path = folder / nixpkgs_path(writer, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Most are short, a few are modules and lock files.
        size = writer.size(200, 3000) if number % 5 else writer.size(3 * KB, 60 * KB)
        path.write_text(module(writer, size) if number % 5 == 0 else package(writer, size))


def nixpkgs_path(writer, number):
    """By far most are packages by name; no two numbers give one path."""
    name = f"{writer.name()}-{number}"
    if number % 5 == 0:
        return f"nixos/modules/services/{writer.word()}/{name}.nix"
    if number % 5 == 1:
        return f"pkgs/development/python-modules/{name}/default.nix"
    return f"pkgs/by-name/{name[:2]}/{name}/package.nix"


def package(writer, size):
    """A package's expression, longer by prose and patches if `size` asks for it."""
    name, inputs = writer.name(), [writer.word() for _ in range(writer.random.randrange(2, 8))]
    arguments = "".join(f"  {each},\n" for each in inputs)
    listed = "".join(f"    {each}\n" for each in inputs)
    text = f"""\
{{
  lib,
  stdenv,
  fetchFromGitHub,
{arguments}}}:

stdenv.mkDerivation (finalAttrs: {{
  pname = "{name}";
  version = "{writer.version()}";

  src = fetchFromGitHub {{
    owner = "{writer.word()}";
    repo = "{name}";
    tag = "v${{finalAttrs.version}}";
    hash = "{writer.digest()}";
  }};

  nativeBuildInputs = [
    cmake
    pkg-config
  ];

  buildInputs = [
{listed}  ];

  meta = {{
    description = "{" ".join(writer.words(7))}";
    homepage = "https://github.com/{writer.word()}/{name}";
    license = lib.licenses.mit;
    maintainers = with lib.maintainers; [ {writer.word()} ];
    platforms = lib.platforms.unix;
  }};
}})
"""
    while len(text) < size:
        text += f"# {' '.join(writer.words(12))}\n"
    return text


def module(writer, size):
    """A NixOS module of options with descriptions."""
    service = writer.word()
    text = f"""\
{{ config, lib, pkgs, ... }}:

let
  cfg = config.services.{service};
in
{{
  options.services.{service} = {{
    enable = lib.mkEnableOption "{service}";
"""
    while len(text) < size:
        text += f"""
    {writer.word()}.{writer.word()} = lib.mkOption {{
      type = lib.types.nullOr lib.types.str;
      default = null;
      description = ''
        {" ".join(writer.words(14))}.
      '';
    }};
"""
    return text + "  };\n}\n"
