import { quote } from '../base/shell.ts';

/** The size of a terminal, in characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** A run that gets no heartbeat from its window for this long is stopped, because the window is lost. */
const LOST_WINDOW_MINUTES = 5;
/** The interval at which a window sends one. */
export const HEARTBEAT_INTERVAL_MS = 60_000;

/** The file in which the wrapper keeps a run's process ID and terminal for the commands below. */
function controlFile(runId: string): string {
  return quote(`/tmp/.modal-run-${runId}`);
}

/**
 * Returns the first lines of a run's wrapper. Modal has no call to list, kill, or resize an exec, so the run records its
 * process ID and terminal where a second exec can find them. The lines also set the terminal's size (Modal starts every
 * terminal at 24 × 80) and start a watchdog that stops the run when heartbeats cease.
 */
export function controlPreamble(runId: string, size?: TerminalSize): string {
  const file = controlFile(runId);
  return [
    `printf '%s\\n%s\\n' $$ "$(tty 2>/dev/null)" > ${file}`,
    ...(size ? [`stty rows ${size.rows} cols ${size.columns} 2>/dev/null`] : []),
    watchdog(runId),
  ].join('\n');
}

/**
 * Returns a command that runs alongside the program, detached from its streams and session. It compares file ages, so the
 * clocks of this computer and the sandbox don't have to agree.
 */
function watchdog(runId: string): string {
  const script = `
    while sleep 20; do
      kill -0 "$1" 2>/dev/null || exit 0
      [ -z "$(find ${controlFile(runId)} -mmin +${LOST_WINDOW_MINUTES} 2>/dev/null)" ] || break
    done
    ${endScript(runId)}`;
  // Forked twice, so that it's never a child that the program might wait for.
  return `command -v setsid >/dev/null 2>&1 && (setsid sh -c ${quote(script)} modal-watchdog $$ </dev/null >/dev/null 2>&1 &)`;
}

/** Returns the command that signals to a run's watchdog that its window is still open. */
export function heartbeatCommand(runId: string): string[] {
  return ['touch', '-c', `/tmp/.modal-run-${runId}`];
}

/** Returns the command that resizes a run's terminal and notifies its foreground program. */
export function resizeCommand(runId: string, { rows, columns }: TerminalSize): string[] {
  // gVisor raises SIGWINCH itself only since mid-2026; a second one does no harm.
  const script = `
    { read -r pid; read -r tty; } < ${controlFile(runId)} && [ -n "$tty" ] || exit 0
    stty rows ${rows} cols ${columns} < "$tty"
    read -r line < "/proc/$pid/stat" && set -- \${line##*) } && kill -WINCH -- "-$6"`;
  return ['sh', '-c', script];
}

/** Returns the command that stops everything a run started, and prints the last signal that was needed. */
export function endCommand(runId: string): string[] {
  return ['sh', '-c', endScript(runId)];
}

/**
 * Returns a script that sends INT, TERM, and KILL, one or two seconds apart, to every process in the run's session (or in
 * its group, if it doesn't have its own session). Needs only /proc and a POSIX shell.
 */
function endScript(runId: string): string {
  return `
    read -r pid 2>/dev/null < ${controlFile(runId)} || { echo gone; exit 0; }
    members() {
      for stat in /proc/[0-9]*/stat; do
        read -r line < "$stat" || continue
        id=\${line%% *}; set -- \${line##*) }
        [ "$1" != Z ] && { [ "$4" = "$pid" ] || [ "$3" = "$pid" ]; } && [ "$id" != $$ ] && echo "$id"
      done 2>/dev/null
    }
    last=gone
    for step in INT TERM KILL; do
      ids=$(members); [ -n "$ids" ] || break
      last=$step; kill -$step $ids 2>/dev/null
      [ $step = INT ] && tries="1 2 3 4 5 6" || tries="1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20"
      for _ in $tries; do [ -n "$(members)" ] || break 2; sleep 0.1; done
    done
    rm -f ${controlFile(runId)}
    echo $last`;
}
