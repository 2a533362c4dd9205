import type { App, ModalClient, Sandbox } from 'modal';

/** What a sandbox is asked to be. Times in milliseconds, whole seconds. */
export interface SandboxSpec {
  readonly image: string;
  readonly timeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly tags: Readonly<Record<string, string>>;
}

/** One running sandbox, as the account lists it. */
export interface SandboxSummary {
  readonly id: string;
  readonly createdAt: Date;
  /** When its lifetime ends at the latest. */
  readonly endsAt: Date;
  readonly tags: Readonly<Record<string, string>>;
}

/** Tags by which the extension finds its own sandboxes again. */
export const Tag = { folder: 'vscode-folder', folderName: 'vscode-folder-name' } as const;

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

/**
 * Running sandboxes of an app, newest first. Asks the control plane itself, since the SDK's own list keeps nothing but
 * ids. Pages until an empty page, as the SDK does.
 */
export async function listSandboxes(
  client: ModalClient,
  app: App,
  tags: Record<string, string> = {},
): Promise<SandboxSummary[]> {
  const found: SandboxSummary[] = [];
  let beforeTimestamp = 0;
  for (;;) {
    const { sandboxes } = await client.cpClient.sandboxListV2({
      appId: app.appId,
      environmentName: client.environmentName(),
      includeFinished: false,
      beforeTimestamp,
      tags: Object.entries(tags).map(([tagName, tagValue]) => ({ tagName, tagValue })),
    });
    const last = sandboxes.at(-1);
    if (!last) return found;
    for (const info of sandboxes) {
      found.push({
        id: info.id,
        createdAt: new Date(info.createdAt * 1000),
        endsAt: new Date((info.createdAt + info.timeoutSecs) * 1000),
        tags: Object.fromEntries(info.tags.map(({ tagName, tagValue }) => [tagName, tagValue])),
      });
    }
    beforeTimestamp = last.createdAt;
  }
}

/** Ends a sandbox; ending one that has ended already is not an error. */
export async function terminateSandbox(client: ModalClient, sandboxId: string): Promise<void> {
  const sandbox = await client.sandboxes.fromId(sandboxId);
  await sandbox.terminate();
}
