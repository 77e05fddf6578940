"""Disks without room, and how much room is too little."""

import shutil
import threading


class Disk:
    """A file system of its own for one place of a machine."""

    def __init__(self, place, prepare, command, project):
        self.place, self.prepare, self.command, self.project = place, prepare, command, project

    def mounted(self, options):
        # It is the whole of what the place has.
        return f"""
            mkdir -p "{self.place}"; mount -t tmpfs -o mode=755,{options} tmpfs /mnt && {self.prepare} || exit 9
            mount --move /mnt "{self.place}" 2>/dev/null || mount --bind /mnt "{self.place}"
        """

    def fits(self, machine, room, amount):
        """Whether the command succeeds with that much room."""
        self.fresh(machine)
        script = self.mounted(f"{room.option}={amount}{room.unit}") + f"{self.command} > /dev/null 2>&1"
        return machine.run(script)[0] == 0

    def filled(self, machine, room, amount):
        """Runs the command with too little room, then again with enough."""
        self.fresh(machine)
        return machine.run(
            self.mounted(f"{room.option}={amount}{room.unit}")
            + f"""
            ({self.command}) > "$MACHINE/said" 2>&1; code=$?
            nix-store --verify --check-contents > "$MACHINE/checked" 2>&1 || echo "error: verify" >> "$MACHINE/checked"
            [ $code = 0 ] || ls -Ad ~/.shellpack-* ~/out/* ~/place/small ~/large.shellpack 2>/dev/null
            mount -o remount,size=400m,nr_inodes=100000 "{self.place}" || exit 8
            ({self.command}) > "$MACHINE/again" 2>&1 || {{ echo "again: $?"; cat "$MACHINE/again"; }}
            nix-store --verify --check-contents 2>&1 | grep -E 'modified|disappeared'
            echo "first: $code"
        """
        )

    def fresh(self, machine):
        machine.reset()
        if " create " in self.command:
            shutil.copytree(self.project, machine.dir / "home/large")


class Room:
    """An option of tmpfs that limits its room, and the values with which there is too little of it."""

    def __init__(self, option, unit, least, most):
        self.option, self.unit, self.least, self.most = option, unit, least, most
        self.lock, self.found = threading.Lock(), False

    def part(self, disk, machine, number, count):
        """The value for one of a number of attempts, from the least to the last that is too little.
        For one or two attempts, that is not searched for: anything near the least will do."""
        if count < 5:
            return self.least * (number + 3) // 2
        with self.lock:
            if not self.found:
                self.search(disk, machine)
        return self.least + (self.most - 1 - self.least) * number // (count - 1)

    def search(self, disk, machine):
        """Finds the smallest value that suffices."""
        least, self.found = self.least - 1, True
        while self.most - least > 1:
            middle = (least + self.most) // 2
            if disk.fits(machine, self, middle):
                self.most = middle
            else:
                least = middle
