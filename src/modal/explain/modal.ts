import { Code } from '../error-shape.ts';
import { type Kind, kindOf, match, type Rule } from './kind.ts';
import { strings } from './strings.ts';

const fileFailed = kindOf(strings.sandboxFileFailed);
const stopped = kindOf(strings.sandboxStopped, 'retry');
const invalid = kindOf(strings.invalid, 'showProfile', 'showLog');
const noGpu = kindOf(strings.noGpu, 'chooseGpu', 'retry');
const internal = kindOf(strings.internal, 'retry', 'showServiceStatus', 'showLog');

const STOPPED: Rule = [
  /\b(?:sandbox|task|container)\b.*\b(?:finished|ended|terminated|stopped|exited|completed|not running|shut ?down|unavailable)\b/i,
  stopped,
];

/** The kinds of errors of Modal by gRPC status code. The first pattern that matches the server's words counts. */
const BY_CODE: Readonly<Record<number, readonly Rule[]>> = {
  [Code.cancelled]: [[/(?:)/, kindOf(strings.connectionReset, 'retry')]],
  [Code.unknown]: [[/(?:)/, internal]],
  [Code.internal]: [[/(?:)/, internal]],
  [Code.dataLoss]: [[/(?:)/, internal]],
  [Code.invalid]: [
    [/\bgpu\b/i, kindOf(strings.unknownGpu, 'chooseGpu')],
    [/\bregions?\b|\bcloud\b/i, kindOf(strings.unknownRegion, 'chooseRegion')],
    [/(?:)/, invalid],
  ],
  [Code.outOfRange]: [[/(?:)/, invalid]],
  [Code.deadline]: [[/(?:)/, kindOf(strings.timedOut, 'retry', 'showServiceStatus')]],
  [Code.notFound]: [
    [/\bsandbox\b|\btask\b/i, stopped],
    [/\bsecrets?\b/i, kindOf(strings.secretNotFound, 'showSecrets', 'showProfile')],
    [/\bvolumes?\b/i, kindOf(strings.volumeNotFound, 'showProfile')],
    [/\b(?:image|snapshot)\b/i, kindOf(strings.imageNotFound, 'showProfile', 'retry')],
    [/\benvironment\b/i, kindOf(strings.environmentNotFound, 'openConfigFile', 'chooseAccount')],
    [/\bapp\b/i, kindOf(strings.appNotFound, 'retry')],
    [/(?:)/, kindOf(strings.notFound, 'retry')],
  ],
  [Code.exists]: [[/(?:)/, kindOf(strings.exists)]],
  [Code.denied]: [[/(?:)/, kindOf(strings.permissionDenied, 'chooseAccount')]],
  [Code.exhausted]: [
    [/larger than max|message.*too large/i, kindOf(strings.tooLarge, 'showLog')],
    [/spend|budget|credits?\b|billing/i, kindOf(strings.spendLimit, 'showUsage', 'useLocalModal')],
    [/\bvolumes?\b|\binodes?\b/i, kindOf(strings.volumeLimit, 'showUsage')],
    [/\brate\b|too many requests|throttl/i, kindOf(strings.tooManyRequests, 'retry')],
    [
      /\bgpus?\b.*\b(?:limit|quota)|\b(?:limit|quota)\b.*\bgpus?\b/i,
      kindOf(strings.gpuLimit, 'showSandboxes', 'showUsage'),
    ],
    [/\bgpus?\b|insufficient capacity/i, noGpu],
    [/\b(?:sandbox(?:es)?|containers?)\b/i, kindOf(strings.sandboxLimit, 'showSandboxes', 'showUsage')],
    [/(?:)/, kindOf(strings.exhausted, 'retry', 'showUsage')],
  ],
  [Code.precondition]: [STOPPED, [/(?:)/, kindOf(strings.notPossibleNow, 'retry', 'showLog')]],
  [Code.aborted]: [STOPPED, [/(?:)/, kindOf(strings.conflict, 'retry')]],
  [Code.unimplemented]: [[/(?:)/, kindOf(strings.unimplemented, 'showLog')]],
  [Code.unavailable]: [[/(?:)/, kindOf(strings.unreachable, 'retry', 'useLocalModal', 'showServiceStatus')]],
  [Code.unauthenticated]: [[/(?:)/, kindOf(strings.tokenRejected, 'signIn', 'createToken')]],
};

/** The status codes that the SDK's own classes stand for. */
const CODE_OF_CLASS: Readonly<Record<string, number>> = {
  NotFoundError: Code.notFound,
  AlreadyExistsError: Code.exists,
  InvalidError: Code.invalid,
  ConflictError: Code.aborted,
  ResourceExhaustedError: Code.exhausted,
  NotScheduledError: Code.exhausted,
  TimeoutError: Code.deadline,
  InternalFailure: Code.internal,
  ExecutionError: Code.internal,
  RemoteError: Code.internal,
  SnapshotCreationError: Code.internal,
};

const BY_CLASS: Readonly<Record<string, Kind>> = {
  SandboxTimeoutError: kindOf(strings.sandboxStopped, 'retry', 'raiseTimeout'),
  ClientClosedError: kindOf(strings.clientClosed, 'retry'),
  NotScheduledError: noGpu,
};

/** The plain errors of the SDK, which validates parameters and reports builds with them. */
const BY_TEXT: readonly Rule[] = [
  [/^Image build .* timed out/, kindOf(strings.imageBuildTimedOut, 'showProfile', 'showLog')],
  [/^Image build .* terminated/, kindOf(strings.imageBuildInterrupted, 'retry', 'showLog')],
  [/^Image build/, kindOf((reason) => strings.imageBuildFailed(asSentence(reason)), 'showProfile', 'showLog')],
  [/^Profile is missing credentials/, kindOf(strings.noCredentials, 'signIn', 'useLocalModal')],
  [
    /credentials cannot both be configured|must all be configured/,
    kindOf(strings.tokenRejected, 'openConfigFile', 'signIn'),
  ],
  [/^Deadline exceeded/, kindOf(strings.commandTimedOut, 'retry', 'replaceSandbox')],
  [/\bout of memory\b|\bOOM\b/i, kindOf(strings.outOfMemory, 'raiseMemory', 'retry')],
  [/^Invalid GPU count/, kindOf(strings.unknownGpu, 'chooseGpu')],
  [/\b(?:timeoutMs|idleTimeoutMs|memoryMiB|memoryLimitMiB|cpu|cpuLimit|workdir|runtime)\b/, invalid],
];

/** Returns the kind of an error of the SDK or of Modal's servers. */
export function modalKind(code: number | undefined, className: string, reason: string): Kind | undefined {
  if (className.startsWith('SandboxFilesystem')) return fileFailed;
  if (Object.hasOwn(BY_CLASS, className)) return BY_CLASS[className];
  const outOfMemory = /\bout of memory\b|\bOOM\b/i.test(reason);
  const status = code ?? (Object.hasOwn(CODE_OF_CLASS, className) ? CODE_OF_CLASS[className] : undefined);
  const rules = status !== undefined && !outOfMemory ? BY_CODE[status] : undefined;
  return match(rules ?? BY_TEXT, reason.replace(PLACE, ''));
}

/** Where the server looked for what it didn't find. */
const PLACE = / in (?:environment|app) \S+$/i;

export function asSentence(text: string): string {
  return text.replace(/\.?$/, '.');
}
