/**
 * Which certificates are trusted for calls to Modal, control plane and routers. The SDK (0.11.1) offers no choice, and gRPC
 * on its own knows neither the computer's authorities nor VS Code's settings.
 */
import { readFileSync } from 'node:fs';
import * as tls from 'node:tls';
import type { ChannelCredentials } from 'nice-grpc';
import { logError, logWarning } from '../base/log.ts';
import { strings } from './strings.ts';

/** What the user has set in the editor. */
export interface TrustSettings {
  /** Whether a server has to prove who it is. */
  readonly verify: boolean;
  /** Whether authorities that the computer trusts are trusted. */
  readonly systemCertificates: boolean;
}

let settings: TrustSettings = { verify: true, systemCertificates: true };
let context: tls.SecureContext | undefined;
let fileProblem: string | undefined;

/** Applies settings to connections that are made from now on. */
export function useTrust(next: TrustSettings): void {
  if (next.verify !== settings.verify && !next.verify) logWarning(strings.notVerified());
  settings = next;
  context = undefined;
}

/** What is wrong with the certificates in use, or unsafe, if anything is. */
export function trustProblem(): string | undefined {
  contextInUse();
  return fileProblem ?? (settings.verify ? undefined : strings.notVerified());
}

/** Makes gRPC's default credentials trust what the settings say. */
export function trustIn(credentials: typeof ChannelCredentials): void {
  credentials.createSsl = () => {
    const { secureContext, rejectUnauthorized } = tlsOptions();
    return credentials.createFromSecureContext(secureContext, { rejectUnauthorized });
  };
}

/** The options of a connection of our own that trusts the same. */
export function tlsOptions() {
  return { secureContext: contextInUse(), rejectUnauthorized: settings.verify };
}

/** Kept, because reading hundreds of certificates takes a while. */
function contextInUse(): tls.SecureContext {
  context ??= tls.createSecureContext({ ca: authorities() });
  return context;
}

/** Node's own authorities, those of NODE_EXTRA_CA_CERTS, and the computer's. */
function authorities(): string[] {
  const extra = extraCertificates(process.env.NODE_EXTRA_CA_CERTS);
  return [...new Set([...tls.rootCertificates, ...extra, ...systemCertificates()])];
}

/** Not every system lets programs read its authorities. */
function systemCertificates(): string[] {
  if (!settings.systemCertificates) return [];
  try {
    return tls.getCACertificates('system');
  } catch (error) {
    logError(error);
    return [];
  }
}

/** Node itself reads the file only if the variable was set when the process started. */
function extraCertificates(path: string | undefined): string[] {
  fileProblem = undefined;
  if (!path) return [];
  try {
    const text = readFileSync(path, 'utf8');
    if (text.includes('-----BEGIN CERTIFICATE-----')) return [text];
    fileProblem = strings.noCertificates(path);
  } catch (error) {
    fileProblem = strings.certificatesUnreadable(path, (error as Error).message);
  }
  logWarning(fileProblem);
  return [];
}
