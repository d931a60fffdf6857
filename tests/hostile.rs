//! Attacks: what somebody with few rights, or a hostile surrounding, must not bring about.

mod settings;
