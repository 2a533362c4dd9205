import { createHash } from 'node:crypto';
import type { App, Image, ModalClient, Sandbox } from 'modal';
import { type BuildContext, buildImage } from '../images/build.ts';
import type { Account } from '../modal/accounts.ts';
import { createSandbox, Tag } from '../modal/sandboxes.ts';
import { type ImageProfile, imageOf, type Profile } from '../profiles/schema.ts';
import { buildVariables, readEnvFile, sandboxVariables } from '../profiles/variables.ts';
import { folderKey, machineKey, originTags } from './origin.ts';
import type { Folder } from './sessions.ts';

/** A connection to an account: the client and the app our sandboxes live in. */
export interface Connection {
  readonly account: Account;
  readonly client: ModalClient;
  readonly app: App;
}

/** What a sandbox is started with, beside its profile. */
export interface StartContext {
  readonly connection: Connection;
  /** Builds the image; `buildImage` when absent. */
  readonly build?: ((image: ImageProfile, context: BuildContext) => Promise<Image>) | undefined;
  /** Where paths of the profile start. */
  readonly root: string;
  readonly signal?: AbortSignal;
}

/** Whom a sandbox belongs to: found again by its tags, with the folder's host volume. */
export interface Owner {
  readonly folder: Folder;
  readonly profileName: string;
  readonly windowId?: string | undefined;
}

/** Builds the profile's image where need be. `force` builds it anew. Throws `UserError` and the SDK's errors. */
export async function imageFor(profile: Profile, context: StartContext, force = false): Promise<Image> {
  const { connection, build = buildImage, root, signal } = context;
  const { client, app, account } = connection;
  const fromFile = await readEnvFile(profile, root);
  return build(imageOf(profile), {
    client,
    app,
    folderPath: root,
    isLocal: account.isLocal === true,
    variables: buildVariables(profile, fromFile, process.env),
    ...(force && { force }),
    ...(signal && { signal }),
  });
}

/** Starts a sandbox of a profile; without an owner it serves nobody in particular. Throws as `imageFor` does. */
export async function startSandbox(profile: Profile, context: StartContext, owner?: Owner): Promise<Sandbox> {
  const { client, app } = context.connection;
  const [image, fromFile] = await Promise.all([imageFor(profile, context), readEnvFile(profile, context.root)]);
  return createSandbox(client, app, {
    profile,
    image,
    env: sandboxVariables(profile, fromFile),
    ...(owner && profile.hostVolume && { hostVolume: `vscode-host-${folderKey(owner.folder.path)}` }),
    tags: owner ? ownerTags(owner, profile) : { [Tag.machine]: machineKey() },
  });
}

/** The tags by which a sandbox is found again. */
export function ownerTags({ folder, profileName, windowId }: Owner, profile: Profile): Record<string, string> {
  return {
    ...originTags(folder),
    [Tag.profile]: profileName,
    [Tag.definition]: definitionKey(profile),
    ...(windowId && { [Tag.window]: windowId }),
  };
}

/** Equal for profiles that ask for the same sandbox: how it is kept warm and what it is called do not count. */
export function definitionKey({ warm: _, description: __, ...profile }: Profile): string {
  return createHash('sha256').update(JSON.stringify(profile)).digest('hex').slice(0, 16);
}
