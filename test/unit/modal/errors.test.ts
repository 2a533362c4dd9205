import assert from 'node:assert/strict';
import { ClientError, Status } from 'nice-grpc-common';
import { UserError } from '../../../src/base/errors.ts';
import { logError, logInfo, logWarning, setLog } from '../../../src/base/log.ts';
import {
  isAccountProblem,
  isNotFound,
  isSandboxGone,
  isSandboxStopped,
  SandboxEndedError,
} from '../../../src/modal/errors.ts';
import { explain, explainAndLog } from '../../../src/modal/explain/explain.ts';
import { strings } from '../../../src/modal/explain/strings.ts';
import { RemoteFileError } from '../../../src/modal/remote-files.ts';
import { replyError } from '../../../src/sync/push/reply-error.ts';

const grpc = (code: Status, details: string) =>
  new ClientError('/modal.client.ModalClient/SandboxCreateV2', code, details);
const named = (name: string, message: string) => Object.assign(new Error(message), { name });

describe('explain', () => {
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
    for (const text of errors.map((error) => explain(error).message)) {
      assert.match(text, /\[Retry\] \(command:modal\.showLog\)(\\x1b\[31m\\u202e)?x/);
      assert.doesNotMatch(text, /\p{Cc}|\p{Bidi_Control}/u);
      assert.ok(text.length <= 1000);
    }
  });

  it('shows and logs no tokens, passwords, or signatures', () => {
    const logged: string[] = [];
    setLog({ info: () => {}, warn: () => {}, error: (message) => logged.push(message) });
    const words = 'as-Ab12Cd34 http://me:pass@proxy:1 https://s3/x?a=1&X-Amz-Signature=0af3 Bearer aBc.d eyJa.eyJb.cd';
    const said = explainAndLog(new Error(words));
    setLog({ info() {}, warn() {}, error() {} });
    for (const text of [said, ...logged]) {
      assert.match(text, /as-… http:\/\/…@proxy:1 https:\/\/s3\/x\?a=1&X-Amz-Signature=… Bearer … …/);
    }
    assert.equal(logged.length, 1);
  });

  it('logs an error once, with its causes', () => {
    const logged: string[] = [];
    setLog({ info: () => {}, warn: () => {}, error: (message) => logged.push(message) });
    const error = new UserError('Do this.', { cause: Object.assign(new Error('inner'), { code: 'EIO' }) });
    explainAndLog(error);
    explainAndLog(error);
    setLog({ info() {}, warn() {}, error() {} });
    assert.equal(logged.length, 1);
    assert.match(
      logged[0] ?? '',
      /^UserError: Do this\.\n +at [\s\S]*\nCaused by: Error: inner\n +at [\s\S]*\n +code: EIO$/,
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
      explain(new Error('odd\nstack'));
      assert.deepEqual(logged, []);
      assert.equal(explainAndLog(new Error('odd\nstack')), strings.unexpected('odd'));
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
