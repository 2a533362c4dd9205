import { MAX_LIFETIME_MS } from '../modal/sandboxes.ts';
import { awaitControlFile, controlFile, endScript, watchdog } from '../modal/watchdog.ts';

/** The size of a terminal, in characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** A run that gets no heartbeat from its window for this long is stopped. Reconnecting may take as long. */
const LOST_WINDOW_MS = 5 * 60_000;
/** The request that sets a terminal's size, on x86 and Arm. */
const TIOCSWINSZ = '0x5414';
/** The interval at which a window sends one. */
export const HEARTBEAT_INTERVAL_MS = 60_000;

/** Returns the first lines of a run's wrapper: its watchdog, and the terminal's size (Modal starts each at 24 × 80). */
export function controlPreamble(runId: string, size?: TerminalSize, isDetached = false): string {
  return watchdog(
    runId,
    isDetached ? MAX_LIFETIME_MS : LOST_WINDOW_MS,
    size && `stty rows ${size.rows} cols ${size.columns}`,
  );
}

/** Returns the command that resizes a run's terminal and notifies its programs. */
export function resizeCommand(runId: string, { rows, columns }: TerminalSize): string[] {
  // `stty` sets the rows first and then the columns, and programs draw both times, so it's the last choice.
  const perl = `my $size = pack "S4", ${rows}, ${columns}, 0, 0; ioctl(STDIN, ${TIOCSWINSZ}, $size) or exit 1`;
  const python = `import fcntl, struct; fcntl.ioctl(0, ${TIOCSWINSZ}, struct.pack("4H", ${rows}, ${columns}, 0, 0))`;
  // The terminal is found by the program's streams, one of which may be something else: on Modal, it may have no name. Only
  // a device is opened, because opening a pipe may wait. A group may be signaled only by the shell's own `kill`: the program
  // of that name reaches far more than the group in some versions. dash knows no `--` here. gVisor names no foreground group,
  // and raises SIGWINCH itself only since mid-2026; the whole session gets it instead, which ignores it by default.
  const script = `
    ${awaitControlFile(runId)}
    read -r pid < ${controlFile(runId)} || exit 0
    for stream in 0 1 2 none; do
      tty=/proc/$pid/fd/$stream
      [ -c "$tty" ] && [ -t 0 ] < "$tty" && break
    done
    [ $stream != none ] || exit 0
    { perl -e '${perl}' || python3 -c '${python}' || stty rows ${rows} cols ${columns}; } < "$tty" 2>/dev/null
    read -r line < "/proc/$pid/stat" && set -- \${line##*) } && session=$4 || exit 0
    [ "$6" -gt 1 ] && kill -WINCH "-$6" && exit
    for stat in /proc/[0-9]*/stat; do
      read -r line < "$stat" || continue
      id=\${line%% *}; set -- \${line##*) }
      [ "$4" != "$session" ] || kill -WINCH "$id"
    done 2>/dev/null
    exit 0`;
  return ['sh', '-c', script];
}

/** Returns the command that stops everything a run started, and prints the last signal that was needed. */
export function endCommand(runId: string): string[] {
  return ['sh', '-c', endScript(runId)];
}
