import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { Image, Sandbox } from 'modal';
import { pack } from 'tar-stream';
import { UserError } from '../base/errors.ts';
import { sharedSnapshot, snapshotOf } from '../images/shared-snapshot.ts';
import { execWith } from '../modal/exec.ts';
import { createSandbox, type SandboxParams } from '../modal/sandboxes.ts';
import type { SetupProfile } from '../profiles/schema.ts';
import { REMOTE_ROOT } from '../sync/options.ts';
import type { Connection } from './connection.ts';
import { mustRun } from './shell-commands.ts';

/** The end of a failed command's output that goes into a sentence. */
const SAID_CHARS = 300;

/** Whom a setup tells what it does, and who can call it off. */
export interface SetupWatch {
  readonly signal?: AbortSignal | undefined;
  readonly onLog?: ((text: string) => void) | undefined;
  readonly onProgress?: ((step: { index: number; count: number; title: string }) => void) | undefined;
}

/**
 * The image with a profile's setup done: commands that ran once in a sandbox, kept as a snapshot. It is found again under a
 * name made of the image, the commands and the files, by every window and machine of the account; two who ask at once do
 * it once. Throws `UserError` when a command fails or a file is missing, the signal's reason, and the SDK's errors.
 */
export async function setUp(
  params: SandboxParams,
  setup: SetupProfile,
  { client, app }: Connection,
  root: string,
  watch: SetupWatch,
): Promise<Image> {
  const files = await Promise.all(setup.files.map(async (path) => ({ path, content: await contentOf(root, path) })));
  const made = await sharedSnapshot(
    client,
    app,
    { kind: 'vscode-setup', key: keyOf(params.image, setup, files) },
    {
      signal: watch.signal,
      start: (name) => createSandbox(client, app, { ...params, name }),
      make: (sandbox) => make(sandbox, setup, files, watch),
      onWait: () => watch.onLog?.('Another window is setting this up.\n'),
    },
  );
  return client.images.fromId(made.imageId);
}

interface SetupFile {
  readonly path: string;
  readonly content: Buffer;
}

async function make(
  sandbox: Sandbox,
  { commands }: SetupProfile,
  files: readonly SetupFile[],
  watch: SetupWatch,
): Promise<Image> {
  await send(sandbox, files, watch);
  for (const [index, command] of commands.entries()) {
    watch.onProgress?.({ index: index + 1, count: commands.length, title: command });
    watch.onLog?.(`$ ${command}\n`);
    await mustRun(sandbox, command, { what: 'setup command', key: 'setup', ...watch });
  }
  return snapshotOf(sandbox, watch.signal);
}

async function send(sandbox: Sandbox, files: readonly SetupFile[], { signal }: SetupWatch): Promise<void> {
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
  const said = (await execWith(sandbox, ['sh', '-c', script], { source, ...(signal && { signal }) })).toString();
  if (said.trim() !== '')
    throw new UserError(`The setup’s files could not be sent: ${said.trim().slice(-SAID_CHARS)}.`);
}

async function contentOf(root: string, path: string): Promise<Buffer> {
  try {
    return await readFile(join(root, path));
  } catch (error) {
    throw new UserError(
      `The setup needs “${path}”, which cannot be read. Make it, or leave it out of \`setup.files\`.`,
      {
        cause: error,
      },
    );
  }
}

function keyOf({ imageId }: Image, { commands }: SetupProfile, files: readonly SetupFile[]): string {
  const hash = createHash('sha256').update(JSON.stringify([imageId, commands]));
  for (const { path, content } of files) hash.update(JSON.stringify([path, content.length])).update(content);
  return hash.digest('hex').slice(0, 40);
}
