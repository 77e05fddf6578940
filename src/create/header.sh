#
# This file opens itself on @system@, without Nix and without shellpack:
#
#   sh @name@                       enters the shell
#   sh @name@ --help                what else it can do: these are the options of shellpack open
#   sh @name@ --shellpack list      any other command of shellpack
#
# It is a shellpack bundle behind a static program (shellpack executable 1: bundle-format.md, section 14).
# A shellpack of your own reads it as it is. Signatures cover the bundle, and neither this script nor the
# program: to run this file is to trust whoever handed it over. To check it without running it:
#
#   shellpack verify @name@
#
# By hand, as a user whom Nix trusts (of volumes, cat @name@.[0-9]* comes first):
#
#   tail -c +@bundle_from@ @name@ | tar -xOf - --wildcards 'closure/*.zst' | zstd -dc | nix-store --import
#   tail -c +@bundle_from@ @name@ | tar -xf - shell
#
# The rest is for POSIX sh, and needs no program that busybox lacks.

# All names begin with shellpack_: a variable that the user exports must reach the shell as it was.

set -u

fail() {
  printf 'error: %s\n' "$1" >&2
  [ "${2-}" = "" ] || printf '\nhint: %s\n' "$2" >&2
  # As shellpack open does if it cannot run the command.
  exit 125
}

