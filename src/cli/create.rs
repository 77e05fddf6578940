//! Options of `create`.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::volumes::not_small;
use super::{NixArguments, ReadingBack, threads};
use crate::create::destination::Output;
use crate::create::{
    self, Assignment, KnownFrom, Place, Subject, WantedOpener, WantedProot, WantedTools,
};
use crate::media::volumes::VolumeSize;
use crate::output::{Form, ReadBack};
use crate::parity::Share;
use crate::trust::KeySource;
use shellpack_format::bundle::manifest::selection::{Argument, Selection};

/// `shellpack create`.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own on the command line"
)]
pub struct Create {
    /// Shell file, its directory, a script with `#! nix-shell` lines, the URL of a tarball, or `<NAME>`
    /// of the search path; several go into one bundle. The default is the current directory
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Pack a shell with these packages from `<nixpkgs>`, like `nix-shell -p`
    #[arg(short, long, value_name = "PKG", num_args = 1.., conflicts_with_all = ["files", "expr", "attr"], help_heading = CONTENTS)]
    packages: Vec<String>,
    /// Pack the shell that this expression evaluates to, like `nix-shell -E`
    #[arg(
        short = 'E',
        long,
        value_name = "EXPR",
        conflicts_with = "files",
        allow_hyphen_values = true,
        help_heading = CONTENTS
    )]
    expr: Option<String>,
    /// Pack a dev shell of this flake, like `nix develop`; a FILE that contains `#` is a flake, too
    #[arg(
        long,
        value_name = "REF",
        conflicts_with_all = ["files", "expr", "packages", "attr", "arg", "argstr", "search", "include"],
        help_heading = CONTENTS
    )]
    flake: Vec<String>,
    /// Pack this attribute of the file; each of several becomes a shell of its own
    #[arg(short = 'A', long, value_name = "ATTR", help_heading = CONTENTS)]
    attr: Vec<String>,
    /// Pass a Nix expression as an argument
    #[arg(long, num_args = 2, value_names = ["NAME", "EXPR"], allow_hyphen_values = true, help_heading = CONTENTS)]
    arg: Vec<String>,
    /// Pass a string as an argument
    #[arg(long, num_args = 2, value_names = ["NAME", "VALUE"], allow_hyphen_values = true, help_heading = CONTENTS)]
    argstr: Vec<String>,
    /// Add an entry to Nix's search path
    #[arg(short = 'I', value_name = "PATH", help_heading = CONTENTS)]
    search: Vec<String>,
    /// Fail if the shell has an unpinned source, instead of freezing it
    #[arg(long, help_heading = CONTENTS)]
    locked: bool,
    /// Carry this file or directory, too, although evaluation does not read it
    #[arg(long, value_name = "PATH", help_heading = CONTENTS)]
    include: Vec<PathBuf>,
    /// Carry this environment variable, with its value, for evaluation on the target
    #[arg(long, value_name = "NAME[=VALUE]", value_parser = parse_assignment, conflicts_with = "flake", help_heading = CONTENTS)]
    env: Vec<Assignment>,
    /// Evaluate without this environment variable
    #[arg(long, value_name = "NAME", conflicts_with = "flake", help_heading = CONTENTS)]
    no_env: Vec<String>,
    /// Leave out what only evaluation needs: the bundle is smaller, but can only be entered
    /// without evaluation
    #[arg(long, help_heading = CONTENTS)]
    no_eval: bool,
    /// Carry a static proot, for machines that allow no user namespaces: that of the shell's nixpkgs, or
    /// this file
    #[arg(
        long,
        value_name = "FILE",
        num_args = 0..=1,
        require_equals = true,
        help_heading = CONTENTS
    )]
    #[expect(clippy::option_option, reason = "the option, and its file")]
    with_proot: Option<Option<PathBuf>>,
    /// Carry Nix's commands, which evaluate the shell where there is no Nix: `nix` of the shell's
    /// nixpkgs, another attribute of it, or a store path
    #[arg(
        long,
        value_name = "NAME",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "nix",
        value_parser = NonEmptyStringValueParser::new(),
        conflicts_with = "no_eval",
        help_heading = CONTENTS
    )]
    with_nix: Option<String>,
    /// Write an update: leave out what a machine has, by its inventory, and carry the rest as a
    /// difference; see `shellpack inventory`; can be repeated
    #[arg(long = "for", value_name = "INVENTORY", help_heading = CONTENTS)]
    for_inventories: Vec<PathBuf>,
    /// Write an update of this bundle: a file, its manifest alone, or NAME@DIGEST of one that was packed
    /// here; see `shellpack inventory`; can be repeated
    #[arg(long = "base", value_name = "BUNDLE", help_heading = CONTENTS)]
    bases: Vec<PathBuf>,
    /// File to write; `-` is standard output [default: NAME.shellpack, NAME-update.shellpack for an
    /// update, or NAME.run with --executable]
    #[arg(short, long, value_name = "FILE", help_heading = OUTPUT)]
    output: Option<PathBuf>,
    /// Name of the bundle [default: name of the shell file, if it has one of its own, else of the
    /// project directory]
    #[arg(long, help_heading = OUTPUT)]
    name: Option<String>,
    /// Write a bundle that opens itself: `sh NAME.run` needs no shellpack on the target
    #[arg(long, conflicts_with = "with_opener", help_heading = OUTPUT)]
    executable: bool,
    /// The static shellpack that --executable puts into the bundle [default: this program, if it is static]
    #[arg(long, value_name = "FILE", requires = "executable", help_heading = OUTPUT)]
    opener: Option<PathBuf>,
    /// Write a static shellpack beside the bundle as well, as shellpack-SYSTEM: FILE, or else this program
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, help_heading = OUTPUT)]
    #[expect(clippy::option_option, reason = "the option, and its file")]
    with_opener: Option<Option<PathBuf>>,
    /// Take segments that have not changed over from this earlier bundle instead of compressing them again;
    /// the bytes are the same [default: the bundle that --force replaces]
    #[arg(long, value_name = "BUNDLE", help_heading = OUTPUT)]
    reuse: Vec<PathBuf>,
    /// Cut the bundle into volumes NAME.shellpack.001, .002, … of this size: bytes (K, M and G are
    /// powers of 1024), or cd, dvd, bd, fat32 or release
    #[arg(long, value_name = "SIZE", help_heading = OUTPUT)]
    volume_size: Option<VolumeSize>,
    /// Write NAME.shellpack.sha256 as well, for `sha256sum -c`; implied by --volume-size
    #[arg(long, help_heading = OUTPUT)]
    checksum: bool,
    /// Write NAME.shellpack.parity as well, from which `shellpack repair` restores damage to this
    /// share of the bundle; 5% is plenty for a stick
    #[arg(long, value_name = "SHARE", help_heading = OUTPUT)]
    parity: Option<Share>,
    /// Replace an existing bundle, its volumes, checksum file and parity file
    #[arg(short, long, help_heading = OUTPUT)]
    force: bool,
    /// Print a summary in JSON
    #[arg(long, help_heading = OUTPUT)]
    pub json: bool,
    /// Do everything except write the bundle
    #[arg(short = 'n', long, help_heading = OUTPUT)]
    dry_run: bool,
    #[command(flatten, next_help_heading = NIX)]
    nix: NixArguments,
    /// Compression level: fast, default, small, or a level of zstd (1..22)
    #[arg(long, default_value = "default", value_parser = parse_level, help_heading = COMPRESSION)]
    level: i32,
    /// Number of threads that compress segments [default: number of processors]
    #[arg(long, value_name = "N", help_heading = COMPRESSION)]
    threads: Option<NonZeroUsize>,
    /// Sign the bundle with this secret key: the file of a Nix key, which signs its store paths, too, or
    /// of an SSH key; for a Nix key also `-` for standard input, or env:VARIABLE; can be repeated
    #[arg(long = "sign-key", value_name = "FILE", allow_hyphen_values = true, help_heading = PROOF)]
    sign_keys: Vec<KeySource>,
    /// Do not prove that the bundle opens; it is marked as unproved
    #[arg(long, help_heading = PROOF)]
    no_rehearsal: bool,
    #[command(flatten, next_help_heading = PROOF)]
    reading_back: ReadingBack,
}

