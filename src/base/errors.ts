/** An error whose message is a complete sentence for users. */
export class UserError extends Error {
  override name = 'UserError';
}

/** The user declined when asked. The message is for programs and terminals; don't show a notification. */
export class DeclinedError extends UserError {}
