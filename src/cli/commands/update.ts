import { OnggiError } from '../../errors.ts';
import { defineCommand, single } from '../definition.ts';
import { forEachRef } from '../each.ts';
import { limitFlags, limitsOf } from '../run-flags/limits.ts';
import { parseRestartPolicy } from '../value/restart-policy.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  positionals: { min: 1, max: null },
  completes: 'containers',
  flags: {
    ...limitFlags,
    restart: single(
      'string',
      parseRestartPolicy,
      'Start it again when it ends: no, always, unless-stopped, on-failure[:N]',
    ),
  },
  refused: { values: ['kernel-memory'] },
  examples: [{ line: 'update -m 1g --memory-swap 1g --cpus 2 web', says: 'Other limits for a container that runs' }],
  async run({ flags, args, context }) {
    if (Object.values(flags).every((value) => value === undefined)) {
      throw new OnggiError('invalid', 'you must provide one or more flags when using this command');
    }
    const { restart } = flags;
    const resources = limitsOf(flags);
    const change = {
      ...(Object.keys(resources).length > 0 && { resources }),
      ...(restart !== undefined && { restart }),
    };
    const engine = await context.engine();
    return await forEachRef(args, context, (ref) => engine.containers.update(ref, change));
  },
});
