"""What is tried. Each trial does one thing to a bundle or a machine, and looks at what is there then."""

import os
import shutil

from disks import Disk, Room
from machine import Broken

# Of each trial: how often in the full form, and how often in the short one.
BITS, BYTES = (10_000, 70), (2_000, 25)
KILLS = (75, 3)
PLACES = (50, 2)
ROUNDS = (20, 2)


class Trial:
    """A number of attempts, which workers take one by one."""

    def __init__(self, name, attempts, attempt, parallel=True):
        self.name = name
        self.attempts = attempts
        self.attempt = attempt
        self.parallel = parallel


def judged(machine, expected, project, code, said):
    """After an opening: all of the bundle, or an error and nothing but sound paths."""
    paths, files = expected
    store = machine.store()
    wrong = {name for name, found in store.items() if paths.get(name) != found}
    if code == 0:
        if store != paths or machine.project(project) != files:
            raise Broken(f"it was opened to something else: {sorted(wrong)[:3]} {said[-300:]}")
        return "opened to what was packed"
    if "error: " not in said:
        raise Broken(f"exit code {code} without an error: {said[-300:]}")
    if wrong:
        raise Broken(f"after an error, the store has {sorted(wrong)[:3]}: {said[-300:]}")
    if machine.leftovers() or machine.project(project):
        raise Broken(f"after an error, there is {machine.leftovers()} {said[-300:]}")
    if store:
        machine.reset()
    return "refused"


# --- Bytes that are not those of the bundle


def mutated(content, random, bits):
    """One bit is flipped, or a few bytes are replaced."""
    content = bytearray(content)
    at = random.randrange(len(content))
    if bits:
        content[at] ^= 1 << random.randrange(8)
    else:
        length = random.randrange(2, 40)
        content[at : at + length] = random.randbytes(length)
    return bytes(content)


def mutations(bundles, scale, seeded):
    small = bundles.small.read_bytes()
    volumes = bundles.dir / "volumes"
    bundles.machine.succeed(
        f"mkdir {volumes}; cd {volumes}; shellpack -q split {bundles.small} --volume-size 8K --force 2>&1"
    )
    protected = bundles.dir / "protected"
    protected.mkdir()
    shutil.copy(bundles.small, protected)
    bundles.machine.succeed(f"shellpack -q protect {protected}/small.shellpack --parity 20% 2>&1")

    def opening(machine, number, bits):
        content = mutated(small, seeded(number), bits)
        (machine.dir / "home/small.shellpack").write_bytes(content)
        return opened(machine, "small.shellpack", content == small)

    def opening_volumes(machine, number, bits):
        random = seeded(number)
        files = sorted(it for it in volumes.iterdir() if it.suffix[1:].isdigit())
        chosen = random.choice(files)
        for file in files:
            content = file.read_bytes()
            if file == chosen:
                content = mutated(content, random, bits)
            (machine.dir / "home" / file.name).write_bytes(content)
        return opened(machine, "small.shellpack.001", False)

    def opened(machine, file, is_sound):
        code, said = machine.run(f"shellpack -q open {file} --no-shell 2>&1")
        outcome = judged(machine, bundles.expected["small"], "small", code, said)
        if code == 0:
            machine.reset()
            if not is_sound:
                outcome += ", in spite of it"
        return outcome

    def repairing(machine, number, bits):
        random, home = seeded(number), machine.dir / "home"
        names = ["small.shellpack", "small.shellpack.parity"]
        chosen = random.choice(names)
        for name in names:
            content = (protected / name).read_bytes()
            (home / name).write_bytes(mutated(content, random, bits) if name == chosen else content)
        code, said = machine.run("shellpack -q repair small.shellpack -o repaired.shellpack 2>&1")
        repaired = home / "repaired.shellpack"
        if repaired.exists():
            same = repaired.read_bytes() == small
            repaired.unlink()
            if not same or code != 0:
                raise Broken(f"it was repaired to something else: {said[-300:]}")
            return "repaired to the same bytes"
        sound = (home / names[0]).read_bytes() == small
        if code == 0 and not sound:
            raise Broken(f"nothing was repaired: {said[-300:]}")
        return "nothing to repair" if code == 0 else "refused"

    for name, attempt in [
        ("one file", opening),
        ("volumes", opening_volumes),
        ("with parity, repaired", repairing),
    ]:
        for kind, count, bits in [("one bit", BITS, True), ("2 to 39 bytes", BYTES, False)]:
            yield Trial(
                f"mutation: {kind}, {name}",
                count[scale],
                lambda machine, number, attempt=attempt, bits=bits: attempt(machine, number, bits),
            )

    lengths = range(0, len(small), [512, 512 * 16][scale])

    def truncated(machine, number):
        (machine.dir / "home/small.shellpack").write_bytes(small[: lengths[number]])
        return opened(machine, "small.shellpack", False)

    step = lengths.step
    yield Trial(f"truncation: at every {step} bytes", len(lengths), truncated)


