//! Remedies for a bundle that has faults.

/// Something that can be done about a bundle's faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Repair it: its parity file covers all of the damage.
    Repair,
    /// Copy it again.
    CopyAgain,
    /// Remove files beside it that look like more volumes: the bundle itself is whole.
    RemoveSurplus,
}
