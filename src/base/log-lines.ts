/**
 * What the log tells about normal work, one line for each event. In English, because those read it who help a user. Nothing
 * of what users type or name is in it but the names of programs and profiles.
 */
import { logInfo } from './log.ts';
import { formatBytes, formatDuration } from './text.ts';

/** The reason for which a sandbox has ended. Those after `found` are as Modal reports them. */
export type EndCause = keyof typeof ENDS;

const ENDS = {
  requested: 'the user ended it',
  unused: 'no longer used',
  found: 'found to have ended',
  exited: 'its entrypoint exited',
  failed: 'its entrypoint failed',
  terminated: 'terminated from elsewhere',
  timeout: 'reached its lifetime',
  unstarted: "didn't start",
  preempted: 'preempted',
  idle: 'reached its idle timeout',
} as const;

/** Returns the name of a program, and nothing else of a command line: other words may be secret. */
function programName(program: string): string {
  const name = program.split(/[\\/]/).at(-1) ?? '';
  return /^[\w.+-]+$/.test(name) ? name : '…';
}

/** Returns what happened according to a message for users, without the names and words that it quotes. */
const reasonOf = (message: string) => message.replaceAll(/“[^”]*”/g, '“…”').replace(/\. .*$/s, '.');

const inProfile = (profile: string | undefined) => (profile === undefined ? '' : ` (profile ${profile})`);

/** Each writes one line. */
export const logLine = {
  activated(versions: { extension: string; vscode: string; place: string }): void {
    logInfo(`Sandboxes for Modal ${versions.extension} in VS Code ${versions.vscode} (${versions.place})`);
  },

  connected(account: { kind: string; hasOtherServer: boolean; hasEnvironment: boolean }): void {
    const server = account.hasOtherServer ? ', on a server of its own' : '';
    logInfo(`Account: ${account.kind}${server}${account.hasEnvironment ? ', with an environment' : ''}`);
  },

  sandboxStarted(sandboxId: string, profile: string | undefined, durationMs: number): void {
    logInfo(`Sandbox ${sandboxId}${inProfile(profile)} started in ${formatDuration(durationMs)}`);
  },

  sandboxTaken(sandboxId: string, profile: string, ageMs: number): void {
    logInfo(`Sandbox ${sandboxId}${inProfile(profile)} taken over after ${formatDuration(ageMs)}`);
  },

  sandboxEnded(sandboxId: string, profile: string | undefined, cause: EndCause, ageMs: number | undefined): void {
    const age = ageMs === undefined ? '' : ` after ${formatDuration(ageMs)}`;
    logInfo(`Sandbox ${sandboxId}${inProfile(profile)} ended${age}: ${ENDS[cause]}`);
  },

  ran(
    program: string,
    run: {
      readonly outcome: 'exited' | 'canceled' | 'failed';
      readonly exitCode?: number | undefined;
      readonly signal?: string | undefined;
      /** The message of a failure. */
      readonly error?: string | undefined;
      readonly sandboxId?: string;
      readonly timings?: { startMs: number; syncMs: number; firstOutputMs?: number; runMs: number };
    },
    outputBytes: number,
  ): void {
    const { outcome, exitCode, signal, error, sandboxId, timings } = run;
    const code = exitCode === undefined ? '' : ` with code ${exitCode}${signal ? ` (${signal})` : ''}`;
    const times = timings && [
      `start ${formatDuration(timings.startMs)}`,
      `sync ${formatDuration(timings.syncMs)}`,
      ...(timings.firstOutputMs === undefined ? [] : [`first output ${formatDuration(timings.firstOutputMs)}`]),
      `run ${formatDuration(timings.runMs)}`,
    ];
    const details = [...(times ?? []), `output ${formatBytes(outputBytes)}`].join(', ');
    logInfo(
      `Run of ${programName(program)}${sandboxId ? ` in ${sandboxId}` : ''} ${outcome}${code}: ${details}${error ? `. ${reasonOf(error)}` : ''}`,
    );
  },

  synced(
    direction: 'to' | 'from',
    sandboxId: string,
    result: { readonly files: number; readonly bytes: number; readonly deleted?: number; readonly durationMs: number },
  ): void {
    const { files, bytes, deleted, durationMs } = result;
    const removed = deleted ? `, ${deleted} deleted` : '';
    const what = `${files} ${files === 1 ? 'file' : 'files'}, ${formatBytes(bytes)}${removed}`;
    logInfo(`Sync ${direction} ${sandboxId}: ${what}, in ${formatDuration(durationMs)}`);
  },
} as const;
