import { resolve } from 'node:path';
import { OnggiError, unsupported } from '../../errors.ts';
import { asIs, defineCommand, single, toggle } from '../definition.ts';
import { visibleLine } from '../format/visible.ts';
import { parseByteSize } from '../value/byte-size.ts';
import { parseListenAddress } from '../value/listen-address.ts';

/** Milliseconds that requests under way get to end. */
const grace = 10_000;

export const command = defineCommand({
  usage: '[OPTIONS]',
  positionals: { min: 0, max: 0 },
  flags: {
    address: single('address', parseListenAddress, 'Where to listen', { short: 'a', shown: '127.0.0.1:5000' }),
    cert: single('file', asIs, 'Certificate (PEM), for TLS'),
    'client-ca': single('file', asIs, 'Let in only clients with a certificate of this authority (PEM)'),
    htpasswd: single('file', asIs, 'Let in only users of this file (htpasswd -B)'),
    images: toggle('Offer the images of this machine as well'),
    key: single('file', asIs, 'Key of the certificate (PEM)'),
    'log-requests': toggle('Write a line for each request'),
    'max-blob-size': single('bytes', parseByteSize, 'Refuse larger blobs'),
    proxy: single('registry', parseProxy, 'Be a cache of this registry (docker.io)'),
    'read-only': toggle('Let nobody push or delete'),
  },
  examples: [
    { line: 'registry serve --images', says: 'Let other engines of this machine pull its images' },
    { line: 'registry serve --proxy docker.io --address :5001', says: 'A cache of Docker Hub' },
  ],
  async run({ flags, context }) {
    const { proxy, images, 'read-only': readOnly } = flags;
    if (proxy !== undefined && images) throw unsupported('--images together with --proxy', 'Run two servers.');
    const path = (file: string | undefined) => (file === undefined ? undefined : resolve(context.directory, file));
    const { serve } = await import('../../api/registry/serve.ts');
    const { raiseDescriptorLimit } = await import('../../engine/process-end.ts');
    raiseDescriptorLimit();
    const ended = Promise.withResolvers<void>();
    using _ = context.signals.on(['SIGINT', 'SIGTERM'], () => ended.resolve());
    const server = await serve(await context.engine(), {
      ...(flags.address ?? { host: '127.0.0.1', port: 5000 }),
      images,
      readOnly,
      proxy,
      cert: path(flags.cert),
      key: path(flags.key),
      clientCa: path(flags['client-ca']),
      htpasswd: path(flags.htpasswd),
      largestBlob: flags['max-blob-size'],
      ...(flags['log-requests'] && { log: (line: string) => context.stdout.print(`${visibleLine(line)}\n`) }),
      report: context.report,
    });
    const scheme = flags.cert === undefined ? 'http' : 'https';
    context.stdout.print(`Serving on ${scheme}://${server.address}\n`);
    await ended.promise;
    await server.close(grace);
    return 0;
  },
});

/** A registry as in the name of an image, or its address. */
function parseProxy(text: string): string {
  const host = /^(?:https?:\/\/)?([^/]+)\/?$/.exec(text)?.[1];
  if (host === undefined) throw new OnggiError('invalid', `"${text}" is no registry, as "docker.io" is one`);
  return host;
}
