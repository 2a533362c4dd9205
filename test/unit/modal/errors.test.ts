import assert from 'node:assert/strict';
import { ClientError, Status } from 'nice-grpc-common';
import { UserError } from '../../../src/base/errors.ts';
import { logError, logInfo, logWarning, setLog } from '../../../src/base/log.ts';
import { AccountError } from '../../../src/modal/accounts.ts';
import {
  explainAndLog,
  explainError,
  isAccountProblem,
  isNotFound,
  isSandboxGone,
  isSandboxStopped,
  SandboxEndedError,
} from '../../../src/modal/errors.ts';
import { RemoteFileError } from '../../../src/modal/remote-files.ts';
import { strings } from '../../../src/modal/strings.ts';
import { replyError } from '../../../src/sync/push/reply-error.ts';

const grpc = (code: Status, details: string) =>
  new ClientError('/modal.client.ModalClient/SandboxCreateV2', code, details);
const named = (name: string, message: string) => Object.assign(new Error(message), { name });

describe('explainError', () => {
  const cases: [title: string, error: unknown, expected: string][] = [
    [
      'an unreachable server',
      grpc(Status.UNAVAILABLE, 'connect ECONNREFUSED'),
      strings.unreachable('connect ECONNREFUSED'),
    ],
    ['a rejected token', grpc(Status.UNAUTHENTICATED, 'bad token'), strings.tokenRejected('bad token')],
    ['a missing permission', grpc(Status.PERMISSION_DENIED, 'no entry'), strings.permissionDenied('no entry')],
    ['an exhausted plan', grpc(Status.RESOURCE_EXHAUSTED, 'quota'), strings.exhausted('quota')],
    ['a late response', grpc(Status.DEADLINE_EXCEEDED, 'late'), strings.timedOut('late')],
    ['a missing object', grpc(Status.NOT_FOUND, 'no app'), strings.notFound('no app')],
    ['a sandbox that timed out', new SandboxEndedError('timeout'), strings.sandboxEnded('timeout')],
    ['a message for users', new UserError('Do this.'), 'Do this.'],
    ['an error of a file', new RemoteFileError('denied', 'Not this file.'), 'Not this file.'],
    [
      'an account that is not selected',
      new AccountError(strings.noAccount()),
      strings.withSignInHint(strings.noAccount()),
    ],
    [
      'an image that does not build',
      new Error('Image build for im-1 failed with the exception:\nboom'),
      strings.imageBuildFailed('Image build for im-1 failed with the exception:.'),
    ],
    ['an unexpected error', new Error('odd\nstack'), strings.unexpected('odd.')],
    ['a thrown value that is not an error', 'odd', strings.unexpected('odd.')],
  ];
  for (const [title, error, expected] of cases) {
    it(`explains ${title} in one line`, () => {
      assert.equal(explainError(error), expected);
      assert.doesNotMatch(expected, /\n|\/modal\.client/);
    });
  }

  it('shows nothing of a reason but its words', () => {
    const reason = `[Retry](command:modal.showLog)\u001b[31m\u202e${'x'.repeat(1_000_000)}`;
    const errors = [
      grpc(Status.UNAVAILABLE, reason),
      new UserError(reason),
      new RemoteFileError('denied', reason),
      replyError({ kind: 'failed', reason }, '/workspace'),
      replyError({ kind: 'conflict', path: reason }, '/workspace'),
      reason,
    ];
    for (const text of errors.map(explainError)) {
      assert.match(text, /\[Retry\] \(command:modal\.showLog\)x/);
      assert.doesNotMatch(text, /\p{Cc}|\p{Bidi_Control}/u);
      assert.ok(text.length <= 1000);
    }
  });

  it('omits what grpc-js says about its own workings', () => {
    const details = 'No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:9. Resolution note: ';
    assert.equal(
      explainError(grpc(Status.UNAVAILABLE, details)),
      strings.unreachable('connect ECONNREFUSED 127.0.0.1:9'),
    );
  });

  it('logs no control characters, and no megabytes', () => {
    const logged: string[] = [];
    const add = (message: string) => logged.push(message);
    setLog({ info: add, warn: add, error: add });
    logWarning('\u0007c\u202e');
    logInfo(`\u001b[2J\u0007${'x'.repeat(1_000_000)}`);
    logError(new UserError('\u202e\u009b2J[a](command:modal.showLog)\r\nb'));
    setLog({ info() {}, warn() {}, error() {} });
    assert.match(logged[2] ?? '', /^UserError: \[a\] \(command:modal\.showLog\)\nb\n +at /);
    assert.equal(logged[0], 'c');
    assert.match(logged[1] ?? '', /^x+…x+$/);
    assert.equal(logged[1]?.length, 10_000);
  });

  it('logs nothing, while explainAndLog logs the details', () => {
    const logged: string[] = [];
    setLog({ info: () => {}, warn: () => {}, error: (message) => logged.push(message) });
    try {
      explainError(new Error('odd\nstack'));
      assert.deepEqual(logged, []);
      assert.equal(explainAndLog(new Error('odd\nstack')), strings.unexpected('odd.'));
      assert.match(logged.join(), /^Error: odd\nstack\n {4}at /);
    } finally {
      setLog({ info: () => {}, warn: () => {}, error: () => {} });
    }
  });
});

describe('Kinds of errors', () => {
  it('tells missing objects and files from other failures', () => {
    for (const error of [
      grpc(Status.NOT_FOUND, 'no task'),
      named('NotFoundError', 'no image'),
      new RemoteFileError('notFound', 'no file'),
      new RemoteFileError('gone', 'no volume'),
    ])
      assert.equal(isNotFound(error), true, error.message);
    assert.equal(isNotFound(new RemoteFileError('denied', 'no')), false);
    assert.equal(isNotFound(grpc(Status.UNAVAILABLE, 'net')), false);
  });

  it('tells a sandbox that has stopped from other failures', () => {
    assert.equal(isSandboxGone(grpc(Status.NOT_FOUND, 'no task')), true);
    assert.equal(isSandboxGone(new SandboxEndedError('idle')), true);
    assert.equal(isSandboxGone(named('ConflictError', 'Sandbox has already finished')), true);
    assert.equal(isSandboxGone(named('ConflictError', 'busy')), false);
    assert.equal(isSandboxGone(new RemoteFileError('notFound', 'no file')), false);
    assert.equal(isSandboxGone(grpc(Status.UNAVAILABLE, 'net')), false);
    assert.equal(isSandboxStopped(named('ConflictError', 'busy')), true);
    assert.equal(isSandboxStopped(grpc(Status.FAILED_PRECONDITION, 'not running')), true);
  });

  it('offers another account only if that helps', () => {
    assert.equal(isAccountProblem(grpc(Status.UNAUTHENTICATED, 'bad')), true);
    assert.equal(isAccountProblem(grpc(Status.UNAVAILABLE, 'net')), false);
  });
});
