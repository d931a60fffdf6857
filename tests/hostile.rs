//! Attacks: what another user of the machine, another role of the database, whoever wrote a text or a slip of the hand
//! may try.

mod guard;
mod limits;
mod secret;
mod text;
mod trust;
