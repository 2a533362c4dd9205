import assert from 'node:assert/strict';
import type { Sandbox } from 'modal';
import { Status } from 'nice-grpc-common';
import type { ActionId } from '../../../src/base/errors.ts';
import { explain } from '../../../src/modal/explain/explain.ts';
import { startWorkbench, type Workbench } from '../../helpers/local-modal.ts';

/** What fails, what users read, and the buttons. IDs are written `ID`. */
type Case = readonly [title: string, fail: () => unknown, message: string, ...actions: ActionId[]];
type Refusal = readonly [code: Status, words: string, message: string, ...actions: ActionId[]];

let bench: Workbench;
let running: Sandbox;
let timedOut: Sandbox;
let terminated: Sandbox;
let detached: Sandbox;

const create = (params: Parameters<Workbench['modal']['sandboxes']['create']>[2] = {}) =>
  bench.modal.sandboxes.create(bench.app, bench.image, params);
const build = (line: string) =>
  bench.modal.images.fromRegistry('debian:12-slim').dockerfileCommands([line]).build(bench.app);

/** Failures that Local Modal and the SDK have by themselves. */
const CASES: readonly Case[] = [
  [
    'a wrong token',
    () => bench.server.client({ tokenSecret: 'as-wrong1' }).apps.fromName('x', { createIfMissing: true }),
    "Modal didn't accept the token (Token validation failed). Select another account, or create a token at modal.com/settings/tokens.",
    'signIn',
    'createToken',
  ],
  [
    'no token',
    () => bench.server.client({ tokenId: '', tokenSecret: '' }).apps.fromName('x'),
    'The Modal account has no token. Sign in, or use Local Modal.',
    'signIn',
    'useLocalModal',
  ],
  [
    'a secret that does not exist',
    () => bench.modal.secrets.fromName('nope'),
    "A secret that the profile uses doesn't exist (Secret 'nope' not found in environment 'main'). Create it at modal.com/secrets, and then try again.",
    'showSecrets',
    'showProfile',
  ],
  [
    'a volume that does not exist',
    () => bench.modal.volumes.fromName('nope'),
    "The volume doesn't exist (Volume 'nope' not found in environment 'main'). Create it, or set `createIfMissing` in the profile, and then try again.",
    'showProfile',
  ],
  [
    'an app that does not exist',
    () => bench.modal.apps.fromName('nope'),
    "The Modal app doesn't exist or was stopped (App 'nope' not found). Check the modal.app setting, and then try again.",
    'retry',
  ],
  [
    'an environment that does not exist',
    () => bench.modal.volumes.fromName('x', { environment: 'nope', createIfMissing: true }),
    "The Modal environment doesn't exist (Environment 'nope' not found). Check `environment` in the Modal config file, or MODAL_ENVIRONMENT.",
    'openConfigFile',
    'chooseAccount',
  ],
  [
    'an image that does not exist',
    () => bench.modal.images.fromId('im-nope'),
    "The image or snapshot doesn't exist (Could not find image with ID im-ID). It might have expired or been deleted. Select another one, or check the profile's image.",
    'showProfile',
    'retry',
  ],
  [
    'an image name that does not exist',
    () => bench.modal.images.fromName('nope'),
    "The image or snapshot doesn't exist (Image 'nope:latest' not found in environment 'main'). It might have expired or been deleted. Select another one, or check the profile's image.",
    'showProfile',
    'retry',
  ],
  [
    'a sandbox that does not exist',
    async () => (await bench.modal.sandboxes.fromId('sb-nopenopenopenopenopen12')).exec(['true']),
    'The sandbox stopped (Sandbox with ID sb-ID not found). Run again to start a new one.',
    'retry',
  ],
  [
    'a sandbox name that does not exist',
    () => bench.modal.sandboxes.fromName('tests', 'nope'),
    "The sandbox stopped (Sandbox with name 'nope' not found in App 'tests'). Run again to start a new one.",
    'retry',
  ],
  [
    'a build step that fails',
    () => build('RUN exit 3'),
    "Image build for im-ID failed with the exception: exit code 3 in line: RUN exit 3. Check the profile's image.",
    'showProfile',
    'showLog',
  ],
  [
    'a build step that the SDK refuses',
    () => build('COPY a b'),
    "Modal didn't accept the request (COPY commands that copy from local context are not yet supported). Check the profile, and then try again.",
    'showProfile',
    'showLog',
  ],
  [
    'a region that does not exist',
    () => create({ regions: ['mars'] }),
    "Modal doesn't have this region or cloud (Unknown region: mars). Specify another one in the profile.",
    'chooseRegion',
  ],
  [
    'a cloud that does not exist',
    () => create({ cloud: 'mars' }),
    "Modal doesn't have this region or cloud (Unknown cloud provider: mars). Specify another one in the profile.",
    'chooseRegion',
  ],
  [
    'a GPU count that is not a number',
    () => create({ gpu: 'H100:x' }),
    "Modal doesn't have this GPU (Invalid GPU count: x. Value must be a positive integer). Specify another one in the profile's `gpu`.",
    'chooseGpu',
  ],
  [
    'an allowlist that is not valid',
    () => create({ outboundCidrAllowlist: ['1.2.3'] }),
    "Modal didn't accept the request (Invalid CIDR: 1.2.3). Check the profile, and then try again.",
    'showProfile',
    'showLog',
  ],
  [
    'a lifetime with a fraction of a second',
    () => create({ timeoutMs: 1500 }),
    "Modal didn't accept the request (timeoutMs must be a multiple of 1000ms, got 1500). Check the profile, and then try again.",
    'showProfile',
    'showLog',
  ],
  [
    'a lifetime that is too long',
    () => create({ timeoutMs: 100 * 3600_000 }),
    "Modal didn't accept the request (Sandbox timeout must be at most 86400 seconds). Check the profile, and then try again.",
    'showProfile',
    'showLog',
  ],
  [
    'less memory than is reserved',
    () => create({ memoryMiB: 64, memoryLimitMiB: 32 }),
    "Modal didn't accept the request (the memoryMiB request (64) cannot be higher than memoryLimitMiB (32)). Check the profile, and then try again.",
    'showProfile',
    'showLog',
  ],
  [
    'a name that another sandbox has',
    () => create({ name: 'one' }),
    "The name is already in use (Sandbox with name 'one' already exists in this app). Use another one.",
  ],
  [
    'a command line that is too long',
    () => running.exec(['echo', 'x'.repeat(70_000)]),
    "Modal didn't accept the request (Total length of CMD arguments must be less than 65536 bytes (ARG_MAX). Got 70004 bytes). Check the profile, and then try again.",
    'showProfile',
    'showLog',
  ],
  [
    'a file in the sandbox that does not exist',
    () => running.filesystem.readText('/nope'),
    'A file operation in the sandbox failed (No such file or directory: /nope). Check the path, and then try again.',
  ],
  [
    'a folder in the sandbox that is read as a file',
    () => running.filesystem.readText('/tmp'),
    'A file operation in the sandbox failed (Is a directory: /tmp). Check the path, and then try again.',
  ],
  [
    'a command in a sandbox that has timed out',
    () => timedOut.exec(['true']),
    'The sandbox stopped (Sandbox sb-ID is not running). Run again to start a new one.',
    'retry',
  ],
  [
    'a file of a sandbox that has timed out',
    () => timedOut.filesystem.readText('/etc/hostname'),
    'The sandbox stopped (The Sandbox is unavailable. This Sandbox may have already shut down). Run again to start a new one.',
    'retry',
  ],
  [
    'a snapshot of a sandbox that was terminated',
    () => terminated.snapshotFilesystem(),
    'The sandbox stopped (Sandbox sb-ID is not running). Run again to start a new one.',
    'retry',
  ],
  [
    'a sandbox whose connection was closed',
    () => detached.exec(['true']),
    'The connection to the sandbox was closed. Run again.',
    'retry',
  ],
];

