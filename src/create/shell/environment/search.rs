//! Looks for the smallest set of variables that has an effect.

use crate::error::Result;

/// A name and a value.
pub(super) type Variable<'v> = (&'v str, &'v str);

/// Whether a set of variables has the effect.
pub(super) type Test<'a> = &'a dyn Fn(&[Variable<'_>]) -> Result<bool>;

/// The smallest set of these variables that has the effect; `None` if not even all of them have it.
/// The likely ones are tried first.
pub(super) fn smallest<'v>(
    candidates: Vec<Variable<'v>>,
    is_likely: impl Fn(&str) -> bool,
    has_effect: Test<'_>,
) -> Result<Option<Vec<Variable<'v>>>> {
    let mut likely = candidates.clone();
    likely.retain(|(name, _)| is_likely(name));
    for candidates in [likely, candidates] {
        if has_effect(&candidates)? {
            return reduce(&mut Vec::new(), &candidates, has_effect).map(Some);
        }
    }
    Ok(None)
}

/// The smallest part of `candidates` that has the effect together with `fixed`, if all of them have
/// it: leaves out one half while the other is there, and so on. `fixed` is as before in the end.
fn reduce<'v>(
    fixed: &mut Vec<Variable<'v>>,
    candidates: &[Variable<'v>],
    has_effect: Test<'_>,
) -> Result<Vec<Variable<'v>>> {
    if candidates.is_empty() || has_effect(fixed)? {
        return Ok(Vec::new());
    }
    if candidates.len() == 1 {
        return Ok(candidates.to_vec());
    }
    let (first, second) = candidates.split_at(candidates.len() / 2);
    let before = fixed.len();
    fixed.extend(second);
    let mut needed = reduce(fixed, first, has_effect)?;
    fixed.truncate(before);
    fixed.extend(&needed);
    needed.extend(reduce(fixed, second, has_effect)?);
    fixed.truncate(before);
    Ok(needed)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Two of sixty-four variables decide together, and each alone does not.
    #[test]
    fn the_smallest_set_is_found_in_few_steps() {
        let names: Vec<_> = (0..64).map(|number| format!("V{number}")).collect();
        let all: Vec<_> = names.iter().map(|name| (name.as_str(), "1")).collect();
        let count = Cell::new(0);
        let has_effect = |set: &[Variable<'_>]| {
            count.set(count.get() + 1);
            let has = |name| set.iter().any(|(known, _)| *known == name);
            Ok(has("V3") && has("V40"))
        };
        let found = smallest(all.clone(), |_| false, &has_effect)
            .unwrap()
            .unwrap();
        assert_eq!(found, [("V3", "1"), ("V40", "1")]);
        assert!(count.get() < 30, "{} steps", count.get());

        count.set(0);
        let is_likely = |name: &str| name.ends_with('0') || name == "V3";
        smallest(all.clone(), is_likely, &has_effect).unwrap();
        assert!(count.get() < 16, "{} steps", count.get());

        assert_eq!(smallest(all, |_| false, &|_| Ok(false)).unwrap(), None);
    }
}