# --- Processes that are killed


def kills(bundles, scale, seeded):
    open_ = f"shellpack -q open {bundles.large} --no-shell"
    for daemon in [False, True]:

        def opening(machine, number, daemon=daemon):
            machine.reset()
            moment = seeded(number).uniform(0.01, 1.3)
            machine.run(f"{open_} 2>&1 & p=$!; sleep {moment}; kill -9 $p; wait $p; true", daemon=daemon)
            machine.ensure_sound_store()
            project = machine.project("large")
            if project not in [None, bundles.expected["large"][1]]:
                raise Broken("a half-written project")
            machine.succeed("shellpack list 2>&1")
            machine.succeed(f"{open_} 2>&1", daemon=daemon)
            return again(machine, bundles)

        def creating(machine, number, daemon=daemon):
            machine.reset()
            home = machine.dir / "home"
            shutil.copytree(bundles.machine.dir / "home/large", home / "large")
            moment = seeded(number).uniform(0.05, 3)
            create = "shellpack -q create large"
            machine.run(f"{create} 2>&1 & p=$!; sleep {moment}; kill -9 $p; wait $p; true", daemon=daemon)
            if (home / "large.shellpack").exists():
                machine.succeed("shellpack -q verify large.shellpack 2>&1")
            machine.ensure_sound_store()
            machine.succeed(f"{create} --force 2>&1; shellpack -q verify large.shellpack 2>&1", daemon=daemon)
            left = [it.name for it in home.iterdir() if it.name.startswith(".large")]
            if left:
                raise Broken(f"what was killed left {left}")
            return "finished by running again"

        way = "through a daemon" if daemon else "direct"
        yield Trial(f"kill -9: open, {way}", KILLS[scale], opening)
        yield Trial(f"kill -9: create, {way}", KILLS[scale], creating)


def again(machine, bundles, name="large"):
    machine.ensure_sound_store()
    paths, files = bundles.expected[name]
    if machine.store() != paths or machine.project(name) != files:
        raise Broken("running again did not finish it")
    return "finished by running again"


# --- Disks that are full


