//! The header of an executable bundle: the script that starts the program behind it.

use shellpack_format::bundle::executable::Header;

/// The script, which follows the fields.
const SCRIPT: &str = include_str!("header.sh");

/// The whole header for a bundle of this name; `None` if the name is too long for it.
pub(super) fn bytes(header: &Header, name: &str) -> Option<Vec<u8>> {
    let from = header.bundle_at() + 1;
    let script = SCRIPT
        .replace("@system@", header.system())
        .replace("@name@", &format!("{name}.run"))
        .replace("@bundle_from@", &from.to_string())
        .replace("@machines@", machines(header.system())?);
    header.to_bytes(&script)
}

/// The answer of `uname` on the machines that run the programs of a system, as a pattern.
fn machines(system: &str) -> Option<&'static str> {
    Some(match system {
        "x86_64-linux" => "Linux-x86_64",
        "i686-linux" => "Linux-i?86 | Linux-x86_64",
        "aarch64-linux" => "Linux-aarch64",
        "armv7l-linux" => "Linux-armv7* | Linux-armv8l",
        "riscv64-linux" => "Linux-riscv64",
        "powerpc64le-linux" => "Linux-ppc64le",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::is_opener;
    use shellpack_format::store::hash::Digest;

    #[test]
    fn the_header_fits_whatever_the_name() {
        let size = shellpack_format::bundle::executable::MAX_PROGRAM;
        for system in ["x86_64-linux", "powerpc64le-linux"] {
            let header = Header::new(size, Digest::of(b""), system).unwrap();
            let bytes = bytes(&header, &"n".repeat(200)).unwrap();
            let text = String::from_utf8(bytes).unwrap();
            let blanks = ["@system@", "@name@", "@bundle_from@", "@machines@"];
            let is_left = |blank: &&&str| text.contains(**blank);
            assert_eq!(blanks.iter().find(is_left), None);
        }
    }

    #[test]
    fn a_program_with_the_script_is_known() {
        assert!(is_opener(SCRIPT.as_bytes()));
        assert!(!is_opener(b"\x7fELF"));
    }
}
