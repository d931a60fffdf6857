//! Attacks: what others may have planted, and what must not come of it.

mod plant;
mod sessions;
