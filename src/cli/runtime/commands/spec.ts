import { writeDefaultSpec } from '../../../bundle/spec-file.ts';
import { asIs, single, toggle } from '../../definition.ts';
import { defineRuntimeCommand } from '../definition.ts';

export const command = defineRuntimeCommand({
  usage: '[command options]',
  positionals: { min: 0, max: 0 },
  description: `Writes a specification file named "config.json" to begin with: a shell with a
terminal, on the root filesystem "rootfs" beside it. An existing one stays.`,
  flags: {
    bundle: single('directory', asIs, 'path to the root of the bundle directory, defaults to the current directory', {
      short: 'b',
    }),
    rootless: toggle('generate a configuration for a rootless container'),
  },
  run({ flags }) {
    writeDefaultSpec(flags.bundle || '.', flags.rootless);
    return 0;
  },
});
