//! Settings of Nix that a bundle may carry.

/// Settings that decide what evaluation gives. A bundle can set no others: they say how Nix builds,
/// where it fetches from, and which programs it runs.
const OF_EVALUATION: [&str; 8] = [
    "allow-import-from-derivation",
    "deprecated-features",
    "eval-system",
    "experimental-features",
    "extra-deprecated-features",
    "extra-experimental-features",
    "max-call-depth",
    "system",
];

/// Whether a bundle can set this setting of Nix for an evaluation.
pub fn is_evaluation_setting(name: &str) -> bool {
    OF_EVALUATION.contains(&name)
}
