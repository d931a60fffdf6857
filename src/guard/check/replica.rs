//! Whether the replica is one of this server, and how far it is behind.

use serde_json::json;

use super::Line;
use crate::error::Result;
use crate::guard::{Identity, why_no_replica};
use crate::pg::Db;
use crate::pg::replica::{self, Lag};
use crate::settings::Replica;

/// What there is to know about the replica; `copy` is the way to it, or why there is none.
pub async fn line(
    primary: &Db,
    identity: &Identity,
    replica: &Replica,
    copy: Result<(Db, Identity), String>,
) -> Result<Line> {
    let address = replica.endpoint.describe();
    let (copy, of_copy) = match copy {
        Ok(reached) => reached,
        Err(reason) => {
            return Ok(Line::fine("replica", json!({ "address": address }), format!("{address}: {reason}"))
                .wrong("check that it runs, and the url in the table of the replica; until then the primary answers"));
        }
    };
    if let Some(reason) = why_no_replica(&copy, identity, &of_copy) {
        return Ok(Line::fine(
            "replica",
            json!({ "address": address }),
            format!("{address} {reason}"),
        )
        .wrong("name a replica of this server; until then the primary answers"));
    }
    let position = replica::position(primary).await?.position;
    Ok(
        match replica::wait(&copy, &position, replica.max_lag).await? {
            Lag::CaughtUp(time) => {
                let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
                Line::fine(
                    "replica",
                    json!({ "address": address, "lag_ms": millis, "missing_bytes": 0 }),
                    format!("{address} had all changes of the primary after {millis} ms"),
                )
            }
            Lag::Behind(bytes) => Line::fine(
                "replica",
                json!({ "address": address, "lag_ms": null, "missing_bytes": bytes }),
                format!("{address} is {bytes} bytes behind"),
            )
            .wrong("see why it does not follow; until it does the primary answers"),
        },
    )
}
