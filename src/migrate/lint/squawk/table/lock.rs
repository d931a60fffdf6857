//! What others wait for.

use super::{Row, Theirs, Warning, WhatIsThere, row};

const TWO_STEPS: &str = "add the constraint with NOT VALID here, and `alter table ... validate constraint` it in the next migration";

pub(super) static TABLE: &[Row] = &[
    row(
        Theirs::RequireConcurrentIndexCreation,
        "require-concurrent-index-creation",
        Warning,
        WhatIsThere,
        "every write to the table waits until the index is built, and every read behind such a write may too",
        "in a file with `-- toysoldiers: no-transaction`: create index concurrently ...",
    ),
    row(
        Theirs::RequireConcurrentIndexDeletion,
        "require-concurrent-index-deletion",
        Warning,
        WhatIsThere,
        "it waits for every query on the table to end, and all that come later wait for it",
        "in a file with `-- toysoldiers: no-transaction`: drop index concurrently ...",
    ),
    row(
        Theirs::RequireConcurrentReindex,
        "require-concurrent-reindex",
        Warning,
        WhatIsThere,
        "reads and writes wait until the index is built anew",
        "in a file with `-- toysoldiers: no-transaction`: reindex index concurrently ...",
    ),
    row(
        Theirs::RequireConcurrentPartitionDetach,
        "require-concurrent-partition-detach",
        Warning,
        WhatIsThere,
        "all access to the partitioned table waits for it, and it waits for every query on that table",
        "in a file with `-- toysoldiers: no-transaction`: alter table ... detach partition ... concurrently",
    ),
    row(
        Theirs::ConstraintMissingNotValid,
        "constraint-missing-not-valid",
        Warning,
        WhatIsThere,
        "all rows are read to prove the constraint while writes wait",
        TWO_STEPS,
    ),
    row(
        Theirs::AddingForeignKeyConstraint,
        "adding-foreign-key-constraint",
        Warning,
        WhatIsThere,
        "all rows are read to prove the constraint while writes to both tables wait",
        TWO_STEPS,
    ),
    row(
        Theirs::AddingFieldWithDefault,
        "adding-field-with-default",
        Warning,
        WhatIsThere,
        "the whole table is written anew while reads and writes wait",
        "add the column without it, fill it in batches, then set the default",
    ),
    row(
        Theirs::AddingNotNullableField,
        "adding-not-nullable-field",
        Warning,
        WhatIsThere,
        "all rows are read to prove it while reads and writes wait",
        "add `check (... is not null) not valid` here, validate it in the next migration, and set NOT NULL after that: then nothing is read",
    ),
    row(
        Theirs::AddingRequiredField,
        "adding-required-field",
        Warning,
        WhatIsThere,
        "it fails if the table has a row, and code that is deployed now cannot insert one any more",
        "give the column a default, or leave it nullable until all code fills it",
    ),
    row(
        Theirs::AddingSerialPrimaryKeyField,
        "adding-serial-primary-key-field",
        Warning,
        WhatIsThere,
        "reads and writes wait until the index of the key is built",
        "build a unique index concurrently, then `add constraint ... primary key using index ...`",
    ),
    row(
        Theirs::DisallowedUniqueConstraint,
        "disallowed-unique-constraint",
        Warning,
        WhatIsThere,
        "reads and writes wait until the index of the constraint is built",
        "build a unique index concurrently, then `add constraint ... unique using index ...`",
    ),
    row(
        Theirs::ChangingColumnType,
        "changing-column-type",
        Warning,
        WhatIsThere,
        "most changes of type write the whole table anew while reads and writes wait",
        "add a column of the new type, fill it in batches, and let code move over",
    ),
];
