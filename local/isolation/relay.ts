/** Connects to ports in a container: directly if it shares the host's network, otherwise through a process in it. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { connect } from 'node:net';
import { Duplex } from 'node:stream';

/** Connects to a port on the host's loopback. Throws if nothing listens there. */
export function connectToHost(port: number): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.once('error', reject);
  });
}

// Prints "ok" once it is connected, and then copies bytes in both directions. The end of one doesn't end the other.
const RELAY_SCRIPT = `
use Socket;
socket(my $s, PF_INET, SOCK_STREAM, 0) or die "$!\\n";
connect($s, sockaddr_in($ARGV[0], inet_aton('127.0.0.1'))) or die "$!\\n";
$| = 1; print 'ok';
my ($in, $out) = (1, 1);
while ($in || $out) {
  my $rd = ''; vec($rd, 0, 1) = 1 if $in; vec($rd, fileno $s, 1) = 1 if $out;
  next if select($rd, undef, undef, undef) < 0;
  if ($in && vec $rd, 0, 1) { if (sysread STDIN, my $b, 65536) { put($s, $b) } else { shutdown $s, 1; $in = 0 } }
  if ($out && vec $rd, fileno $s, 1) { if (sysread $s, my $b, 65536) { put(*STDOUT, $b) } else { close STDOUT; $out = 0 } }
}
sub put { my ($to, $b) = @_; for (my $at = 0; $at < length $b;) { my $k = syswrite $to, $b, length($b) - $at, $at; exit 1 unless $k; $at += $k } }
`;

/** Returns a command that connects its stdio to a port. */
export function relayCommand(port: number): string[] {
  return ['/usr/bin/perl', '-e', RELAY_SCRIPT, '--', String(port)];
}

/** Connects through a relay in the container. Throws if it cannot connect. */
export function connectThrough(relay: ChildProcessWithoutNullStreams): Promise<Duplex> {
  const { stdin, stdout, stderr } = relay;
  let errorOutput = '';
  stderr.setEncoding('utf8').on('data', (text: string) => {
    errorOutput += text;
  });
  return new Promise((resolve, reject) => {
    relay.once('error', reject);
    relay.once('close', () => reject(new Error(errorOutput.trim() || 'The relay exited')));
    stdout.once('readable', () => {
      const greeting: Buffer | null = stdout.read(2);
      if (greeting?.toString() !== 'ok') return;
      const duplex = Duplex.from({ readable: stdout, writable: stdin });
      duplex.once('close', () => relay.kill());
      resolve(duplex);
    });
  });
}
