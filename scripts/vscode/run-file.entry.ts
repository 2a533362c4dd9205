/** Runs inside the extension host as its 'tests': opens a file, runs it through the extension, relays the terminal. */
import * as vscode from 'vscode';
import type { RunEnd } from '../run-file.ts';
import { sentence } from '../say.ts';
import { connectRelay } from './relay.ts';

interface ExtensionApi {
  readonly onDidWriteOutput: vscode.Event<{ readonly runId: string; readonly data: string }>;
}

const EXTENSION_ID = 'modal-sandboxes.modal-sandboxes';

/** The entry that VS Code calls. */
export async function run(): Promise<void> {
  const relay = await connectRelay<RunEnd>();
  const end = await runNamedFile((text) => relay.write(text)).catch((error: unknown) => ({ error: sentence(error) }));
  await relay.finish(end);
}

async function runNamedFile(write: (text: string) => void): Promise<RunEnd> {
  const extension = vscode.extensions.getExtension<ExtensionApi>(EXTENSION_ID);
  if (!extension) return { error: `VS Code did not load ${EXTENSION_ID}; was it built?` };
  const api = await extension.activate();
  const listening = api.onDidWriteOutput(({ data }) => write(data));
  try {
    const uri = vscode.Uri.file(process.env.RUN_FILE ?? '');
    await vscode.window.showTextDocument(uri);
    const end = await vscode.commands.executeCommand<RunEnd | undefined>('modal.runActiveFile', uri);
    return end ?? { error: 'The extension did not tell how the run ended.' };
  } finally {
    listening.dispose();
  }
}
