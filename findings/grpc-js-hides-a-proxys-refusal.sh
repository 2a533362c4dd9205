#!/usr/bin/env bash
# @grpc/grpc-js 1.14.7: if an HTTP proxy refuses CONNECT, the call's error doesn't say so. It is UNAVAILABLE with "Last
# error: undefined", word for word the same as when the proxy isn't there at all. The proxy's address and its status are
# only printed to the console, so a program that shows the error to its user can't name the proxy.
#
# Seen with Node 20, through a proxy on this computer that answers each CONNECT with 403.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts @grpc/grpc-js@1.14.7
cat > seen.cjs <<'JS'
const { createServer } = require('node:http');
const grpc = require('@grpc/grpc-js');
const proxy = createServer();
let asked = 0;
proxy.on('connect', (_, socket) => {
  asked += 1;
  socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
});
const call = (title) =>
  new Promise((resolve) => {
    const client = new grpc.Client('server.invalid:443', grpc.credentials.createSsl());
    const bytes = (value) => value;
    client.makeUnaryRequest('/a/b', bytes, bytes, Buffer.alloc(0), { deadline: Date.now() + 20_000 }, (error) => {
      console.log(`${title}: ${error.code} ${error.details}`);
      client.close();
      resolve();
    });
  });
proxy.listen(0, '127.0.0.1', async () => {
  process.env.grpc_proxy = `http://127.0.0.1:${proxy.address().port}`;
  await call('refused');
  console.log(`asked: ${asked > 0}`);
  proxy.close();
  await call('gone');
});
JS
diff <(node seen.cjs 2> console) - <<'SEEN'
refused: 14 No connection established. Last error: undefined. Resolution note: 
asked: true
gone: 14 No connection established. Last error: undefined. Resolution note: 
SEEN
grep --quiet 'with status 403' console
grep --quiet ECONNREFUSED console
echo 'unchanged: @grpc/grpc-js 1.14.7 tells a refusing proxy only to the console'
