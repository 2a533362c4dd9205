import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type * as vscode from 'vscode';
import { formatUsd, type Prices } from '../../modal/prices.ts';
import { GPUS } from '../../profiles/gpus.ts';
import { describeHardware, hardwareOf } from '../../profiles/hardware.ts';
import { DEFAULT_PYTHON } from '../../profiles/image-schema.ts';
import { type Profile, ProfileSchema } from '../../profiles/schema.ts';
import { askName } from '../common/inputs.ts';
import { window } from '../common/window.ts';
import { strings } from './strings.ts';

/** Some keys of a profile, as they are written to `modal.json`. */
type ProfileKeys = Partial<Record<keyof Profile, unknown>>;

export interface NewProfile {
  readonly name: string;
  readonly keys: ProfileKeys;
}

/**
 * Asks for the name, image, and hardware of a profile. `root` is the folder that its files are in, `names` are in use.
 * Resolves with undefined if the user cancels.
 */
export async function askNewProfile(
  root: string,
  names: readonly string[],
  prices: Prices,
): Promise<NewProfile | undefined> {
  const name = await askName({
    title: strings.nameStep(),
    prompt: strings.namePrompt(),
    problem: (text) => (names.includes(text) ? strings.nameExists(text) : undefined),
    ignoreFocusOut: true,
  });
  const image = name && (await askImage(root));
  const hardware = image && (await askHardware(prices));
  return hardware ? { name, keys: { ...image, ...hardware } } : undefined;
}

async function askImage(root: string): Promise<ProfileKeys | undefined> {
  const dockerfiles = readdirSync(root).filter((name) => /^(Dockerfile|.*\.dockerfile|Dockerfile\..*)$/i.test(name));
  const packageFiles = ['requirements.txt', 'uv.lock'].filter((file) => existsSync(join(root, file)));
  const items: (vscode.QuickPickItem & { keys?: ProfileKeys })[] = [
    { label: strings.baseImage(), description: strings.baseImageDescription(DEFAULT_PYTHON), keys: {} },
    ...dockerfiles.map((dockerfile) => ({
      label: dockerfile,
      description: strings.dockerfileDescription(),
      keys: { image: { dockerfile } },
    })),
    ...packageFiles.map((pipFrom) => ({
      label: strings.baseImageWith(pipFrom),
      description: strings.baseImageWithDescription(),
      keys: { image: { pipFrom } },
    })),
    { label: strings.registryTag(), description: strings.registryTagDescription() },
  ];
  const title = strings.imageStep();
  const options = { title, placeHolder: strings.imagePlaceholder(), ignoreFocusOut: true };
  const picked = await window.showQuickPick(items, options);
  if (!picked || picked.keys) return picked?.keys;
  const image = await window.showInputBox({
    title,
    prompt: strings.registryTagPrompt(),
    placeHolder: 'python:3.13-slim',
    ignoreFocusOut: true,
  });
  return image?.trim() ? { image: image.trim() } : undefined;
}

async function askHardware(prices: Prices): Promise<ProfileKeys | undefined> {
  const cpus: ProfileKeys[] = [{}, { cpu: 2, memoryMiB: 4096 }, { cpu: 8, memoryMiB: 32_768 }];
  const gpus: ProfileKeys[] = Object.keys(GPUS).map((gpu) => ({ gpu }));
  const items = [...cpus, ...gpus].map((keys) => {
    const profile = ProfileSchema.parse(keys);
    const price = prices.perHourUsd(hardwareOf(profile));
    return {
      keys,
      label: describeHardware(profile),
      description: price === undefined ? strings.unknownPrice() : strings.aboutPerHour(formatUsd(price)),
    };
  });
  const picked = await window.showQuickPick(items, {
    title: strings.hardwareStep(),
    placeHolder: strings.hardwarePlaceholder(),
    ignoreFocusOut: true,
  });
  return picked?.keys;
}
