/** Runs in the extension host as its 'tests': opens a file, runs it with the extension, and relays its terminal's output. */
import * as vscode from 'vscode';
import type { RunOutcome } from '../run-file.ts';
import { messageOf } from '../say.ts';
import { connectInput } from './piped-input.ts';
import { connectRelay } from './relay.ts';
import { runWithoutScreen } from './without-screen.ts';

interface ExtensionApi {
  readonly onDidWriteOutput: vscode.Event<{ readonly runId: string; readonly data: string }>;
}

const EXTENSION_ID = 'modal-sandboxes.modal-sandboxes';

/** The entry point that VS Code calls. */
export async function run(): Promise<void> {
  const relay = await connectRelay<RunOutcome>();
  const end = await runNamedFile((text) => relay.write(text)).catch((error: unknown) => ({ error: messageOf(error) }));
  await relay.finish(end);
}

async function runNamedFile(write: (text: string) => void): Promise<RunOutcome> {
  const extension = vscode.extensions.getExtension<ExtensionApi>(EXTENSION_ID);
  if (!extension) return { error: `VS Code didn't load ${EXTENSION_ID}. Has it been built?` };
  const api = await extension.activate();
  const listening = api.onDidWriteOutput(({ data }) => write(data));
  try {
    return await runWithoutScreen(async () => {
      const uri = vscode.Uri.file(process.env.RUN_FILE ?? '');
      await vscode.window.showTextDocument(uri);
      const input = await connectInput();
      const command = input ? 'modal.runFileWithInput' : 'modal.runActiveFile';
      return vscode.commands.executeCommand<RunOutcome | undefined>(command, uri, input);
    });
  } finally {
    listening.dispose();
  }
}
