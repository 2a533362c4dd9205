/** The MCP server, which agents start: `mcp.cjs [--folder PATH] [--state PATH] [--account CHOICE] …`. See docs/agents.md. */
import { parseArgs } from 'node:util';
import { loadMain } from './load-main.ts';

const text = { type: 'string' } as const;
const { values } = parseArgs({ options: { folder: text, state: text, account: text, profile: text, policy: text } });

void loadMain().then(async (loaded) => {
  await loaded?.serveAgent(values);
  process.exit();
});
