#!/bin/sh
# Brings the database of an environment up to date: scripts/migrate_db.sh [environment] [flags]
#
# The environment is `local` unless it is named. Flags are those of `toysoldiers migrate up`. The program is the one
# TOYSOLDIERS names, else this project's release build, else the one on the PATH.
set -eu

case "${1:-}" in
    "" | -*) environment=local ;;
    *)
        environment=$1
        shift
        ;;
esac

build=$(dirname "$0")/../target/release/toysoldiers
if [ -n "${TOYSOLDIERS:-}" ]; then
    program=$TOYSOLDIERS
elif [ -x "$build" ]; then
    program=$build
elif program=$(command -v toysoldiers); then
    :
else
    echo "error: toysoldiers is not built and not on the PATH" >&2
    echo "  hint: build it with \`cargo build --release\`" >&2
    exit 4
fi

exec "$program" migrate up --env "$environment" "$@"
