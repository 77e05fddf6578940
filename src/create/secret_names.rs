//! Names that usually mean a secret.

/// Files that usually hold secrets, whatever their directory.
const NAMES: [&str; 61] = [
    ".bash_history",
    ".boto",
    ".dockercfg",
    ".dockerconfigjson",
    ".env",
    ".fetchmailrc",
    ".git-credentials",
    ".htpasswd",
    ".msmtprc",
    ".my.cnf",
    ".mylogin.cnf",
    ".mysql_history",
    ".netrc",
    ".npmrc",
    ".passwd-s3fs",
    ".pgpass",
    ".psql_history",
    ".pypirc",
    ".python_history",
    ".s3cfg",
    ".smbcredentials",
    ".terraformrc",
    ".vault-token",
    ".vault_pass",
    ".zsh_history",
    "_netrc",
    "application_default_credentials.json",
    "auth.json",
    "client_secret.json",
    "credentials",
    "credentials.db",
    "credentials.json",
    "credentials.tfrc.json",
    "credentials.toml",
    "credentials.xml",
    "credentials.yaml",
    "credentials.yml",
    "htpasswd",
    "keytab",
    "kubeconfig",
    "logins.json",
    "netrc",
    "pgpass.conf",
    "rclone.conf",
    "secret.json",
    "secret.txt",
    "secret.yaml",
    "secret.yml",
    "secrets.env",
    "secrets.json",
    "secrets.toml",
    "secrets.txt",
    "secrets.yaml",
    "secrets.yml",
    "secring.gpg",
    "terraform.rc",
    "terraform.tfstate",
    "token.json",
    "tokens.json",
    "vault_pass.txt",
    "wpa_supplicant.conf",
];

/// Endings of keys, of stores of passwords, and of settings with secrets.
const ENDINGS: [&str; 18] = [
    ".agekey",
    ".jceks",
    ".jks",
    ".kdb",
    ".kdbx",
    ".key",
    ".keystore",
    ".keytab",
    ".ovpn",
    ".p12",
    ".p8",
    ".pem",
    ".pfx",
    ".pk8",
    ".ppk",
    ".tfstate",
    ".tfvars",
    ".tfvars.json",
];

/// Directories of which everything is meant.
const DIRECTORIES: [&str; 22] = [
    ".aws/",
    ".azure/",
    ".config/doctl/",
    ".config/gcloud/",
    ".config/gh/",
    ".config/glab-cli/",
    ".config/hub/",
    ".config/op/",
    ".config/rclone/",
    ".config/sops/",
    ".docker/",
    ".gcloud/",
    ".gnupg/",
    ".kube/",
    ".local/share/keyrings/",
    ".minikube/",
    ".oci/",
    ".password-store/",
    ".putty/",
    ".ssh/",
    ".subversion/auth/",
    ".terraform.d/",
];

/// Files that hold secrets in their own directory, and elsewhere usually do not.
const PLACES: [&str; 7] = [
    ".cargo/credentials",
    ".composer/auth.json",
    ".config/hub",
    ".gem/credentials",
    ".gradle/gradle.properties",
    ".m2/settings.xml",
    ".pip/pip.conf",
];

/// Endings of a copy that an editor or a careful user made.
const COPIES: [&str; 6] = ["~", ".bak", ".old", ".orig", ".save", ".swp"];

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
    let path = COPIES
        .iter()
        .find_map(|ending| path.strip_suffix(ending))
        .unwrap_or(&path);
    let name = path.rsplit('/').next().unwrap_or_default();
    let is_example = ["example", "sample", "template", "dist"]
        .iter()
        .any(|word| name.ends_with(word) || name.contains(&format!(".{word}.")));
    let is_public = name.ends_with(".pub") || name.ends_with(".nix");
    let is_below = |dir: &&str| path.starts_with(*dir) || path.contains(&format!("/{dir}"));
    let is_at = |place: &&str| path == *place || path.ends_with(&format!("/{place}"));
    let in_directory = DIRECTORIES.iter().any(is_below) || PLACES.iter().any(is_at);
    let is_key = ENDINGS.iter().any(|ending| name.ends_with(ending)) || name.starts_with("id_");
    let is_environment = name.starts_with(".env.");
    let is_account = is_service_account(name);
    let is_named = NAMES.contains(&name) || is_key || is_environment || is_account;
    !is_public && ((is_named && !is_example) || in_directory)
}

/// Whether this is the key of a service account, as clouds hand it out.
fn is_service_account(name: &str) -> bool {
    let words = name.replace(['_', '.'], "-");
    name.ends_with(".json")
        && (words.contains("service-account") || words.contains("serviceaccount"))
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
            ".config/gh/hosts.yml",
            "home/.config/gcloud/access_tokens.db",
            ".docker/config.json",
            ".kube/config",
            ".cargo/credentials.toml",
            ".gem/credentials",
            ".m2/settings.xml",
            ".terraform.d/credentials.tfrc.json",
            "passwords.kdbx",
            "my-service-account.json",
            "service_account_key.json",
            "id_rsa.bak",
            ".netrc~",
            "htpasswd",
            "x.p12",
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
            "settings.xml",
            "config.json",
            "hosts.yml",
            "secrets.example.yaml",
            "prod.env.sample",
            "dev.env",
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
