//! The room for signatures (`bundle-format.md`, section 6): 4096 bytes that are zero in an
//! unsigned bundle, so that a bundle can be signed later without moving anything.

use super::BadBundle;

/// The member's size in bytes.
pub const SIZE: usize = 4096;

/// The names of the keys that a bundle claims to be signed with. This version checks the form, not
/// the signatures.
pub fn parse(bytes: &[u8; SIZE]) -> Result<Vec<String>, BadBundle> {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(SIZE);
    let (text, zeros) = bytes.split_at(end);
    if zeros.iter().any(|&byte| byte != 0) {
        return Err(BadBundle::Signatures);
    }
    let text = std::str::from_utf8(text).map_err(|_| BadBundle::Signatures)?;
    if !(text.is_empty() || text.ends_with('\n')) {
        return Err(BadBundle::Signatures);
    }
    text.lines()
        .map(|line| key_name(line).ok_or(BadBundle::Signatures))
        .collect()
}

/// The name in `name:base64`, if the signature has 64 bytes.
fn key_name(line: &str) -> Option<String> {
    let (name, signature) = line.split_once(':')?;
    let bytes = data_encoding::BASE64.decode(signature.as_bytes()).ok()?;
    let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_graphic());
    (plain && bytes.len() == 64).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn padded(text: &str) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        bytes
    }

    #[test]
    fn an_unsigned_bundle_has_no_keys() {
        assert_eq!(parse(&[0; SIZE]).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_flipped_bit_is_refused() {
        for (byte, bit) in [(0, 0), (17, 3), (4095, 7)] {
            let mut bytes = [0; SIZE];
            bytes[byte] ^= 1 << bit;
            assert!(parse(&bytes).is_err());
        }
    }

    #[test]
    fn keys_are_named() {
        let line = format!("lab-1:{}\n", data_encoding::BASE64.encode(&[7; 64]));
        assert_eq!(parse(&padded(&line)).unwrap(), ["lab-1"]);
        assert!(parse(&padded(line.trim_end())).is_err());
        assert!(parse(&padded("lab-1:AAAA\n")).is_err());
    }
}
