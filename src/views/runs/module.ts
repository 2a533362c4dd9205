import * as vscode from 'vscode';
import { executeCommand, registerCommands } from '../../providers/common/commands.ts';
import { report } from '../../providers/common/report.ts';
import { window } from '../../providers/common/window.ts';
import type { RunRecord } from '../../run/records/record.ts';
import type { RunRecords } from '../../run/records/run-records.ts';
import { rowSelection } from '../common/row-selection.ts';
import { CostDocument } from './cost-document.ts';
import { RunOutputs } from './run-outputs.ts';
import { RunsTree, type RunsTreeOptions } from './runs-tree.ts';
import { strings } from './strings.ts';

/** The Runs view, the documents with what runs have printed, and their commands. */
export function runsModule({ records, detached, isOpen }: RunsTreeOptions): vscode.Disposable {
  const tree = new RunsTree({ records, detached, isOpen });
  const outputs = new RunOutputs(records);
  const cost = new CostDocument(records);
  const { one, all } = rowSelection(tree.view, (row): row is RunRecord => 'label' in row);
  return vscode.Disposable.from(
    tree,
    outputs,
    cost,
    registerCommands({
      'modal.showCost': () => cost.show(),
      'modal.openRunOutput': one((record) => outputs.open(record)),
      'modal.compareRunOutputs': all(async ([first, second, third]) =>
        first && second && !third ? outputs.compare(first, second) : report(strings.selectTwo()),
      ),
      'modal.debugRun': one(
        ({ again }) => again?.kind === 'file' && executeCommand('modal.debugFile', vscode.Uri.parse(again.uri)),
      ),
      'modal.copyRunCommand': one(({ command }) => vscode.env.clipboard.writeText(command)),
      'modal.deleteRuns': all((rows) => deleteRuns(records, rows)),
    }),
  );
}

async function deleteRuns(records: RunRecords, rows: readonly RunRecord[]): Promise<void> {
  const [first] = rows;
  if (!first) return;
  const question = rows.length === 1 ? strings.deleteOne(first.label) : strings.deleteMany(rows.length);
  const answer = await window.showWarningMessage(question, { modal: true }, strings.delete());
  if (answer === strings.delete()) await records.delete(rows);
}
