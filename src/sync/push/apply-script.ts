import { quote } from '../../base/shell.ts';
import { STATE_FOLDER } from '../rules/builtin.ts';
import { strings } from '../strings.ts';
import { APPLY_PERL, EXIT_REST, MAX_IN_PLACE_BYTES } from './apply-perl.ts';

/** Defines `say`, which prints a word and a path. Paths never contain `//`, so that stands for a line break. */
const SAY = `nl=$(printf "\\nx"); nl=\${nl%x}
say() { out= rest=$2
  while case $rest in *"$nl"*) ;; *) false;; esac do out=$out\${rest%%"$nl"*}//; rest=\${rest#*"$nl"}; done
  printf "%s %s\\n" "$1" "$out$rest"; }`;

/**
 * Applies a push in the sandbox, in plain `sh` with `tar`, `xargs`, and `mv` (GNU, BusyBox, or BSD). Starting a process is
 * what costs most on Modal, so Perl does everything that it can (`apply-perl.ts`); what it leaves, a first push, and everything in
 * an image without it, is done by the shell: the plain files of a folder with one `mv`, and the rest one by one.
 *
 * Arguments: the root, the generation to reach, the free space needed in KiB (0: don't check), and the generations that
 * the sandbox may start from. Input: a line `raw`, `gzip`, or `zstd`, then the archive, whose members are below the staging
 * folder `in.GENERATION`. The question for free space isn't answered on Modal, so a full disk is what `tar` reports.
 *
 * Everything is unpacked into a staging folder and renamed into place only when the archive's last member, `log`, has
 * arrived. A cut stream therefore changes nothing, and no reader sees half a file. A root that doesn't exist yet is built
 * next to its final path and then renamed. If another push has created the root in the meantime, that rename moves the
 * new folder into it, under a unique name, and the script removes it again.
 *
 * The lock names the process that holds it, so a process that was killed blocks no one, and the next push removes what
 * it left. If that process ID now belongs to another program, as `/proc` shows, the lock counts for one minute. (BusyBox
 * rounds the minutes down, and GNU up, so that `-mmin +1` has two meanings, but `! -mmin -1` has one.)
 *
 * With `MODAL_SYNC_LIVE`, small files are written in place, because watchers such as `node --watch` lose a file that is
 * replaced. Others look only at the time, so two saves in one second must not get the same one: archives have whole seconds, but
 * the time of the write is kept if it's in that second, and otherwise a later save gets a fraction, which grows with the process
 * ID. A shell that runs a script reads it bit by bit, so scripts are still replaced.
 *
 * A file or folder of the sandbox's own that is in the way of one of another kind is renamed.
 *
 * The last line of the output is the reply. See `parseReply`.
 */
export const APPLY_SCRIPT = applyScript(
  `code=1; [ ! -d "$root" ] || ! command -v perl >/dev/null 2>&1 || { perl -e ${quote(APPLY_PERL)} modal-sync $$ - "$root" "$next" "$need" "$@"; code=$?; }`,
);

/** What is left of a push after Perl has exited with the code `MODAL_SYNC_CODE`. */
export const APPLY_REST = applyScript('code=$MODAL_SYNC_CODE');