# The shell finds this file as it likes: in this directory, or on PATH.
shellpack_file=$0
case $shellpack_file in
  */*) ;;
  *)
    if [ -f "./$0" ]; then
      shellpack_file=./$0
    else
      shellpack_file=$(command -v "$0") || shellpack_file=./$0
    fi
    ;;
esac
shellpack_mark=
{ IFS= read -r shellpack_mark && IFS= read -r shellpack_mark; } 2> /dev/null < "$shellpack_file" || :
[ "$shellpack_mark" = '# shellpack executable 1' ] ||
  fail 'this script does not find its own file, which has the program in it' 'name the file: sh @name@'

shellpack_kernel=$(uname -s) shellpack_machine=$(uname -m)
case $shellpack_kernel-$shellpack_machine in
  @machines@) ;;
  *) fail "this file is for $shellpack_system, and this machine is $shellpack_machine with $shellpack_kernel" \
    'pack the shell for this machine: shellpack create --executable' ;;
esac

# A stick that was pulled out too early has the beginning of the file.
shellpack_begins=$(dd if="$shellpack_file" bs=512 skip="$((shellpack_bundle_at / 512))" count=1 2> /dev/null | head -c 13)
[ "$shellpack_begins" = manifest.toml ] || fail "$0 is cut short, or damaged" 'copy the file again'

# A half-written file goes, also at Ctrl-C.
shellpack_made=
trap '[ "$shellpack_made" = "" ] || rm -rf "$shellpack_made"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

shellpack_tried=
# Why a place does not do.
not() {
  shellpack_tried="$shellpack_tried
  $1: $2"
  return 1
}

# Where there is no sha256sum, the size has to do: a damaged program hardly says its version, and nobody
# but this user and root writes to the places where it lies.
is_intact() {
  [ "$(($(wc -c < "$1")))" = "$shellpack_program_size" ] || return 1
  command -v sha256sum > /dev/null 2>&1 || return 0
  shellpack_sum=$(sha256sum < "$1")
  [ "${shellpack_sum%% *}" = "$shellpack_program_sha256" ]
}

# Only an attempt shows whether a program runs in a place: it may be mounted noexec, or a policy forbid it.
runs() {
  case $("$1" --version 2> /dev/null) in
    'shellpack '*) return 0 ;;
    *) return 1 ;;
  esac
}

# Blocks as long as what comes before, which dd passes over. Only the last one is cut: busybox's head copies
# byte by byte.
blocks() {
  dd if="$shellpack_file" bs="$shellpack_program_at" skip="$1" count="$2"
}
extract() {
  shellpack_whole=$((shellpack_program_size / shellpack_program_at))
  {
    blocks 1 "$shellpack_whole" > "$1" &&
      blocks "$((shellpack_whole + 1))" 1 | head -c "$((shellpack_program_size % shellpack_program_at))" >> "$1" &&
      chmod 700 "$1"
  } 2> /dev/null || return 1
  [ "$(($(wc -c < "$1")))" = "$shellpack_program_size" ] || return 1
  is_intact "$1" || fail "the program in $0 is damaged" 'copy the file again'
}

# Whether a directory is ours alone, or can be made so: $2 is what ls must say of its mode. -O is in every
# sh that there is.
is_ours() {
  [ -h "$1" ] && return 1
  [ -d "$1" ] || mkdir -m 700 "$1" 2> /dev/null || [ -d "$1" ] || return 1
  [ -h "$1" ] && return 1
  [ -O "$1" ] || return 1
  case $(ls -ld "$1" 2> /dev/null) in
    $2) return 0 ;;
    *) return 1 ;;
  esac
}

# Whether nobody else can put another directory in the place of one that is made there.
safe() {
  case $(ls -ldL "$1" 2> /dev/null) in
    d????-??-* | d????????[tT]*) return 0 ;;
    *) return 1 ;;
  esac
}

# Keeps the program for the next time, below a directory of this user's.
kept() {
  [ -d "$1" ] && [ -O "$1" ] || not "$1" 'it is not there, or not a directory of this user' || return 1
  safe "$1" || not "$1" 'other users may rename what is in it' || return 1
  # No other user may write to the first one, nor read the second.
  { is_ours "$1/shellpack" 'd????-??-*' && is_ours "$1/shellpack/opener" 'drwx------*'; } ||
    not "$1" 'shellpack/opener in it is not a directory of this user alone, or cannot be made' || return 1
  shellpack_program=$1/shellpack/opener/shellpack-$shellpack_program_sha256
  if [ -f "$shellpack_program" ] && [ ! -h "$shellpack_program" ] &&
    is_intact "$shellpack_program" && runs "$shellpack_program"; then
    return 0
  fi
  # Killed scripts left these. Another machine with this home may be writing one now.
  find "$1/shellpack/opener" -name 'shellpack-*.*' -mmin +60 -exec rm -f {} + 2> /dev/null || :
  # Numbers of processes are those of a container, and the home may be that of several.
  shellpack_made=$(mktemp "$shellpack_program.XXXXXX" 2> /dev/null) || shellpack_made=$shellpack_program.$$
  if ! extract "$shellpack_made"; then
    not "$1" 'the program cannot be written there'
  elif ! runs "$shellpack_made"; then
    not "$1" 'no program can run there'
  elif [ ! -d "$shellpack_program" ] && mv -f "$shellpack_made" "$shellpack_program" 2> /dev/null; then
    shellpack_made=
    return 0
  else
    not "$1" 'something else is in the place of the program'
  fi
  rm -f "$shellpack_made"
  shellpack_made=
  return 1
}

# Others write there, too: a new directory each time, which the program removes as soon as it runs.
fresh() {
  [ -d "$1" ] || not "$1" 'it is no directory' || return 1
  safe "$1" || not "$1" 'other users may rename what is in it' || return 1
  shellpack_made=$(mktemp -d "$1/shellpack-XXXXXX" 2> /dev/null) || shellpack_made=
  if [ "$shellpack_made" = "" ]; then
    shellpack_made=$1/shellpack-$$
    if ! mkdir -m 700 "$shellpack_made" 2> /dev/null; then
      shellpack_made=
      not "$1" 'no directory can be made there'
      return 1
    fi
  fi
  shellpack_program=$shellpack_made/shellpack
  if ! extract "$shellpack_program"; then
    not "$1" 'the program cannot be written there'
  elif runs "$shellpack_program"; then
    return 0
  else
    not "$1" 'no program can run there'
  fi
  rm -rf "$shellpack_made"
  shellpack_made=
  return 1
}

# A relative name is no place, as the XDG specification has it.
place() {
  case $2 in
    /*) "$1" "${2%/}" && shellpack_where=$1 ;;
    *) return 1 ;;
  esac
}

# The user's cache, which is made as the XDG specification has it.
in_cache() {
  case ${XDG_CACHE_HOME-}-${HOME-} in
    /*) place kept "$XDG_CACHE_HOME" ;;
    -/*)
      # Root with the home of another must not make it.
      [ -d "$HOME/.cache" ] || [ ! -O "$HOME" ] || mkdir -m 700 "$HOME/.cache" 2> /dev/null || :
      place kept "${HOME%/}/.cache"
      ;;
    *) return 1 ;;
  esac
}

shellpack_where=
place kept "${XDG_RUNTIME_DIR-}" || in_cache ||
  place fresh "${TMPDIR-}" || place fresh /tmp || place fresh /dev/shm ||
  fail "there is no place from which the program in $0 can run:$shellpack_tried" \
    "name a directory where programs can run: TMPDIR=DIRECTORY sh $0"

case ${1-} in
  --shellpack) shift ;;
  *) set -- open "$shellpack_file" "$@" ;;
esac
# Nothing of this shell stays: signals and the terminal are the program's, and so is an exported SHELLOPTS.
set +u
exec "$shellpack_program" embedded "$shellpack_where" "$shellpack_file" "$@"