// Headings in the help.
const CONTENTS: &str = "Contents";
const NIX: &str = "Nix, as for nix-shell";
const OUTPUT: &str = "Output";
const COMPRESSION: &str = "Compression";
const PROOF: &str = "Proof";

impl Create {
    /// The request to the engine.
    pub fn options(self) -> create::Options {
        let arguments = [pairs(&self.arg, false), pairs(&self.argstr, true)].concat();
        let form = Form {
            force: self.force,
            volume_size: self.volume_size.map(|size| not_small(size, self.force)),
            checksum: self.checksum,
            parity: self.parity,
            read_back: self.reading_back.read_back(ReadBack::Always),
        };
        let opener = match self.with_opener {
            Some(file) => Some((Place::Beside, file)),
            None => self.executable.then_some((Place::Inside, self.opener)),
        };
        let tools = WantedTools {
            proot: self
                .with_proot
                .map(|file| file.map_or(WantedProot::OfNixpkgs, WantedProot::File)),
            nix: self.with_nix,
        };
        // A variable with a secret key must not reach the shell's evaluation.
        let secrets = self.sign_keys.iter().filter_map(KeySource::variable);
        let secrets: Vec<_> = secrets.map(str::to_owned).collect();
        create::Options {
            subjects: subjects(self.expr, self.flake, self.packages, self.files),
            selections: selections(self.attr, &arguments),
            nix: self.nix.options(),
            include: self.search,
            locked: self.locked,
            env: self.env,
            no_env: self.no_env.into_iter().chain(secrets).collect(),
            extra_files: self.include,
            no_eval: self.no_eval,
            tools,
            reuse: self.reuse,
            known: known(self.for_inventories, self.bases),
            name: self.name,
            output: self.output.map(|path| output(path, &form)),
            opener: opener.map(|(place, file)| WantedOpener { place, file }),
            form,
            level: self.level,
            threads: threads(self.threads),
            sign_keys: self.sign_keys,
            rehearsal: !self.no_rehearsal,
            dry_run: self.dry_run,
        }
    }
}

