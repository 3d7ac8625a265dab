import { canonicalName, parseReference } from '../../oci/reference.ts';
import { defineCommand, toggle } from '../definition.ts';

export const command = defineCommand({
  usage: '[OPTIONS] MANIFEST_LIST MANIFEST [MANIFEST...]',
  positionals: { min: 2, max: null },
  flags: {
    amend: toggle('Amend an existing manifest list', { short: 'a' }),
    insecure: toggle('Allow communication with an insecure registry'),
  },
  examples: [
    { line: 'manifest create r.example/app:1 r.example/app:1-amd64 r.example/app:1-arm64', says: 'Two platforms' },
  ],
  async run({ flags, args: [list = '', ...images], context }) {
    const engine = await context.engine();
    await engine.manifestLists.create(list, images, flags);
    context.stdout.print(`Created manifest list ${canonicalName(parseReference(list))}\n`);
    return 0;
  },
});
