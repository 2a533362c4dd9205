import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { Control } from '../../../local/isolation/gvisor/control.ts';
import { skipUnless } from '../../helpers/skip.ts';

/** Listens like a sentry, and answers once it has read a line. Only a few connections wait until then. */
const SENTRY = `
use IO::Socket::UNIX;
my $server = IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 4) or die "$!";
$| = 1; print 'listening'; <STDIN>;
while (my $client = $server->accept) { local $/; <$client>; print $client '{"success":true,"err":"","result":7}' }
`;

describe("The control socket of gVisor's sentry", () => {
  it('is called also while more calls wait than the sentry has room for', async function () {
    skipUnless(this, process.platform === 'linux', 'Linux refuses connections to such a socket.');
    const folder = await mkdtemp(path.join(tmpdir(), 'sentry-'));
    const sentry = spawn('perl', ['-e', SENTRY, path.join(folder, 'socket')], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(sentry.stdout, 'data');
    const fd = openSync(folder, 'r');
    const control = new Control(fd, 'socket');
    const calls = Array.from({ length: 40 }, () => control.call('a', {}, z.number()));
    const results = Promise.all(calls);
    // Without room, a connection is refused at once.
    await Promise.race([results, new Promise((resolve) => setImmediate(resolve))]);
    sentry.stdin.write('\n');
    assert.deepEqual(await results, Array(40).fill(7));
    sentry.kill();
    closeSync(fd);
    await rm(folder, { recursive: true });
  });
});
