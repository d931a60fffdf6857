//! What there is to report of a matrix that was asked.

use std::collections::BTreeSet;

use serde::Serialize;

use super::coverage::Untested;
use super::mutant::Mutant;
use super::{Expected, Found, Matrix, Proof};

/// A matrix and what came of it.
#[derive(Debug, Serialize)]
pub struct Tested {
    /// Every cell, probe by probe; one that depends on how it is said who asks is there once each way.
    pub cells: Vec<Cell>,
    /// How many cells are not as they should be.
    pub wrong: usize,
    /// What no probe tries.
    pub untested: Vec<Untested>,
    /// Policies weakened, and whether that was noticed; nothing unless it was wanted.
    pub mutants: Vec<Mutant>,
    /// The names of the actors.
    #[serde(skip)]
    pub actors: Vec<String>,
    /// How many cells the matrix has.
    #[serde(skip)]
    pub total: usize,
}

/// A cell.
#[derive(Debug, Serialize)]
pub struct Cell {
    /// What it is about.
    pub table: String,
    /// What is asked.
    pub command: &'static str,
    /// The row or the case.
    pub row: String,
    /// Who asks.
    pub actor: String,
    /// How it was said who asks: `claims`, `setting`, or `both` if it makes no difference.
    pub identity: &'static str,
    /// What they should come to.
    pub expected: Expected,
    /// What they came to.
    pub found: Found,
    /// Whether that is right.
    pub right: bool,
    /// What the server said, if it refused.
    pub message: Option<String>,
    /// Which probe it is of.
    #[serde(skip)]
    pub probe: usize,
}

impl Tested {
    /// Puts together what was asked in one way or in several.
    pub fn of(matrix: &Matrix, proofs: &[Proof], untested: Vec<Untested>) -> Self {
        let mut cells = Vec::new();
        let mut wrong = BTreeSet::new();
        let Some((first, others)) = proofs.split_first() else {
            return Self::empty(matrix, untested);
        };
        for (number, asked) in first.cells.iter().enumerate() {
            let same = others.iter().all(|proof| {
                let other = proof.cells.get(number);
                other.is_some_and(|other| other.found.is_like(&asked.found))
            });
            let proofs = if same { &proofs[..1] } else { proofs };
            for proof in proofs {
                let Some(asked) = proof.cells.get(number) else {
                    continue;
                };
                if !asked.is_right() {
                    wrong.insert(number);
                }
                let probe = &matrix.probes[asked.probe];
                cells.push(Cell {
                    table: probe.subject(),
                    command: probe.action.command(),
                    row: probe.label.clone(),
                    actor: matrix.actors[asked.actor].name.clone(),
                    identity: if same && !others.is_empty() {
                        "both"
                    } else {
                        proof.identity.word()
                    },
                    expected: asked.expected.clone(),
                    found: asked.found.clone(),
                    right: asked.is_right(),
                    message: asked.found.message.clone(),
                    probe: asked.probe,
                });
            }
        }
        Self {
            cells,
            wrong: wrong.len(),
            ..Self::empty(matrix, untested)
        }
    }

    fn empty(matrix: &Matrix, untested: Vec<Untested>) -> Self {
        Self {
            cells: Vec::new(),
            wrong: 0,
            untested,
            mutants: Vec::new(),
            actors: matrix
                .actors
                .iter()
                .map(|actor| actor.name.clone())
                .collect(),
            total: matrix.cells(),
        }
    }

    /// The mutants nobody noticed.
    pub fn survivors(&self) -> impl Iterator<Item = &Mutant> {
        self.mutants.iter().filter(|mutant| !mutant.caught)
    }
}
