#!/usr/bin/env bash
# @modelcontextprotocol/server 2.4.0 on stdio: when the input ends, the server closes at once, and calls that are in progress get no
# answer, nor do their handlers stop. A client that writes its requests and then closes the pipe, as `printf … | server` does, never
# sees the result of a tool that takes longer than reading the input. With the input left open, the answer comes.
#
# Seen with Node.js 20 and 24. Requires Node.js 20 or later, and npm.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund @modelcontextprotocol/server@2.4.0
cat > server.mjs <<'SERVER'
import { McpServer } from '@modelcontextprotocol/server';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';

const server = new McpServer({ name: 'slow', version: '1.0.0' });
server.registerTool('slow', { description: 'Takes half a second.' }, async () => {
  await new Promise((resolve) => setTimeout(resolve, 500));
  console.error('the tool is done');
  return { content: [{ type: 'text', text: 'done' }] };
});
await server.connect(new StdioServerTransport());
SERVER
requests() {
  echo '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}'
  echo '{"jsonrpc":"2.0","method":"notifications/initialized"}'
  echo '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"slow","arguments":{}}}'
}
answers() { node server.mjs 2> said | grep -o '"id":[0-9]*' | tr '\n' ' '; cat said; }
diff <(
  echo "the input ends: $(requests | answers)"
  echo "the input stays open: $( (requests && sleep 2) | answers)"
) - <<'SEEN'
the input ends: "id":1 the tool is done
the input stays open: "id":1 "id":2 the tool is done
SEEN
echo 'unchanged: the MCP server drops calls in progress when its input ends'
