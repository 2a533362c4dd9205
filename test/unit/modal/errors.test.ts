import assert from 'node:assert/strict';
import { ClientError, Status } from 'nice-grpc-common';
import { UserError } from '../../../src/base/errors.ts';
import { AccountError } from '../../../src/modal/accounts.ts';
import { explainError, isAccountProblem, isSandboxGone, SandboxEndedError } from '../../../src/modal/errors.ts';

const grpc = (code: Status, details: string) =>
  new ClientError('/modal.client.ModalClient/SandboxCreateV2', code, details);

describe('error sentences', () => {
  const cases: [string, unknown, RegExp][] = [
    [
      'an unreachable server',
      grpc(Status.UNAVAILABLE, 'connect ECONNREFUSED'),
      /cannot be reached \(connect ECONNREFUSED\).*run again/,
    ],
    [
      'a refused token',
      grpc(Status.UNAUTHENTICATED, 'Token validation failed'),
      /did not accept the token.*another account/,
    ],
    ['a missing right', grpc(Status.PERMISSION_DENIED, 'no'), /refused this to your account/],
    ['a full plan', grpc(Status.RESOURCE_EXHAUSTED, 'quota'), /no room.*limits of your plan/],
    ['a late answer', grpc(Status.DEADLINE_EXCEEDED, 'late'), /did not answer in time/],
    ['a sandbox that came to its end', new SandboxEndedError('timeout'), /longest lifetime.*Run again.*timeoutMs/],
    ['a sentence of our own', new UserError('Do this.'), /^Do this\.$/],
    [
      'an account that is not chosen',
      new AccountError('No Modal account is chosen yet.'),
      /Sign in, or use the local Modal/,
    ],
    [
      'an image that does not build',
      new Error('Image build for im-1 failed with the exception:\nboom'),
      /profile’s image/,
    ],
    ['anything else', new Error('odd\nstack'), /^odd\. Run again/],
    ['something that is no error', 'odd', /^odd\./],
  ];
  for (const [name, error, expected] of cases) {
    it(`has one for ${name}`, () => {
      const sentence = explainError(error);
      assert.match(sentence, expected);
      assert.ok(!sentence.includes('\n'), 'is one line');
      assert.ok(!sentence.includes('/modal.client'), 'names no RPC');
    });
  }

  it('leaves out what gRPC says of its own workings', () => {
    const details = 'No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:9. Resolution note: ';
    assert.match(explainError(grpc(Status.UNAVAILABLE, details)), /reached \(connect ECONNREFUSED 127\.0\.0\.1:9\)\./);
  });

  it('tells a sandbox that has ended from other failures', () => {
    assert.equal(isSandboxGone(grpc(Status.NOT_FOUND, 'no task')), true);
    assert.equal(isSandboxGone(grpc(Status.UNAVAILABLE, 'net')), false);
  });

  it('offers another account only where that helps', () => {
    assert.equal(isAccountProblem(grpc(Status.UNAUTHENTICATED, 'bad')), true);
    assert.equal(isAccountProblem(grpc(Status.UNAVAILABLE, 'net')), false);
  });
});
