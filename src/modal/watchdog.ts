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
 * The file in which a watched command keeps its process ID, for commands that stop or resize it. Modal has no call to list,
 * kill, or resize an exec.
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
 * file that it removes. It needs only a POSIX shell, `sleep`, and `rm`, and leaves nothing behind. The process that starts it
 * then becomes `first`, a command that must end before the script continues. So `first` costs no process.
 */
export function watchdog(id: string, lostWindowMs: number, first?: string): string {
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
    rm -rf ${file} ${file}.beat`;
  return [
    `printf '%s\\n' $$ > ${file}`,
    // Forked twice, so that it's never a child that the program might wait for.
    `(modal_session=; command -v setsid >/dev/null 2>&1 && modal_session=setsid
      $modal_session sh -c ${quote(script)} modal-watchdog $$ </dev/null >/dev/null 2>&1 &${first === undefined ? '' : `\n      exec ${first} 2>/dev/null`})`,
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

/** Returns the command that tells a watchdog not to expect heartbeats any more. */
export function keepCommand(id: string): string[] {
  const file = controlFile(id);
  // A folder is a heartbeat that the watchdog can't remove.
  return [
    'sh',
    '-c',
    `[ ! -e ${file} ] || { rm -f ${file}.beat; mkdir ${file}.beat; [ -e ${file} ] || rmdir ${file}.beat; }`,
  ];
}

/**
 * Returns a script that sends INT, TERM, and KILL, one or two seconds apart, to everything that the watched command has
 * started, and prints the last signal that was needed. It finds the command's session and group, all descendants of what
 * it has found so far (also those that lose their parent to a signal), and what has the command's mark in its
 * environment. A process that ignores INT, as background jobs of scripts do, gets TERM at once, except in gVisor, which doesn't
 * tell what a process ignores. Needs only /proc and a POSIX shell; without `grep`, marks aren't looked for. (BusyBox's `grep -F`
 * finds just the first of a process's variables.)
 *
 * On a busy computer, each process that is started takes its time. So the first signals need none: marks, which do, are
 * looked for afterward, and no signal waits for longer than three seconds for the one before it. What a program starts to clean
 * up after INT isn't told to stop for another second.
 */
export function endScript(id: string): string {
  const file = controlFile(id);
  return `
    ${awaitControlFile(id)}
    read -r pid 2>/dev/null < ${file} || { echo gone; exit 0; }
    marked=" " kin=" " sessions=" " last=gone
    find_marks() {
      for path in $(grep -ls ${quote(`${MARK_VARIABLE}=${id}`)} /proc/[0-9]*/environ); do
        path=\${path#/proc/}; marked="$marked\${path%/*} "
      done
    }
    find_kin() {
      all=
      for stat in /proc/[0-9]*/stat; do
        read -r line < "$stat" || continue
        id=\${line%% *}; set -- \${line##*) }
        [ "$1" = Z ] || [ "$id" = $$ ] || [ "$2" = $$ ] || all="$all $id:$2:$3:$4:\${20}"
      done 2>/dev/null
      new= found=1
      while [ $found = 1 ]; do
        found=0 alive= seen=
        for each in $all; do
          IFS=:; set -- $each; unset IFS
          case $kin in
            *" $1:$5 "*) alive="$alive $1" seen="$seen$4 "; continue ;;
          esac
          [ "$3" = "$pid" ] || [ "$4" = "$pid" ] || case "$marked$kin" in
            *" $2:"*|*" $1 "*) ;;
            *) continue ;;
          esac
          kin="$kin$1:$5 " found=1
          case $sessions in *" $4 "*) ;; *) new="$new $1" ;; esac
        done
      done
      sessions="$sessions$seen"
    }
    send() {
      for id; do
        last=$step signal=$step
        [ $step != INT ] || while read -r name value; do
          case $name$value in SigIgn:*[2367abef]) signal=TERM; break ;; esac
        done < /proc/$id/status
        kill -$signal "$id"
      done 2>/dev/null
    }
    for step in INT TERM KILL; do
      if [ $step = INT ]; then
        find_kin; send $new; find_marks; find_kin; send $new
        tries="1 2 3 4 5 6"
      else
        find_marks; find_kin; send $alive
        tries="1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20"
      fi
      read -r now _ < /proc/uptime; until=$((\${now%.*} + 3))
      for _ in $tries; do
        [ -n "$alive" ] || break 2
        [ "\${now%.*}" -lt $until ] || break
        sleep 0.1; find_kin
        [ -n "$alive" ] || { find_marks; find_kin; }
        read -r now _ < /proc/uptime
      done
    done
    rm -rf ${file} ${file}.beat
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
