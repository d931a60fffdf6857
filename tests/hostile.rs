//! Attacks: what another user of the machine, another role of the database or a slip of the hand may try.

mod guard;
mod limits;
mod private_server;
mod secret;
mod trust;
