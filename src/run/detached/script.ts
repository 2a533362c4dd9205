import { quote } from '../../base/shell.ts';
import { HOST_VOLUME_PATH } from '../../profiles/schema.ts';

/** The folder of detached runs, on the host volume if there is one. */
const FOLDER = '.modal-runs';
/** Where that folder is in a sandbox without a host volume. */
const OWN_DISK = '/tmp';
/** The output is split into files of about this size. Of a long one, the first two and the last two full ones are kept. */
const FILE_BYTES = 4 * 1024 * 1024;
/** The folders of earlier runs are removed after this time. */
const KEPT_DAYS = 7;
/** The longest wait for output, in steps of 0.3 seconds, so that a lost reader doesn't keep the sandbox busy. */
const READ_STEPS = 30;

/** Returns the folder of a detached run in its sandbox. */
export function detachedFolder(runId: string, hostVolume: string | undefined): string {
  return `${hostVolume === undefined ? OWN_DISK : HOST_VOLUME_PATH}/${FOLDER}/${runId}`;
}

/** Returns the folder of a detached run on its host volume. */
export function folderOnVolume(runId: string): string {
  return `/${FOLDER}/${runId}`;
}

/**
 * Returns the lines of shell that run a program whose output goes to files instead of a window: `START.out`, by the offset of
 * its first byte. They hold the sandbox awake until the program has ended, and then store its exit code and duration in `exit`.
 * The program has no terminal and no input. File descriptor 3 is the shell's own output, for `program`'s marks.
 *
 * They need only a POSIX shell and `dd`, which writes what it reads at once. A program that is being stopped may still print, so
 * only the program gets the signals that ask it to end.
 */
export function detachedLines(folder: string, program: string): string {
  return `
modal_folder=${quote(folder)}
mkdir -p "$modal_folder.part" && printf '%s\\n' $$ > "$modal_folder.part/pid" && mv "$modal_folder.part" "$modal_folder" || exit 1
find "\${modal_folder%/*}" -mindepth 1 -maxdepth 1 -mtime +${KEPT_DAYS} -exec rm -rf {} + </dev/null >/dev/null 2>&1
: "\${PYTHONUNBUFFERED=1}"; export PYTHONUNBUFFERED
read -r modal_started _ < /proc/uptime
exec 3>&1
trap '' HUP INT TERM
{ ( trap - HUP INT TERM
${program}
); printf '%s\\n' $? > "$modal_folder/code"; } 2>&1 </dev/null | (
  exec 3>&- >/dev/null 2>&1
  cd "$modal_folder" || exec cat
  start=0 seen=0 kept=
  while dd bs=65536 count=64 >> $start.out; do
    size=$(($(wc -c < $start.out)))
    [ $size -gt $seen ] || break
    seen=$size
    [ $size -ge ${FILE_BYTES} ] || continue
    set -- $kept $start
    if [ $# -gt 4 ]; then rm -f $3.out; kept="$1 $2 $4 $5"; else kept=$*; fi
    start=$((start + size)) seen=0
  done
  # If the disk is full, the program continues without it.
  exec cat
)
modal_code=137
read -r modal_code < "$modal_folder/code"
read -r modal_now _ < /proc/uptime
printf '%s %s\\n' $modal_code $((\${modal_now%.*} - \${modal_started%.*})) > "$modal_folder/exit.part" &&
  mv "$modal_folder/exit.part" "$modal_folder/exit"
exit $modal_code`;
}

/**
 * Returns the command that prints the output of a detached run from an offset on, at most `maxBytes` of it, or waits for some
 * for a few seconds. The first line has the offset of what follows, and the state of the run: nothing while it's running, `none`
 * if it has no folder, `killed`, or its exit code and duration in seconds.
 */
export function readCommand(folder: string, offset: number, maxBytes: number): string[] {
  const script = `
    offset=$1 steps=${READ_STEPS} state=none
    while :; do
      if cd ${quote(folder)} 2>/dev/null; then
        state=
        if [ -f exit ]; then read -r state < exit
        elif ! { read -r pid < pid && kill -0 "$pid"; } 2>/dev/null; then
          state=killed
          [ ! -f exit ] || read -r state < exit
        fi
        own=-1 next=-1
        for file in *.out; do
          start=\${file%.out}
          [ -e "$file" ] || continue
          if [ "$start" -le "$offset" ]; then [ "$start" -lt "$own" ] || own=$start
          elif [ $next -lt 0 ] || [ "$start" -lt $next ]; then next=$start
          fi
        done
        if [ $own -ge 0 ] && [ $((own + $(wc -c < $own.out))) -gt "$offset" ]; then
          printf '%s %s\\n' "$offset" "$state"
          tail -c +$((offset - own + 1)) $own.out | head -c ${maxBytes}
          exit 0
        fi
        # What was between them isn't kept.
        [ $next -lt 0 ] || { offset=$next; continue; }
        [ -z "$state" ] || break
      fi
      [ $steps -gt 0 ] || break
      steps=$((steps - 1)); sleep 0.3 2>/dev/null || sleep 1
    done
    printf '%s %s\\n' "$offset" "$state"`;
  return ['sh', '-c', script, 'modal-read', String(offset)];
}
