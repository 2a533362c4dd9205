import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import { UserError } from '../../base/errors.ts';
import { DEBUG_TYPE } from '../../debug/launch.ts';
import type { RunServices } from '../../run/services.ts';
import { debugEventsRequest } from '../../testing/debug-events.ts';
import { runTests } from '../../testing/run-tests.ts';
import { strings as testingStrings } from '../../testing/strings.ts';
import { syncedFolder } from '../common/folders.ts';
import { strings } from './strings.ts';
import type { TestRunView } from './test-run-view.ts';
import type { TestRunner } from './test-runner.ts';
import type { FolderTests } from './test-selection.ts';

/** How long the last results of a debug session that has ended are waited for. */
const LAST_RESULTS_MS = 3_000;

/** Debugs tests: the test runner is the program of a debug session, and its results come from a file in the sandbox. */
export async function debugTests(
  run: vscode.TestRun,
  view: TestRunView,
  { folder, framework, items, select }: FolderTests,
  { runner, services, signal }: { runner: TestRunner; services: RunServices; signal: AbortSignal },
): Promise<void> {
  if (!framework.prepareDebugging) throw new UserError(strings.cannotDebug(framework.name));
  const { program, tests, known } = await runner.prepare(folder, framework, { select });
  const { sandbox } = await services.sessions.acquire(syncedFolder(folder), undefined, signal);
  const { launch, events } = await framework.prepareDebugging(sandbox, tests, signal);
  const ending = new AbortController();
  const finished = Promise.withResolvers<void>();
  const following = runTests({
    framework,
    request: debugEventsRequest(program, events, sandbox.sandboxId),
    services,
    listener: view,
    known: known.keys,
    signal: ending.signal,
    isOfEvents: true,
    canceledReason: testingStrings.debuggingEnded(),
    onOutput: () => {},
    onStatus: (line) => view.status(line),
    onFinished: finished.resolve,
  });
  try {
    await debugToItsEnd(folder, run, launch, signal);
    const late = setTimeout(finished.resolve, signal.aborted ? 0 : LAST_RESULTS_MS);
    await finished.promise;
    clearTimeout(late);
  } finally {
    ending.abort();
    const end = await following;
    view.notRun(items, [end.results], end.reason);
  }
}

/** Starts a debug session for a test run. Resolves when it has ended. */
async function debugToItsEnd(
  folder: vscode.WorkspaceFolder,
  testRun: vscode.TestRun,
  launch: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<void> {
  const __tests = randomUUID();
  let session: vscode.DebugSession | undefined;
  const isOwn = ({ configuration }: vscode.DebugSession) => configuration.__tests === __tests;
  const ended = Promise.withResolvers<void>();
  const stop = () => {
    if (session) void vscode.debug.stopDebugging(session);
  };
  const listening = vscode.Disposable.from(
    vscode.debug.onDidStartDebugSession((started) => {
      if (!isOwn(started)) return;
      session = started;
      if (signal.aborted) stop();
    }),
    vscode.debug.onDidTerminateDebugSession((terminated) => isOwn(terminated) && ended.resolve()),
  );
  signal.addEventListener('abort', stop, { once: true });
  try {
    const config = { type: DEBUG_TYPE, request: 'launch', name: strings.debugName(), ...launch, __tests };
    // What the debugger couldn't start, it has said.
    if (await vscode.debug.startDebugging(folder, config, { testRun })) await ended.promise;
  } finally {
    signal.removeEventListener('abort', stop);
    listening.dispose();
  }
}
