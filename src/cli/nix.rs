//! nix-shell's options for evaluations and builds, by the same names.

use clap::Args;

use crate::nix::options::NixOptions;

/// Options that reach every Nix that is started.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own on the command line"
)]
pub(crate) struct NixArguments {
    /// Set a setting of Nix, as in nix.conf
    #[arg(long, num_args = 2, value_names = ["NAME", "VALUE"], allow_hyphen_values = true)]
    option: Vec<String>,
    /// Number of derivations to build at a time, or `auto`
    #[arg(short = 'j', long, value_name = "N")]
    max_jobs: Option<String>,
    /// Number of processors for each build; 0 means all
    #[arg(long, value_name = "N")]
    cores: Option<String>,
    /// Remote machines to build on
    #[arg(long, value_name = "MACHINES")]
    builders: Option<String>,
    /// Evaluate and build for this system, such as `aarch64-linux`
    #[arg(long, value_name = "SYSTEM")]
    system: Option<String>,
    /// Build what is left to build if one build fails
    #[arg(short, long)]
    keep_going: bool,
    /// Show the output of a build only if it fails
    #[arg(short = 'Q', long)]
    no_build_output: bool,
    /// Show where an error of evaluation comes from
    #[arg(long)]
    show_trace: bool,
    /// Evaluate impurely even if nix.conf says `pure-eval`; refused for a flake
    #[arg(long)]
    impure: bool,
}

impl NixArguments {
    /// The request to the engine. A setting that has an option of its own comes first, so that `--option`
    /// has the last word.
    pub(super) fn options(self) -> NixOptions {
        let switch = |is_on: bool, value: &str| is_on.then(|| value.to_owned());
        let own = [
            ("max-jobs", self.max_jobs),
            ("cores", self.cores),
            ("builders", self.builders),
            ("system", self.system),
            ("keep-going", switch(self.keep_going, "true")),
            ("show-trace", switch(self.show_trace, "true")),
            ("pure-eval", switch(self.impure, "false")),
        ];
        let own = own
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let pairs = self.option.chunks_exact(2);
        let named = pairs.map(|pair| (pair[0].clone(), pair[1].clone()));
        NixOptions {
            settings: own.chain(named).collect(),
            no_build_output: self.no_build_output,
        }
    }
}
