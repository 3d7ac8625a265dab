/** What a command of `onggi-runtime` may touch of the world around it. */
import type { Runtime } from '../../bundle/runtime.ts';

export type RuntimeContext = {
  /** Where containers are recorded, and how the caller wants them. */
  readonly runtime: Runtime;
  /** Standard output: the whole text before this returns. */
  readonly print: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
};
