/** Creates the gRPC errors that handlers throw. */
import { ServerError, Status } from 'nice-grpc';

const failing = (status: Status) => (message: string) => new ServerError(status, message);

export const invalidArgument = failing(Status.INVALID_ARGUMENT);
export const notFound = failing(Status.NOT_FOUND);
export const alreadyExists = failing(Status.ALREADY_EXISTS);
export const permissionDenied = failing(Status.PERMISSION_DENIED);
export const failedPrecondition = failing(Status.FAILED_PRECONDITION);
export const deadlineExceeded = failing(Status.DEADLINE_EXCEEDED);
export const unauthenticated = failing(Status.UNAUTHENTICATED);
export const unimplemented = failing(Status.UNIMPLEMENTED);
export const aborted = failing(Status.ABORTED);
export const outOfRange = failing(Status.OUT_OF_RANGE);
export const internal = failing(Status.INTERNAL);
