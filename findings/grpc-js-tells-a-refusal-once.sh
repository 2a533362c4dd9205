#!/usr/bin/env bash
# @grpc/grpc-js 1.14.7: a second client of the same address, in the same process, isn't told why the connection failed. The
# first client's call ends with "Last error: Error: connect ECONNREFUSED …"; those of later clients with "Last error: null",
# because all channels share their subchannels, and a channel only remembers errors that were reported while it existed. A
# channel with `grpc.use_local_subchannel_pool` is told.
#
# Seen with Node 20, on a port of this computer on which nothing listens.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts @grpc/grpc-js@1.14.7
cat > seen.cjs <<'JS'
const { createServer } = require('node:net');
const grpc = require('@grpc/grpc-js');
const call = (title, port, options) =>
  new Promise((resolve) => {
    const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), options);
    const bytes = (value) => value;
    client.makeUnaryRequest('/a/b', bytes, bytes, Buffer.alloc(0), { deadline: Date.now() + 20_000 }, (error) => {
      console.log(`${title}: ${error.code} ${error.details.replace(/ \(.*?\)/, '').replaceAll(port, 'PORT')}`);
      resolve();
    });
  });
const server = createServer().listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  server.close(async () => {
    await call('first', port);
    await call('second', port);
    await call('own', port, { 'grpc.use_local_subchannel_pool': 1 });
    process.exit();
  });
});
JS
diff <(node seen.cjs) - <<'SEEN'
first: 14 No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:PORT. Resolution note: 
second: 14 No connection established. Last error: null. Resolution note: 
own: 14 No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:PORT. Resolution note: 
SEEN
echo 'unchanged: @grpc/grpc-js 1.14.7 tells only the first client why a connection failed'
