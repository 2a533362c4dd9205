import { Cron } from 'croner';
import { MINUTE_MS } from '../base/clock.ts';
import { strings } from './strings.ts';

/**
 * Returns the time of the next refresh, in milliseconds since 1970: a number of minutes after `after`, or the next match of
 * a cron expression.
 */
export function nextRefresh(refresh: number | string, timezone: string | undefined, after: number): number {
  if (typeof refresh === 'number') return after + refresh * MINUTE_MS;
  const next = cron(refresh, timezone).nextRun(new Date(after));
  // A library or a clock may be wrong; `scheduleProblem` refuses expressions that never match.
  return next ? next.getTime() : Number.POSITIVE_INFINITY;
}

/** Returns what is wrong with a schedule, and for which key. */
export function scheduleProblem(
  refresh: number | string,
  timezone: string | undefined,
): { key: 'refresh' | 'timezone'; message: string } | undefined {
  if (timezone !== undefined && !isTimezone(timezone)) return { key: 'timezone', message: strings.timeZone() };
  if (typeof refresh === 'number') return undefined;
  try {
    if (refresh.trim().split(/\s+/).length !== 5) throw new Error('not five fields');
    if (cron(refresh, timezone).nextRun()) return undefined;
    return { key: 'refresh', message: strings.scheduleNeverComes() };
  } catch {
    return { key: 'refresh', message: strings.schedule() };
  }
}

/**
 * Returns whether a time is within hours such as `08:00-18:00`, Monday to Friday. Hours that cross midnight belong to the day
 * on which they begin.
 */
export function isWorkingTime(hours: string, timezone: string | undefined, at: number): boolean {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: timezone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(new Date(at));
  const part = (type: string) => parts.find((each) => each.type === type)?.value ?? '';
  const [from = '', to = ''] = hours.split('-');
  const now = `${part('hour')}:${part('minute')}`;
  const isAfterMidnight = from > to && now < to;
  if ((isAfterMidnight ? ['Sun', 'Mon'] : ['Sat', 'Sun']).includes(part('weekday'))) return false;
  return from <= to ? now >= from && now < to : now >= from || now < to;
}

function cron(expression: string, timezone: string | undefined): Cron {
  return new Cron(expression, { paused: true, ...(timezone && { timezone }) });
}

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
