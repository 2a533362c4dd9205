/**
 * Terminals without a native module. A Perl script (perl-base is part of Debian and most other distributions) opens a pty in
 * the sandbox's own devpts, and copies bytes in both directions without blocking one on the other. Without Perl,
 * util-linux's `script` is used.
 */
import { existsSync } from 'node:fs';
import { failedPrecondition } from '../grpc/status.ts';
import type { PtySize } from './container.ts';

// The numbers are Linux's own on x86 and Arm: TIOCSPTLCK, TIOCGPTN, TIOCSWINSZ and TIOCSCTTY, F_SETFL and O_NONBLOCK, EAGAIN and
// EINTR. (Loading the modules that define these names would take longer than starting the command.)
// Input waits until the command runs, because an earlier ^C would have no effect. Its start closes a pipe.
// The command's end, or stop, interrupts whatever call waits at that time, so each goes through `again`. Writing doesn't wait,
// so that keys arrive although no one reads the output. What is left after the command's end is in the terminal at once.
const RELAY_SCRIPT = `
my ($rows, $cols, $setsid) = splice @ARGV, 0, 3;
sysopen(my $m, '/dev/ptmx', 0402) or die "no pty: $!\\n";
my $n = pack 'i', 0; ioctl($m, 0x40045431, $n); ioctl($m, 0x80045430, $n);
sysopen(my $s, '/dev/pts/' . unpack('i', $n), 0402) or die "no pty: $!\\n";
ioctl($s, 0x5414, pack('S4', $rows, $cols, 0, 0));
pipe(my $starting, my $start); pipe(my $r, my $w); fcntl($w, 4, 04000); $SIG{CHLD} = sub { local $!; syswrite $w, 'x' };
my $pid = fork;
if (!$pid) {
  open STDIN, '<&', $s; open STDOUT, '>&', $s; open STDERR, '>&', $s; close $m;
  syscall $setsid; ioctl STDIN, 0x540e, 0;
  exec { $ARGV[0] } @ARGV; my $failed = $! == 2 ? 127 : 126; print STDERR "$ARGV[0]: $!\\n"; exit $failed;
}
close $s; close $start; fcntl($m, 4, 04000); fcntl(STDOUT, 4, 04000);
my ($in, $out, $open, $dead, $ended, $status, $ready) = ('', '', 1, 0, 0, 0, 0);
until ($ended && $dead && $out eq '') {
  my ($rd, $wr) = ('', '');
  if ($out ne '') { vec($wr, 1, 1) = 1 } elsif (!$dead) { vec($rd, fileno $m, 1) = 1 }
  if (!$ended) {
    vec($rd, 0, 1) = 1 if $ready && $open && length $in < 65536;
    vec($rd, fileno $r, 1) = 1; vec($rd, fileno $starting, 1) = 1 unless $ready;
    vec($wr, fileno $m, 1) = 1 if length $in && !$dead;
  }
  my $n = select($rd, $wr, undef, $ended ? ($out eq '' ? 0 : undef) : undef);
  next if $n < 0;
  if (!$n) { $dead = 1 if $ended; next }
  $ready = 1 if !$ready && vec($rd, fileno $starting, 1);
  if (vec($rd, 0, 1)) { again(sub { sysread STDIN, $in, 65536, length $in }) or $open = 0 }
  if (vec($wr, fileno $m, 1)) { my $k = again(sub { syswrite $m, $in, 4096 }); substr($in, 0, $k, '') if $k }
  if (vec($rd, fileno $m, 1)) { my $k = again(sub { sysread $m, $out, 65536 }); $dead = 1 unless $k || !defined $k && $! == 11 }
  if (vec($wr, 1, 1)) { my $k = again(sub { syswrite STDOUT, $out }); if (defined $k) { substr($out, 0, $k, '') } elsif ($! != 11) { exit 1 } }
  if (vec($rd, fileno $r, 1)) { again(sub { sysread $r, my $x, 16 }); if (waitpid($pid, 1) == $pid) { $status = $?; $ended = 1 } }
}
if (my $sig = $status & 127) { $SIG{CHLD} = 'DEFAULT'; kill $sig, $$; select undef, undef, undef, 0.1; exit 128 + $sig }
exit $status >> 8;
sub again { my $k; do { $k = $_[0]->() } until defined $k || $! != 4; $k }
`;

/** The numbers of the system call setsid. */
const SETSID: Partial<Record<NodeJS.Architecture, number>> = { x64: 112, arm64: 157 };

const quoted = (argument: string) => `'${argument.replaceAll("'", "'\\''")}'`;

/**
 * Returns a command line that runs `argv` in a terminal and connects it to its own stdin and stdout. Throws
 * FAILED_PRECONDITION if the host has neither Perl nor `script`.
 */
export function inTerminal(argv: readonly string[], { rows, cols }: PtySize): string[] {
  const setsid = SETSID[process.arch];
  if (setsid && existsSync('/usr/bin/perl')) {
    return ['/usr/bin/perl', '-e', RELAY_SCRIPT, '--', String(rows), String(cols), String(setsid), ...argv];
  }
  if (existsSync('/usr/bin/script')) {
    const command = `stty rows ${rows} cols ${cols}; exec ${argv.map(quoted).join(' ')}`;
    return ['/usr/bin/script', '--quiet', '--return', '--command', command, '/dev/null'];
  }
  throw failedPrecondition('Terminals require perl or script (util-linux) on this computer');
}
