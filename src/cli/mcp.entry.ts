/** The MCP server, which agents start: the command `mcp` of the command line. See docs/agents.md. */
import { loadMain } from './load-main.ts';

void loadMain().then((loaded) => loaded?.main(['mcp', ...process.argv.slice(2)]));
