import { createHash } from 'node:crypto';
import { strings as formats } from '../../base/strings.ts';
import { formatBytes } from '../../base/text.ts';
import { aboutUsd, type Prices } from '../../modal/prices.ts';
import { describeHardware, hardwareOf } from '../../profiles/hardware.ts';
import type { NamedProfile } from '../../profiles/profiles.ts';
import {
  type ImageProfile,
  imageOf,
  type Profile,
  publicPorts,
  volumeOf,
  type WarmProfile,
} from '../../profiles/schema.ts';
import { looksLikeCredential } from '../../sync/rules/builtin.ts';
import { strings } from './strings.ts';

/** Something that a folder's profile causes, and that the user decides about. */
export interface Effect {
  /** Equal for what one answer covers. A change of the profile that matters results in another key. */
  readonly key: string;
  /** Describes the effect in words, for a list. */
  readonly text: string;
  /** What the effect is needed for. A run can do without all but `run`. */
  readonly neededFor: 'warm-up' | 'carry-over' | 'env-file' | 'run';
  /** The size of the files that are sent. An answer covers up to about this size. */
  readonly bytes?: number;
}

/** A file that a build or setup sends. */
export interface SentFile {
  /** Relative to the workspace folder, with `/`. */
  readonly path: string;
  readonly bytes: number;
}

export interface EffectContext {
  readonly prices: Prices;
  /** Sandboxes run on this computer, and are free. */
  readonly isLocal: boolean;
  /** The text of the image's Dockerfile, if it has one. */
  readonly dockerfile?: string | undefined;
}

const MAX_EXAMPLES = 3;

/** Returns what a profile causes, apart from the files it sends. Everything in the user's own settings is the user's choice. */
export function profileEffects({ profile, origin }: NamedProfile, context: EffectContext): Effect[] {
  const variables = buildVariables(imageOf(profile), context.dockerfile);
  // The commands that see the variables come from the folder if a Dockerfile does.
  if (origin === 'user') return context.dockerfile === undefined ? [] : variables;
  return [
    ...(profile.warm ? warmEffects(profile, profile.warm, context) : []),
    ...variables,
    ...envFileEffects({ profile, origin }),
    ...accountEffects(profile),
    ...carryOverEffects({ profile, origin }, context),
    // Ports of a local sandbox are open on this computer only.
    ...(context.isLocal ? [] : portEffects(profile)),
  ];
}

/** Returns the effect of a profile's environment file, if it has one that the folder chose. */
export function envFileEffects({ profile: { envFile }, origin }: Pick<NamedProfile, 'profile' | 'origin'>): Effect[] {
  if (envFile === undefined || origin === 'user') return [];
  return [effect(['env-file', envFile], strings.envFile(envFile), { neededFor: 'env-file' })];
}

/** Returns the effect of moving to new sandboxes automatically, if the folder chose that: it keeps costing money. */
export function carryOverEffects(
  { profile, origin }: Pick<NamedProfile, 'profile' | 'origin'>,
  { prices, isLocal }: Partial<EffectContext> = {},
): Effect[] {
  if (!profile.carryOver || origin === 'user') return [];
  const price = isLocal || !prices ? undefined : highestPrice(profile, prices);
  const described = describeHardware(profile);
  const text =
    price === undefined ? strings.carryOver(described) : strings.carryOverWithPrice(described, aboutUsd(price));
  return [effect(['carry-over', billedOf(profile)], text, { neededFor: 'carry-over' })];
}

/** Returns what the files that are sent come down to: their number and size, and each one that looks like a credential. */
export function fileEffects(files: readonly SentFile[], { isLocal }: Pick<EffectContext, 'isLocal'>): Effect[] {
  const credentials = files.filter(({ path }) => looksLikeCredential(path));
  const others = files.filter(({ path }) => !looksLikeCredential(path));
  const bytes = others.reduce((sum, file) => sum + file.bytes, 0);
  const examples = others
    .slice(0, MAX_EXAMPLES)
    .map(({ path }) => path)
    .join(', ');
  return [
    // Files that are copied into a local sandbox stay on this computer.
    ...(others.length === 0 || isLocal
      ? []
      : [effect(['files'], strings.copyFiles(formats.files(others.length), formatBytes(bytes), examples), { bytes })]),
    ...credentials.map(({ path }) => effect(['credential', path], strings.copyCredential(path))),
  ];
}

