/** Hooks that the runtime runs itself; the others are steps of the plan (config.md, "POSIX-platform Hooks"). Pure. */
export const hookKindsOutside = ['poststart', 'poststop'] as const;
export type HookKindOutside = (typeof hookKindsOutside)[number];
