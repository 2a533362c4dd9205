/**
 * The helper in Perl 5.14 or later, with nothing but what Debian's `perl-base` has. `frames.ts` describes what it says. Longer
 * than other files, because it's one program that is sent as a whole.
 */
export const PERL_HELPER = String.raw`
use strict; use warnings; no warnings 'once';
use Errno; use Fcntl qw(:DEFAULT F_GETFL F_SETFL O_NONBLOCK); use POSIX (); use Socket qw(:all);
use constant { OPEN => 1, DATA => 2, END_PART => 3, CLOSE => 4, CREDIT => 5, SIGNAL => 6, PING => 7, HELLO => 8, OPENED => 9, EXITED => 10, PORTS => 11 };
use constant { PIECE => 131072, UNFLUSHED => 524288, BUDGET => 16 << 20, LEAST => 16384 };
binmode STDIN; binmode STDOUT;
enlarge($_) for *STDIN, *STDOUT;
my $lost_seconds = $ARGV[1];
my ($starting, $ending, %streams, %commands, %tails, %watches, %readers, %writers, @doomed);
my ($out, $shared, $quiet, $listening, $looked, $last_tail) = ('', 0, 0, undefined(), 0, 0);
sub undefined { undef }

sub flush {
  # Blocks while the window isn't reading. The descriptor is shared, so it must not be made non-blocking.
  my $at = 0;
  while ($at < length $out) {
    my $count = syswrite STDOUT, $out, length($out) - $at, $at;
    if (defined $count) { $at += $count } elsif (!$!{EINTR}) { finish() }
  }
  $out = '';
}
sub say_frame {
  my ($kind, $id, $part, $data) = @_;
  $data = '' unless defined $data;
  $out .= pack('NCCN', $id, $kind, $part || 0, length $data) . $data;
  flush() if length $out > UNFLUSHED;
}
sub text { join "\0", @_ }
sub failure {
  my $number = shift;
  local $! = $number;
  my ($name) = grep { $!{$_} } sort keys %!;
  return text($name || 'EIO', "$!");
}
# Larger pipes need fewer turns. This is F_SETPIPE_SZ.
sub enlarge { fcntl($_[0], 1031, 1 << 20) }
sub unblock { my $flags = fcntl($_[0], F_GETFL, 0); fcntl($_[0], F_SETFL, $flags | O_NONBLOCK) }

# Bytes of a descriptor for the window, as many as it has credit for.
sub new_source {
  my ($id, $part, $file, $credit, $ended) = @_;
  my $self = { file => $file, credit => $credit, open => 1 };
  my $fd = fileno $file;
  $self->{update} = sub {
    if (!$self->{open} || $self->{credit} <= 0) { delete $readers{$fd}; return }
    $readers{$fd} = sub {
      my $wanted = $self->{credit} < PIECE ? $self->{credit} : PIECE;
      my $count = sysread($file, my $data, $wanted);
      if (!defined $count) {
        return if $!{EAGAIN} || $!{EINTR};
        my $error = $! + 0;
        $self->{stop}->();
        return $ended->($error);
      }
      if ($count) {
        $self->{credit} -= $count;
        say_frame(DATA, $id, $part, $data);
        $self->{update}->() if $self->{credit} <= 0;
      } else {
        $self->{stop}->();
        say_frame(END_PART, $id, $part);
        $ended->(0);
      }
    };
  };
  $self->{add} = sub { $self->{credit} += shift; $self->{update}->() };
  $self->{stop} = sub { $self->{open} = 0; delete $readers{$fd} };
  $self->{update}->();
  return $self;
}

sub beyond_least { $_[0] > LEAST ? $_[0] - LEAST : 0 }

# Bytes of the window for a descriptor. Gives credit for more as they are taken.
sub new_sink {
  my ($id, $ended) = @_;
  my $self = { buffer => '', granted => LEAST, taken => 0, open => 1 };
  my $hold = sub {
    $shared += beyond_least($_[0]) - beyond_least($self->{granted});
    $self->{granted} = $_[0];
  };
  my $grant = sub {
    # The same rule as in credit.ts.
    $self->{taken} += $_[0];
    $hold->($self->{granted} - $_[0]);
    my $limit = BUDGET / 2 + 4 * $self->{taken};
    $limit = BUDGET if $limit > BUDGET;
    my $share = int(($limit - $shared + beyond_least($self->{granted})) / 4);
    my $target = LEAST + ($share > 0 ? $share : 0);
    my $more = $target - $self->{granted};
    return if $more * 2 < $target;
    $hold->($target);
    say_frame(CREDIT, $id, 0, pack 'N', $more);
  };
  my $write = sub {
    return unless $self->{file} && $self->{open};
    my $fd = fileno $self->{file};
    my $at = 0;
    while ($at < length $self->{buffer}) {
      my $count = syswrite $self->{file}, $self->{buffer}, PIECE, $at;
      if (defined $count) { $at += $count; next }
      next if $!{EINTR};
      last if $!{EAGAIN};
      my $error = $! + 0;
      $self->{stop}->();
      return $ended->($error);
    }
    substr($self->{buffer}, 0, $at) = '';
    $grant->($at) if $at;
    if (length $self->{buffer}) { $writers{$fd} = $self->{write}; return }
    delete $writers{$fd};
    if ($self->{ending}) { $self->{stop}->(); $ended->(0) }
  };
  $self->{write} = $write;
  $self->{start} = sub { $self->{file} = shift; $grant->(0); $write->() };
  $self->{put} = sub {
    return unless $self->{open};
    my $is_waiting = length $self->{buffer};
    $self->{buffer} .= shift;
    $write->() unless $is_waiting;
  };
  $self->{end} = sub { $self->{ending} = 1; $write->() unless length $self->{buffer} };
  $self->{stop} = sub {
    return unless $self->{open};
    $self->{open} = 0;
    $hold->(0);
    $self->{buffer} = '';
    delete $writers{fileno $self->{file}} if $self->{file};
  };
  return $self;
}

sub new_connection {
  my ($id, $credit, @addresses) = @_;
  my $self = { id => $id };
  my ($socket, $source, $sink, $connect);
  my $fail = sub {
    my $error = shift;
    say_frame(CLOSE, $id, 0, $error ? failure($error) : '') if $streams{$id};
    $self->{close}->();
  };
  $sink = new_sink($id, sub {
    # What was sent to the window before may still be read.
    say_frame(END_PART, $id, 0) if $_[0];
    shutdown $socket, 1;
    $fail->(0) unless $source->{open};
  });
  my $connected = sub {
    say_frame(OPENED, $id);
    $source = new_source($id, 1, $socket, $credit, sub {
      if ($_[0]) { $fail->($_[0]) } elsif (!$sink->{open}) { $fail->(0) }
    });
    $sink->{start}->($socket);
  };
  my $refused = sub {
    my $error = shift;
    if ($socket) { delete $writers{fileno $socket}; close $socket; undef $socket }
    @addresses ? $connect->() : $fail->($error);
  };
  $connect = sub {
    my ($family, $address) = @{ shift @addresses };
    socket($socket, $family, SOCK_STREAM, 0) or return $refused->($! + 0);
    unblock($socket);
    setsockopt($socket, IPPROTO_TCP, TCP_NODELAY, 1) if $family != AF_UNIX;
    return $connected->() if connect $socket, $address;
    return $refused->($! + 0) unless $!{EINPROGRESS};
    $writers{fileno $socket} = sub {
      delete $writers{fileno $socket};
      my $error = unpack 'i', getsockopt($socket, SOL_SOCKET, SO_ERROR);
      $error ? $refused->($error) : $connected->();
    };
  };
  $self->{put} = sub { $sink->{put}->(@_) };
  $self->{end} = sub { $sink->{end}->() };
  $self->{add} = sub { $source ? $source->{add}->($_[1]) : ($credit += $_[1]) };
  $self->{fail} = $fail;
  $self->{connect} = sub { @addresses = @_; $connect->() };
  $self->{close} = sub {
    return unless delete $streams{$id};
    $sink->{stop}->();
    $source->{stop}->() if $source;
    if ($socket) { delete $writers{fileno $socket}; close $socket; undef $socket }
  };
  return $self;
}

sub new_command {
  my ($id, $credits, $folder, $env, @argv) = @_;
  my ($in_read, $in_write, $out_read, $out_write, $err_read, $err_write, $failed_read, $failed_write);
  pipe($in_read, $in_write) && pipe($out_read, $out_write) && pipe($err_read, $err_write) && pipe($failed_read, $failed_write) or return $! + 0;
  $starting = 1;
  my $pid = fork;
  if (!defined $pid) { $starting = 0; return $! + 0 }
  if (!$pid) {
    $SIG{$_} = 'DEFAULT' for qw(PIPE CHLD ALRM TERM HUP INT);
    POSIX::setsid();
    POSIX::dup2(fileno $in_read, 0);
    POSIX::dup2(fileno $out_write, 1);
    POSIX::dup2(fileno $err_write, 2);
    $ENV{$_->[0]} = $_->[1] for @$env;
    if ($folder eq '' || chdir $folder) { no warnings; exec { $argv[0] } @argv }
    syswrite $failed_write, $! + 0;
    POSIX::_exit(127);
  }
  close $_ for $in_read, $out_write, $err_write, $failed_write;
  my $error;
  1 while !defined sysread($failed_read, $error, 16) && $!{EINTR};
  close $failed_read;
  if ($error) { waitpid $pid, 0; $starting = 0; return $error }
  for ($in_write, $out_read, $err_read) { unblock($_); enlarge($_) }
  say_frame(OPENED, $id, 0, $pid);
  my $self = { id => $id, pid => $pid };
  my @sources;
  my $check = sub {
    return if !$self->{exited} || grep { $_->{open} } @sources;
    say_frame(CLOSE, $id) if $streams{$id};
    $self->{close}->();
  };
  my $sink = new_sink($id, sub {
    close $in_write;
    say_frame(END_PART, $id, 0) if $_[0] && $streams{$id};
  });
  @sources = map { new_source($id, $_->[0], $_->[1], $credits->[$_->[0] - 1], $check) } [1, $out_read], [2, $err_read];
  $self->{put} = sub { $sink->{put}->(@_) };
  $self->{end} = sub { $sink->{end}->() };
  $self->{add} = sub { $sources[$_[0] - 1]->{add}->($_[1]) };
  $self->{kill} = sub { kill $_[0], -$pid };
  $self->{exit} = sub {
    my $status = shift;
    $self->{exited} = 1;
    delete $commands{$pid};
    return unless $streams{$id};
    my @names = split ' ', signal_names();
    say_frame(EXITED, $id, 0, $status & 127 ? text('signal', 'SIG' . ($names[$status & 127] || $status & 127)) : text('code', $status >> 8));
    $check->();
  };
  $self->{close} = sub {
    return unless delete $streams{$id};
    $_->{stop}->() for @sources;
    if ($sink->{open}) { $sink->{stop}->(); close $in_write }
    close $out_read; close $err_read;
    return if $self->{exited};
    $self->{kill}->('TERM');
    push @doomed, [time + 3, $self];
  };
  $commands{$pid} = $self;
  $starting = 0;
  finish() if $ending;
  $streams{$id} = $self;
  $sink->{start}->($in_write);
  return 0;
}
sub signal_names { require Config; $Config::Config{sig_name} || 'ZERO HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM' }

sub new_tail {
  my ($id, $credit, $path, $from) = @_;
  my $self = { id => $id };
  my ($file, $at) = (undef, $from eq 'end' ? -s $path || 0 : 0);
  my $fail = sub { say_frame(CLOSE, $id, 0, failure($_[0])); $self->{close}->() };
  $self->{check} = sub {
    my @found = stat $path;
    if (!$file) {
      return unless @found;
      return $fail->(Errno::EINVAL()) unless -f _;
      sysopen $file, $path, O_RDONLY or return $fail->($! + 0);
      sysseek $file, $at, 0;
    }
    my @opened = stat $file;
    sysseek $file, 0, 0 if $opened[7] < sysseek $file, 0, 1;
    while ($credit > 0) {
      my $count = sysread $file, my $data, $credit < PIECE ? $credit : PIECE;
      return $fail->($! + 0) unless defined $count;
      last unless $count;
      $credit -= $count;
      say_frame(DATA, $id, 1, $data);
    }
    return if $credit <= 0 || !@found || "@found[0, 1]" eq "@opened[0, 1]";
    close $file;
    ($file, $at) = (undef, 0);
  };
  $self->{add} = sub { $credit += $_[1]; $self->{check}->() };
  $self->{close} = sub { delete $streams{$id}; delete $tails{$id}; close $file if $file; undef $file };
  $streams{$id} = $tails{$id} = $self;
  $self->{check}->();
}

sub new_watch {
  my $id = shift;
  my ($self, $told) = {};
  $self->{tell} = sub { say_frame(PORTS, $id, 0, $_[0]) if !defined $told || $told ne $_[0]; $told = $_[0] };
  $self->{close} = sub { delete $streams{$id}; delete $watches{$id} };
  $streams{$id} = $watches{$id} = $self;
  look_for_ports();
}
sub look_for_ports {
  $looked = time;
  my @found;
  for my $family ('tcp', 'tcp6') {
    open my $table, '<', "/proc/net/$family" or next;
    while (<$table>) { my @fields = split; push @found, [$family, @fields[1, 9]] if @fields > 9 && $fields[3] eq '0A' }
  }
  my $key = join "\n", sort map { join ' ', @$_ } @found;
  $listening = [$key, named(@found)] if !$listening || $listening->[0] ne $key;
  $_->{tell}->($listening->[1]) for values %watches;
}
sub named {
  my @found = sort { "@$a" cmp "@$b" } @_;
  splice @found, 400 if @found > 400;
  my %owners = map { ("socket:[$_->[2]]" => '') } @found;
  for (@found ? glob '/proc/[0-9]*/fd/*' : ()) {
    my $target = readlink;
    $owners{$target} = (split '/')[2] if defined $target && defined $owners{$target} && $owners{$target} eq '';
  }
  return text(map {
    my ($family, $address, $inode) = @$_;
    my ($pid, $command) = ($owners{"socket:[$inode]"}, '');
    if ($pid && open my $file, '<', "/proc/$pid/cmdline") { read $file, $command, 200; $command =~ s/\0+$//; $command =~ tr/\0/ / }
    ($family, $address, $pid, $command);
  } @found);
}

sub finish {
  # A command that is just starting must not be left behind.
  if ($starting) { $ending = 1; return }
  kill 'TERM', map { -$_ } keys %commands;
  for (1 .. 20) {
    while ((my $pid = waitpid -1, POSIX::WNOHANG()) > 0) { delete $commands{$pid} }
    last unless %commands;
    select undef, undef, undef, 0.1;
  }
  kill 'KILL', map { -$_ } keys %commands;
  POSIX::_exit(0);
}

# Looks up a name in a process of its own, since that may take long.
sub look_up {
  my ($connection, $host, $port) = @_;
  pipe my $read, my $write or return $connection->{fail}->($! + 0);
  my $pid = fork;
  return $connection->{fail}->($! + 0) unless defined $pid;
  if (!$pid) {
    my ($error, @found) = getaddrinfo($host, $port, { socktype => SOCK_STREAM });
    syswrite $write, join '', map { pack 'Nn/a*', $_->{family}, $_->{addr} } $error ? () : @found;
    POSIX::_exit(0);
  }
  close $write;
  my $answer = '';
  my $fd = fileno $read;
  $readers{$fd} = sub {
    return if sysread $read, $answer, 65536, length $answer;
    delete $readers{$fd};
    close $read;
    my @pairs = unpack '(Nn/a*)*', $answer;
    my @addresses;
    while (my @pair = splice @pairs, 0, 2) { push @addresses, [@pair] }
    return unless $streams{$connection->{id}};
    return $connection->{connect}->(@addresses) if @addresses;
    say_frame(CLOSE, $connection->{id}, 0, text('ENOTFOUND', $host));
    $connection->{close}->();
  };
}

sub open_stream {
  my ($id, $what, @rest) = @_;
  my @credits = splice @rest, 0, 2;
  if ($what eq 'tcp' || $what eq 'unix') {
    my ($host, $port) = @rest;
    my $connection = $streams{$id} = new_connection($id, $credits[0]);
    return $connection->{connect}->([AF_UNIX, pack_sockaddr_un($host)]) if $what eq 'unix';
    my ($four, $six) = map { inet_pton(AF_INET, $_->[0]) || inet_pton(AF_INET6, $_->[1]) } ['127.0.0.1', ''], ['', '::1'];
    return $connection->{connect}->([AF_INET, pack_sockaddr_in($port, $four)], [AF_INET6, pack_sockaddr_in6($port, $six)]) if $host eq 'localhost';
    if (my $address = inet_pton(AF_INET, $host)) { return $connection->{connect}->([AF_INET, pack_sockaddr_in($port, $address)]) }
    if (my $address = inet_pton(AF_INET6, $host)) { return $connection->{connect}->([AF_INET6, pack_sockaddr_in6($port, $address)]) }
    return look_up($connection, $host, $port);
  }
  if ($what eq 'spawn') {
    my ($folder, $count) = splice @rest, 0, 2;
    my @env = map { [split /=/, $_, 2] } splice @rest, 0, $count;
    my $error = new_command($id, \@credits, $folder, \@env, @rest);
    say_frame(CLOSE, $id, 0, failure($error)) if $error;
  }
  new_tail($id, $credits[0], @rest) if $what eq 'tail';
  new_watch($id) if $what eq 'ports';
  if ($what eq 'signal') {
    $rest[1] =~ s/^SIG//;
    say_frame(CLOSE, $id, 0, kill($rest[1], $rest[0]) ? '' : failure($! + 0));
  }
}
sub receive {
  my ($kind, $id, $part, $data) = @_;
  if ($kind == OPEN) {
    eval { open_stream($id, split /\0/, $data, -1); 1 } and return;
    delete $streams{$id};
    return say_frame(CLOSE, $id, 0, text('EIO', $@));
  }
  my $stream = $streams{$id} or return;
  if ($kind == DATA) { $stream->{put}->($data) }
  elsif ($kind == END_PART) { $stream->{end}->() }
  elsif ($kind == CLOSE) { $stream->{close}->() }
  elsif ($kind == CREDIT) { $stream->{add}->($part, unpack 'N', $data) }
  elsif ($kind == SIGNAL) { $data =~ s/^SIG//; $stream->{kill}->($data) }
}

my $input = '';
$readers{0} = sub {
  my $count = sysread STDIN, $input, 262144, length $input;
  return if !defined $count && $!{EINTR};
  finish() unless $count;
  $quiet = 0;
  my $at = 0;
  while (length($input) - $at >= 10) {
    my ($id, $kind, $part, $length) = unpack 'NCCN', substr $input, $at, 10;
    last if length($input) - $at - 10 < $length;
    receive($kind, $id, $part, substr $input, $at + 10, $length);
    $at += 10 + $length;
  }
  substr($input, 0, $at) = '';
};
pipe my $wake_read, my $wake_write;
unblock($_) for $wake_read, $wake_write;
my $wake = fileno $wake_read;
$readers{$wake} = sub {
  sysread $wake_read, my $ignored, 4096;
  while ((my $pid = waitpid -1, POSIX::WNOHANG()) > 0) { $commands{$pid}->{exit}->($?) if $commands{$pid} }
};
$SIG{CHLD} = sub { local $!; syswrite $wake_write, '.' };
$SIG{PIPE} = 'IGNORE';
$SIG{$_} = \&finish for qw(TERM HUP INT);
# Counted, so that the time in which the sandbox was asleep doesn't count. Also interrupts a write that blocks.
$SIG{ALRM} = sub { finish() if ++$quiet > $lost_seconds; alarm 1 };
alarm 1;
say_frame(HELLO, 0, 0, text('1', 'perl', $$));
while (1) {
  flush();
  my ($reads, $writes) = ('', '');
  vec($reads, $_, 1) = 1 for keys %readers;
  vec($writes, $_, 1) = 1 for keys %writers;
  my $ready = select $reads, $writes, undef, %tails ? 0.25 : %watches || @doomed ? 1 : undef;
  if ($ready > 0) {
    # What opens descriptors comes last, so that no event of a closed one reaches the next with its number.
    for my $fd (sort { ($a == 0 || $a == $wake) <=> ($b == 0 || $b == $wake) } keys %readers) { $readers{$fd}->() if vec($reads, $fd, 1) && $readers{$fd} }
    for my $fd (keys %writers) { $writers{$fd}->() if vec($writes, $fd, 1) && $writers{$fd} }
  }
  $_->{check}->() for values %tails;
  look_for_ports() if %watches && time > $looked;
  while (@doomed && $doomed[0]->[0] <= time) { my $each = (shift @doomed)->[1]; $each->{kill}->('KILL') unless $each->{exited} }
}
`;
