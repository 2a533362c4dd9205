import { quote } from '../base/shell.ts';

/** Size of a terminal, in characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** A run without a sign of life from its window for this long is ended: its window is lost. */
const LOST_WINDOW_MINUTES = 5;
/** How often a window gives one. */
export const HEARTBEAT_INTERVAL_MS = 60_000;

/** Where the wrapper keeps what the commands below need: the process id and the terminal of a run. */
function controlFile(runId: string): string {
  return quote(`/tmp/.modal-run-${runId}`);
}

/**
 * The lines with which a run's wrapper starts: Modal has no call to list, kill or resize an exec, so the run notes its
 * process id and terminal where a second exec finds them. With a size, the terminal gets it (Modal starts every one at
 * 24 × 80). A watchdog ends the run when its window gives no sign of life any more.
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
 * Runs beside the program, detached from its streams and its session. Compares ages of files, so that the clocks of this
 * machine and of the sandbox need not agree.
 */
function watchdog(runId: string): string {
  const script = `
    while sleep 20; do
      kill -0 "$1" 2>/dev/null || exit 0
      [ -z "$(find ${controlFile(runId)} -mmin +${LOST_WINDOW_MINUTES} 2>/dev/null)" ] || break
    done
    ${endScript(runId)}`;
  // Twice forked, so that the program never has it as a child that it might wait for.
  return `command -v setsid >/dev/null 2>&1 && (setsid sh -c ${quote(script)} modal-watchdog $$ </dev/null >/dev/null 2>&1 &)`;
}

/** A sign of life; sent now and then while a run goes on. */
export function heartbeatCommand(runId: string): string[] {
  return ['touch', '-c', `/tmp/.modal-run-${runId}`];
}

/** Gives a run's terminal another size and tells the program in front of it. */
export function resizeCommand(runId: string, { rows, columns }: TerminalSize): string[] {
  // gVisor has raised SIGWINCH by itself only since mid-2026; a second one does no harm.
  const script = `
    { read -r pid; read -r tty; } < ${controlFile(runId)} && [ -n "$tty" ] || exit 0
    stty rows ${rows} cols ${columns} < "$tty"
    read -r line < "/proc/$pid/stat" && set -- \${line##*) } && kill -WINCH -- "-$6"`;
  return ['sh', '-c', script];
}

/** Ends everything a run has started, step by step, and prints the last step that was needed. */
export function endCommand(runId: string): string[] {
  return ['sh', '-c', endScript(runId)];
}

/**
 * Interrupt, TERM, KILL, each to every process of the run's session (or of its group, where it has no session of its
 * own), with a second or two between. Needs nothing but /proc and a POSIX shell.
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
