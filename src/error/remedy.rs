//! What helps where a bundle has faults.

/// What can be done about a bundle's faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Its parity file covers all of the damage.
    Repair,
    /// It has to be copied again.
    CopyAgain,
    /// It is whole, and files lie beside it that look like more of it.
    RemoveSurplus,
}
