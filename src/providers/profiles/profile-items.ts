import { formatUsd, type Prices } from '../../modal/prices.ts';
import { describeHardware, hardwareOf } from '../../profiles/hardware.ts';
import { DEFAULT_PYTHON } from '../../profiles/image-schema.ts';
import type { Profiles } from '../../profiles/profiles.ts';
import type { Profile } from '../../profiles/schema.ts';
import type { Label, PickItem } from '../common/window.ts';
import { strings } from './strings.ts';

/** An entry of the profile picker. */
export interface ProfileItem extends PickItem {
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
  const label = name === current ? [{ icon: 'check' }, name] : name;
  if (typeof profile === 'string')
    return {
      profile: name,
      label,
      description: [{ icon: 'error' }, strings.notValid()],
      detail: source === undefined ? profile : strings.problemAndSource(profile, source),
    };
  const price = prices.perHourUsd(hardwareOf(profile));
  const description: Label = [
    describeHardware(profile),
    ...(price === undefined ? [] : ['·', strings.pricePerHour(formatUsd(price))]),
    ...(running.includes(name) ? ['·', { icon: 'vm-running' }, strings.running()] : []),
    ...(warm > 0 ? ['·', { icon: 'flame' }, strings.warm(warm)] : []),
  ];
  return {
    profile: name,
    label,
    description,
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
