/** Failures of file operations, with the kinds that the SDK maps to its typed errors. */

export type FailureKind =
  | 'NotFound'
  | 'IsDirectory'
  | 'NotDirectory'
  | 'PermissionDenied'
  | 'FileTooLarge'
  | 'PathAlreadyExists'
  | 'DirectoryNotEmpty'
  | 'NotSupported'
  | 'Io';

export class FileFailure extends Error {
  readonly kind: FailureKind;

  constructor(kind: FailureKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Throws a `FileFailure`. */
export function failWith(kind: FailureKind, message: string): never {
  throw new FileFailure(kind, message);
}

const BY_SYSTEM_CODE: Record<string, [FailureKind, string]> = {
  ENOENT: ['NotFound', 'No such file or directory'],
  EISDIR: ['IsDirectory', 'Is a directory'],
  ENOTDIR: ['NotDirectory', 'Not a directory'],
  EACCES: ['PermissionDenied', 'Permission denied'],
  EPERM: ['PermissionDenied', 'Operation not permitted'],
  EROFS: ['PermissionDenied', 'Read-only file system'],
  EEXIST: ['PathAlreadyExists', 'File exists'],
  ENOTEMPTY: ['DirectoryNotEmpty', 'Directory not empty'],
  EBUSY: ['PermissionDenied', 'Device or resource busy'],
  ELOOP: ['Io', 'Too many levels of symbolic links'],
  EBADF: ['Io', 'Bad file descriptor'],
  EFBIG: ['FileTooLarge', 'File too large'],
  EINVAL: ['Io', 'Invalid argument'],
  EMFILE: ['Io', 'Too many open files'],
  ENOSPC: ['Io', 'No space left on device'],
};

/** Returns the JSON object that the helper writes to stderr for an error. */
export function failureOf(error: unknown): { error_kind: FailureKind; message: string; detail: string } {
  if (error instanceof FileFailure) return { error_kind: error.kind, message: error.message, detail: '' };
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const [kind, message] = BY_SYSTEM_CODE[code] ?? ['Io', code || 'The operation failed'];
  return { error_kind: kind, message, detail: code };
}