def full_disks(bundles, scale, seeded):
    needed = bundles.large.stat().st_size
    # Where the file system lies, how it is made ready, the command, and the least and most KiB and files.
    places = {
        "store": ("/nix", 'cp -a "$MACHINE/nix/." /mnt', f"open {bundles.large} --no-shell", 2600, 60),
        "project": ("$HOME/place", "true", f"open {bundles.small} --no-shell --dir place/small", 4, 2),
        "state": ("$HOME/.local/state", "true", f"open {bundles.small} --no-shell", 4, 2),
        "output": ("$HOME/out", "true", "create large -o out/large.shellpack --force", 4, 2),
        "scratch": ("$TMPDIR", "true", "create large -o large.shellpack --force", 4, 2),
    }
    for name, (place, prepare, command, kibibytes, files) in places.items():
        disk = Disk(place, prepare, f"shellpack -q {command}", bundles.machine.dir / "home/large")
        sizes = Room("size", "k", kibibytes, needed * 4 // 1024)
        inodes = Room("nr_inodes", "", files, 4000)

        def attempt(machine, number, disk=disk, rooms=(sizes, inodes)):
            # Every second disk has no inodes left, and bytes enough.
            room = rooms[number % 2]
            amount = room.part(disk, machine, number // 2, PLACES[scale] // 2)
            code, said = disk.filled(machine, room, amount)
            if code in (8, 9):
                return "too small for a store"
            first = said.splitlines()[-1:]
            checked = (machine.dir / "checked").read_text()
            at = f"with {room.option}={amount}{room.unit}"
            if any(it in checked for it in ["modified", "disappeared"]):
                raise Broken(f"{at}, the store is damaged: {checked[-300:]}")
            message = (machine.dir / "said").read_text()
            if "again:" in said or len(said.splitlines()) != 1:
                raise Broken(f"{at}: {message[-300:]} {said[-600:]}")
            if first == ["first: 0"]:
                return "enough room"
            if "error: " not in message or first[0] not in ("first: 1", "first: 125"):
                raise Broken(f"{at}: {first} {message[-300:]}")
            return "refused, and finished with more room"

        yield Trial(f"full disk: {name}", PLACES[scale], attempt)


# --- Few open files, company, and files that change


def few_files(bundles, scale, seeded):
    commands = [
        f"open {bundles.large} --no-shell",
        f"verify {bundles.large}",
        f"inspect {bundles.large}",
        f"copy {bundles.large} out.shellpack",
        "create large",
    ]

    def attempt(machine, number):
        machine.reset()
        shutil.copytree(bundles.machine.dir / "home/large", machine.dir / "home/large")
        command = commands[number]
        code, said = machine.run(f"ulimit -n 30; shellpack -q {command} 2>&1")
        machine.ensure_sound_store()
        if code == 0:
            return "enough"
        if "error: " not in said or machine.leftovers():
            raise Broken(f"{command}: {said[-400:]} {machine.leftovers()}")
        return "refused"

    yield Trial("30 open files: open, verify, inspect, copy, create", len(commands), attempt)


def company(bundles, scale, seeded):
    one = f"shellpack -q open {bundles.large} --no-shell --dir one"
    for daemon in [False, True]:
        way = "through a daemon" if daemon else "direct"

        def twice(machine, number, daemon=daemon, second=f"open {bundles.large} --no-shell --dir two"):
            machine.reset()
            pause = seeded(number).uniform(0, 0.5)
            machine.succeed(
                f"{one} 2>&1 & sleep {pause}; shellpack -q {second} 2>&1; code=$?; wait $! && exit $code",
                daemon=daemon,
            )
            machine.ensure_sound_store()
            files = [bundles.expected["large"][1], bundles.expected["other"][1]]
            if machine.project("one") != files[0] or machine.project("two") not in files:
                raise Broken("other files")
            return "both are open"

        def sharing(machine, number, daemon=daemon, twice=twice):
            return twice(machine, number, daemon, f"open {bundles.other} --no-shell --dir two")

        yield Trial(f"two opens at once: of one bundle, {way}", ROUNDS[scale], twice)
        yield Trial(f"two opens at once: of two that share paths, {way}", ROUNDS[scale], sharing)

        def collected(machine, number, daemon=daemon):
            machine.reset()
            expression = SLOW % number
            script = f"""
                (while :; do nix-collect-garbage; done) > /dev/null 2>&1 &
                (while :; do nix-build --no-out-link -E '{expression}'; done) > /dev/null 2>&1 &
                shellpack -q open {bundles.large} --no-shell 2>&1; code=$?; sleep .3
                shellpack -q enter large --no-eval --run 'cat $tools/share/deep/er/text > /dev/null; echo entered' 2>&1
                exit $code
            """
            said = machine.succeed(script, daemon=daemon)
            machine.ensure_sound_store()
            missing = set(bundles.expected["large"][0]) - set(machine.store())
            if missing:
                raise Broken(f"collected: {missing} {said[-300:]}")
            return "all paths stay"

        yield Trial(f"open beside nix-collect-garbage and nix-build, {way}", ROUNDS[scale], collected)


SLOW = (
    'derivation { name = "slow-%d"; system = "x86_64-linux"; builder = "/bin/sh"; '
    'time = builtins.currentTime; args = [ "-c" "echo > $out" ]; }'
)


def changed_files(bundles, scale, seeded):
    large = bundles.large

    def attempt(machine, number):
        machine.reset()
        random, home = seeded(number), machine.dir / "home"
        shutil.copy(large, home / "large.shellpack")
        shutil.copy(bundles.other, home / "other.shellpack")
        size, moment = large.stat().st_size, random.uniform(0, 0.6)
        change = random.choice(
            [
                "mv other.shellpack large.shellpack",
                f"truncate -s {random.randrange(size)} large.shellpack",
                f"dd if=/dev/urandom of=large.shellpack bs=4k count=9 seek={random.randrange(size // 4096)} conv=notrunc status=none",
                "cat other.shellpack > large.shellpack",
            ]
        )
        code, said = machine.run(
            f"shellpack -q open large.shellpack --no-shell 2>&1 & sleep {moment}; {change}; wait $!"
        )
        machine.ensure_sound_store()
        expected = bundles.expected["large"]
        if code == 0 and "other" in os.listdir(home):
            expected = bundles.expected["other"]
            if machine.project("other") != expected[1]:
                raise Broken("other files")
            return "opened to one of both"
        return judged(machine, expected, "large", code, said)

    yield Trial("a file that is replaced, cut or written while it is read", ROUNDS[scale] * 4, attempt)


ALL = [mutations, kills, full_disks, few_files, company, changed_files]
