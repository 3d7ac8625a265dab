/** When `run` and `create` ask the registry. Pure. */

/** `newer`: when the registry has another one than is here; it need not answer then. */
export const pullPolicies = ['always', 'missing', 'never', 'newer'] as const;

export type PullPolicy = (typeof pullPolicies)[number];
