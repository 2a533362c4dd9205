import { z } from 'zod';
import type { Request, Response } from './protocol.ts';
import { strings } from './strings.ts';

const ArgumentsSchema = z.looseObject({
  source: z.looseObject({ path: z.string().optional() }),
  breakpoints: z.array(z.unknown()).default([]),
});
const BodySchema = z.looseObject({
  breakpoints: z.array(z.looseObject({ verified: z.boolean(), message: z.string().optional() })),
});
/** What debugpy says about a breakpoint in a file that isn't in the sandbox. */
const NO_FILE = /\bfile that does not exist\b/;

/** Returns why a file isn't in sandboxes, as a fragment; undefined if it's synced, or nothing is known about it. */
export type WhyNotSynced = (path: string) => Promise<string | undefined>;

/** Returns the body of a response to `setBreakpoints` that says for each one why it has no effect. */
export function refuseBreakpoints(request: Request, message: string): unknown {
  const asked = ArgumentsSchema.safeParse(request.arguments).data?.breakpoints ?? [];
  return { breakpoints: asked.map(() => ({ verified: false, message })) };
}

/**
 * Returns a response to `setBreakpoints` in which breakpoints that have no effect say why, if that is because their file isn't
 * in the sandbox. A response may lack breakpoints that another debugger sets.
 */
export async function explainBreakpoints(request: Request, response: Response, why: WhyNotSynced): Promise<Response> {
  const asked = ArgumentsSchema.safeParse(request.arguments).data;
  const body = BodySchema.safeParse(response.body).data;
  const path = asked?.source.path;
  if (!asked || !body || path === undefined) return response;
  const isWithout = (at: number) => body.breakpoints[at]?.verified !== true;
  if (!asked.breakpoints.some((_, at) => isWithout(at))) return response;
  const reason = await why(path);
  if (reason === undefined) {
    const breakpoints = body.breakpoints.map((each) =>
      NO_FILE.test(each.message ?? '') ? { ...each, message: strings.notInSandboxYet() } : each,
    );
    return { ...response, body: { ...body, breakpoints } };
  }
  const message = strings.notSynced(reason);
  const breakpoints = asked.breakpoints.map((_, at) =>
    isWithout(at) ? { ...body.breakpoints[at], verified: false, message } : body.breakpoints[at],
  );
  return { ...response, body: { ...body, breakpoints } };
}
