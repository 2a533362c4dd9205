/** gRPC status codes. https://grpc.io/docs/guides/status-codes/ */
export const Code = {
  cancelled: 1,
  unknown: 2,
  invalid: 3,
  deadline: 4,
  notFound: 5,
  exists: 6,
  denied: 7,
  exhausted: 8,
  precondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

/** What tells the errors of the SDK and of gRPC apart. */
export interface ErrorShape {
  readonly name: string;
  readonly message: string;
  /** The gRPC status code. */
  readonly code?: number;
  /** The server's words. */
  readonly details?: string;
}

export function shapeOf(error: unknown): ErrorShape {
  if (!(error instanceof Error)) return { name: '', message: String(error) };
  const { code, details } = error as Error & { code?: unknown; details?: unknown };
  return {
    name: error.name,
    message: error.message,
    ...(typeof code === 'number' && { code }),
    ...(typeof details === 'string' && { details }),
  };
}
