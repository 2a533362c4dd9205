import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import type { Image, Sandbox } from 'modal';
import { pack } from 'tar-stream';
import { MINUTE_MS } from '../base/clock.ts';
import { UserError } from '../base/errors.ts';
import { resolveInFolder } from '../base/inside-folder.ts';
import { sharedSnapshot, snapshotOf } from '../images/shared-snapshot.ts';
import { type AnswerLimits, execWith } from '../modal/exec.ts';
import { createSandbox, type SandboxParams } from '../modal/sandboxes.ts';
import type { SetupProfile } from '../profiles/schema.ts';
import { REMOTE_ROOT } from '../sync/options.ts';
import type { Connection } from './connection.ts';
import { runOrThrow } from './shell-commands.ts';
import { strings } from './strings.ts';

/** The maximum length of the quoted end of a failed command's output. */
const MAX_QUOTED_CHARS = 300;
const SEND_LIMITS: AnswerLimits = { maxBytes: 64_000, timeoutMs: 5 * MINUTE_MS };

/** Follows a setup, and can cancel it. */
export interface SetupWatch {
  readonly signal?: AbortSignal | undefined;
  readonly onLog?: ((text: string) => void) | undefined;
  readonly onProgress?: ((step: { index: number; count: number; title: string }) => void) | undefined;
}

/**
 * Returns the image with a profile's setup applied: its commands ran once in a sandbox, which was saved as a snapshot. The
 * snapshot's name is derived from the image, the commands and the files, so every window and computer of the account finds
 * it; concurrent calls run the setup once. Throws `UserError` if a command fails or a file is missing, the signal's reason,
 * and the SDK's errors.
 */
export async function setUp(
  params: SandboxParams,
  setup: SetupProfile,
  { client, app }: Connection,
  root: string,
  watch: SetupWatch,
): Promise<Image> {
  const files = await Promise.all(setup.files.map(async (path) => ({ path, content: await contentOf(root, path) })));
  const snapshot = await sharedSnapshot(
    client,
    app,
    { kind: 'vscode-setup', key: setupKey(params.image, setup, files) },
    {
      signal: watch.signal,
      start: (name) =>
        createSandbox(client, app, { ...params, ...(name && { name }), isTemporary: true }, { signal: watch.signal }),
      create: (sandbox) => runSetup(sandbox, setup, files, watch),
      onWait: () => watch.onLog?.(`${strings.setupInOtherWindow()}\n`),
    },
  );
  return client.images.fromId(snapshot.imageId);
}

interface SetupFile {
  readonly path: string;
  readonly content: Buffer;
}

async function runSetup(
  sandbox: Sandbox,
  { commands }: SetupProfile,
  files: readonly SetupFile[],
  watch: SetupWatch,
): Promise<Image> {
  await sendFiles(sandbox, files, watch);
  for (const [index, command] of commands.entries()) {
    watch.onProgress?.({ index: index + 1, count: commands.length, title: command });
    watch.onLog?.(`$ ${command}\n`);
    await runOrThrow(sandbox, command, { kind: 'setup command', key: 'setup', ...watch });
  }
  return snapshotOf(sandbox, watch.signal);
}

async function sendFiles(sandbox: Sandbox, files: readonly SetupFile[], { signal }: SetupWatch): Promise<void> {
  const archive = pack();
  for (const { path, content } of files) archive.entry({ name: path, mode: 0o644 }, content);
  archive.finalize();
  const bytes = await buffer(archive);
  const source = () => ({
    async *readFrom(offset: number) {
      yield bytes.subarray(offset);
    },
  });
  const script = `mkdir -p ${REMOTE_ROOT} && tar -xf - -C ${REMOTE_ROOT} 2>&1 || echo failed`;
  const options = { source, signal, ...SEND_LIMITS };
  const output = (await execWith(sandbox, ['sh', '-c', script], options)).toString();
  if (output.trim() !== '')
    throw new UserError(strings.setupFilesNotSent(output.trim().slice(-MAX_QUOTED_CHARS)), {
      actions: ['retry', 'showProfile'],
    });
}

async function contentOf(root: string, path: string): Promise<Buffer> {
  try {
    return await readFile(resolveInFolder(root, path));
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(strings.setupFileUnreadable(path), { cause: error, actions: ['showProfile'] });
  }
}

function setupKey({ imageId }: Image, { commands }: SetupProfile, files: readonly SetupFile[]): string {
  const hash = createHash('sha256').update(JSON.stringify([imageId, commands]));
  for (const { path, content } of files) hash.update(JSON.stringify([path, content.length])).update(content);
  return hash.digest('hex').slice(0, 40);
}
