import { STATE_FOLDER } from '../rules/builtin.ts';
import { RECORD } from './tar.ts';

/** The largest file that is written in place, with one call, so that a reader hardly ever sees a part of it. */
export const MAX_IN_PLACE_BYTES = 65_536;

/** The exit code that says that the shell has to do what is listed in `slow`. The lock is held, and the rest is done. */
export const EXIT_REST = 3;

/**
 * Applies a push like `apply-script.ts`, in one process, because starting one is what costs most on Modal. It needs nothing but
 * Perl itself: loading modules takes as long as the work. The system calls are few, too: a file whose folder exists is unpacked
 * next to the lists, under a number, and only new folders get a tree in the staging folder, which is renamed as a whole.
 *
 * Arguments: `modal-sync`, then one of
 *
 * - the process ID that holds the lock, the input in base64 (`-`: from stdin), and the arguments of the apply script. Exits with 1
 *   before it has read anything if the shell has to do all of it, and with `EXIT_REST` if a part is left.
 * - `direct`, the script that does the rest (`APPLY_REST`), and the arguments of the apply script: becomes a shell if needed.
 * - `warm`, the script that does the rest, and the root. Applies one push after another, in place (`MODAL_SYNC_LIVE`), each
 *   announced by a line with its number of bytes and the other arguments.
 */
