/**
 * Returns whether a `Host` header names this computer. A page of another site can reach a port on loopback through a DNS name
 * of its own that it points there, but the browser then sends that name.
 */
export function isLoopbackHost(header: string | undefined): boolean {
  return /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i.test(header ?? '');
}
