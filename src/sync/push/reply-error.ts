import { UserError } from '../../base/errors.ts';
import type { Reply } from './apply-script.ts';

/** The error for a push that the sandbox refused, with a next step. */
export function replyError(reply: Exclude<Reply, { kind: 'ok' }>, remoteRoot: string): UserError {
  switch (reply.kind) {
    case 'no-tool':
      return new UserError(
        `The sandbox’s image has no \`${reply.tool}\`, which sync needs. Choose a profile with another image.`,
      );
    case 'room':
      return new UserError(
        `The sandbox has no room for the workspace: ${megabytes(reply.freeBytes)} are free, ${megabytes(reply.neededBytes)} are needed. Exclude what the run does not need in .modalignore, or free some room in the sandbox.`,
      );
    case 'conflict':
      return new UserError(
        `The sandbox has a folder where the workspace has a file, or the other way round: ${remoteRoot}/${reply.path}. Remove it in the sandbox, then run again.`,
      );
    case 'link':
      return new UserError(
        `${remoteRoot}/${reply.path} is a link in the sandbox, so nothing was deleted behind it. Remove the link, then run again.`,
      );
    case 'drift':
      return new UserError(
        'Another window changes the same folder of the sandbox all the time. Wait until its sync has finished, then run again.',
      );
    case 'cut':
      return new UserError('The connection was cut before everything had been sent. Nothing was changed; run again.');
    case 'failed':
      return new UserError(
        `The workspace could not be written in the sandbox (${reply.reason}). Check the folder ${remoteRoot} there, or terminate the sandbox to start afresh.`,
      );
  }
}

function megabytes(bytes: number): string {
  return `${Math.floor(bytes / 1e6)} MB`;
}
