//! Examples of the commands that carry bundles: volumes, copies and parity.

use super::OfCommand;

pub(super) const EXAMPLES: &[OfCommand] = &[
    (
        "split",
        &[
            (
                "Cut a bundle for a stick with FAT32:",
                "shellpack split dev.shellpack --volume-size fat32 -o /mnt/stick",
            ),
            (
                "Cut it into volumes of 650 MiB in the current directory:",
                "shellpack split dev.shellpack --volume-size 650M",
            ),
        ],
    ),
    (
        "join",
        &[(
            "Make one file of volumes in two directories:",
            "shellpack join /mnt/one/dev.shellpack.001 --volumes /mnt/two",
        )],
    ),
    (
        "copy",
        &[
            (
                "Copy a bundle to a stick, or continue after an interruption:",
                "shellpack copy dev.shellpack /mnt/stick",
            ),
            (
                "Copy it with parity, and for discs:",
                "shellpack copy dev.shellpack discs --volume-size dvd --parity 5%",
            ),
        ],
    ),
    (
        "protect",
        &[(
            "Write parity for up to 10 % of damage:",
            "shellpack protect dev.shellpack --parity 10%",
        )],
    ),
    (
        "repair",
        &[
            (
                "Restore a damaged bundle into ./dev-repaired.shellpack:",
                "shellpack repair /mnt/stick/dev.shellpack",
            ),
            (
                "Restore it to another place, with parity from another stick:",
                "shellpack repair dev.shellpack --volumes /mnt/two -o whole.shellpack",
            ),
        ],
    ),
];
