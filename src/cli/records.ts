import { UserError } from '../base/errors.ts';
import { describeRecord } from '../run/records/describe.ts';
import type { RunRecord } from '../run/records/record.ts';
import type { Context } from './context.ts';
import { table } from './output.ts';
import { strings } from './strings.ts';

/** The number of runs in the list. */
const MAX_LISTED = 20;

/** `sandboxes logs`: prints what a run printed, by default the folder's last one, or lists the runs. */
export async function logs({ flags, args, output, service }: Context): Promise<number> {
  const { records, parts } = await service();
  const [wanted] = args;
  const isHere = ({ folder }: RunRecord) => folder.path === parts.folder.path;
  if (flags.list === true) {
    const found = await records.latest(MAX_LISTED, isHere);
    const alive = await Promise.all(found.map(({ windowId }) => parts.machine.isAlive(windowId)));
    const rows = found.map((each, index) => [
      each.id.slice(0, 8),
      new Date(each.at).toLocaleString(),
      each.label,
      describeRecord(each, alive[index] === true),
    ]);
    output.result(found, rows.length === 0 ? '' : table(rows));
    if (rows.length === 0) output.status(strings.noRuns());
    return 0;
  }
  const [record] = await records.latest(1, (each) =>
    wanted === undefined ? isHere(each) : each.id.startsWith(wanted),
  );
  if (!record) throw new UserError(wanted === undefined ? strings.noRuns() : strings.unknownRun(wanted));
  const stored = await records.output(record);
  if (output.isJson) {
    const text = stored && Buffer.concat([stored.head, stored.tail]).toString();
    output.result({ ...record, output: text, missingBytes: stored?.missingBytes }, '');
    return 0;
  }
  if (!stored) throw new UserError(record.end ? strings.outputDeleted() : strings.stillRunning());
  process.stdout.write(stored.head);
  if (stored.missingBytes > 0) output.status(strings.outputCut(stored.missingBytes));
  process.stdout.write(stored.tail);
  return 0;
}
