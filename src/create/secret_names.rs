//! Names that usually mean a secret.

/// Files that usually hold secrets, whatever their directory.
const NAMES: [&str; 24] = [
    ".boto",
    ".dockercfg",
    ".env",
    ".git-credentials",
    ".htpasswd",
    ".my.cnf",
    ".netrc",
    ".npmrc",
    ".pgpass",
    ".pypirc",
    ".s3cfg",
    ".vault-token",
    "_netrc",
    "application_default_credentials.json",
    "auth.json",
    "credentials",
    "credentials.json",
    "kubeconfig",
    "netrc",
    "secret.json",
    "secrets.json",
    "secrets.yaml",
    "secrets.yml",
    "terraform.tfstate",
];

/// Endings of keys and of stores of passwords.
const ENDINGS: [&str; 9] = [
    ".jks",
    ".kdbx",
    ".key",
    ".keystore",
    ".p12",
    ".pem",
    ".pfx",
    ".ppk",
    ".tfvars",
];

/// Directories of which everything is meant.
const DIRECTORIES: [&str; 5] = [".aws/", ".docker/", ".gnupg/", ".kube/", ".ssh/"];

/// Words in the name of a variable or an argument.
const WORDS: [&str; 10] = [
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "CREDENTIAL",
    "API_KEY",
    "APIKEY",
    "ACCESS_KEY",
    "PRIVATE_KEY",
];

/// Whether a file usually holds secrets: by its name, and by its directory if that is part of `path`.
pub(super) fn is_likely_secret(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    let name = path.rsplit('/').next().unwrap_or_default();
    let is_example = ["example", "sample", "template", "dist"]
        .iter()
        .any(|word| name.ends_with(word));
    let is_public = name.ends_with(".pub") || name.ends_with(".nix");
    let in_directory = DIRECTORIES
        .iter()
        .any(|dir| path.starts_with(dir) || path.contains(&format!("/{dir}")));
    let is_key = ENDINGS.iter().any(|ending| name.ends_with(ending)) || name.starts_with("id_");
    let is_environment = name.starts_with(".env.") && !is_example;
    !is_public && (NAMES.contains(&name) || is_key || is_environment || in_directory)
}

/// Whether a variable or an argument of this name usually holds a secret.
pub(super) fn is_secret_variable(name: &str) -> bool {
    let name = name.to_ascii_uppercase().replace('-', "_");
    WORDS.iter().any(|word| name.contains(word)) || name.ends_with("_KEY")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_with_secrets_are_known_by_name() {
        for name in [
            ".env",
            "a/.env.local",
            "id_rsa",
            "id_ed25519",
            "server.PEM",
            ".netrc",
            ".aws/credentials",
            "home/.ssh/config",
            ".git-credentials",
            ".pypirc",
            "secrets.yaml",
            "tls.key",
        ] {
            assert!(is_likely_secret(name), "{name}");
        }
        for name in [
            "id_rsa.pub",
            ".env.example",
            "environment",
            "shell.nix",
            "keys.nix",
            "monkey.txt",
            ".envrc",
        ] {
            assert!(!is_likely_secret(name), "{name}");
        }
    }

    #[test]
    fn names_tell_secrets() {
        for name in [
            "GITHUB_TOKEN",
            "npm-auth-token",
            "db_password",
            "AWS_SECRET_ACCESS_KEY",
            "SIGNING_KEY",
        ] {
            assert!(is_secret_variable(name), "{name}");
        }
        for name in ["NIXPKGS_ALLOW_UNFREE", "MODE", "KEYBOARD"] {
            assert!(!is_secret_variable(name), "{name}");
        }
    }
}
