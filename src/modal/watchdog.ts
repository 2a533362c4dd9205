import type { Sandbox } from 'modal';
import { MINUTE_MS } from '../base/clock.ts';
import { quote } from '../base/shell.ts';

/** A command that gets no heartbeat from its window for this long is stopped, because the window is lost. */
const LOST_WINDOW_MS = MINUTE_MS;
/** The interval at which a window sends heartbeats. */
const HEARTBEAT_INTERVAL_MS = 20_000;
const HEARTBEAT_TIMEOUT_MS = 30_000;
/** The interval at which the watchdog looks. It also ends that soon after its command. */
const TICK_SECONDS = 2;

/**
 * The file in which a watched command keeps its process ID and terminal, for commands that stop or resize it. Modal has
 * no call to list, kill, or resize an exec.
 */
export function controlFile(id: string): string {
  return quote(`/tmp/.modal-run-${id}`);
}

/** Returns a line of shell that waits for the file of a command that has just been started, for up to a second. */
export function awaitControlFile(id: string): string {
  return `for _ in 1 2 3 4 5 6 7 8 9 10; do [ ! -s ${controlFile(id)} ] || break; sleep 0.1; done`;
}

/** The variable by which a command's processes are found in sessions of their own. Its value is the command's ID. */
const MARK_VARIABLE = 'MODAL_VSCODE_RUN';

/**
 * Returns the first lines of a shell script that is stopped when heartbeats cease, also after the shell has become another
 * program. They start a watchdog, which runs detached from the script's streams and, if possible, its session.
 *
 * The watchdog counts its own ticks, so the clocks of this computer and the sandbox don't have to agree. A heartbeat is a
 * file that it removes. It needs only a POSIX shell, `sleep`, and `rm`, and leaves nothing behind.
 */
export function watchdog(id: string, lostWindowMs: number): string {
  const file = controlFile(id);
  const script = `
    trap '' HUP INT QUIT TSTP TTIN TTOU
    quiet=0
    while kill -0 "$1" 2>/dev/null; do
      [ ! -e ${file}.beat ] || { rm -f ${file}.beat; quiet=0; }
      [ $quiet -lt ${Math.ceil(lostWindowMs / 1000 / TICK_SECONDS)} ] || { ${endScript(id)}
        break; }
      sleep ${TICK_SECONDS} || exit
      quiet=$((quiet + 1))
    done
    rm -f ${file} ${file}.beat`;
  return [
    `printf '%s\\n%s\\n' $$ "$(tty 2>/dev/null)" > ${file}`,
    // Forked twice, so that it's never a child that the program might wait for.
    `(modal_session=; command -v setsid >/dev/null 2>&1 && modal_session=setsid
      $modal_session sh -c ${quote(script)} modal-watchdog $$ </dev/null >/dev/null 2>&1 &)`,
    // Not before, so that the watchdog doesn't have it.
    `export ${MARK_VARIABLE}=${quote(id)}`,
  ].join('\n');
}

/** Returns the command that tells a watchdog that its window is still open. */
export function heartbeatCommand(id: string): string[] {
  const file = controlFile(id);
  // Leaves nothing behind if the watchdog ends at the same time.
  return ['sh', '-c', `[ ! -e ${file} ] || { : > ${file}.beat; [ -e ${file} ] || rm -f ${file}.beat; }`];
}

/**
 * Returns a script that sends INT, TERM, and KILL, one or two seconds apart, to everything that the watched command has
 * started, and prints the last signal that was needed. It finds the command's session and group, all descendants of what
 * it has found so far (also those that lose their parent to a signal), and what has the command's mark in its
 * environment. A process that ignores INT, as background jobs of scripts do, gets TERM at once. Needs only /proc and a
 * POSIX shell; without `grep`, marks aren't looked for.
 */
export function endScript(id: string): string {
  const file = controlFile(id);
  return `
    ${awaitControlFile(id)}
    read -r pid 2>/dev/null < ${file} || { echo gone; exit 0; }
    kin=" "
    find_kin() {
      marked=" $(grep -lsF ${quote(`${MARK_VARIABLE}=${id}`)} /proc/[0-9]*/environ | while IFS=/ read -r _ _ id _; do printf '%s ' "$id"; done)"
      all=$(for stat in /proc/[0-9]*/stat; do
        read -r line < "$stat" || continue
        id=\${line%% *}; set -- \${line##*) }
        [ "$1" = Z ] || [ "$id" = $$ ] || [ "$2" = $$ ] || echo "$id $2 $3 $4 \${20}"
      done 2>/dev/null)
      alive=
      found=1
      while [ $found = 1 ]; do
        found=0
        alive=
        while read -r id parent group session started; do
          case $kin in
            *" $id:$started "*) alive="$alive $id"; continue ;;
          esac
          [ "$group" = "$pid" ] || [ "$session" = "$pid" ] || case "$marked$kin" in
            *" $parent:"*|*" $id "*) ;;
            *) continue ;;
          esac
          kin="$kin$id:$started "; found=1
        done <<MODAL_END
$all
MODAL_END
      done
    }
    last=gone
    for step in INT TERM KILL; do
      find_kin; [ -n "$alive" ] || break
      last=$step
      for id in $alive; do
        signal=$step
        [ $step != INT ] || while read -r name value; do
          case $name$value in SigIgn:*[2367abef]) signal=TERM; break ;; esac
        done < /proc/$id/status
        kill -$signal "$id"
      done 2>/dev/null
      [ $step = INT ] && tries="1 2 3 4 5 6" || tries="1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20"
      for _ in $tries; do find_kin; [ -n "$alive" ] || break 2; sleep 0.1; done
    done
    rm -f ${file} ${file}.beat
    echo $last`;
}

/** A command that is stopped in the sandbox soon after its window is lost. */
export interface Watched {
  /** The first lines of its shell script. */
  readonly preamble: string;
  /** Removes what the watchdog would remove a moment later. */
  readonly cleanup: string;
  /** Sends heartbeats until it's disposed. */
  keepAlive(sandbox: Sandbox): Disposable;
}

/** Prepares to watch a command. `id` must be unique in its sandbox. */
export function watched(id: string): Watched {
  const file = controlFile(id);
  return {
    preamble: watchdog(id, LOST_WINDOW_MS),
    cleanup: `rm -f ${file} ${file}.beat`,
    keepAlive(sandbox) {
      const beat = () =>
        sandbox
          .exec(heartbeatCommand(id), { stdout: 'ignore', stderr: 'ignore', timeoutMs: HEARTBEAT_TIMEOUT_MS })
          // A lost connection is reported by the command itself.
          .catch(() => {});
      const timer = setInterval(() => void beat(), HEARTBEAT_INTERVAL_MS);
      return { [Symbol.dispose]: () => clearInterval(timer) };
    },
  };
}