export const APPLY_PERL = String.raw`
(undef, $holder, $input, @push) = @ARGV; $| = 1; umask 022; $ENV{LC_ALL} = "C"; open STDERR, ">&STDOUT";
$s = "${STATE_FOLDER}";
sub refuse { my ($code, $reply) = @_; $reply =~ s{\n}{//}g; die [$code, $reply] }
sub failed { my $why = $!; refuse(76, "FULL") if $why == 28 || $why == 122;
  refuse(70, $why == 1 || $why == 13 || $why == 30 ? "FAIL can't write to $root" : "FAIL $_[0]: $why") }
sub more { my $got; return 0 if !$from; do { $got = sysread $from, $buf, 65536, length $buf } until defined $got || $! != 4; $got }
sub need { while (length $buf < $_[0]) { more() or refuse(71, "CUT") } substr($buf, 0, $_[0], "") }
sub above { $_[0] =~ m{^(.*)/}s ? $1 : "" }
sub real { my $d = $_[0]; $d eq "" || ($real{$d} //= real(above($d)) && !-l "./$d" && -d _ ? 1 : 0) }
sub behind { my $q = $_[0]; while (($q = above($q)) ne "") { return 1 if $link{$q} //= -l "./$q" || 0 } 0 }
sub folders { my $d = $_[0]; return if $made{$d}++; folders(above($d)); mkdir $d or $! == 17 or failed($d) }
sub installed { for (split /:/, $ENV{PATH}) { return 1 if -x "$_/$_[0]" && -f _ } 0 }
sub discard { my $p = $_[0]; return unlink $p if -l $p || !-d _;
  if (opendir my $h, $p) { discard("$p/$_") for grep { !/^\.\.?$/ } readdir $h } rmdir $p }
sub check { $have = "none"; if (open my $g, "<", "$s/gen") { $have = <$g> // ""; chomp $have }
  $_ eq $have and return for @accept; refuse(75, "DRIFT $have") }
sub stale { open my $l, "<", "$s/lock" or return; my $pid = <$l> // ""; return if !chomp $pid;
  return 1 if $pid eq $holder || !kill 0, $pid;
  return if $_[0] % 10 || time - (stat $l)[9] < 60;
  local $/ = "\0"; open my $c, "<", "/proc/$pid/cmdline" or return 1; !grep { /^modal-(sync|run)\0/ } <$c> }
sub take { my ($l, $tries) = (undef, 0);
  until (sysopen $l, "$s/lock", 0301, 0644) {
    $! == 17 or failed("$s/lock");
    if (stale($tries)) { discard("$s/lock"); next }
    ++$tries > 50 and refuse(70, "FAIL another sync hasn't finished");
    select undef, undef, undef, 0.2;
  }
  $locked = 1; syswrite($l, "$holder\n") && close $l or failed("$s/lock") }
sub save { my ($path, $size, $mode, $time) = @_;
  sysopen my $h, $path, 0301, $mode & 0755 or failed($path);
  for (my $left = $size; $left > 0;) {
    length $buf or more() or refuse(71, "CUT");
    my $some = $left < length $buf ? $left : length $buf;
    my $put = syswrite($h, $buf, $some) or failed($path);
    substr($buf, 0, $put, ""); $left -= $put;
  }
  !defined $time || utime($time, $time, $h) or failed($path);
  close $h or failed($path);
  need(-$size % 512) }
sub staged { my $p = $_[0]; return $flat{$p} = "$in/" . $number++ if real(above($p)); folders(above("$in/t/$p")); "$in/t/$p" }
sub unpacked {
  my (%more, @times, $at);
  for (;;) {
    my $h = need(512); $at += 512;
    last if $h !~ /[^\0]/;
    my ($name, $mode, $size, $time, $sum, $type, $target, $prefix) = unpack "Z100 Z8 x16 Z12 Z12 Z8 a1 Z100 x88 Z155", $h;
    substr($h, 148, 8) = " " x 8; oct $sum == unpack "%32C*", $h or refuse(71, "CUT");
    ($size, $time) = (oct $size, oct $time);
    if ($type eq "x") { my $all = need($size); need(-$size % 512); $at += $size + -$size % 512;
      while ($all =~ /^(\d+) /) { my ($k, $v) = substr($all, 0, $1, "") =~ /^\d+ ([^=]+)=(.*)\n\z/s or refuse(71, "CUT"); $more{$k} = $v }
      next }
    $name = $more{path} // ($prefix eq "" ? $name : "$prefix/$name"); $target = $more{linkpath} // $target; $size = $more{size} // $size;
    %more = (); $at += $size + -$size % 512;
    $name =~ s{^in\.\Q$next\E/}{} or refuse(70, "FAIL unexpected $name");
    if ($name !~ s{^t/}{}) {
      if ($name eq "log") { save("$in/log", $size, 0644); $complete = 1 }
      else { $list{$name} = [split /\0/, need($size)]; need(-$size % 512) }
    } elsif ($type eq "5") { if (!real($name)) { folders("$in/t/$name"); push @times, ["$in/t/$name", $time] } }
    elsif ($type eq "2") { my $to = staged($name); symlink $target, $to or failed($name) }
    else { save(staged($name), $size, oct $mode, $time) }
  }
  utime $$_[1], $$_[1], $$_[0] for @times;
  need(-$at % ${RECORD});
}
sub inplace { my ($p, $s, $d) = @_;
  return if !$live || -l $s || -l $d || !-f $s || !-f $d || -s $s > ${MAX_IN_PLACE_BYTES} || -s $d > ${MAX_IN_PLACE_BYTES};
  return if !-x $s != !-x $d || $p =~ /\..*sh\z/s;
  open(my $new, "<", $s) && open(my $old, "+<", $d) or return;
  return if (<$old> // "") =~ /^#!.*sh( |$)/;
  local $/; my $text = <$new> // ""; my ($time, $was) = ((stat $new)[9], (stat $old)[9]);
  sysseek($old, 0, 0); (syswrite($old, $text) // -1) == length $text && truncate($old, length $text)
    && ((stat $old)[9] == $time || $was == $time && !system("touch", "-d", "\@$time.9" . ($$ + $saves++), $d) || utime($time, $time, $d)) && unlink $s }
sub place { my $p = $_[0]; my $f = delete $flat{$p};
  return if real(above($p)) && (inplace($p, $f, "./$p") || rename $f, "./$p");
  folders(above("$in/t/$p")); rename $f, "$in/t/$p" or failed($p); push @left, $p }
sub go { my $p = $_[0]; my ($s, $d) = ("$in/t/$p", "./$p");
  if (-l $d || !-d _) { push @left, $p if -l $d || !(inplace($p, $s, $d) || rename $s, $d); return }
  if (-l $s || !-d _ || !opendir my $h, $s) { push @left, $p; return } else { go("$p/$_") for grep { !/^\.\.?$/ } readdir $h } }
sub generation { my $text = "$_[1]\n"; sysseek($_[0], 0, 0); (syswrite($_[0], $text) // -1) == length $text && truncate($_[0], length $text) or failed("$s/gen") }
sub received {
  my $how = ""; until ($how =~ /\n/) { length $buf or more_of_line() or refuse(71, "CUT"); $how .= substr($buf, 0, 1, "") }
  chomp $how; return $how }
sub more_of_line { $from && sysread $from, $buf, 1 }
sub decoded { my $how = $_[0]; installed($how) or refuse(74, "NOTOOL $how");
  my $file; if ($buf ne "") { $file = "$in/z"; open my $z, ">", $file or failed($file); (syswrite($z, $buf) // -1) == length $buf && close $z or failed($file); $buf = "" }
  my $pid = open(my $pipe, "-|") // failed($how);
  if (!$pid) { open STDIN, "<", $file if $file; open STDERR, ">", "/dev/null"; exec $how, "-dc"; exit 127 }
  $from = $pipe; return sub { 1 while ($buf = "", more()); close $pipe; my $bad = $?; unlink $file if $file; $bad and refuse(71, "CUT") } }
sub apply { ($root, $next, my $need, @accept) = @_;
  ($in, $locked, $complete, $number, @left) = ("$s/in.$next", 0, 0, 0); %$_ = () for \%real, \%link, \%made, \%flat, \%list; $made{$in} = 1;
  chdir $root && -d "$s/m" or $live ? refuse(75, "DRIFT none") : return 1;
  -d "$root.part-$_" and return 1 for $live ? () : @accept;
  check();
  if ($need) { my ($free) = (split " ", (split /\n/, qx(df -Pk . 2>/dev/null))[-1] // "")[3] // ""; $free =~ /^\d+$/ && $free < $need and refuse(76, "ROOM $free $need") }
  my $how = received();
  mkdir $in or failed($in);
  my $end = $how eq "raw" ? sub {} : decoded($how);
  unpacked(); $end->(); $complete or refuse(71, "CUT");
  take(); check();
  for (@accept > 1 ? @accept : (), $have =~ /^dirty\.(.*)/s) { discard("$s/in.$_") if -e "$s/in.$_" }
  -l "./$_" && refuse(77, "LINK $_") for @{$list{up}};
  sysopen my $g, "$s/gen", 0102, 0644 or failed("$s/gen"); generation($g, "dirty.$next");
  if ($list{full} && opendir my $m, "$s/m") { unlink map { "$s/m/$_" } grep { !/^\.\.?$/ } readdir $m }
  rename "$in/log", "$s/m/$next" or failed("$s/m/$next");
  for (@{$list{rm}}) { next if unlink $_; my $why = $!; refuse(70, "FAIL $_: $why") if -l $_ || (-e _ && !-d _) }
  rmdir $_ for @{$list{rd}};
  %real = () if $list{rm} || $list{rd};
  for (@{$list{mv}}) { if (exists $flat{$_}) { place($_) } elsif (-l "$in/t/$_" || -e _) { if (behind($_)) { push @left, $_ } else { go($_) } } }
  place($_) for sort keys %flat;
  if (@left) { open my $l, ">", "$in/slow" or failed("$in/slow"); print $l map { "$_\0" } @left; close $l or failed("$in/slow"); return ${EXIT_REST} }
  for (["$s/.gitignore", "*\n"], ["$s/stamp", ""]) { next if -e $$_[0]; open my $h, ">", $$_[0] or next; print $h $$_[1] }
  generation($g, $next); close $g or failed("$s/gen");
  rmdir $in or discard($in); unlink "$s/lock"; $locked = 0;
  print "OK $next perl", (map { " $_" } grep { installed($_) } "zstd", "gzip"), "\n"; 0 }
sub tidy { discard($in) if $in && -d $in; unlink "$s/lock" if $locked; $locked = 0 }
sub attempt { my @args = @_; my $code = eval { apply(@args) };
  if (!defined $code) { my ($why, $text) = ref $@ ? @{$@} : (70, "FAIL $@"); tidy(); print "$text\n"; $code = $why } $code }
$SIG{$_} = sub { tidy(); exit 70 } for "HUP", "INT", "TERM", "PIPE";
if ($holder eq "warm") {
  my ($rest, $root) = ($input, @push); my $waiting = ""; $holder = $$; $live = $ENV{MODAL_SYNC_LIVE} = 1;
  for (;;) {
    $waiting =~ /\n/ or sysread STDIN, $waiting, 65536, length $waiting or exit;
    $waiting =~ s/^(.*)\n// or next; my ($bytes, @args) = split / /, $1;
    while (length $waiting < $bytes) { sysread STDIN, $waiting, 65536, length $waiting or exit }
    ($from, $buf) = (undef, substr $waiting, 0, $bytes, "");
    if (attempt($root, @args) == ${EXIT_REST}) { local $ENV{MODAL_SYNC_CODE} = ${EXIT_REST}; system "sh", "-c", $rest, "modal-sync", $root, @args; $locked = 0 }
    print "\004\n";
  }
}
if ($holder eq "direct") {
  my $rest = $input; ($holder, $from, $buf) = ($$, *STDIN, "");
  my $code = attempt(@push);
  exit $code if $code != 1 && $code != ${EXIT_REST};
  $ENV{MODAL_SYNC_CODE} = $code; exec "sh", "-c", $rest, "modal-sync", @push; exit 70;
}
if ($input eq "-") { ($from, $buf) = (*STDIN, "") }
else { $input =~ tr{A-Za-z0-9+/}{}cd; $input =~ tr{A-Za-z0-9+/}{ -_}; $buf = join "", map { unpack "u", chr(32 + int(length() * 3 / 4)) . $_ } $input =~ /(.{1,60})/gs }
exit attempt(@push);
`;
