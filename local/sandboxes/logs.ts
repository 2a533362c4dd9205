/** The control plane's RPCs for sandbox logs. */
import { type ControlPlane, LogStream, type Request } from '../grpc/wire.ts';
import type { LogLine } from './log-book.ts';
import type { Sandbox } from './sandbox.ts';
import type { SandboxTable } from './sandbox-table.ts';

type Query = Pick<
  Request<'appFetchLogs'>,
  'appId' | 'taskId' | 'sandboxId' | 'since' | 'until' | 'source' | 'searchText'
>;

export function logsService(table: SandboxTable) {
  function matchingSandboxes({ appId, taskId, sandboxId }: Query): Sandbox[] {
    return table
      .live()
      .filter(({ record }) => record.appId === appId)
      .filter(({ record }) => !taskId || record.taskId === taskId)
      .filter(({ record }) => !sandboxId || record.id === sandboxId);
  }

  function linesOf(sandbox: Sandbox, { since, until, source, searchText }: Query): LogLine[] {
    return sandbox.log.lines.filter(
      ({ timestamp, fileDescriptor, data }) =>
        (!since || timestamp * 1000 >= since.getTime()) &&
        (!until || timestamp * 1000 < until.getTime()) &&
        (!source || fileDescriptor === source) &&
        (!searchText || data.includes(searchText)),
    );
  }

  return {
    async appFetchLogs(request) {
      const limit = request.limit || Number.POSITIVE_INFINITY;
      const batches = matchingSandboxes(request).map((sandbox) => {
        const items = linesOf(sandbox, request).slice(0, limit);
        return {
          taskId: sandbox.record.taskId,
          sandboxId: sandbox.record.id,
          items: items.map((line) => ({ ...line, containerId: sandbox.record.taskId })),
          entryId: items.at(-1)?.timestampNs ?? '',
        };
      });
      return { batches: batches.filter(({ items }) => items.length > 0) };
    },
    async appCountLogs(request) {
      const bucketMs = Math.max(1, request.bucketSecs) * 1000;
      const buckets = new Map<number, { stdoutLogs: number; stderrLogs: number; systemLogs: number }>();
      for (const line of matchingSandboxes(request).flatMap((sandbox) => linesOf(sandbox, request))) {
        const start = Math.floor((line.timestamp * 1000) / bucketMs) * bucketMs;
        const counts = buckets.get(start) ?? { stdoutLogs: 0, stderrLogs: 0, systemLogs: 0 };
        if (line.fileDescriptor === LogStream.stdout) counts.stdoutLogs++;
        else if (line.fileDescriptor === LogStream.stderr) counts.stderrLogs++;
        else counts.systemLogs++;
        buckets.set(start, counts);
      }
      return {
        appId: request.appId,
        buckets: [...buckets]
          .sort(([one], [other]) => one - other)
          .map(([start, counts]) => ({ bucketStartAt: new Date(start), ...counts })),
      };
    },
  } satisfies Partial<ControlPlane>;
}