/** Answers of Modal's servers that Local Modal gives only when it is told to. */
const REFUSALS: readonly Refusal[] = [
  [
    Status.UNAUTHENTICATED,
    'Token has expired',
    "Modal didn't accept the token (Token has expired). Select another account, or create a token at modal.com/settings/tokens.",
    'signIn',
    'createToken',
  ],
  [
    Status.PERMISSION_DENIED,
    'Missing role: contributor',
    "Your account doesn't have permission (Missing role: contributor). Ask the workspace's owner, or select another account.",
    'chooseAccount',
  ],
  [
    Status.INVALID_ARGUMENT,
    'Unknown GPU type: X9',
    "Modal doesn't have this GPU (Unknown GPU type: X9). Specify another one in the profile's `gpu`.",
    'chooseGpu',
  ],
  [
    Status.RESOURCE_EXHAUSTED,
    'Limit of 100 running sandboxes reached',
    "You've reached your plan's limit on running sandboxes (Limit of 100 running sandboxes reached). Stop sandboxes that you don't need, or upgrade your plan.",
    'showSandboxes',
    'showUsage',
  ],
  [
    Status.RESOURCE_EXHAUSTED,
    'GPU limit of 10 reached',
    "You've reached your plan's limit on GPUs (GPU limit of 10 reached). Stop sandboxes that you don't need, or request a higher limit from Modal.",
    'showSandboxes',
    'showUsage',
  ],
  [
    Status.RESOURCE_EXHAUSTED,
    'No H100 GPU is available',
    'Modal has no such GPU available right now (No H100 GPU is available). Try again later, or use another GPU or a list of several in the profile.',
    'chooseGpu',
    'retry',
  ],
  [
    Status.RESOURCE_EXHAUSTED,
    'Workspace budget exceeded',
    "Your Modal workspace has reached its spending limit (Workspace budget exceeded). Raise it in the workspace's settings, or use Local Modal.",
    'showUsage',
    'useLocalModal',
  ],
  [
    Status.RESOURCE_EXHAUSTED,
    'Volume has too many inodes',
    "You've reached a limit on volumes (Volume has too many inodes). Delete files or volumes that you don't need.",
    'showUsage',
  ],
  [
    Status.RESOURCE_EXHAUSTED,
    'Rate limit exceeded',
    'Too many requests were sent to Modal (Rate limit exceeded). Wait a moment, and then try again.',
    'retry',
  ],
  [
    Status.RESOURCE_EXHAUSTED,
    'Try later',
    "Modal has no capacity right now, or you've reached a limit of your plan (Try later). Wait a moment, and then try again.",
    'retry',
    'showUsage',
  ],
  [
    Status.FAILED_PRECONDITION,
    'Sandbox has already finished',
    'The sandbox stopped (Sandbox has already finished). Run again to start a new one.',
    'retry',
  ],
  [
    Status.FAILED_PRECONDITION,
    'Proxies are not supported',
    "Modal can't do this in the current state (Proxies are not supported). Try again. For details, see the log.",
    'retry',
    'showLog',
  ],
  [
    Status.ABORTED,
    'Concurrent update',
    'Something else changed the same resource (Concurrent update). Try again.',
    'retry',
  ],
  [
    Status.UNIMPLEMENTED,
    'Unknown method',
    "The server doesn't support this (Unknown method). Update Sandboxes for Modal, and then try again.",
    'showLog',
  ],
  [
    Status.OUT_OF_RANGE,
    'Offset 9 is past the end',
    "Modal didn't accept the request (Offset 9 is past the end). Check the profile, and then try again.",
    'showProfile',
    'showLog',
  ],
];

async function explanationOf(fail: () => unknown) {
  const error = await Promise.resolve()
    .then(fail)
    .then(
      () => assert.fail('nothing failed'),
      (reason: unknown) => reason,
    );
  const { message, actions } = explain(error);
  return [message.replaceAll(/\b(sb|im)-\w+/g, '$1-ID'), ...actions];
}

describe('Errors of Modal', () => {
  before(async () => {
    bench = await startWorkbench();
    [running, timedOut, terminated, detached] = (await Promise.all([
      create({ name: 'one' }),
      create({ timeoutMs: 1000 }),
      create(),
      create(),
    ])) as [Sandbox, Sandbox, Sandbox, Sandbox];
    detached.detach();
    await Promise.all([timedOut.wait(), terminated.terminate({ wait: true })]);
  });
  after(() => bench.server.stop());

  for (const [title, fail, ...expected] of CASES)
    it(`explains ${title}`, async () => assert.deepEqual(await explanationOf(fail), expected));

  for (const [code, words, ...expected] of REFUSALS)
    it(`explains the server's “${words}”`, async () => {
      await bench.server.control.addFault({ method: 'SandboxCreateV2', code, message: words, times: 1 });
      assert.deepEqual(await explanationOf(create), expected);
    });
});
