import { OnggiError } from '../../errors.ts';
import { canonicalName, parseReference } from '../../oci/reference.ts';
import { defineCommand, toggle } from '../definition.ts';

export const command = defineCommand({
  usage: '[OPTIONS] [MANIFEST_LIST] MANIFEST',
  positionals: { min: 1, max: 2 },
  flags: { insecure: toggle('Allow communication with an insecure registry') },
  refused: { switches: ['verbose'], shorts: { v: 'verbose' } },
  async run({ flags, args, context }) {
    const [name = '', image] = args;
    const engine = await context.engine();
    const show = (document: unknown): void => context.stdout.print(`${JSON.stringify(document, null, 3)}\n`);
    if (image === undefined) {
      const list = await engine.manifestLists.inspect(name).catch((error: unknown) => {
        if (error instanceof OnggiError && error.code === 'not-found') return undefined;
        throw error;
      });
      if (list !== undefined) {
        show(list);
        return 0;
      }
    } else await engine.manifestLists.inspect(name);
    const address = `docker://${canonicalName(parseReference(image ?? name))}`;
    const { manifest } = await engine.transfers.see(address, { source: flags, manifestOnly: true });
    show(JSON.parse(Buffer.from(manifest).toString()));
    return 0;
  },
});
