//! The bytes of a bundle: what is written comes back, the same input gives the same bytes, and
//! what an earlier shellpack wrote still reads.

mod golden;
mod round_trip;
mod spec;
mod updates;
