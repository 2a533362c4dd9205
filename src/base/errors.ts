/** Next steps that an error can offer. `src/providers/common/error-actions.ts` has a button for each. */
export const ACTION_IDS = [
  'signIn',
  'chooseAccount',
  'useLocalModal',
  'openConfigFile',
  'createToken',
  'retry',
  'reload',
  'showLog',
  'showServiceStatus',
  'showUsage',
  'showSecrets',
  'showSandboxes',
  'replaceSandbox',
  'chooseProfile',
  'showProfile',
  'chooseGpu',
  'chooseRegion',
  'raiseTimeout',
  'raiseIdleTimeout',
  'raiseMemory',
  'explainSync',
  'showProxySettings',
  'showLocalModalSettings',
  'showBudgetSettings',
  'trustWorkspace',
  'openFolder',
] as const;

export type ActionId = (typeof ACTION_IDS)[number];

/** An error whose message is a complete sentence for users. */
export class UserError extends Error {
  override name = 'UserError';
  /** The next steps to offer, the most helpful one first. */
  readonly actions: readonly ActionId[];

  constructor(message: string, { actions = [], ...options }: ErrorOptions & { actions?: readonly ActionId[] } = {}) {
    super(message, options);
    this.actions = actions;
  }
}

/** The user declined when asked. The message is for programs and terminals; don't show a notification. */
export class DeclinedError extends UserError {}
