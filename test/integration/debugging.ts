import * as vscode from 'vscode';
import { closeTerminals, eventually } from './extension-under-test.ts';

/**
 * The sessions that have started and not ended, by ID. If two end at the same moment, VS Code may name one of them as its active
 * session until the next one starts.
 */
const sessions = new Map<string, string>();
vscode.debug.onDidStartDebugSession(({ id, type, name }) => sessions.set(id, `${type} ${name}`));
vscode.debug.onDidTerminateDebugSession(({ id }) => sessions.delete(id));

/** Returns the configuration that debugs a program in a sandbox. */
export function launchOf({ fsPath }: vscode.Uri, own: object = {}): vscode.DebugConfiguration {
  return { type: 'modal', request: 'launch', name: 'program', program: fsPath, ...own };
}

/** Sets a breakpoint. Lines start at 0. */
export function breakAt(uri: vscode.Uri, line: number): void {
  const location = new vscode.Location(uri, new vscode.Position(line, 0));
  vscode.debug.addBreakpoints([new vscode.SourceBreakpoint(location)]);
}

/** Waits until the editor shows that the program has stopped at a line of a file. Resolves with the ID of its frame. */
export async function stoppedAt({ path }: vscode.Uri, line: number): Promise<number> {
  await eventually(
    `the stop at ${path}:${line + 1}`,
    () => {
      const { window, debug } = vscode;
      const { document, selection } = window.activeTextEditor ?? {};
      const isFrame = debug.activeStackItem instanceof vscode.DebugStackFrame;
      return [document?.uri.path, selection?.active.line, isFrame].join();
    },
    (state) => state === [path, line, true].join(),
  );
  return (vscode.debug.activeStackItem as vscode.DebugStackFrame).frameId;
}

/** Evaluates an expression where the program has stopped. */
export async function evaluate(expression: string, frameId: number): Promise<string> {
  const session = vscode.debug.activeDebugSession as vscode.DebugSession;
  const { result } = await session.customRequest('evaluate', { expression, frameId });
  return result;
}

/** Waits until no debug session is left. */
export async function debuggingEnded(): Promise<void> {
  await eventually(
    'the end of debugging',
    () => [...sessions.values()],
    ({ length }) => length === 0,
  );
}

/** Ends all debug sessions, and removes what they have left. */
export async function stopDebugging(): Promise<void> {
  vscode.debug.removeBreakpoints(vscode.debug.breakpoints);
  await vscode.debug.stopDebugging();
  await debuggingEnded();
  await closeTerminals();
}
