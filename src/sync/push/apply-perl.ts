import { STATE_FOLDER } from '../rules/builtin.ts';
import { RECORD } from './tar.ts';

/** The largest file that is written in place, with one call, so that a reader hardly ever sees a part of it. */
export const MAX_IN_PLACE_BYTES = 65_536;

/** The exit code that says that the shell has to do what is listed in `slow`. The lock is held, and the rest is done. */
export const EXIT_REST = 3;

/**
 * Applies a push like `apply-script.ts`, in one process, because starting one is what costs most on Modal. It needs nothing but
 * Perl itself: loading modules takes as long as the work. The system calls are few, too: a file whose folder exists is unpacked
 * next to the lists, under a number, and only new folders get a tree in the staging folder, which is renamed as a whole. Longer
 * than other files, because it's one program that is sent as a whole.
 *
 * Arguments: `modal-sync`, then one of
 *
 * - the process ID that holds the lock, the input in base64 (`-`: from stdin), and the arguments of the apply script. Exits with 1
 *   before it has read anything if the shell has to do all of it, and with `EXIT_REST` if a part is left.
 * - `direct`, the script that does the rest (`APPLY_REST`), and the arguments of the apply script: becomes a shell if needed.
 * - `warm`, the script that does the rest, and the root. Applies one push after another, in place (`MODAL_SYNC_LIVE`), each
 *   announced by a line with its number of bytes and the other arguments.
 */
