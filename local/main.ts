/** The command line of Local Modal. */
import { makePrivateFolder } from '../src/base/private-files.ts';
import { thisProcess } from '../src/base/processes.ts';
import { StartError } from './http/start-error.ts';
import { dropRoot } from './isolation/root-mapping.ts';
import { claim, DataFolderInUse } from './server/claim.ts';
import { reduceGarbageCollections } from './server/garbage-collection.ts';
import { type Options, parseOptions, readSeed, USAGE } from './server/options.ts';
import { type LocalModal, startServer } from './server/server.ts';
import { Leases, removeServerFile, writeServerFile } from './server/shared.ts';
import { newId } from './state/ids.ts';

reduceGarbageCollections();

// The process that started the server may be gone, and the other end of its output with it.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

// A bug in the handling of one sandbox must not take down the others.
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    process.stderr.write(`${event}: ${error instanceof Error ? error.stack : String(error)}\n`);
  });
}

/** The maximum time for a shutdown before the process kills itself. */
const STOP_TIMEOUT_MS = 1800;

/** The tag of a sandbox that keeps the server running although it isn't leased: a program in it outlives its window. */
const KEEP_TAG = 'vscode-detached';
/** The exit code when another running server uses the data folder. */
const EXIT_CODE_IN_USE = 3;

async function run(options: Options): Promise<void> {
  if (!(await makePrivateFolder(options.data)))
    throw new StartError(`The folder ${options.data} belongs to another user. Use another one with --data.`);
  await claim(options.data);
  const own = { id: newId('ak'), secret: newId('as') };
  // The command line can choose the tokens. Otherwise, the server makes one.
  const isOwnAccepted = options.shared || options.token.length === 0;
  const server = await startServer({
    port: options.port,
    dataFolder: options.data,
    tokens: isOwnAccepted ? [own, ...options.token] : options.token,
    seed: await readSeed(options.seed),
    controlPort: options.control,
    allowUnisolated: options['allow-unisolated'],
    runtime: options.runtime,
    network: options.network,
    openTunnels: options['open-tunnels'],
    signIn: options['sign-in'] ? print : undefined,
  });
  const stop = stopOnce(server, options.data);
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  if (options['exit-with-parent']) followParent(stop);
  if (options.shared) {
    const isNeeded = () => server.hasSandboxes(options['keep-sandboxes'] ? undefined : KEEP_TAG);
    server.http.route('/lease', new Leases(options.linger * 1000, stop, isNeeded).handler(own));
    await writeServerFile(options.data, {
      url: server.url,
      ...(await thisProcess()),
      tokenId: own.id,
      tokenSecret: own.secret,
      leaseUrl: server.http.url('/lease'),
      isolation: server.isolation,
      runtime: server.runtime,
    });
  }
  const control = server.controlUrl ? ` (control ${server.controlUrl})` : '';
  print(`Local Modal is ready at ${server.url}${control}`);
  print(server.isolation);
  // Clients of a shared server read the token from its file.
  if (isOwnAccepted && !options.shared) {
    print(`MODAL_SERVER_URL=${server.url} MODAL_TOKEN_ID=${own.id} MODAL_TOKEN_SECRET=${own.secret}`);
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function stopOnce(server: LocalModal, dataFolder: string): () => void {
  let stopping = false;
  return () => {
    if (stopping) return;
    stopping = true;
    // The sandboxes die with this process in any case, because their first processes hold a pipe to it. An ordinary exit
    // would wait until a large file that is being copied is complete.
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), STOP_TIMEOUT_MS);
    const stopped = removeServerFile(dataFolder).then(() => server.stop());
    stopped.then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
}

/**
 * Stops when the parent exits: immediately if it forked this process with a channel, otherwise within half a second.
 */
function followParent(stop: () => void): void {
  const parent = process.ppid;
  process.on('disconnect', stop);
  setInterval(() => {
    if (process.ppid !== parent) stop();
  }, 500).unref();
}

function fail(error: unknown, code: number): never {
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(error instanceof StartError ? `${reason}\n` : `Local Modal couldn't start (${reason}).\n`);
  process.exit(code);
}

let options: Options;
try {
  options = parseOptions(process.argv.slice(2));
} catch (error) {
  process.stderr.write(USAGE);
  fail(error, 2);
}
try {
  dropRoot(options.data);
} catch (error) {
  fail(error, 1);
}
run(options).catch((error) => fail(error, error instanceof DataFolderInUse ? EXIT_CODE_IN_USE : 1));
