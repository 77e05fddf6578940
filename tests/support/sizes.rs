//! Sizes as shellpack shows them, for tests that know the bytes.

/// Whether this many bytes are shown so: in binary units, with two decimals (`5.21 MiB`).
pub(crate) fn is_size(shown: &str, bytes: u64) -> bool {
    let (number, unit) = shown.split_once(' ').unwrap();
    let unit: u64 = match unit {
        "B" => return number.parse() == Ok(bytes),
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        other => panic!("no unit: {other}"),
    };
    let (whole, decimals) = number.split_once('.').unwrap();
    assert_eq!(decimals.len(), 2, "{shown}");
    let hundredths: u64 = [whole, decimals].concat().parse().unwrap();
    // It is rounded: half a hundredth of the unit either way.
    (hundredths * unit).abs_diff(bytes * 100) <= unit / 2
}