export const APPLY_PERL = compact(String.raw`
(undef, $holder, $input, @push) = @ARGV;
$| = 1;
umask 022;
$ENV{LC_ALL} = "C";
open STDERR, ">&STDOUT";
$state = "${STATE_FOLDER}";

# Ends: each is a reply with an exit code.

# Ends the push. Paths never contain //, so that stands for a line break.
sub refuse {
  my ($code, $reply) = @_;
  $reply =~ s{\n}{//}g;
  die [$code, $reply];
}
# Ends the push because a system call has failed for a path.
sub failed {
  my $why = $!;
  # ENOSPC, EDQUOT
  refuse(76, "FULL") if $why == 28 || $why == 122;
  # EPERM, EACCES, EROFS
  refuse(70, "FAIL can't write to $root") if $why == 1 || $why == 13 || $why == 30;
  refuse(70, "FAIL $_[0]: $why");
}

# Input: $from is where it comes from, and $buf what has been read but not used.

# Reads more, and returns the number of bytes, which is 0 at the end. A signal may interrupt it (EINTR).
sub more {
  my $got;
  return 0 if !$from;
  do { $got = sysread $from, $buf, 65536, length $buf } until defined $got || $! != 4;
  $got;
}
# Takes this many bytes.
sub need {
  while (length $buf < $_[0]) { more() or refuse(71, "CUT") }
  substr($buf, 0, $_[0], "");
}
# Takes the line that says how the archive is compressed, and reads nothing beyond it, since another process may read the rest.
sub compression {
  my $line = "";
  until ($line =~ /\n/) {
    length $buf or $from && sysread $from, $buf, 1 or refuse(71, "CUT");
    $line .= substr($buf, 0, 1, "");
  }
  chomp $line;
  $line;
}
# Decompresses the rest of the input. Returns what to call at the end of the archive.
sub decompress {
  my $how = $_[0];
  installed($how) or refuse(74, "NOTOOL $how");
  my $file;
  if ($buf ne "") {
    $file = "$in/z";
    open my $z, ">", $file or failed($file);
    (syswrite($z, $buf) // -1) == length $buf && close $z or failed($file);
    $buf = "";
  }
  my $pid = open(my $pipe, "-|") // failed($how);
  if (!$pid) {
    open STDIN, "<", $file if $file;
    open STDERR, ">", "/dev/null";
    exec $how, "-dc";
    exit 127;
  }
  $from = $pipe;
  return sub {
    1 while ($buf = "", more());
    close $pipe;
    my $bad = $?;
    unlink $file if $file;
    $bad and refuse(71, "CUT");
  };
}

# Files and folders

sub above { $_[0] =~ m{^(.*)/}s ? $1 : "" }
sub entries { opendir my $h, $_[0] or return; grep { !/^\.\.?$/ } readdir $h }
sub installed { for (split /:/, $ENV{PATH}) { return 1 if -x "$_/$_[0]" && -f _ } 0 }
# Whether a path is a folder, and neither it nor one above it is a link.
sub real {
  my $d = $_[0];
  $d eq "" || ($real{$d} //= real(above($d)) && !-l "./$d" && -d _ ? 1 : 0);
}
# Whether there is a link above a path.
sub behind {
  my $q = $_[0];
  while (($q = above($q)) ne "") { return 1 if $link{$q} //= -l "./$q" || 0 }
  0;
}
# Creates a folder and those above it, which may exist (EEXIST).
sub folders {
  my $d = $_[0];
  return if $made{$d}++;
  folders(above($d));
  mkdir $d or $! == 17 or failed($d);
}
sub discard {
  my $p = $_[0];
  return unlink $p if -l $p || !-d _;
  discard("$p/$_") for entries($p);
  rmdir $p;
}

# Generations and the lock

# Ends the push if the sandbox isn't at one of the generations that the push starts from.
sub check {
  $have = "none";
  if (open my $g, "<", "$state/gen") {
    $have = <$g> // "";
    chomp $have;
  }
  $_ eq $have and return for @accept;
  refuse(75, "DRIFT $have");
}
sub generation {
  my ($file, $name) = @_;
  my $text = "$name\n";
  sysseek($file, 0, 0);
  (syswrite($file, $text) // -1) == length $text && truncate($file, length $text) or failed("$state/gen");
}
# Whether the process that holds the lock has ended. If its ID may belong to another one now, that is looked at once in a while.
sub stale {
  my $tries = $_[0];
  open my $lock, "<", "$state/lock" or return;
  my $pid = <$lock> // "";
  return if !chomp $pid;
  return 1 if $pid eq $holder || !kill 0, $pid;
  return if $tries % 10 || time - (stat $lock)[9] < 60;
  local $/ = "\0";
  open my $words, "<", "/proc/$pid/cmdline" or return 1;
  !grep { /^modal-(sync|run)\0/ } <$words>;
}
sub take {
  my ($lock, $tries) = (undef, 0);
  # O_WRONLY | O_CREAT | O_EXCL
  until (sysopen $lock, "$state/lock", 0301, 0644) {
    $! == 17 or failed("$state/lock");
    if (stale($tries)) { discard("$state/lock"); next }
    ++$tries > 50 and refuse(70, "FAIL another sync hasn't finished");
    select undef, undef, undef, 0.2;
  }
  $locked = 1;
  syswrite($lock, "$holder\n") && close $lock or failed("$state/lock");
}

# Unpacking: %flat has the paths that are staged under a number, and %list the lists of paths in the archive.

# Writes the next file of the archive.
sub save {
  my ($path, $size, $mode, $time) = @_;
  # O_WRONLY | O_CREAT | O_EXCL
  sysopen my $h, $path, 0301, $mode & 0755 or failed($path);
  for (my $left = $size; $left > 0;) {
    length $buf or more() or refuse(71, "CUT");
    my $some = $left < length $buf ? $left : length $buf;
    my $put = syswrite($h, $buf, $some) or failed($path);
    substr($buf, 0, $put, "");
    $left -= $put;
  }
  !defined $time || utime($time, $time, $h) or failed($path);
  close $h or failed($path);
  need(-$size % 512);
}
# Returns where to unpack a file or link: under a number if its folder exists.
sub staged {
  my $p = $_[0];
  return $flat{$p} = "$in/" . $number++ if real(above($p));
  folders(above("$in/t/$p"));
  "$in/t/$p";
}
# Returns the records of an extended header (pax).
sub records {
  my ($all, %records) = @_;
  while ($all =~ /^(\d+) /) {
    my ($key, $value) = substr($all, 0, $1, "") =~ /^\d+ ([^=]+)=(.*)\n\z/s or refuse(71, "CUT");
    $records{$key} = $value;
  }
  %records;
}
sub unpacked {
  my (%more, @times, $at);
  for (;;) {
    my $h = need(512);
    $at += 512;
    last if $h !~ /[^\0]/;
    my ($name, $mode, $size, $time, $sum, $type, $target, $prefix) =
      unpack "Z100 Z8 x16 Z12 Z12 Z8 a1 Z100 x88 Z155", $h;
    substr($h, 148, 8) = " " x 8;
    oct $sum == unpack "%32C*", $h or refuse(71, "CUT");
    ($size, $time) = (oct $size, oct $time);
    if ($type eq "x") {
      %more = (%more, records(need($size)));
      need(-$size % 512);
      $at += $size + -$size % 512;
      next;
    }
    $name = $more{path} // ($prefix eq "" ? $name : "$prefix/$name");
    $target = $more{linkpath} // $target;
    $size = $more{size} // $size;
    %more = ();
    $at += $size + -$size % 512;
    $name =~ s{^in\.\Q$next\E/}{} or refuse(70, "FAIL unexpected $name");
    if ($name eq "log") {
      save("$in/log", $size, 0644);
      $complete = 1;
    } elsif ($name !~ s{^t/}{}) {
      $list{$name} = [split /\0/, need($size)];
      need(-$size % 512);
    } elsif ($type eq "5") {
      next if real($name);
      folders("$in/t/$name");
      push @times, ["$in/t/$name", $time];
    } elsif ($type eq "2") {
      my $to = staged($name);
      symlink $target, $to or failed($name);
    } else {
      save(staged($name), $size, oct $mode, $time);
    }
  }
  # What is put into a folder changes its time.
  utime $$_[1], $$_[1], $$_[0] for @times;
  need(-$at % ${RECORD});
}

# Putting into place: what can't be done here comes to @left.

# Writes a small file over another one, as the apply script says about MODAL_SYNC_LIVE.
sub inplace {
  my ($p, $new, $old) = @_;
  return if !$live || -l $new || -l $old || !-f $new || !-f $old;
  return if -s $new > ${MAX_IN_PLACE_BYTES} || -s $old > ${MAX_IN_PLACE_BYTES};
  return if !-x $new != !-x $old || $p =~ /\..*sh\z/s;
  open(my $from, "<", $new) && open(my $to, "+<", $old) or return;
  return if (<$to> // "") =~ /^#!.*sh( |$)/;
  local $/;
  my $text = <$from> // "";
  my ($time, $was) = ((stat $from)[9], (stat $to)[9]);
  sysseek($to, 0, 0);
  (syswrite($to, $text) // -1) == length $text && truncate($to, length $text) or return;
  (stat $to)[9] == $time
    || $was == $time && !system("touch", "-d", "\@$time.9" . ($$ + $saves++), $old)
    || utime($time, $time, $old)
    or return;
  unlink $new;
}
# Places a file or link that is staged under a number.
sub place {
  my $p = $_[0];
  my $f = delete $flat{$p};
  return if real(above($p)) && (inplace($p, $f, "./$p") || rename $f, "./$p");
  folders(above("$in/t/$p"));
  rename $f, "$in/t/$p" or failed($p);
  push @left, $p;
}
# Places a tree of new folders: as a whole, or if the folder exists, what is in it.
sub merge {
  my $p = $_[0];
  my ($new, $old) = ("$in/t/$p", "./$p");
  if (-l $old || !-d _) {
    push @left, $p if -l $old || !(inplace($p, $new, $old) || rename $new, $old);
  } elsif (-l $new || !-d _ || !-r _) {
    push @left, $p;
  } else {
    merge("$p/$_") for entries($new);
  }
}

# A push

# Returns the exit code: 0, 1 if the shell has to do all of it, or ${EXIT_REST} if it has to do a part.
sub apply {
  ($root, $next, my $need, @accept) = @_;
  ($in, $locked, $complete, $number, @left) = ("$state/in.$next", 0, 0, 0);
  %$_ = () for \%real, \%link, \%made, \%flat, \%list;
  $made{$in} = 1;
  chdir $root && -d "$state/m" or $live ? refuse(75, "DRIFT none") : return 1;
  -d "$root.part-$_" and return 1 for $live ? () : @accept;
  check();
  if ($need) {
    my ($free) = (split " ", (split /\n/, qx(df -Pk . 2>/dev/null))[-1] // "")[3] // "";
    $free =~ /^\d+$/ && $free < $need and refuse(76, "ROOM $free $need");
  }
  my $how = compression();
  mkdir $in or failed($in);
  my $end = $how eq "raw" ? sub {} : decompress($how);
  unpacked();
  $end->();
  $complete or refuse(71, "CUT");

  take();
  check();
  # What interrupted pushes have left.
  for (@accept > 1 ? @accept : (), $have =~ /^dirty\.(.*)/s) { discard("$state/in.$_") if -e "$state/in.$_" }
  -l "./$_" && refuse(77, "LINK $_") for @{$list{up}};
  # O_RDWR | O_CREAT
  sysopen my $g, "$state/gen", 0102, 0644 or failed("$state/gen");
  generation($g, "dirty.$next");
  unlink map { "$state/m/$_" } entries("$state/m") if $list{full};
  rename "$in/log", "$state/m/$next" or failed("$state/m/$next");
  for (@{$list{rm}}) {
    next if unlink $_;
    my $why = $!;
    refuse(70, "FAIL $_: $why") if -l $_ || (-e _ && !-d _);
  }
  rmdir $_ for @{$list{rd}};
  %real = () if $list{rm} || $list{rd};
  for (@{$list{mv}}) {
    if (exists $flat{$_}) { place($_) }
    elsif (-l "$in/t/$_" || -e _) { if (behind($_)) { push @left, $_ } else { merge($_) } }
  }
  place($_) for sort keys %flat;
  if (@left) {
    open my $l, ">", "$in/slow" or failed("$in/slow");
    print $l map { "$_\0" } @left;
    close $l or failed("$in/slow");
    return ${EXIT_REST};
  }
  for (["$state/.gitignore", "*\n"], ["$state/stamp", ""]) {
    next if -e $$_[0];
    open my $h, ">", $$_[0] or next;
    print $h $$_[1];
  }
  generation($g, $next);
  close $g or failed("$state/gen");
  rmdir $in or discard($in);
  unlink "$state/lock";
  $locked = 0;
  print "OK $next perl", (map { " $_" } grep { installed($_) } "zstd", "gzip"), "\n";
  0;
}
sub tidy {
  discard($in) if $in && -d $in;
  unlink "$state/lock" if $locked;
  $locked = 0;
}
sub attempt {
  my @args = @_;
  my $code = eval { apply(@args) };
  if (!defined $code) {
    my ($why, $reply) = ref $@ ? @{$@} : (70, "FAIL $@");
    tidy();
    print "$reply\n";
    $code = $why;
  }
  $code;
}

$SIG{$_} = sub { tidy(); exit 70 } for "HUP", "INT", "TERM", "PIPE";

if ($holder eq "warm") {
  my ($rest, $root) = ($input, @push);
  my $waiting = "";
  $holder = $$;
  $live = $ENV{MODAL_SYNC_LIVE} = 1;
  for (;;) {
    $waiting =~ /\n/ or sysread STDIN, $waiting, 65536, length $waiting or exit;
    $waiting =~ s/^(.*)\n// or next;
    my ($bytes, @args) = split / /, $1;
    while (length $waiting < $bytes) { sysread STDIN, $waiting, 65536, length $waiting or exit }
    ($from, $buf) = (undef, substr $waiting, 0, $bytes, "");
    if (attempt($root, @args) == ${EXIT_REST}) {
      local $ENV{MODAL_SYNC_CODE} = ${EXIT_REST};
      system "sh", "-c", $rest, "modal-sync", $root, @args;
      $locked = 0;
    }
    print "\004\n";
  }
}

if ($holder eq "direct") {
  my $rest = $input;
  ($holder, $from, $buf) = ($$, *STDIN, "");
  my $code = attempt(@push);
  exit $code if $code != 1 && $code != ${EXIT_REST};
  $ENV{MODAL_SYNC_CODE} = $code;
  exec "sh", "-c", $rest, "modal-sync", @push;
  exit 70;
}

if ($input eq "-") {
  ($from, $buf) = (*STDIN, "");
} else {
  # From base64 to uuencode, which Perl can decode without a module.
  $input =~ tr{A-Za-z0-9+/}{}cd;
  $input =~ tr{A-Za-z0-9+/}{ -_};
  $buf = join "", map { unpack "u", chr(32 + int(length() * 3 / 4)) . $_ } $input =~ /(.{1,60})/gs;
}
exit attempt(@push);
`);

/** Removes what only a reader needs. No text of the program spans lines. */
function compact(program: string): string {
  const lines = program.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '' && !line.startsWith('#')).join('\n');
}
