/** The folder for files in a sandbox before they are moved to their destination. */
export const STAGING = '/.dockerfile-copy';
/** The mount path of another stage's files. */
export const MOUNT = '/.dockerfile-mount';

/** Unpacks an archive from stdin. $1: the folder. */
export const UNPACK = 'mkdir -p "$1" && tar -xf - -C "$1"';

/**
 * Collects files of a stage. $1: the folder to collect them in; then paths with patterns. The contents of folders go to
 * `tree`, files to `files`.
 */
export const GATHER = `
set -e
to=$1
shift
mkdir -p "$to"
IFS=
for pattern; do
  found=
  for path in $pattern; do
    [ -e "$path" ] || [ -L "$path" ] || continue
    found=1
    if [ -d "$path" ]; then mkdir -p "$to/tree" && cp -a "$path/." "$to/tree/"
    else mkdir -p "$to/files" && cp -aL "$path" "$to/files/"; fi
  done
  [ -n "$found" ] || { echo "$pattern doesn't exist in the stage."; exit 1; }
done`;

/**
 * Moves collected files to their destination, as COPY and ADD do. $1: where they are, $2: destination, $3: owner, $4: mode,
 * $5: 1 to unpack archives, $6: 1 to keep \`tree\` and \`files\` as folders.
 */
export const PLACE = `
set -e
from=$1 to=$2 owner=$3 mode=$4 unpack=$5 layout=$6
case $to in /*) ;; *) to=$(pwd)/$to ;; esac
owned() {
  [ -n "$owner" ] || return 0
  chown -R -h "$owner" "$1" 2> /dev/null && return
  # Where root is the only user, files belong to root.
  read -r _ _ count < /proc/self/uid_map
  if [ "$count" != 1 ]; then chown -R -h "$owner" "$1"; fi
}
owned "$from"
[ -z "$mode" ] || chmod -R "$mode" "$from"
made() {
  [ -d "$1" ] && return
  top=$1
  while [ ! -e "$(dirname "$top")" ]; do top=$(dirname "$top"); done
  mkdir -p "$1"
  owned "$top"
}
into() {
  made "$2"
  for each in "$1"/* "$1"/.[!.]* "$1"/..?*; do
    [ -e "$each" ] || [ -L "$each" ] || continue
    cp -a "$each" "$2/"
  done
}
if [ -n "$layout" ]; then into "$from" "$to"; exit; fi
if [ -d "$from/tree" ]; then into "$from/tree" "$to"; fi
[ -d "$from/files" ] || exit 0
if [ -n "$unpack" ]; then
  for each in "$from"/files/* "$from"/files/.[!.]*; do
    [ -f "$each" ] && tar -tf "$each" > /dev/null 2>&1 || continue
    made "$to"
    tar -xf "$each" -C "$to"
    rm "$each"
  done
fi
set -- "$from"/files/* "$from"/files/.[!.]*
count=0
for each; do if [ -e "$each" ]; then count=$((count + 1)); one=$each; fi; done
case $to in */) folder=1 ;; *) folder= ;; esac
if [ "$count" = 1 ] && [ -z "$folder" ] && [ ! -d "$from/tree" ] && [ ! -d "$to" ]; then
  made "$(dirname "$to")"
  cp -a "$one" "$to"
elif [ "$count" != 0 ]; then into "$from/files" "$to"; fi`;

/** Prints the working directory and the named variables that are set, each followed by a zero byte. */
export const PRINT_ENVIRONMENT = `
printf '%s\\0' "$(pwd)"
for name; do
  eval "isset=\\\${$name+1}"
  [ -z "$isset" ] || eval "printf '%s=%s\\\\0' \\"\\$name\\" \\"\\$$name\\""
done`;
