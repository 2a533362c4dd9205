import { type ActionId, UserError } from '../../base/errors.ts';
import { strings } from '../strings.ts';
import type { Reply } from './apply-script.ts';

/** Returns the error for a push that the sandbox refused, with a next step. */
export function replyError(reply: Exclude<Reply, { kind: 'ok' }>, remoteRoot: string): UserError {
  return new UserError(messageFor(reply, remoteRoot), { actions: ACTIONS[reply.kind] });
}

const ACTIONS: Readonly<Record<Exclude<Reply['kind'], 'ok'>, readonly ActionId[]>> = {
  'no-tool': ['chooseProfile'],
  room: ['replaceSandbox'],
  full: ['retry', 'replaceSandbox'],
  conflict: ['replaceSandbox'],
  link: ['replaceSandbox'],
  drift: ['retry'],
  cut: ['retry'],
  failed: ['retry', 'replaceSandbox'],
};

function messageFor(reply: Exclude<Reply, { kind: 'ok' }>, remoteRoot: string): string {
  switch (reply.kind) {
    case 'no-tool':
      return strings.toolMissing(reply.tool);
    case 'room':
      return strings.tooLittleSpace(megabytes(reply.freeBytes), megabytes(reply.neededBytes));
    case 'full':
      return strings.sandboxDiskFull();
    case 'conflict':
      return strings.kindConflict(`${remoteRoot}/${reply.path}`);
    case 'link':
      return strings.linkInTheWay(`${remoteRoot}/${reply.path}`);
    case 'drift':
      return strings.keepsChanging();
    case 'cut':
      return strings.connectionLost();
    case 'failed':
      return strings.applyFailed(reply.reason, remoteRoot);
  }
}

function megabytes(bytes: number): string {
  return `${Math.floor(bytes / 1e6)} MB`;
}
