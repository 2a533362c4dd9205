import { REMOTE_ROOT } from '../sync/options.ts';
import { STATE_FOLDER } from '../sync/rules/builtin.ts';

/** The scripts' exit code if the sandbox has no SSH server. */
export const EXIT_NO_SERVER = 90;
/** The scripts' exit code if the host key can't be created, or the client's key can't be noted. */
export const EXIT_NOT_WRITABLE = 91;
/** A client that is quiet for this long is asked for a sign of life. After three times without one, the connection is lost. */
export const ALIVE_SECONDS = 40;
const MAX_MISSED = 3;
/** Next to the sync's state, so that it's never synced or listed. */
const FOLDER = `${REMOTE_ROOT}/${STATE_FOLDER}/ssh`;
/** The variable by which the programs of a connection are known. */
const CONNECTION = 'MODAL_SSH_CONNECTION';
/** Stands for a line break in a variable. */
const BREAK = '\u0001';

/** Lines of shell that set `sshd`, or exit. */
export const FIND_SERVER = `
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
sshd=$(command -v sshd) && command -v ssh-keygen >/dev/null || exit ${EXIT_NO_SERVER}`;

/**
 * Serves one SSH connection on stdin and stdout, for clients with the key in $1 only. First prints `modal-ssh` and
 * the public host key, which is created once per sandbox. Nothing listens on a port.
 *
 * Programs get the sandbox's own variables, which sshd would drop: those of the process that starts the server. Those of
 * several lines can't be passed on, and neither can those that end with a backslash. Since they may be secret, they are in
 * a file in memory where possible, and only during the connection.
 */
const SERVE = `${FIND_SERVER}
keys=${FOLDER}/host
mkdir -p ${FOLDER} && chmod 700 ${FOLDER} || exit ${EXIT_NOT_WRITABLE}
umask 077
if [ ! -s $keys/key.pub ]; then
  mkdir $keys.$$ && ssh-keygen -q -t ed25519 -N '' -C '' -f $keys.$$/key </dev/null >&2 || exit ${EXIT_NOT_WRITABLE}
  # Another connection may have created it in the meantime.
  mv $keys.$$ $keys 2>/dev/null
  rm -rf $keys.$$ $keys/host.$$
fi
if [ "$(id -u)" = 0 ]; then
  [ -d /run/sshd ] || mkdir -p -m 755 /run/sshd
  grep -qs '^sshd:' /etc/passwd || echo 'sshd:*:32766:65534::/run/sshd:/bin/false' >> /etc/passwd
  # sshd refuses root if its account counts as locked. This doesn't allow any password.
  if [ ! -e /etc/shadow ]; then echo 'root:*:::::::' > /etc/shadow
  elif grep -q '^root:!' /etc/shadow; then sed -i 's/^root:![^:]*:/root:*:/' /etc/shadow
  fi
fi
client=$(mktemp /dev/shm/modal-ssh.XXXXXX 2>/dev/null || mktemp ${FOLDER}/client.XXXXXX) || exit ${EXIT_NOT_WRITABLE}
{
  tr '\\0\\n' '\\n\\1' < /proc/$$/environ | sed -n \\
    -e '/${BREAK}/d' -e '/\\\\$/d' \\
    -e '/^\\(HOME\\|USER\\|LOGNAME\\|SHELL\\|PWD\\|OLDPWD\\|SHLVL\\|TERM\\|MAIL\\|_\\|SSH_.*\\)=/d' \\
    -e 's/"/\\\\"/g' -e 's/^[A-Za-z_][A-Za-z0-9_]*=.*$/environment="&",/p' | tr -d '\\n'
  printf 'environment="LANG=C.UTF-8",environment="${CONNECTION}=%s" %s\\n' "$3" "$1"
} > $client || exit ${EXIT_NOT_WRITABLE}
printf 'modal-ssh %s\\n' "$(cat $keys/key.pub)"
$sshd -i -e -f /dev/null -h $keys/key \\
  -o AuthorizedKeysFile=$client -o PermitUserEnvironment=yes -o AuthenticationMethods=publickey \\
  -o PasswordAuthentication=no -o KbdInteractiveAuthentication=no -o PermitRootLogin=yes -o UsePAM=no \\
  -o StrictModes=no -o 'Subsystem=sftp internal-sftp' -o AllowTcpForwarding=yes -o AllowAgentForwarding=yes \\
  -o X11Forwarding=no -o UseDNS=no -o PrintMotd=no -o PidFile=none -o LogLevel=ERROR -o TCPKeepAlive=no \\
  -o LoginGraceTime=60 -o ClientAliveInterval=$2 -o ClientAliveCountMax=${MAX_MISSED}
code=$?
rm -f $client
exit $code`;

/** What `unusedCommand` prints. */
export const UNUSED = 'unused';
/** A login shell's name begins with a hyphen. */
const CHECK = `
for each in /proc/[0-9]*; do
  tr '\\0' '\\n' < $each/environ 2>/dev/null | grep -qx "${CONNECTION}=$1" || continue
  [ "$(head -c 1 $each/cmdline)" = - ] || exit 0
done
echo ${UNUSED}`;

export interface Serving {
  /** Identifies the connection in the sandbox: letters, digits, and hyphens. */
  readonly connectionId: string;
  /** The client's public key. */
  readonly publicKey: string;
  readonly aliveSeconds: number;
}

/** Returns the command that serves one SSH connection. */
export function serveCommand({ connectionId, publicKey, aliveSeconds }: Serving): string[] {
  return ['sh', '-c', SERVE, 'modal-ssh', publicKey, String(aliveSeconds), connectionId];
}

/** Returns the command that prints `unused` if no program runs in a connection, other than an interactive shell. */
export function unusedCommand(connectionId: string): string[] {
  return ['sh', '-c', CHECK, 'modal-ssh-check', connectionId];
}
