import { resolve } from 'node:path';
import { unsupported } from '../../errors.ts';
import { asIs, defineCommand, single, toggle } from '../definition.ts';
import { interruptible } from '../interrupt.ts';
import { writeText } from '../skopeo/output-file.ts';

export const command = defineCommand({
  usage: '[OPTIONS] MANIFEST_LIST [DESTINATION]',
  positionals: { min: 1, max: 2 },
  flags: {
    digestfile: single('string', asIs, 'Write the digest of the pushed list to the file'),
    insecure: toggle('Allow push to an insecure registry'),
    purge: toggle('Remove the local manifest list after push', { short: 'p', aliases: ['rm'] }),
    quiet: toggle('Print nothing', { short: 'q' }),
    'tls-verify': toggle('Speak only TLS with the registry, and check its certificate', { initial: true }),
  },
  // Podman's; the images of a list always go along, as Docker has it.
  refused: { switches: ['all'], harmless: { all: ['true'] } },
  async run({ flags, args: [list = '', destination], context }) {
    const insecure = flags.insecure || !flags['tls-verify'];
    const to = destination === undefined ? undefined : nameIn(destination);
    const engine = await context.engine();
    const digest = await interruptible(context, 'manifest push', (signal) =>
      engine.manifestLists.push(list, { insecure, signal, ...(to !== undefined && { to }) }),
    );
    if (flags.purge) await engine.manifestLists.remove(list);
    if (flags.digestfile !== undefined) writeText(resolve(context.directory, flags.digestfile), digest);
    if (!flags.quiet) context.stdout.print(`${digest}\n`);
    return 0;
  },
});

/** Podman's destinations have a transport. @throws OnggiError `unsupported` for another one than a registry */
function nameIn(destination: string): string {
  const [, transport, name = destination] = /^([a-z-]+):(?:\/\/)?(.*)$/.exec(destination) ?? [];
  if (transport === 'docker' && destination.startsWith('docker://')) return name;
  if (
    transport === undefined ||
    !/^(dir|oci|oci-archive|docker-archive|containers-storage|docker-daemon)$/.test(transport)
  )
    return destination;
  throw unsupported(
    `manifest push into "${transport}:"`,
    'Push it to a registry; image copy --all fetches it from there.',
  );
}
