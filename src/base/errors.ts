/** An error whose message is already a sentence for people. */
export class UserError extends Error {
  override name = 'UserError';
}

/** The user was asked and said no: the message is for programs and terminals, nobody has to be told on the screen. */
export class DeclinedError extends UserError {}
