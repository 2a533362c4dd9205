import { serveAgent } from '../mcp/main.ts';
import type { Context } from './context.ts';
import { textOf } from './flags.ts';

/** `sandboxes mcp`: serves an agent over the standard streams. */
export async function mcp({ flags }: Context): Promise<number> {
  await serveAgent({
    folder: textOf(flags, 'folder'),
    profile: textOf(flags, 'profile'),
    account: flags.local === true ? 'local' : textOf(flags, 'account'),
    state: textOf(flags, 'state'),
    policy: textOf(flags, 'policy'),
  });
  return 0;
}