/** Returns the effects of a folder's task that contains the values of variables of this computer. */
export function taskEffects(variables: readonly string[]): Effect[] {
  return variables.map((name) => effect(['task-variable', name], strings.taskVariable(name)));
}

function warmEffects(profile: Profile, warm: WarmProfile, { prices, isLocal }: EffectContext): Effect[] {
  const { sandboxes, when, workingHours, refresh, timezone, rebuild } = warm;
  const schedule = typeof refresh === 'number' ? strings.everyMinutes(refresh) : strings.onSchedule(refresh);
  const optional = { neededFor: 'warm-up' } as const;
  const starts = ['warm', sandboxes, billedOf(profile), when, when === 'working-hours' ? [workingHours, timezone] : ''];
  const [count, described] = [strings.sandboxes(sandboxes), describeHardware(profile)];
  const period =
    when === 'always'
      ? strings.whileOpen()
      : when === 'focused'
        ? strings.whileFocused()
        : strings.workingHours(workingHours);
  const price = isLocal ? undefined : highestPrice(profile, prices);
  const text =
    sandboxes === 0
      ? strings.testProfile(schedule)
      : price === undefined
        ? strings.keepWarm(count, described, period)
        : strings.keepWarmWithPrice(count, described, period, aboutUsd(price * sandboxes));
  return [
    effect(starts, text, optional),
    ...(sandboxes === 0 && !rebuild
      ? []
      : [
          effect(
            ['refresh', refresh, timezone, rebuild],
            rebuild ? strings.rebuildImage(schedule) : strings.refreshSandboxes(schedule),
            optional,
          ),
        ]),
  ];
}

/** Returns what determines the price of a profile's sandboxes. */
function billedOf({ cpu, cpuLimit, memoryMiB, memoryLimitMiB, gpu, regions }: Profile): object {
  return { cpu, cpuLimit, memoryMiB, memoryLimitMiB, gpu, regions };
}

/** Of several GPU types, the most expensive one counts: any of them can be what is started. */
function highestPrice(profile: Profile, prices: Prices): number | undefined {
  const gpus = Array.isArray(profile.gpu) ? profile.gpu : [profile.gpu];
  const each = gpus.map((gpu) => prices.perHourUsd(hardwareOf({ ...profile, gpu })));
  return each.some((price) => price === undefined) ? undefined : Math.max(...(each as number[]));
}

/** New commands of the build are new readers of its variables, so they are part of the key. */
function buildVariables(image: ImageProfile, dockerfile: string | undefined): Effect[] {
  const definition = hashOf([image, dockerfile]);
  return image.buildSecrets.map((name) => effect(['variable', name, definition], strings.buildVariable(name)));
}

/** What a profile uses of the account, except the folder's own host volume. */
function accountEffects(profile: Profile): Effect[] {
  const { registry = '', registrySecret, name, snapshot } = imageOf(profile);
  const own = name ?? snapshot;
  return [
    ...profile.secrets.map((secret) => effect(['secret', secret], strings.secret(secret))),
    ...(registrySecret
      ? [
          effect(
            ['registry-secret', registrySecret.name, registry],
            strings.registrySecret(registrySecret.name, registry),
          ),
        ]
      : []),
    ...(own === undefined ? [] : [effect(['image', own], strings.image(own))]),
    ...Object.values(profile.volumes).map((written) => {
      const volume = volumeOf(written);
      const { subPath, readOnly } = volume;
      const shown = subPath === undefined ? volume.name : strings.volumeFolder(volume.name, subPath);
      const text = readOnly ? strings.readVolume(shown) : strings.changeVolume(shown);
      return effect(['volume', volume.name, subPath ?? '', readOnly], text);
    }),
  ];
}

function portEffects(profile: Profile): Effect[] {
  const { inboundCidrAllowlist } = profile;
  return publicPorts(profile).map(({ port, protocol }) => {
    const text = inboundCidrAllowlist
      ? strings.portFor(port, inboundCidrAllowlist.join(', '))
      : strings.publicPort(port);
    return effect(['port', port, protocol, inboundCidrAllowlist], text);
  });
}

function effect(key: readonly unknown[], text: string, more: Partial<Effect> = {}): Effect {
  return { key: JSON.stringify(key), text, neededFor: 'run', ...more };
}

function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
}
