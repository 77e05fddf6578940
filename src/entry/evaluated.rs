//! A flake's shell as it evaluates here. nix-shell would have other outputs than `nix develop`, so it
//! is entered as one without evaluation is, with the variables of the derivation.

use std::collections::BTreeSet;

use crate::entry::as_packed::attributes;
use crate::error::Result;
use crate::nix::Nix;
use crate::nix::evaluate;
use shellpack_format::bundle::manifest::Shell;
use shellpack_format::store::derivation::Derivation;
use shellpack_format::store::path_info::PathInfo;
use shellpack_format::store::store_path::StorePath;

/// The shell of a flake, with everything that the derivation which evaluation gave says of it. `None`
/// for a shell that nix-shell has to enter.
pub(crate) fn of_flake(packed: &Shell, found: &StorePath, nix: &Nix) -> Result<Option<Shell>> {
    if packed.flake.is_none() {
        return Ok(None);
    }
    let derivation = evaluate::read_derivation(nix, found)?;
    let inputs = if attributes::are_structured(&derivation) {
        closure_of_inputs(&derivation, nix)?
    } else {
        Vec::new()
    };
    let prepared = attributes::prepared(&derivation, &inputs, &nix.store, &nix.version);
    Ok(prepared.ok().map(|structured_attributes| Shell {
        derivation: found.clone(),
        nix_version: nix.version.clone(),
        environment: derivation.environment,
        structured_attributes,
        ..packed.clone()
    }))
}

/// The closure of a derivation's inputs. All of it is here.
fn closure_of_inputs(derivation: &Derivation, nix: &Nix) -> Result<Vec<PathInfo>> {
    let mut inputs: BTreeSet<_> = derivation.input_sources.iter().cloned().collect();
    for (input, names) in &derivation.input_derivations {
        let input = evaluate::read_derivation(nix, input)?;
        let paths = names.iter().filter_map(|name| input.outputs.get(name));
        inputs.extend(paths.flatten().cloned());
    }
    let closure = nix.connect()?.closure(inputs, || Ok(()))?;
    Ok(closure.into_values().collect())
}