/** `perl` sets `code` to Perl's exit code, or to 1 if it hasn't done anything. */
function applyScript(perl: string): string {
  return `set -u; export LC_ALL=C; umask 022; exec 2>&1
root=$1 next=$2 need=$3; shift 3
${perl}
case $code in 0|7?) exit "$code";; 13?|14?) exit 70;; esac
die() { code=$1; shift; printf '%s\\n' "$*"; exit "$code"; }
for tool in tar xargs; do command -v $tool >/dev/null 2>&1 || die 74 "NOTOOL $tool"; done
work=$root
[ -d "$root" ] || { [ ! -e "$root" ] || die 70 "FAIL $root isn't a folder"; work=$root.part-$next; }
s=${STATE_FOLDER} in=$s/in.$next
lock=
clean() { cd "$work" 2>/dev/null && rm -rf "$in" $lock; [ "$work" = "$root" ] || rm -rf "$work"; }
trap clean EXIT
trap 'exit 70' HUP INT TERM
if [ "$code" = ${EXIT_REST} ]; then cd "$root" || die 70 "FAIL can't enter $root"; lock=$s/lock slow=$in/slow; else
[ -d "$work/$s/m" ] || mkdir -p "$work/$s/m" || die 70 "FAIL can't write to $work"
cd "$work" || die 70 "FAIL can't enter $work"
check() { have=none; [ ! -f $s/gen ] || IFS= read -r have < $s/gen || :; for g do [ "$g" != "$have" ] || return 0; done; die 75 "DRIFT $have"; }
for g do [ ! -d "$root.part-$g" ] || { mkdir "$in" && mv "$root.part-$g" "$in/part" && rm -rf "$in/part"; }; done
check "$@"
[ "$need" = 0 ] || {
  free=$(df -Pk . 2>/dev/null | while read -r _ _ _ a _; do f=$a; echo "$f"; done | tail -n 1)
  case $free in ''|*[!0-9]*) ;; *) [ "$free" -ge "$need" ] || die 76 "ROOM $free $need";; esac
}
IFS= read -r how || die 71 "CUT"
failed() { nl=$(printf "\\nx"); nl=\${nl%x}
  case $1 in *"No space left"*|*"quota exceeded"*|*"Wrote only"*|*"short write"*) die 76 "FULL";; esac
  [ -w . ] || die 70 "FAIL can't write to $work"
  die 70 "FAIL \${1%%"$nl"*}"; }
case $how in
raw) said=$(tar -xof - -C $s 2>&1) || failed "$said";;
*) command -v "$how" >/dev/null 2>&1 || die 74 "NOTOOL $how"
  said=$({ "$how" -dc | tar -xof - -C $s; } 2>&1) || failed "$said"
  case $said in *"$how: "*) die 71 "CUT";; esac;;
esac
[ -f "$in/log" ] || die 71 "CUT"
tries=0
take() { set -C; { printf '%s\\n' $$ > $s/lock; } 2>/dev/null; taken=$?; set +C; return $taken; }
dead() { pid=; IFS= read -r pid 2>/dev/null < $s/lock && { [ "$pid" = $$ ] || ! kill -0 "$pid" 2>/dev/null; }; }
old() { [ -n "$(find $s/lock -prune ! -mmin -1 2>/dev/null)" ] && ! tr '\\0' '\\n' 2>/dev/null < "/proc/$pid/cmdline" | grep -qx -e modal-sync -e modal-run; }
[ "$work" != "$root" ] || until take; do
  if dead || { [ $((tries % 10)) = 0 ] && old; }; then rm -rf $s/lock; continue; fi
  tries=$((tries + 1)); [ $tries -le 50 ] || die 70 "FAIL another sync hasn't finished"
  sleep 0.2
done
[ "$work" != "$root" ] || { lock=$s/lock; check "$@"; }
[ $# -lt 2 ] || for g do [ ! -e "$s/in.$g" ] || rm -rf "$s/in.$g"; done
case $have in dirty.*) [ ! -e "$s/in.\${have#dirty.}" ] || rm -rf "$s/in.\${have#dirty.}";; esac
slow=$in/mv
[ ! -f "$in/rm" ] || {
  link=$(xargs -0 sh -c '${SAY}
for d do [ ! -h "./$d" ] || { say LINK "$d"; exit; }; done' sh < "$in/up")
  [ -z "$link" ] || die 77 "$link"
}
printf 'dirty.%s\\n' "$next" > $s/gen || die 76 "FULL"
[ ! -f "$in/full" ] || rm -f $s/m/*
[ ! -f "$in/log" ] || mv -f "$in/log" "$s/m/$next" || die 70 "FAIL can't write to $work"
[ ! -f "$in/rm" ] || xargs -0 rm -f -- < "$in/rm" 2>/dev/null || xargs -0 sh -c 'for p do
  if [ -h "$p" ] || { [ -e "$p" ] && [ ! -d "$p" ]; }; then rm -f "$p" || exit 255; fi
done' sh < "$in/rm" 2>"$in/.err" || die 70 "FAIL $(tail -n 2 "$in/.err" | head -n 1)"
[ ! -f "$in/rd" ] || xargs -0 rmdir -- < "$in/rd" 2>/dev/null || :
fi
[ ! -s "$slow" ] || [ "$work" != "$root" ] || xargs -0 sh -c 't=$0/t
${SAY}
real() { q=$1; while [ -d "./$q" ] && [ ! -h "./$q" ]; do case $q in */*) q=\${q%/*};; *) return 0;; esac; done; return 1; }
flush() { [ -z "$group" ] || eval "mv -f $group \\"./\\$folder/\\"" 2>/dev/null; group= count=0; }
together() { folder= group= count=0 at=0
  for p do at=$((at + 1)); case $p in */*) f=\${p%/*};; *) f=.;; esac
    [ "$f" = "$folder" ] || { flush "$@"; folder=$f isreal=; ! real "$f" || isreal=1; }
    [ -n "$isreal" ] && [ -f "$t/$p" ] && [ ! -h "$t/$p" ] && [ ! -d "./$p" ] && [ ! -h "./$p" ] || continue
    group="$group \\"\\$t/\\\${$at}\\"" count=$((count + 1)); [ $count -lt 200 ] || flush "$@"
  done; flush "$@"; }
aside() { n= a=$1.sandbox
  while [ -e "./$a" ] || [ -h "./$a" ] || [ -e "$t/$a" ] || [ -h "$t/$a" ]; do n=$((\${n:--1} - 1)) a=$1.sandbox$n; done
  rmdir "./$1" 2>/dev/null || { mv "./$1" "./$a" 2>/dev/null && say ASIDE "$a"; } || { say CONFLICT "$1"; exit 255; }; }
inplace() {
  [ -n "\${MODAL_SYNC_LIVE:-}" ] && [ -f "$t/$p" ] && [ -f "./$p" ] && [ ! -h "$t/$p" ] || return 1
  if [ -x "$t/$p" ]; then [ -x "./$p" ]; else [ ! -x "./$p" ]; fi || return 1
  new=$(wc -c < "$t/$p") old=$(wc -c < "./$p") first=
  [ "$new" -le ${MAX_IN_PLACE_BYTES} ] && [ "$old" -le ${MAX_IN_PLACE_BYTES} ] || return 1
  IFS= read -r first < "./$p" || :
  case $p in *.*sh) return 1;; esac
  case $first in "#!"*sh|"#!"*"sh "*) return 1;; esac
  if [ "$new" -lt "$old" ]; then kept=; else kept=conv=notrunc; fi
  dd bs=${MAX_IN_PLACE_BYTES} $kept if="$t/$p" of="./$p" 2>/dev/null && touch -r "$t/$p" "./$p" 2>/dev/null
}
place() { for p do
  [ -e "$t/$p" ] || [ -h "$t/$p" ] || continue
  q=$p
  while [ "$q" != "\${q%/*}" ]; do q=\${q%/*}
    if [ ! -d "./$q" ]; then { [ ! -e "./$q" ] && [ ! -h "./$q" ]; } || aside "$q"
    elif [ -h "./$q" ]; then say THROUGH "$q"; fi
  done
  case $p in */*) [ -d "./\${p%/*}" ] || mkdir -p "./\${p%/*}" || exit 255;; esac
  if [ -d "$t/$p" ] && [ ! -h "$t/$p" ]; then
    if [ -d "./$p" ]; then
      [ ! -h "./$p" ] || say THROUGH "$p"
      for c in "$t/$p"/* "$t/$p"/.[!.]* "$t/$p"/..?*; do { [ ! -e "$c" ] && [ ! -h "$c" ]; } || place "\${c#"$t/"}"; done
      continue
    fi
    if [ -e "./$p" ] || [ -h "./$p" ]; then aside "$p"; fi
  elif [ -h "./$p" ]; then rm -f "./$p" || exit 255
  elif [ -d "./$p" ]; then aside "$p"; fi
  inplace || mv -f "$t/$p" "./$p" || exit 255
done; }
[ -n "\${MODAL_SYNC_LIVE:-}" ] || together "$@"
place "$@"' "$in" < "$slow" > "$in/.out" 2>"$in/.err" || {
  said=$(tail -n 1 "$in/.out")
  case $said in CONFLICT*) die 73 "$said";; *) die 70 "FAIL $(tail -n 2 "$in/.err" | head -n 1)";; esac
}
[ -f $s/.gitignore ] || printf '*\\n' > $s/.gitignore
[ -f $s/stamp ] || : > $s/stamp
printf '%s\\n' "$next" > $s/gen || die 70 "FAIL can't write to $work"
if [ "$work" != "$root" ]; then
  [ ! -e "$root" ] || die 75 "DRIFT unknown"
  [ -d "$in/t" ] || mkdir "$in/t"
  { mv "$in/t" "$next" && rm -rf "$in" && mv $s "$next/" && cd / && mv "$work/$next" "$root" && rmdir "$work"; } || die 70 "FAIL can't create $root"
  [ ! -d "$root/$next" ] || { rm -rf "\${root:?}/$next"; die 75 "DRIFT unknown"; }
else
  [ ! -s "$in/.out" ] || sort -u "$in/.out" | head -n 3
  rm -rf "$in" $lock
fi
trap - EXIT
tools=; [ "$code" != ${EXIT_REST} ] || tools=" perl"
for tool in zstd gzip; do ! command -v $tool >/dev/null 2>&1 || tools="$tools $tool"; done
printf 'OK %s%s\\n' "$next" "$tools"`;
}

