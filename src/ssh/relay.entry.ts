/** The program that ssh runs to reach a sandbox: `ssh-relay.cjs FOLDER HOST`. It needs no window. */
import { explain } from '../modal/explain/explain.ts';
import { SshFolder } from './hosts.ts';
import { END_TIMEOUT_MS, relay } from './relay.ts';

// Ctrl+C in a terminal is for ssh.
process.on('SIGINT', () => {});
// ssh has ended, and so does the input, but nothing reads that while the connection is being made.
process.on('SIGHUP', () => setTimeout(() => process.exit(1), END_TIMEOUT_MS).unref());

const [folder = '', name = ''] = process.argv.slice(2);

async function main(): Promise<number> {
  try {
    await relay(name, new SshFolder(folder), process);
    return 0;
  } catch (error) {
    process.stderr.write(`${explain(error).message}\n`);
    return 1;
  }
}

void main().then((code) => process.stdout.end(() => process.exit(code)));
