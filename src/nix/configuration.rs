//! Nix's configuration of this machine, `/etc/nix/nix.conf` and the files that it includes. The user's
//! own files and environment are not read: a daemon does not read them either.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// The file of the machine. `NIX_CONF_DIR` is the user's to set, so it does not count.
const FILE: &str = "/etc/nix/nix.conf";
/// How deep files include others. Nix has no limit, and ends at a file that includes itself.
const DEEPEST: usize = 8;
/// The longest file that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// The setting for the keys that Nix trusts, under its present and its former name.
const TRUSTED_KEYS: [&str; 2] = ["trusted-public-keys", "binary-cache-public-keys"];
/// The key that Nix trusts unless it is told otherwise: that of cache.nixos.org.
pub(crate) const USUAL_KEY: &str = "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=";

/// The keys that Nix trusts on this machine, each with the file that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TrustedKeys(pub(crate) Vec<(String, PathBuf)>);

impl TrustedKeys {
    /// Those of this machine. Fails if a file is there and cannot be read. Without a configuration,
    /// Nix trusts its usual key.
    pub(crate) fn of_machine() -> io::Result<Self> {
        let usual = (USUAL_KEY.to_owned(), PathBuf::from("default"));
        let mut keys = Self(vec![usual]);
        keys.read(Path::new(FILE), DEEPEST, &|file| read(file))?;
        Ok(keys)
    }

    /// Adds or replaces keys as a file says. `file` is empty if it is not there.
    fn read(
        &mut self,
        file: &Path,
        deep: usize,
        read: &dyn Fn(&Path) -> io::Result<String>,
    ) -> io::Result<()> {
        for line in read(file)?.lines() {
            let line = line.split('#').next().unwrap_or_default();
            let words: Vec<_> = line.split_ascii_whitespace().collect();
            match words[..] {
                ["include" | "!include", other] if deep > 0 => {
                    let other = file.parent().unwrap_or(file).join(other);
                    self.read(&other, deep - 1, read)?;
                }
                [name, "=", ref keys @ ..] => self.set(name, keys, file),
                _ => {}
            }
        }
        Ok(())
    }

    fn set(&mut self, name: &str, keys: &[&str], file: &Path) {
        let added = name.strip_prefix("extra-");
        if !TRUSTED_KEYS.contains(&added.unwrap_or(name)) {
            return;
        }
        if added.is_none() {
            self.0.clear();
        }
        let keys = keys.iter().map(|key| ((*key).to_owned(), file.to_owned()));
        self.0.extend(keys);
    }
}

/// The text of a file, empty if there is none.
fn read(file: &Path) -> io::Result<String> {
    match fs::metadata(file) {
        // A named pipe would keep us waiting.
        Ok(metadata) if !metadata.is_file() => Err(io::Error::other("it is not a file")),
        Ok(metadata) if metadata.len() > LONGEST => Err(io::ErrorKind::FileTooLarge.into()),
        Ok(_) => fs::read_to_string(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys that these files lead to, beginning with the first.
    fn keys(files: &[(&str, &str)]) -> Vec<String> {
        let read = |file: &Path| {
            let text = files.iter().find(|(name, _)| Path::new(name) == file);
            Ok(text.map(|(_, text)| (*text).to_owned()).unwrap_or_default())
        };
        let mut keys = TrustedKeys(vec![("usual:A".to_owned(), PathBuf::new())]);
        keys.read(Path::new(files[0].0), DEEPEST, &read).unwrap();
        keys.0.into_iter().map(|(key, _)| key).collect()
    }

    #[test]
    fn keys_are_read_as_nix_reads_them() {
        for (text, expected) in [
            ("", &["usual:A"][..]),
            ("trusted-public-keys = a:A b:B # c:C", &["a:A", "b:B"]),
            ("extra-trusted-public-keys = a:A", &["usual:A", "a:A"]),
            ("#trusted-public-keys = a:A", &["usual:A"]),
            ("binary-cache-public-keys = a:A", &["a:A"]),
            ("trusted-public-keys =", &[]),
            ("trusted-public-keys a:A", &["usual:A"]),
            ("trusted-users = a:A", &["usual:A"]),
        ] {
            assert_eq!(keys(&[("/etc/nix/nix.conf", text)]), expected, "{text}");
        }
    }

    #[test]
    fn included_files_count() {
        let files = [
            (
                "/e/nix.conf",
                "include own/keys.conf\n!include missing.conf\n",
            ),
            (
                "/e/own/keys.conf",
                "include more.conf\nextra-trusted-public-keys = a:A\n",
            ),
            ("/e/own/more.conf", "trusted-public-keys = b:B\n"),
        ];
        assert_eq!(keys(&files), ["b:B", "a:A"]);
    }

    #[test]
    fn a_file_that_includes_itself_ends() {
        keys(&[(
            "/e/nix.conf",
            "include nix.conf\nextra-trusted-public-keys = a:A\n",
        )]);
    }
}
