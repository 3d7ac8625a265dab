import { checkpointDirectoryFlag, checkpointPlace } from '../checkpoint-flags.ts';
import { defineCommand } from '../definition.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER',
  positionals: { min: 1, max: 1 },
  completes: 'containers',
  flags: { 'checkpoint-dir': checkpointDirectoryFlag },
  async run({ flags, args: [ref = ''], context }) {
    const place = checkpointPlace(flags['checkpoint-dir'], context.directory);
    const engine = await context.engine();
    const names = await engine.containers.checkpoints(ref, place);
    context.stdout.print(['CHECKPOINT NAME', ...names].map((line) => `${line}\n`).join(''));
    return 0;
  },
});
