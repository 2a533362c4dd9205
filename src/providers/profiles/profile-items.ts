import type { QuickPickItem } from 'vscode';
import { formatUsd, type Prices } from '../../modal/prices.ts';
import { describeHardware, hardwareOf } from '../../profiles/hardware.ts';
import { DEFAULT_PYTHON } from '../../profiles/image-schema.ts';
import type { Profiles } from '../../profiles/profiles.ts';
import type { Profile } from '../../profiles/schema.ts';
import { strings } from './strings.ts';

/** An entry of the profile picker. */
export interface ProfileItem extends QuickPickItem {
  /** The name of the profile; undefined for an entry that creates one. */
  readonly profile?: string;
}

export interface ProfileItemOptions {
  /** The name of the current profile. */
  readonly current: string;
  /** The names of the profiles with a running sandbox. */
  readonly running: readonly string[];
  /** The number of warm sandboxes. */
  readonly warm: number;
  readonly prices: Prices;
}

/** Shows a profile with its hardware, price, state, and image, or what is wrong with it. */
export function profileItem(name: string, profiles: Profiles, options: ProfileItemOptions): ProfileItem {
  const { current, running, warm, prices } = options;
  const profile = profiles.check(name);
  const source = profiles.sourceOf(name);
  const label = `${name === current ? '$(check) ' : ''}${name}`;
  if (typeof profile === 'string')
    return {
      profile: name,
      label,
      description: `$(error) ${strings.notValid()}`,
      detail: source === undefined ? profile : strings.problemAndSource(profile, source),
    };
  const price = prices.perHourUsd(hardwareOf(profile));
  const description = [
    describeHardware(profile),
    price === undefined ? undefined : strings.pricePerHour(formatUsd(price)),
    running.includes(name) ? `$(vm-running) ${strings.running()}` : undefined,
    warm > 0 ? `$(flame) ${strings.warm(warm)}` : undefined,
  ];
  return {
    profile: name,
    label,
    description: description.filter(Boolean).join(' · '),
    detail: [profile.description, describeImage(profile), source].filter(Boolean).join(' · '),
  };
}

function describeImage({ image }: Profile): string {
  if (image === undefined) return strings.baseImageInList();
  if (typeof image === 'string') return image;
  return (
    image.registry ??
    image.dockerfile ??
    image.name ??
    image.snapshot ??
    strings.pythonBaseImageInList(image.python ?? DEFAULT_PYTHON)
  );
}
