//! Whom a command is about: an e-mail address, a user's id or a creator's id.

use uuid::Uuid;

use super::email;
use crate::error::{Error, Hint, Result};
use crate::pg::{Db, Query};

/// What a person typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// An e-mail address, as written: what is there is named, be it one that nobody would be given today. Case does not
    /// matter.
    Email(String),
    /// The id of a user or of a creator.
    Id(Uuid),
}

impl Who {
    /// Reads it; what is neither an address nor an id is a usage error.
    pub fn parse(text: &str) -> Result<Self> {
        if text.contains('@') {
            return Ok(Self::Email(text.trim().to_owned()));
        }
        Uuid::parse_str(text.trim()).map(Self::Id).map_err(|_| {
            Error::usage(format!("{text:?} is neither an e-mail address nor an id"))
                .hint(
                    "write name@example.com, or an id such as 7b0c9f3e-5d0f-4c8e-9a5b-0d9c2d1f6a3b",
                )
                .into()
        })
    }

    /// All ways to write the address.
    pub(super) fn spellings(&self) -> Option<Vec<String>> {
        match self {
            Self::Email(email) => Some(email::spellings(email)),
            Self::Id(_) => None,
        }
    }

    pub(super) fn id(&self) -> Option<Uuid> {
        match self {
            Self::Email(_) => None,
            Self::Id(id) => Some(*id),
        }
    }
}

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Email(email) => f.write_str(email),
            Self::Id(id) => id.fmt(f),
        }
    }
}

crate::row! {
    /// Somebody who might have been meant.
    pub struct Candidate {
        /// Address.
        pub email: String,
    }
}

static CANDIDATES: Query<Candidate> = crate::query!("user/candidates");

/// How many letters are wrong in what was typed, at most.
const TYPOS: usize = 2;

/// The one address that was meant: nobody else's is told, so two that are equally near are none.
fn meant<'a>(email: &str, others: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let typos = |other: &str| strsim::osa_distance(&other.to_lowercase(), &email.to_lowercase());
    let mut near: Vec<(usize, &str)> = others
        .map(|other| (typos(other), other))
        .filter(|(typos, _)| *typos <= TYPOS)
        .collect();
    near.sort_unstable();
    match near[..] {
        [(first, one), ref rest @ ..] if rest.first().is_none_or(|(next, _)| *next > first) => {
            Some(one)
        }
        _ => None,
    }
}

/// The error for somebody who is not there, with the nearest who is. `noun` is `user` or `creator`; `hint` is
/// the way out when nobody is near.
pub(super) async fn missing(db: &Db, who: &Who, noun: &str, hint: Hint) -> Result<anyhow::Error> {
    let error = Error::failed(format!("there is no {noun} {who}"));
    let Who::Email(email) = who else {
        return Ok(error.hint(hint).into());
    };
    let candidates = db.all(&CANDIDATES, &[email, &(noun == "creator")]).await?;
    let near = meant(email, candidates.iter().map(|candidate| &*candidate.email));
    Ok(match near {
        Some(near) => error.hint(format!("did you mean {near}?")),
        None => error.hint(hint),
    }
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_ids_are_told_apart() {
        assert_eq!(
            Who::parse(" a@example.com").expect("is one"),
            Who::Email("a@example.com".to_owned())
        );
        assert_eq!(
            Who::parse("root@localhost").expect("is one"),
            Who::Email("root@localhost".to_owned())
        );
        let id = "7b0c9f3e-5d0f-4c8e-9a5b-0d9c2d1f6a3b";
        assert_eq!(Who::parse(id).expect("is one").to_string(), id);
        assert_eq!(
            Who::parse(&id.to_uppercase()).expect("is one").to_string(),
            id
        );
        for garbage in [
            "",
            "nina",
            "7b0c9f3e-5d0f-4c8e-9a5b",
            "7b0c9f3e-5d0f-4c8e-9a5b-0d9c2d1f6a3z",
        ] {
            assert!(Who::parse(garbage).is_err(), "{garbage}");
        }
    }
    #[test]
    fn nobody_is_named_who_was_not_meant() {
        let others = [
            "amir.castro@example.com",
            "amir.abbot@example.com",
            "nina@example.com",
            "nino@example.com",
        ];
        for (typed, answer) in [
            ("amir.abot@example.com", Some("amir.abbot@example.com")),
            ("Amir.Abbto@example.com", Some("amir.abbot@example.com")),
            ("amir.abbot@exmaple.con", Some("amir.abbot@example.com")),
            ("amir.abt@exampel.com", None),
            ("amir@example.com", None),
            ("nine@example.com", None),
            ("ninax@example.com", Some("nina@example.com")),
        ] {
            assert_eq!(meant(typed, others.into_iter()), answer, "{typed}");
        }
    }
}
