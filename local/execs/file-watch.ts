/** Watches files with inotify, in a Perl process in the sandbox that prints events in the SDK's format. */
import { existsSync } from 'node:fs';
import type { WatchOperation } from './files-api.ts';

// The numbers are Linux's: inotify_init1 and inotify_add_watch for the CPU architecture, and the bits of the event mask.
const WATCH_SCRIPT = `
my ($init, $add, $recursive, $filter, $timeout, $root) = @ARGV; $| = 1;
sub fail { print STDERR sprintf('{"error_kind":"%s","message":"%s","detail":""}', @_), "\\n"; exit 1 }
lstat($root) && -e _ || -e $root or fail($! == 20 ? ('NotDirectory', 'Not a directory') : ('NotFound', 'No such file or directory'));
my %wanted = map { $_ => 1 } split /,/, $filter;
my $fd = syscall($init, 0x80800); $fd >= 0 or fail('Io', 'inotify is not available');
open(my $in, '<&=', $fd) or fail('Io', 'inotify is not available');
my (%at, $end); $end = time + $timeout if $timeout ne '';
sub watch { my $path = shift; my $wd = syscall($add, $fd, "$path", 0xfcf); return if $wd < 0; $at{$wd} = $path;
  if ($recursive && -d $path && opendir my $d, $path) { for (readdir $d) { next if /^\\.\\.?\\z/; my $p = "$path/$_"; watch($p) if -d $p && !-l $p } } }
sub quote { my $t = shift; $t =~ s/([\\\\"])/\\\\$1/g; $t =~ s/([\\x00-\\x1f])/sprintf '\\\\u%04x', ord $1/ge; '"' . $t . '"' }
sub tell_ { my ($type, @paths) = @_; return if $filter ne '*' && !$wanted{$type};
  print '{"event_type":"', $type, '","paths":[', join(',', map { quote($_) } @paths), "]}\\n" }
watch($root);
exit 0 if $timeout ne '' && $timeout == 0;
my $from;
while (1) {
  my $rd = ''; vec($rd, 0, 1) = 1; vec($rd, $fd, 1) = 1;
  my $left = defined $end ? $end - time : undef; exit 0 if defined $left && $left <= 0;
  $left = 0.02 if $from;
  my $n = select $rd, undef, undef, $left;
  if ($from && !$n) { tell_('RenameFrom', $from->[1]); undef $from }
  next if $n <= 0;
  if (vec($rd, 0, 1)) { exit 0 unless sysread STDIN, my $x, 4096 }
  next unless vec($rd, $fd, 1) && sysread $in, my $buf, 65536;
  while (length $buf) {
    my ($wd, $mask, $cookie, $len) = unpack 'iIII', $buf; my $name = unpack 'Z*', substr $buf, 16, $len; $buf = substr $buf, 16 + $len;
    next unless defined $at{$wd};
    my $path = $len ? ($at{$wd} eq '/' ? "/$name" : "$at{$wd}/$name") : $at{$wd};
    if ($from && !($mask & 0x80 && $cookie == $from->[0])) { tell_('RenameFrom', $from->[1]); undef $from }
    if ($mask & 0x40) { $from = [$cookie, $path]; next }
    if ($mask & 0x80) { if ($from) { tell_('Rename', $from->[1], $path); undef $from } else { tell_('RenameTo', $path) } }
    elsif ($mask & 0x100) { tell_('Create', $path) }
    elsif ($mask & 0x200) { tell_('Remove', $path) }
    elsif ($mask & 0x400) { tell_('Remove', $path) if $path eq $root }
    elsif ($mask & 0x800) { tell_('RenameFrom', $path) if $path eq $root }
    elsif ($mask & 0x6) { tell_('Modify', $path) }
    elsif ($mask & 0x9) { tell_('Access', $path) }
    watch($path) if $recursive && $mask & 0x180 && $mask & 0x40000000;
  }
}
`;

const SYSTEM_CALLS: Partial<Record<NodeJS.Architecture, [init: number, add: number]>> = {
  x64: [294, 254],
  arm64: [26, 27],
};

/** Returns a command that watches a path, or undefined if the host doesn't support it. */
export function watchCommand({ path, recursive, filter, timeout_secs }: WatchOperation): string[] | undefined {
  const calls = SYSTEM_CALLS[process.arch];
  if (!calls || !existsSync('/usr/bin/perl')) return undefined;
  const options = [
    ...calls.map(String),
    recursive ? '1' : '',
    filter ? filter.join(',') : '*',
    `${timeout_secs ?? ''}`,
  ];
  return ['/usr/bin/perl', '-e', WATCH_SCRIPT, '--', ...options, path.length > 1 ? path.replace(/\/+$/, '') : path];
}
