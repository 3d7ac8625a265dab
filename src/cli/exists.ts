/** Podman's `exists`: no output, and a status for scripts. */
import { OnggiError } from '../errors.ts';
import type { EngineFace } from './context.ts';
import { type Command, defineCommand } from './definition.ts';
import { engineFailure } from './failure.ts';

/** @param look throws `not-found` */
export function existsCommand(
  what: string,
  completes: NonNullable<Command['completes']>,
  look: (engine: EngineFace, ref: string) => Promise<unknown>,
): Command {
  return defineCommand({
    usage: what,
    positionals: { min: 1, max: 1 },
    completes,
    flags: {},
    // 125 as with Podman: so that no script takes it for an answer.
    failure: engineFailure,
    usageFailure: engineFailure,
    async run({ args: [ref = ''], context }) {
      if (ref === '') throw new OnggiError('invalid', 'the name or ID is empty');
      try {
        await look(await context.engine(), ref);
        return 0;
      } catch (error) {
        if (error instanceof OnggiError && error.code === 'not-found') return 1;
        throw error;
      }
    },
  });
}
