//! Pins that are not the same on both sides.

use serde::Serialize;

use shellpack_format::bundle::manifest::Pin;

/// The differences between the pins of two bundles.
#[derive(Debug, Serialize)]
pub(super) struct Pins {
    /// Other content from the same place.
    pub(super) changed: Vec<[PinLine; 2]>,
    pub(super) added: Vec<PinLine>,
    pub(super) removed: Vec<PinLine>,
}

/// A pin in a few words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct PinLine {
    fetcher: String,
    url: String,
    /// Its revision; else the hash that the project states, or its store path.
    pub(super) at: String,
}

impl Pins {
    /// Compares them; `None` unless both sides have pins to compare.
    pub(super) fn between(old: Option<&[Pin]>, new: Option<&[Pin]>) -> Option<Self> {
        let (old, new) = (old?, new?);
        let alone = |pins: &[Pin], others: &[Pin]| -> Vec<PinLine> {
            let is_there = |pin: &Pin| {
                others
                    .iter()
                    .any(|other| PinLine::of(other) == PinLine::of(pin))
            };
            let alone = pins.iter().filter(|pin| !is_there(pin));
            let mut lines: Vec<_> = alone.map(PinLine::of).collect();
            lines.dedup();
            lines
        };
        let (mut removed, mut added) = (alone(old, new), alone(new, old));
        let mut changed = Vec::new();
        removed.retain(|line| {
            let successor = added.iter().position(|new| new.has_place_of(line));
            changed.extend(successor.map(|at| [line.clone(), added.remove(at)]));
            successor.is_none()
        });
        Some(Self {
            changed,
            added,
            removed,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.added.is_empty() && self.removed.is_empty()
    }
}

impl PinLine {
    fn of(pin: &Pin) -> Self {
        let at = pin.rev.clone().or_else(|| pin.hash.clone());
        Self {
            fetcher: pin.fetcher.clone(),
            url: pin.url.clone(),
            at: at.unwrap_or_else(|| pin.store_path.to_string()),
        }
    }

    fn has_place_of(&self, other: &Self) -> bool {
        (&self.fetcher, &self.url) == (&other.fetcher, &other.url)
    }

    /// Fetcher and url.
    pub(super) fn place(&self) -> String {
        let words = [self.fetcher.as_str(), &self.url];
        let words = words.into_iter().filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join(" ")
    }
}
