import type { App, ModalClient, Sandbox } from 'modal';

/** What a sandbox is asked to be. Times in milliseconds, whole seconds. */
export interface SandboxSpec {
  readonly image: string;
  readonly timeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly tags: Readonly<Record<string, string>>;
}

/** Tags by which the extension finds its own sandboxes again. */
export const Tag = {
  folder: 'vscode-folder',
  folderName: 'vscode-folder-name',
  /** The machine and user that started it. */
  machine: 'vscode-machine',
  /** What people call it. */
  label: 'vscode-label',
  /** The snapshot it was started from. */
  snapshot: 'vscode-snapshot',
} as const;

/** Finds or creates the app that our sandboxes belong to. Throws `ClientError`. */
export function openApp(client: ModalClient, name: string): Promise<App> {
  return client.apps.fromName(name, { createIfMissing: true });
}

/** Builds the image (nothing to do when Modal has it already) and starts a sandbox from it. */
export async function createSandbox(client: ModalClient, app: App, spec: SandboxSpec): Promise<Sandbox> {
  const { image, ...params } = spec;
  const built = await client.images.fromRegistry(image).build(app);
  return client.sandboxes.create(app, built, { ...params, tags: { ...params.tags } });
}

/** Ends a sandbox; ending one that has ended already is not an error. */
export async function terminateSandbox(client: ModalClient, sandboxId: string): Promise<void> {
  const sandbox = await client.sandboxes.fromId(sandboxId);
  await sandbox.terminate();
}

/** Gives a sandbox a name for people; `''` takes it away. The other tags stay: `setTags` replaces all of them. */
export async function renameSandbox(client: ModalClient, sandboxId: string, label: string): Promise<void> {
  const sandbox = await client.sandboxes.fromId(sandboxId);
  const { [Tag.label]: _, ...others } = await sandbox.getTags();
  await sandbox.setTags(label === '' ? others : { ...others, [Tag.label]: label });
}

/** Runs a command that does nothing: it counts as activity. Throws when the sandbox has ended. */
export async function touchSandbox(client: ModalClient, sandboxId: string): Promise<void> {
  const sandbox = await client.sandboxes.fromId(sandboxId);
  await (await sandbox.exec(['true'], { stdout: 'ignore', stderr: 'ignore' })).wait();
}
