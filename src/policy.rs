//! Row-level security as files: what may be done to which row, and by whom, is declared, compared, applied and proved.
//!
//! A file a relation says which policies, rights and options it has. What the database has is compared with it by
//! meaning and not by text. Deliberately absent: making tables, views, functions and roles, which is for migrations.

pub mod ability;
pub mod adopt;
pub mod affected;
pub mod apart;
pub mod apply;
pub mod attach;
pub mod audit;
mod check;
pub mod compare;
pub mod declared;
pub mod detach;
pub mod detached;
pub mod difference;
pub mod found;
pub mod list;
pub mod look;
pub mod matrix;
pub mod recursion;
pub mod right;
pub mod statement;
pub mod status;
pub mod twin;
