import { features } from '../../../bundle/features.ts';
import { defineRuntimeCommand } from '../definition.ts';

export const command = defineRuntimeCommand({
  usage: '',
  positionals: { min: 0, max: 0 },
  description: `Shows as JSON what of the specification is implemented (features.md of the OCI
runtime specification), whatever of it this machine can do.`,
  flags: {},
  run({ context }) {
    context.print(`${JSON.stringify(features(), null, 4)}\n`);
    return 0;
  },
});
