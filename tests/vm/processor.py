"""The processors that machines have: what QEMU and Debian call them, and how they boot."""

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Processor:
    """A kind of machine."""

    system: str  # Nix's name
    debian: str
    qemu: str
    console: str  # where the kernel talks
    agents: tuple  # where the machine's agents listen
    emulator: tuple = ()  # what runs its programs on this machine

    def machine(self):
        """QEMU's options for the machine."""
        if self is X86_64:
            return ["-machine", f"q35,accel={accelerator()}", "-cpu", "max"]
        # The largest of QEMU's computes signatures of pointers, which takes it much longer.
        return ["-machine", "virt,accel=tcg", "-cpu", "cortex-a72"]

    def serial(self, kernel, lines):
        """QEMU's options for serial lines: a file for what the kernel says, and devices of ours."""
        options = ["-serial", f"file:{kernel}"]
        if self is X86_64:
            return options + [word for line in lines for word in ("-serial", f"chardev:{line}")]
        # The board has one line.
        chardevs = (f"chardev{number}={line}" for number, line in enumerate(lines, 1))
        return [*options, "-device", ",".join(("pci-serial-2x", *chardevs))]


X86_64 = Processor("x86_64-linux", "amd64", "qemu-system-x86_64", "ttyS0", ("ttyS1", "ttyS2"))
AARCH64 = Processor(
    "aarch64-linux", "arm64", "qemu-system-aarch64", "ttyAMA0", ("ttyS0", "ttyS1"), ("qemu-aarch64-static",)
)


def accelerator():
    """KVM only where the processor has it: a device alone may be a promise that is not kept."""
    flags = Path("/proc/cpuinfo").read_text()
    usable = re.search(r"\b(vmx|svm)\b", flags) and Path("/dev/kvm").exists()
    return "kvm" if usable else "tcg"
