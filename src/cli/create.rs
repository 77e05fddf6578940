//! Options of `create`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use super::{Again, jobs, parse_level};
use crate::create::write::Output;
use crate::create::{self, Subject};
use crate::media::volumes::VolumeSize;
use crate::output::{Form, ReadBack};
use crate::parity::Share;
use shellpack_format::bundle::manifest::selection::{Argument, Selection};

/// `shellpack create`.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own on the command line"
)]
pub struct Create {
    /// The shell file, or the directory that it is in; several are packed into one bundle
    #[arg(default_value = ".", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Pack a shell with these packages of `<nixpkgs>`, like `nix-shell -p`
    #[arg(short, long, value_name = "PKG", num_args = 1.., conflicts_with_all = ["files", "expr", "attr"])]
    packages: Vec<String>,
    /// Pack what this expression evaluates to, like `nix-shell -E`
    #[arg(
        short = 'E',
        long,
        value_name = "EXPR",
        conflicts_with = "files",
        allow_hyphen_values = true
    )]
    expr: Option<String>,
    /// Pack a dev shell of this flake, like `nix develop`; FILE may be such a reference, too, if it
    /// has a `#`
    #[arg(
        long,
        value_name = "REF",
        conflicts_with_all = ["files", "expr", "packages", "attr", "arg", "argstr", "search", "include"]
    )]
    flake: Vec<String>,
    /// Pack this attribute of the file; each of several is a shell of its own
    #[arg(short = 'A', long, value_name = "ATTR")]
    attr: Vec<String>,
    /// Pass a Nix expression as an argument
    #[arg(long, num_args = 2, value_names = ["NAME", "EXPR"], allow_hyphen_values = true)]
    arg: Vec<String>,
    /// Pass a string as an argument
    #[arg(long, num_args = 2, value_names = ["NAME", "VALUE"], allow_hyphen_values = true)]
    argstr: Vec<String>,
    /// Add an entry to Nix's search path
    #[arg(short = 'I', value_name = "PATH")]
    search: Vec<String>,
    /// Fail if the shell does not pin what it fetches, instead of freezing it as it is now
    #[arg(long)]
    locked: bool,
    /// Where to write the bundle; `-` is standard output [default: NAME.shellpack]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The bundle's name [default: the name of the project's directory]
    #[arg(long)]
    name: Option<String>,
    /// Carry this file or directory, too, although evaluation does not read it
    #[arg(long, value_name = "PATH")]
    include: Vec<PathBuf>,
    /// Leave out what evaluation takes: a smaller bundle, which can only be entered without
    /// evaluating
    #[arg(long)]
    no_eval: bool,
    /// How hard to compress: fast, default, small, or a level of zstd (1..22)
    #[arg(long, default_value = "default", value_parser = parse_level)]
    level: i32,
    /// How many segments to compress at a time [default: the number of processors]
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Cut the bundle into volumes NAME.shellpack.001, .002, … of this size: bytes, with K, M or
    /// G for powers of 1024, or cd, dvd, bd, fat32 or release
    #[arg(long, value_name = "SIZE")]
    volume_size: Option<VolumeSize>,
    /// Write NAME.shellpack.sha256, too, for `sha256sum -c`; there is one with volumes anyway
    #[arg(long)]
    checksum: bool,
    /// Write NAME.shellpack.parity, too, from which `shellpack repair` restores what is damaged, up
    /// to this share of the bundle; 5% is plenty for a stick
    #[arg(long, value_name = "SHARE")]
    parity: Option<Share>,
    /// Replace an existing bundle, its volumes, its checksum file and its parity file
    #[arg(short, long)]
    force: bool,
    /// Print a summary in JSON
    #[arg(long, conflicts_with = "dry_run")]
    pub json: bool,
    /// Do everything but write the file
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Do not prove that the bundle opens; it is marked as unproved
    #[arg(long)]
    no_rehearsal: bool,
    #[command(flatten)]
    again: Again,
}

impl Create {
    /// What the engine is asked to do.
    pub fn options(self) -> create::Options {
        let pairs = |values: &[String], string| -> Vec<Argument> {
            values
                .chunks_exact(2)
                .map(|pair| Argument {
                    name: pair[0].clone(),
                    value: pair[1].clone(),
                    string,
                })
                .collect()
        };
        let arguments = [pairs(&self.arg, false), pairs(&self.argstr, true)].concat();
        let form = Form {
            force: self.force,
            volume_size: self.volume_size,
            checksum: self.checksum,
            parity: self.parity,
            read_back: self.again.read_back(ReadBack::Always),
        };
        let output = |path: PathBuf| {
            if path == std::path::Path::new("-") {
                Output::Stdout
            } else {
                Output::File(form.files(path))
            }
        };
        let subjects = match self.expr {
            Some(expression) => vec![Subject::Expression(expression)],
            None if !self.flake.is_empty() => self.flake.into_iter().map(Subject::Flake).collect(),
            None if self.packages.is_empty() => {
                self.files.into_iter().map(Subject::named).collect()
            }
            None => vec![Subject::Packages(self.packages)],
        };
        create::Options {
            subjects,
            selections: selections(self.attr, &arguments),
            include: self.search,
            locked: self.locked,
            extra_files: self.include,
            no_eval: self.no_eval,
            name: self.name,
            output: self.output.map(output),
            form,
            level: self.level,
            jobs: jobs(self.jobs),
            rehearsal: !self.no_rehearsal,
            dry_run: self.dry_run,
        }
    }
}

/// One for each attribute; one for the whole file where there is none.
fn selections(attributes: Vec<String>, arguments: &[Argument]) -> Vec<Selection> {
    let selection = |attribute| Selection {
        attribute,
        arguments: arguments.to_vec(),
    };
    if attributes.is_empty() {
        return vec![selection(None)];
    }
    attributes.into_iter().map(Some).map(selection).collect()
}