/// The shells that are named in one of the ways to name them; without any, the one that is here.
fn subjects(
    expression: Option<String>,
    flakes: Vec<String>,
    packages: Vec<String>,
    files: Vec<PathBuf>,
) -> Vec<Subject> {
    match expression {
        Some(expression) => vec![Subject::Expression(expression)],
        None if !flakes.is_empty() => flakes.into_iter().map(Subject::Flake).collect(),
        None if !packages.is_empty() => vec![Subject::Packages(packages)],
        None if !files.is_empty() => files.into_iter().map(Subject::named).collect(),
        None => vec![Subject::Here],
    }
}

/// The inventories and bundles that tell what the target has.
fn known(inventories: Vec<PathBuf>, bases: Vec<PathBuf>) -> Vec<KnownFrom> {
    let inventories = inventories.into_iter().map(KnownFrom::Inventory);
    inventories
        .chain(bases.into_iter().map(KnownFrom::Bundle))
        .collect()
}

/// The place that was named for the bundle.
fn output(path: PathBuf, form: &Form) -> Output {
    if path == Path::new("-") {
        Output::Stdout
    } else {
        Output::File(form.files(path))
    }
}

/// Arguments of Nix functions, of which the command line has names and values in turn.
fn pairs(values: &[String], string: bool) -> Vec<Argument> {
    let pairs = values.chunks_exact(2);
    let argument = |pair: &[String]| Argument {
        name: pair[0].clone(),
        value: pair[1].clone(),
        string,
    };
    pairs.map(argument).collect()
}

/// One for each attribute; one for the whole file where there is none.
fn selections(attributes: Vec<String>, arguments: &[Argument]) -> Vec<Selection> {
    let selection = |attribute| Selection {
        attribute,
        arguments: arguments.to_vec(),
        ..Selection::default()
    };
    // An empty one is the whole file, as for nix-shell.
    if attributes.iter().all(String::is_empty) {
        return vec![selection(None)];
    }
    attributes.into_iter().map(Some).map(selection).collect()
}

/// `NAME=VALUE`, or `NAME` for its current value.
#[expect(clippy::unnecessary_wraps, reason = "clap expects a result")]
fn parse_assignment(text: &str) -> Result<Assignment, String> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, None),
    };
    let name = name.to_owned();
    Ok(Assignment { name, value })
}

/// `fast` is for a stick that is faster than the processor, `small` for a slow link.
fn parse_level(text: &str) -> Result<i32, String> {
    match text {
        "fast" => Ok(1),
        "default" => Ok(3),
        "small" => Ok(19),
        number => number
            .parse()
            .ok()
            .filter(|level| (1..=22).contains(level))
            .ok_or_else(|| "expected fast, default, small, or a number from 1 to 22".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_parsed() {
        assert_eq!(
            ["fast", "default", "small", "22"].map(|text| parse_level(text).unwrap()),
            [1, 3, 19, 22]
        );
        assert!(
            parse_level("0").is_err() && parse_level("23").is_err() && parse_level("best").is_err()
        );
    }
}