/** The sandbox's reply to a push. */
export type Reply =
  | {
      readonly kind: 'ok';
      readonly tools: readonly string[];
      /**
       * A few of the sandbox's own links that stand where the local folder has folders. Files were written to their
       * targets.
       */
      readonly writtenThrough: readonly string[];
      /** A few of the sandbox's own files and folders that were in the way, under their new names. */
      readonly movedAside: readonly string[];
    }
  /** The sandbox is at an unexpected generation, `have`. */
  | { readonly kind: 'drift'; readonly have: string }
  | { readonly kind: 'cut' }
  | { readonly kind: 'room'; readonly freeBytes: number; readonly neededBytes: number }
  /** The sandbox's disk is full. */
  | { readonly kind: 'full' }
  | { readonly kind: 'conflict'; readonly path: string }
  | { readonly kind: 'link'; readonly path: string }
  | { readonly kind: 'no-tool'; readonly tool: string }
  | { readonly kind: 'failed'; readonly reason: string };

/** Reads what the script printed: notes, then the reply on the last line. */
export function parseReply(output: string): Reply {
  const notes = output.trimEnd().split('\n');
  const line = notes.pop() ?? '';
  const [word = '', ...rest] = line.split(' ');
  const text = rest.join(' ');
  const path = text.replaceAll('//', '\n');
  const pathsOf = (kind: string) =>
    notes.filter((note) => note.startsWith(kind)).map((note) => note.slice(kind.length).replaceAll('//', '\n'));
  switch (word) {
    case 'OK':
      return {
        kind: 'ok',
        tools: rest.slice(1).filter((name) => name !== ''),
        writtenThrough: pathsOf('THROUGH '),
        movedAside: pathsOf('ASIDE '),
      };
    case 'DRIFT':
      return { kind: 'drift', have: text };
    case 'CUT':
      return { kind: 'cut' };
    case 'ROOM':
      return { kind: 'room', freeBytes: Number(rest[0]) * 1024, neededBytes: Number(rest[1]) * 1024 };
    case 'FULL':
      return { kind: 'full' };
    case 'CONFLICT':
      return { kind: 'conflict', path };
    case 'LINK':
      return { kind: 'link', path };
    case 'NOTOOL':
      return { kind: 'no-tool', tool: text };
    default:
      return { kind: 'failed', reason: (word === 'FAIL' ? text : line) || strings.processStopped() };
  }
}
