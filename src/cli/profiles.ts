import { formatUsd } from '../modal/prices.ts';
import { describeHardware } from '../profiles/hardware.ts';
import type { Context } from './context.ts';
import { table } from './output.ts';
import { strings } from './strings.ts';

/** `sandboxes profiles`: lists the folder's profiles; a star marks the one in use. */
export async function profiles({ output, service }: Context): Promise<number> {
  const opened = await service();
  const [all, current] = [await opened.profiles(), await opened.profile()];
  const found = all.names.map((name) => {
    const profile = all.check(name);
    const isCurrent = current.name === name || current.name.startsWith(`${name} (`);
    const problem = typeof profile === 'string' ? profile : undefined;
    const price = typeof profile === 'string' ? undefined : opened.priceOf({ profile });
    return {
      name,
      isCurrent,
      source: all.sourceOf(name),
      ...(problem !== undefined && { problem }),
      ...(typeof profile === 'object' && { description: profile.description, hardware: describeHardware(profile) }),
      ...(price !== undefined && { pricePerHourUsd: price }),
    };
  });
  const rows = found.map(({ name, isCurrent, hardware, pricePerHourUsd, problem, description }) => [
    isCurrent ? '*' : ' ',
    name,
    hardware ?? problem ?? '',
    pricePerHourUsd === undefined ? '' : strings.perHour(formatUsd(pricePerHourUsd)),
    description ?? '',
  ]);
  output.result(found, table(rows));
  return 0;
}
