import { homedir } from 'node:os';
import * as vscode from 'vscode';
import { wallClock } from '../../base/clock.ts';
import { CHECKS, examine } from '../../doctor/examine.ts';
import { knownSecrets, type Report, reportOf } from '../../doctor/report.ts';
import type { Sources } from '../../doctor/sources.ts';
import { strings as doctorStrings } from '../../doctor/strings.ts';
import { proxyInUse } from '../../modal/proxy.ts';
import type { AccountState } from '../common/account-state.ts';
import { registerCommands } from '../common/commands.ts';
import { showErrorWithActions, showWarningWithActions } from '../common/error-actions.ts';
import { withProgress } from '../common/progress.ts';
import { window } from '../common/window.ts';
import { ReportDocument } from './report-document.ts';
import { strings } from './strings.ts';

export interface DoctorDependencies
  extends Pick<Sources, 'versions' | 'account' | 'localModal' | 'storage' | 'hasLostToken'> {
  readonly state: AccountState;
  readonly starter: NonNullable<Sources['starter']>;
}

/** `modal.doctor`: examines everything that a run needs, and shows a report, and each problem with its next steps. */
export function doctorModule(dependencies: DoctorDependencies): vscode.Disposable {
  const examineAndShow = async () => {
    const { state, starter, ...sources } = dependencies;
    const mayStart = await asksForSandbox(state);
    if (mayStart === undefined) return;
    const all = {
      ...sources,
      starter: mayStart ? starter : undefined,
      env: process.env,
      clock: wallClock,
      home: homedir(),
    };
    const checked = await withProgress(strings.examining(), (signal, report) =>
      examine(all, {
        signal,
        onCheck: (id) => report({ message: doctorStrings.check(id), increment: 100 / CHECKS.length }),
      }),
    );
    const account = await sources.account().catch(() => undefined);
    const report = reportOf(checked, all, knownSecrets(account, all.env, proxyInUse()));
    await document.show(report);
    summarize(report);
  };
  const document = new ReportDocument(examineAndShow);
  return vscode.Disposable.from(document, registerCommands({ 'modal.doctor': examineAndShow }));

  /** Shows each problem with its fixes as buttons. */
  function summarize({ problems }: Report): void {
    if (problems.length === 0) void window.showInformationMessage(strings.allWell());
    for (const { id, result, message, actions } of problems) {
      const show = result === 'failed' ? showErrorWithActions : showWarningWithActions;
      show(strings.found(doctorStrings.check(id), message), actions, { retry: examineAndShow });
    }
  }
}

/** Returns whether a sandbox may be started, which the user is asked if it costs something; undefined to stop. */
async function asksForSandbox({ isChosen, isLocal, label }: AccountState): Promise<boolean | undefined> {
  if (isLocal || !isChosen) return isLocal;
  const [withSandbox, withoutSandbox] = [strings.withSandbox(), strings.withoutSandbox()];
  const options = { modal: true, detail: strings.askDetail() };
  const pressed = await window.showInformationMessage(
    strings.askForSandbox(label),
    options,
    withSandbox,
    withoutSandbox,
  );
  return pressed === undefined ? undefined : pressed === withSandbox;
}
