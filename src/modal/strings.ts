import * as l10n from '@vscode/l10n';
import type { SandboxEnd } from './sandbox-ends.ts';

/** Messages about Modal: accounts, errors, sandboxes, volumes, and files. */
export const strings = {
  sandboxEnd: (end: SandboxEnd) => SANDBOX_ENDS[end](),
  sandboxEnded: (end: SandboxEnd) => (SANDBOX_ENDED[end] ?? stoppedUnexpectedly)(),
};

const SANDBOX_ENDS: Readonly<Record<SandboxEnd, () => string>> = {
  exited: () => l10n.t('exited'),
  failed: () => l10n.t('failed'),
  terminated: () => l10n.t('terminated'),
  timeout: () => l10n.t('timed out'),
  unstarted: () => l10n.t("couldn't start"),
  preempted: () => l10n.t('stopped by Modal'),
  idle: () => l10n.t('stopped when idle'),
};

const stoppedUnexpectedly = () =>
  l10n.t('The sandbox stopped unexpectedly, possibly because it ran out of memory. Run again to start a new one.');

const SANDBOX_ENDED: Readonly<Partial<Record<SandboxEnd, () => string>>> = {
  timeout: () =>
    l10n.t(
      'The sandbox reached its maximum lifetime and was stopped. Run again to start a new one. To allow more time, increase timeoutMs in the profile.',
    ),
  idle: () =>
    l10n.t(
      'The sandbox was stopped because it was idle. Run again to start a new one. To keep sandboxes longer, increase idleTimeoutMs in the profile.',
    ),
  terminated: () => l10n.t('The sandbox was terminated. Run again to start a new one.'),
  preempted: () =>
    l10n.t('Modal stopped the sandbox to free its machine, or because of a problem. Run again to start a new one.'),
};
