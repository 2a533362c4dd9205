import { createHash } from 'node:crypto';
import type { Image, Sandbox } from 'modal';
import { buildImage } from '../images/build.ts';
import type { BuildContext } from '../images/build-context.ts';
import { createSandbox, type SandboxParams, Tag } from '../modal/sandboxes.ts';
import { type ImageProfile, imageOf, type Profile, publicPorts } from '../profiles/schema.ts';
import { buildVariables, readEnvFile, sandboxVariables } from '../profiles/variables.ts';
import type { SendsFile } from '../sync/rules/credentials.ts';
import type { Connection } from './connection.ts';
import type { Folder } from './folder.ts';
import { folderKey, machineKey, originTags } from './sandbox-origin.ts';
import { sandboxParams } from './sandbox-params.ts';
import { type SetupWatch, setUp } from './setup.ts';

/** Builds an image, and then finishes it if there is more to do. */
export type BuildImage = (image: ImageProfile, context: BuildContext, finish?: FinishImage) => Promise<Image>;
export type FinishImage = (image: Image, watch: SetupWatch) => Promise<Image>;

/** Everything that a sandbox is started with, in addition to its profile. */
export interface StartContext {
  readonly connection: Connection;
  /** Start from this snapshot instead of the profile's image. */
  readonly snapshot?: { readonly imageId: string; readonly id?: string };
  /** The sandbox's files are kept when it ends. */
  readonly keeps?: boolean;
  /** Returns the files of an earlier sandbox to start with instead of those of the profile's image, which is given. */
  readonly resume?: (image: Image) => Promise<ResumedFiles | undefined>;
  /** Tags in addition to the extension's own. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Defaults to `buildImage`. */
  readonly build?: BuildImage | undefined;
  /** The folder that relative paths in the profile refer to. */
  readonly root: string;
  /** Decides about files that look like credentials and that a build would send. */
  readonly sends?: SendsFile;
  readonly signal?: AbortSignal;
}

/** The files of an earlier sandbox, and the tags that the user gave it. */
export interface ResumedFiles {
  readonly image: Image;
  readonly tags: Readonly<Record<string, string>>;
}

/** The owner of a sandbox. The sandbox is found by its tags, and mounts the folder's host volume. */
export interface Owner {
  readonly folder: Folder;
  readonly profileName: string;
  readonly windowId?: string | undefined;
}

/**
 * Returns the image that sandboxes of the profile start from, with its setup applied, and builds it if needed. `force`
 * rebuilds it. Throws `UserError` and the SDK's errors.
 */
export async function imageFor(profile: Profile, context: StartContext, owner?: Owner, force = false): Promise<Image> {
  return (await paramsFor(profile, context, owner, force)).image;
}

/** Starts a sandbox of a profile. Without an owner, it belongs to no folder. Throws as `imageFor` does. */
export async function startSandbox(profile: Profile, context: StartContext, owner?: Owner): Promise<Sandbox> {
  const { client, app } = context.connection;
  const params = await paramsFor(profile, context, owner);
  // A snapshot that the user selected takes precedence.
  const resumed = context.snapshot ? undefined : await context.resume?.(params.image);
  const started = { ...params, ...(resumed && { image: resumed.image }), tags: { ...resumed?.tags, ...params.tags } };
  return createSandbox(client, app, started, { signal: context.signal });
}

/** Returns the name of the host volume of a folder's sandboxes, if the profile has one. */
export function hostVolumeOf(folder: Folder, { hostVolume }: Profile): { readonly hostVolume?: string } {
  return hostVolume ? { hostVolume: `vscode-host-${folderKey(folder.path)}` } : {};
}

async function paramsFor(
  profile: Profile,
  context: StartContext,
  owner?: Owner,
  force = false,
): Promise<SandboxParams> {
  const { connection, build = buildAndFinish, root, sends, signal } = context;
  const { client, app, account } = connection;
  const fromFile = await readEnvFile(profile, root);
  const params = sandboxParams(profile, {
    env: sandboxVariables(profile, fromFile),
    ...(owner && hostVolumeOf(owner.folder, profile)),
    ...(context.keeps && { keeps: true }),
    tags: {
      ...(owner ? ownerTags(owner, profile) : { [Tag.machine]: machineKey() }),
      ...(context.snapshot?.id && { [Tag.snapshot]: context.snapshot.id }),
      ...context.tags,
    },
  });
  if (context.snapshot) return { ...params, image: await client.images.fromId(context.snapshot.imageId) };
  const { setup } = profile;
  const buildContext = {
    client,
    app,
    folderPath: root,
    isLocal: account.isLocal === true,
    variables: buildVariables(profile, fromFile, process.env),
    ...(sends && { sends }),
    ...(force && { force }),
    ...(signal && { signal }),
  };
  const finish =
    setup &&
    ((image: Image, watch: SetupWatch) =>
      setUp({ ...params, image, savesAtExit: false }, setup, connection, root, watch));
  return { ...params, image: await build(imageOf(profile), buildContext, finish) };
}

const buildAndFinish: BuildImage = async (image, context, finish) => {
  const built = await buildImage(image, context);
  return finish ? finish(built, context) : built;
};

/** The tags by which a sandbox is found. */
export function ownerTags({ folder, profileName, windowId }: Owner, profile: Profile): Record<string, string> {
  return {
    ...originTags(folder),
    [Tag.profile]: profileName,
    [Tag.definition]: definitionKey(profile),
    ...(windowId && { [Tag.window]: windowId }),
  };
}

/**
 * Returns equal keys for profiles that describe the same sandbox. Its description and what happens around it don't
 * count.
 */
export function definitionKey(profile: Profile): string {
  const {
    warm: _,
    description: __,
    pull: ___,
    carryOver: ____,
    startOnSsh: _____,
    debugIdleTimeoutMs: ______,
    keepDays: _______,
    ...rest
  } = profile;
  const definition = { ...rest, ports: publicPorts(profile) };
  return createHash('sha256').update(JSON.stringify(definition)).digest('hex').slice(0, 16);
}

/** Returns whether two profiles describe the same sandbox. */
export function haveSameDefinition(one: Profile, other: Profile): boolean {
  return definitionKey(one) === definitionKey(other);
}
