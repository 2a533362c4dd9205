import { type Kind, kindOf, match, type Rule } from './kind.ts';
import { strings } from './strings.ts';

const refused = kindOf(strings.connectionRefused, 'retry', 'chooseAccount');
const reset = kindOf(strings.connectionReset, 'retry');
const offline = kindOf(strings.offline, 'retry', 'useLocalModal');
const unanswered = kindOf(strings.connectionTimedOut, 'retry', 'showProxySettings');
const wrongDate = kindOf(strings.certificateDate, 'retry');
const untrusted = kindOf(strings.certificateUntrusted, 'showProxySettings');
const otherHost = kindOf(strings.certificateOfOther, 'retry', 'chooseAccount');
const missing = kindOf(strings.fileMissing, 'retry', 'showLog');
const denied = kindOf(strings.fileAccessDenied, 'retry');
const disconnected = kindOf(strings.driveDisconnected, 'retry');
const failed = kindOf(strings.diskFailed, 'retry');
const tooManyOpen = kindOf(strings.tooManyOpenFiles, 'reload');

/** The errors of Node, by their codes: https://nodejs.org/api/errors.html#common-system-errors */
const BY_CODE: Readonly<Record<string, Kind>> = {
  // Network
  ECONNREFUSED: refused,
  ECONNRESET: reset,
  ECONNABORTED: reset,
  EPIPE: reset,
  ERR_STREAM_PREMATURE_CLOSE: reset,
  UND_ERR_SOCKET: reset,
  ENOTFOUND: offline,
  EAI_AGAIN: offline,
  EAI_NODATA: offline,
  ENETUNREACH: offline,
  ENETDOWN: offline,
  EHOSTUNREACH: unanswered,
  EHOSTDOWN: unanswered,
  ETIMEDOUT: unanswered,
  UND_ERR_CONNECT_TIMEOUT: unanswered,
  UND_ERR_HEADERS_TIMEOUT: unanswered,
  UND_ERR_BODY_TIMEOUT: unanswered,
  EADDRINUSE: kindOf(strings.portInUse, 'retry'),
  // Certificates: https://nodejs.org/api/tls.html#x509-certificate-error-codes
  CERT_NOT_YET_VALID: wrongDate,
  CERT_HAS_EXPIRED: wrongDate,
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  CERT_SIGNATURE_FAILURE: untrusted,
  CERT_UNTRUSTED: untrusted,
  CERT_REVOKED: untrusted,
  ERR_TLS_CERT_ALTNAME_INVALID: otherHost,
  HOSTNAME_MISMATCH: otherHost,
  // Files
  ENOSPC: kindOf(strings.diskFull, 'retry'),
  EDQUOT: kindOf(strings.quotaExceeded, 'retry'),
  EACCES: denied,
  EPERM: denied,
  EROFS: kindOf(strings.readOnly, 'openFolder'),
  EMFILE: tooManyOpen,
  ENFILE: tooManyOpen,
  ENOENT: missing,
  EISDIR: kindOf(strings.notAFile),
  ENOTDIR: kindOf(strings.notAFolder),
  ENOTEMPTY: kindOf(strings.folderNotEmpty),
  EEXIST: kindOf(strings.fileExists),
  ENAMETOOLONG: kindOf(strings.nameTooLong),
  EBUSY: kindOf(strings.fileBusy, 'retry'),
  ETXTBSY: kindOf(strings.fileBusy, 'retry'),
  ELOOP: kindOf(strings.linkLoop),
  EIO: failed,
  ESTALE: disconnected,
  ENOTCONN: disconnected,
  ENODEV: disconnected,
  ENOMEM: kindOf(strings.outOfLocalMemory, 'retry'),
  EAGAIN: kindOf(strings.outOfLocalMemory, 'retry'),
};

/** What gRPC, OpenSSL, and `connection-reason.ts` say, whatever code comes after it. */
const BY_TEXT: readonly Rule[] = [
  [/^proxy: /, kindOf(strings.proxyUnreachable, 'showProxySettings', 'retry')],
  [/name resolution failed/i, offline],
  [/certificate is not yet valid|certificate has expired/i, wrongDate],
  [/self[- ]signed certificate|unable to (?:get (?:local )?issuer|verify the first) certificate/i, untrusted],
  [/does not match certificate's altnames/i, otherHost],
];

/** Returns the kind of an error of Node: of a file, a connection, or a certificate. */
export function computerKind(code: string): Kind | undefined {
  return Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : undefined;
}

/** Returns the kind of a failed connection by the reason that gRPC gives. */
export function connectionKind(reason: string): Kind | undefined {
  const codes = reason.match(/\b[A-Z]+(?:_[A-Z]+)*\b/g) ?? [];
  return match(BY_TEXT, reason) ?? codes.map(computerKind).find((kind) => kind !== undefined);
}
