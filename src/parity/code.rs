//! The Reed-Solomon code of one column (`bundle-format.md`, section 11.3). The crate has two ways
//! to code. The format always uses the one that the crate calls high rate.

use std::io;

use reed_solomon_simd::engine::DefaultEngine;
use reed_solomon_simd::rate::{
    HighRateDecoder, HighRateEncoder, RateDecoder as _, RateEncoder as _,
};

/// How many bytes of each block are coded at a time, so that the slices of all rows fit into the
/// processor's cache. Each symbol is coded by itself, so this is not part of the format.
pub(super) const SLICE: usize = 4096;

/// The number of blocks in a column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Code {
    pub(super) rows: usize,
    pub(super) parity: usize,
}

/// Computes parity. Each thread has its own.
pub(super) struct Encoder(HighRateEncoder<DefaultEngine>);

impl Code {
    pub(super) fn encoder(self) -> io::Result<Encoder> {
        let engine = DefaultEngine::new();
        let encoder = HighRateEncoder::new(self.rows, self.parity, 64, engine, None);
        encoder.map(Encoder).map_err(impossible)
    }

    /// The parity of a slice of a column: the rows one behind the other.
    pub(super) fn encode<'a>(
        self,
        encoder: &mut Encoder,
        rows: impl Iterator<Item = &'a [u8]>,
        length: usize,
    ) -> io::Result<Vec<u8>> {
        let Encoder(encoder) = encoder;
        encoder
            .reset(self.rows, self.parity, length)
            .map_err(impossible)?;
        for row in rows {
            encoder.add_original_shard(row).map_err(impossible)?;
        }
        let outcome = encoder.encode().map_err(impossible)?;
        let mut parity = Vec::with_capacity(self.parity * length);
        outcome
            .recovery_iter()
            .for_each(|block| parity.extend_from_slice(block));
        Ok(parity)
    }

    /// Computes the missing blocks of a column, by row. `rows` are the good blocks of the bundle
    /// and `parity` those of parity; together there must be as many as the bundle has rows.
    pub(super) fn restore(
        self,
        rows: &[(u32, &[u8])],
        parity: &[(u32, &[u8])],
    ) -> io::Result<Vec<(u32, Vec<u8>)>> {
        let length = rows.first().or(parity.first()).map_or(0, |row| row.1.len());
        let engine = DefaultEngine::new();
        let decoder = HighRateDecoder::new(self.rows, self.parity, 64, engine, None);
        let mut decoder = decoder.map_err(impossible)?;
        let mut restored: Vec<(u32, Vec<u8>)> = Vec::new();
        for from in (0..length).step_by(SLICE) {
            let slice = from..length.min(from + SLICE);
            decoder
                .reset(self.rows, self.parity, slice.len())
                .map_err(impossible)?;
            for (row, block) in rows {
                let shard = &block[slice.clone()];
                let added = decoder.add_original_shard(*row as usize, shard);
                added.map_err(impossible)?;
            }
            for (row, block) in parity {
                let shard = &block[slice.clone()];
                let added = decoder.add_recovery_shard(*row as usize, shard);
                added.map_err(impossible)?;
            }
            let outcome = decoder.decode().map_err(impossible)?;
            let pieces = outcome.restored_original_iter();
            // They always come in the order of the rows.
            for (index, (row, piece)) in pieces.enumerate() {
                if from == 0 {
                    let row = u32::try_from(row).map_err(io::Error::other)?;
                    restored.push((row, Vec::with_capacity(length)));
                }
                restored[index].1.extend_from_slice(piece);
            }
        }
        Ok(restored)
    }
}

/// The crate's errors cannot occur: their causes were checked before.
fn impossible(error: reed_solomon_simd::Error) -> io::Error {
    io::Error::other(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The field of section 11.3: polynomials modulo this one.
    const POLYNOMIAL: u32 = 0x1_002d;
    /// The meaning of the bits of a symbol.
    const BASIS: [u16; 16] = [
        0x0001, 0xacca, 0x3c0e, 0x163e, 0xc582, 0xed2e, 0x914c, 0x4012, 0x6c98, 0x10d8, 0x6a72,
        0xb900, 0xfdb8, 0xfb34, 0xff38, 0x991e,
    ];

    fn element(symbol: u16) -> u16 {
        let bits = BASIS.iter().enumerate();
        bits.filter(|(bit, _)| symbol >> bit & 1 == 1)
            .fold(0, |sum, (_, value)| sum ^ value)
    }

    fn symbol(value: u16) -> u16 {
        (0..=u16::MAX)
            .find(|symbol| element(*symbol) == value)
            .unwrap()
    }

    fn times(a: u16, b: u16) -> u16 {
        let mut product = 0u32;
        for bit in (0..16).rev() {
            product <<= 1;
            if product & 0x1_0000 != 0 {
                product ^= POLYNOMIAL;
            }
            if b >> bit & 1 == 1 {
                product ^= u32::from(a);
            }
        }
        u16::try_from(product).unwrap()
    }

    fn inverse(a: u16) -> u16 {
        // a to the power of 2^16 - 2.
        (0..15)
            .fold((1, a), |(result, power), _| {
                let power = times(power, power);
                (times(result, power), power)
            })
            .0
    }

    /// Parity exactly as the specification defines it, slowly.
    fn specified(rows: &[u16], parity: usize) -> Vec<u16> {
        let group = parity.next_power_of_two();
        let at = |place: usize| element(u16::try_from(place).unwrap());
        let value = |place: usize| {
            let x = at(place);
            let mut sum = 0;
            for (number, rows) in rows.chunks(group).enumerate() {
                let points = (0..group).map(|index| at(group * (number + 1) + index));
                let points: Vec<u16> = points.collect();
                for (index, row) in rows.iter().enumerate() {
                    let others = points.iter().filter(|point| **point != points[index]);
                    let basis = others.fold(1, |product, point| {
                        times(product, times(x ^ point, inverse(points[index] ^ point)))
                    });
                    sum ^= times(element(*row), basis);
                }
            }
            symbol(sum)
        };
        (0..parity).map(value).collect()
    }

    #[test]
    fn the_code_is_the_one_that_is_specified() {
        for (rows, parity) in [(1, 1), (5, 2), (7, 3), (9, 4), (3, 5)] {
            let symbols: Vec<u16> = (0..rows)
                .map(|row| 40_503u16.wrapping_mul(row + 3))
                .collect();
            // The first symbol of 64 bytes: low byte first, high byte 32 bytes behind it.
            let blocks = symbols.iter().map(|symbol| {
                let mut block = [0; 64];
                [block[0], block[32]] = symbol.to_le_bytes();
                block
            });
            let blocks: Vec<[u8; 64]> = blocks.collect();
            let code = Code {
                rows: rows.into(),
                parity,
            };
            let shards = blocks.iter().map(<[u8; 64]>::as_slice);
            let coded = code
                .encode(&mut code.encoder().unwrap(), shards, 64)
                .unwrap();
            let coded = coded
                .chunks(64)
                .map(|block| u16::from_le_bytes([block[0], block[32]]));
            assert_eq!(coded.collect::<Vec<_>>(), specified(&symbols, parity));
        }
    }
}
