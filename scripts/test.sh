#!/bin/sh
# All tests, on a machine that may have nothing but Rust: scripts/test.sh [--yes] [arguments of cargo test]
#
# Installs what is missing, having asked (--yes answers), then runs `cargo test`.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=scripts/install.sh
. scripts/install.sh

if [ "${1:-}" = --yes ]; then
    assume_yes=1
    shift
fi
need compiler "Rust links programs with it"
need postgresql "the tests start throw-away servers of their own"
need pgbouncer "some tests work through a pooler"
need hypopg "\`index advise --query\` tries indexes with it"
install_missing

exec cargo test "$@"
