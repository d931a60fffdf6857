//! What is looked for only where the configuration denies it: many migrations do it on purpose.

use super::{Row, Theirs, chosen};

const OLD_CODE: &str = "code that is deployed now still uses the old one, and fails from this moment until it is replaced";
const CHOSEN: &str = "whoever reads this schema may not expect it";
const ASK: &str = "ask those who read it, then say so with `-- toysoldiers: allow`";
const POLICIES: &str = "who sees which rows changes with it, and it is not among the other policies where people look for it";

pub(super) static TABLE: &[Row] = &[
    chosen(
        Theirs::RequireTableSchema,
        "require-table-schema",
        "without a schema the name depends on the search path",
        "write the schema in front of the name",
    ),
    chosen(
        Theirs::RequireEnumValueOrdering,
        "require-enum-value-ordering",
        "without BEFORE or AFTER the value sorts last",
        "say BEFORE or AFTER which value it comes",
    ),
    chosen(
        Theirs::PreferBigintOverSmallint,
        "prefer-bigint-over-smallint",
        "a number of two bytes ends at 32,767",
        "use integer or bigint",
    ),
    chosen(Theirs::BanDropTrigger, "ban-drop-trigger", CHOSEN, ASK),
    chosen(
        Theirs::BanDropIndex,
        "ban-drop-index",
        "a query that needs the index becomes slow at once",
        "see first that nothing uses it",
    ),
    chosen(Theirs::BanDropPolicy, "ban-drop-policy", POLICIES, ASK),
    chosen(Theirs::BanCreatePolicy, "ban-create-policy", POLICIES, ASK),
    chosen(
        Theirs::BanAlterPolicyCondition,
        "ban-alter-policy-condition",
        POLICIES,
        ASK,
    ),
    chosen(
        Theirs::BanAlterPolicyRoles,
        "ban-alter-policy-roles",
        POLICIES,
        ASK,
    ),
    chosen(
        Theirs::BanAlterRowLevelSecurity,
        "ban-alter-row-level-security",
        POLICIES,
        ASK,
    ),
    chosen(Theirs::BanRevoke, "ban-revoke", OLD_CODE, ASK),
    chosen(
        Theirs::BanAlterGeneratedExpression,
        "ban-alter-generated-expression",
        CHOSEN,
        ASK,
    ),
    chosen(Theirs::BanSetDefault, "ban-set-default", CHOSEN, ASK),
    chosen(
        Theirs::BanDisableTrigger,
        "ban-disable-trigger",
        CHOSEN,
        ASK,
    ),
    chosen(
        Theirs::BanReplicaIdentity,
        "ban-replica-identity",
        CHOSEN,
        ASK,
    ),
    chosen(
        Theirs::BanReplaceViewFunction,
        "ban-replace-view-function",
        CHOSEN,
        ASK,
    ),
    chosen(
        Theirs::BanAlterFunctionOptions,
        "ban-alter-function-options",
        CHOSEN,
        ASK,
    ),
    chosen(
        Theirs::BanAlterViewOptions,
        "ban-alter-view-options",
        CHOSEN,
        ASK,
    ),
    chosen(
        Theirs::BanAlterRoleOptions,
        "ban-alter-role-options",
        CHOSEN,
        ASK,
    ),
    chosen(
        Theirs::BanAlterDatabaseOptions,
        "ban-alter-database-options",
        CHOSEN,
        ASK,
    ),
    chosen(
        Theirs::BanAlterSystemOptions,
        "ban-alter-system-options",
        CHOSEN,
        ASK,
    ),
    chosen(
        Theirs::BanAlterExtension,
        "ban-alter-extension",
        CHOSEN,
        ASK,
    ),
    chosen(
        Theirs::BanNewWriteRestriction,
        "ban-new-write-restriction",
        CHOSEN,
        ASK,
    ),
    chosen(Theirs::BanAddEnumValue, "ban-add-enum-value", CHOSEN, ASK),
    chosen(
        Theirs::BanAddCompositeAttribute,
        "ban-add-composite-attribute",
        CHOSEN,
        ASK,
    ),
    chosen(Theirs::BanAddColumn, "ban-add-column", CHOSEN, ASK),
    chosen(
        Theirs::BanDetachInheritance,
        "ban-detach-inheritance",
        CHOSEN,
        ASK,
    ),
    chosen(
        Theirs::BanAlterSequenceValues,
        "ban-alter-sequence-values",
        CHOSEN,
        ASK,
    ),
];
