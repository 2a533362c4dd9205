import { controlFile, endScript, watchdog } from '../modal/watchdog.ts';

/** The size of a terminal, in characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** A run that gets no heartbeat from its window for this long is stopped. Reconnecting may take as long. */
const LOST_WINDOW_MS = 5 * 60_000;
/** The interval at which a window sends one. */
export const HEARTBEAT_INTERVAL_MS = 60_000;

/** Returns the first lines of a run's wrapper: its watchdog, and the terminal's size (Modal starts each at 24 × 80). */
export function controlPreamble(runId: string, size?: TerminalSize): string {
  return [
    watchdog(runId, LOST_WINDOW_MS),
    ...(size ? [`stty rows ${size.rows} cols ${size.columns} 2>/dev/null`] : []),
  ].join('\n');
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
