//! Attacks: what another user of the machine, another role of the database or a slip of the hand may try.

mod bookkeeping;
mod evaluate;
mod guard;
mod hide;
mod hurry;
mod inside;
mod limits;
mod locks;
mod plant;
mod private_server;
mod reach;
mod reading;
mod secret;
mod sessions;
mod settings;
mod text;
mod trust;
mod unreadable;
mod views;
