//! The online flow: from shell files to a bundle that is known to open.

use std::path::PathBuf;

use crate::error::Result;
use crate::manifests;
use crate::nix::options::NixOptions;
use crate::output::{Form, Written};
use crate::report::Report;
use crate::trust::KeySource;
use shellpack_format::bundle::manifest::selection::Selection;

mod closure;
pub(crate) mod destination;
mod flake;
mod git;
mod header;
mod hook_files;
mod opener;
mod pack;
mod plan;
mod project;
mod prove;
mod script;
mod secret_names;
mod secrets;
mod shell;
mod sign;
mod staged;
mod subject;
pub(crate) mod summary;
mod tools;
mod update;
mod wanted;
mod write;

use destination::{Destination, Output};
use opener::Opener;
pub(crate) use opener::{Place, Wanted as WantedOpener};
use plan::Plan;
pub(crate) use shell::Assignment;
pub(crate) use subject::Subject;
use summary::Summary;
pub(crate) use tools::{WantedProot, WantedTools};
use update::Known;
pub(crate) use update::KnownFrom;

/// The options of `create`.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own on the command line"
)]
pub struct Options {
    /// The shells to pack, at least one.
    pub subjects: Vec<Subject>,
    /// Attributes and arguments, at least one of each. Every subject gives one shell for each
    /// selection.
    pub selections: Vec<Selection>,
    /// Options for Nix.
    pub nix: NixOptions,
    /// `-I` options.
    pub include: Vec<String>,
    /// Whether a source that the project does not pin is an error.
    pub locked: bool,
    /// Environment variables to carry for evaluation.
    pub env: Vec<Assignment>,
    /// Environment variables to evaluate without.
    pub no_env: Vec<String>,
    /// Files to include although evaluation does not read them.
    pub extra_files: Vec<PathBuf>,
    /// Whether to leave out everything that only evaluation needs.
    pub no_eval: bool,
    /// Programs to carry for machines that lack them.
    pub tools: WantedTools,
    /// Earlier bundles, whose segments may be taken over.
    pub reuse: Vec<PathBuf>,
    /// The store paths that the target has already: the bundle is an update then.
    pub known: Vec<KnownFrom>,
    /// The bundle's name; the project directory's name by default.
    pub name: Option<String>,
    /// Where to write the bundle; `NAME.shellpack` by default.
    pub output: Option<Output>,
    /// The program that opens the bundle on the target, if one is to be carried.
    pub opener: Option<WantedOpener>,
    /// Volumes, checksum and parity files, and how to write them.
    pub form: Form,
    /// zstd's compression level.
    pub level: i32,
    /// Number of threads that compress segments.
    pub threads: usize,
    /// The keys to sign with.
    pub sign_keys: Vec<KeySource>,
    /// Whether to rehearse.
    pub rehearsal: bool,
    /// Whether to stop before writing.
    pub dry_run: bool,
}

/// Packs one or more shells. When this returns, the bundle is complete: on the disk, read back and
/// proved, as far as the options ask for that.
pub(crate) fn create(options: &Options, report: &Report) -> Result<Summary> {
    // First of all: a secret in the place of a file's name must not get into another message.
    let keys = sign::keys(&options.sign_keys)?;
    prove::ensure_rehearsal_is_possible(options)?;
    Output::ensure_unoccupied(options)?;
    pack::ensure_reusable(&options.reuse, report)?;
    let opener = Opener::choose(options.opener.as_ref())?;
    let known = Known::gather(&options.known, report)?;
    let mut shells = shell::evaluate(options, report)?;
    let destination = Destination::choose(options, &shells, opener)?;
    let closure = closure::build(&shells, report)?;
    let plan = Plan::new(&shells, closure)?;
    let proved = prove::prove(plan, &mut shells, options, report)?;
    let update = update::for_target(proved.manifest(), known, &shells, report)?;
    let proved = proved.with_update(update)?;
    let proved = sign::paths(proved, &keys)?;
    destination.ensure_space(&proved, report)?;
    if options.dry_run {
        return Ok(Summary::of_plan(proved, &destination));
    }
    let signed = sign::sign(proved, &keys, report)?;
    let settings = pack::Settings::of(options, destination.replaced());
    let complete = write::write(&signed, &destination, &settings, report)?;
    let complete = complete.read_back(&signed, options.threads, report)?;
    let opener = destination.write_opener(report)?;
    let (written, compressed) = complete.publish(report)?;
    let manifest = signed.proved().manifest();
    let bytes = signed.proved().manifest_bytes();
    manifests::keep(&manifest.name, bytes, &compressed, report);
    let written = Written { opener, ..written };
    Ok(Summary::of_bundle(signed, written, &destination))
}
