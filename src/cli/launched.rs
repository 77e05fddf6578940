//! The command line of a bundle that opens itself: the options of `open`, but for the bundle, and any other
//! command after `--shellpack`. Its usage and help name the file, since there need be no `shellpack`.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;

use clap::error::{ContextKind, ContextValue};
use clap::{Args as _, CommandFactory as _, FromArgMatches as _};

use super::{Cli, Command, Global, Open, commands, tip};
use crate::launch;

const ABOUT: &str = "Check this bundle, import it, and enter its shell

Imports the store paths that this machine does not have, writes the project files and becomes nix-shell. \
Nothing is fetched and nothing is built.";
/// A hidden option for the bundle.
const BUNDLE: &str = "embedded-bundle";

/// Parses a command line without the words of the header.
pub(super) fn parse(args: &[OsString]) -> Result<Cli, clap::Error> {
    let bundle = launch::bundle();
    match (bundle, args) {
        (Some(bundle), [_, open, file, words @ ..]) if open == "open" && **file == *bundle => {
            opening(&bundle, words)
        }
        _ => Cli::from_arg_matches(&commands().try_get_matches_from(args)?),
    }
}

fn opening(bundle: &Path, words: &[OsString]) -> Result<Cli, clap::Error> {
    let own = [OsString::new(), format!("--{BUNDLE}").into(), bundle.into()];
    let args = own.into_iter().chain(words.iter().cloned());
    let matches = opening_command(bundle).try_get_matches_from(args);
    let mut matches = matches.map_err(|error| with_command(error, bundle))?;
    Ok(Cli {
        command: Command::Open(Open::from_arg_matches_mut(&mut matches)?),
        global: Global::from_arg_matches_mut(&mut matches)?,
    })
}

fn opening_command(bundle: &Path) -> clap::Command {
    let call = launch::call(bundle);
    let (short, _) = ABOUT.split_once("\n\n").unwrap_or((ABOUT, ""));
    let command = clap::Command::new("shellpack")
        .version(env!("CARGO_PKG_VERSION"))
        .max_term_width(80)
        .override_usage(format!(
            "{call} [OPTIONS] [-- <CMD>...]\n       {call} --shellpack <COMMAND>"
        ))
        .after_help(format!(
            "Any other command of shellpack comes after --shellpack, for example:\n  \
             {call} --shellpack list          the bundles that were opened here\n  \
             {call} --shellpack enter NAME    enter one again\n  \
             {call} --shellpack remove NAME   release one\n  \
             {call} --shellpack --help        all commands\n\n\
             Exit codes: that of the command that runs; 125 if shellpack itself fails; 126 or 127 if the \
             command cannot be started; 2 usage error; 130 interrupted."
        ));
    let command = Global::augment_args(Open::augment_args(command));
    command
        .about(short)
        .long_about(ABOUT)
        // As an argument, it would be the one that is wrong if there is another.
        .mut_arg("bundle", |bundle| bundle.long(BUNDLE).hide(true))
}

/// The error for a command that was typed without the word before it says so.
fn with_command(mut error: clap::Error, bundle: &Path) -> clap::Error {
    let typed = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(typed)) => typed.clone(),
        _ => return error,
    };
    let all = Cli::command();
    if all.find_subcommand(&typed).is_some() {
        error.remove(ContextKind::TrailingArg);
        let tip = format!(
            "to run that command: {} --shellpack {typed}",
            launch::call(bundle)
        );
        let tip = ContextValue::StyledStrs(vec![tip.into()]);
        error.insert(ContextKind::Suggested, tip);
    }
    error
}

/// Ends the process with what the parser says: help, a version, or an error.
pub(super) fn refuse(error: clap::Error) -> ! {
    let error = tip::added(error);
    if launch::bundle().is_none() {
        error.exit();
    }
    let text = error.render().ansi().to_string();
    let text = launch::for_here(&text);
    // Nothing is left to tell a failure to.
    let _printed = if error.use_stderr() {
        anstream::stderr().lock().write_all(text.as_bytes())
    } else {
        anstream::stdout().lock().write_all(text.as_bytes())
    };
    std::process::exit(error.exit_code());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Cli, clap::Error> {
        let words: Vec<_> = words.iter().map(OsString::from).collect();
        opening(Path::new("./dev.run"), &words)
    }

    #[test]
    fn the_options_are_those_of_open_and_the_global_ones() {
        opening_command(Path::new("x")).debug_assert();
        let cli = parsed(&["-q", "--run", "true", "--dir", "x"]).unwrap();
        assert!(cli.global.quiet);
        assert!(matches!(cli.command, Command::Open(_)));
        assert!(parsed(&["--", "ls", "-l"]).is_ok());
    }

    #[test]
    fn a_wrong_option_shows_how_the_file_is_run() {
        let error = parsed(&["--wrong"]).unwrap_err().to_string();
        let usage = "Usage: sh ./dev.run [OPTIONS] [-- <CMD>...]\n       sh ./dev.run --shellpack <COMMAND>\n";
        assert!(error.contains(usage), "{error}");
        assert!(!error.contains("shellpack open"), "{error}");
    }

    #[test]
    fn a_command_without_its_word_is_told_about_it() {
        let error = parsed(&["list"]).unwrap_err().to_string();
        let tip = "tip: to run that command: sh ./dev.run --shellpack list\n";
        assert!(error.contains("unexpected argument 'list'"), "{error}");
        assert!(error.contains(tip), "{error}");
        let error = parsed(&["x"]).unwrap_err().to_string();
        assert!(error.contains("unexpected argument 'x'"), "{error}");
    }

    #[test]
    fn help_names_no_bundle_and_fits_80_columns() {
        for words in ["-h", "--help"] {
            let help = parsed(&[words]).unwrap_err().to_string();
            assert!(
                !help.contains("bundle]") && !help.contains("BUNDLE"),
                "{help}"
            );
            assert!(
                help.contains("--overwrite") && help.contains("--quiet"),
                "{help}"
            );
            let long = help.lines().find(|line| line.chars().count() > 80);
            assert_eq!(long, None);
        }
    }

    /// Texts speak of commands, which become this file's.
    #[test]
    fn every_command_is_known_to_texts() {
        let all = Cli::command();
        for command in all.get_subcommands() {
            let name = command.get_name();
            assert!(launch::COMMANDS.contains(&name), "{name}");
        }
    }
}
