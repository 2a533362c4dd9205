import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { platform } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const LINUX_SUPPLIES = '/sys/class/power_supply';

/** Returns whether this computer is on battery power; false if unknown (supported on Linux and macOS). */
export async function isOnBattery(suppliesDir = LINUX_SUPPLIES): Promise<boolean> {
  try {
    if (platform() === 'darwin')
      return /Battery Power/.test((await promisify(execFile)('pmset', ['-g', 'batt'])).stdout);
    return await isDischarging(suppliesDir);
  } catch {
    return false;
  }
}

/** https://docs.kernel.org/power/power_supply_class.html */
async function isDischarging(dir: string): Promise<boolean> {
  const read = (supply: string, name: string) =>
    readFile(join(dir, supply, name), 'utf8').then(
      (text) => text.trim(),
      () => '',
    );
  const supplies = await Promise.all(
    (await readdir(dir)).map(async (name) => ({
      type: await read(name, 'type'),
      online: await read(name, 'online'),
      status: await read(name, 'status'),
      scope: await read(name, 'scope'),
    })),
  );
  if (supplies.some(({ type, online }) => type === 'Mains' && online === '1')) return false;
  // `Device` is the battery of a mouse or keyboard.
  return supplies.some(
    ({ type, status, scope }) => type === 'Battery' && scope !== 'Device' && status === 'Discharging',
  );
}
