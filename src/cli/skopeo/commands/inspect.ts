import type { SeenImage } from '../../../engine/types.ts';
import { OnggiError } from '../../../errors.ts';
import { asIs, defineCommand, single, toggle } from '../../definition.ts';
import { compileRecord } from '../../format/record.ts';
import { interruptible } from '../../interrupt.ts';
import { commonFlags, refused, refusedOfSide, retried, sharedFlag, sideFlags, sideOptions } from '../flags.ts';

export const command = defineCommand({
  usage: '[command options] IMAGE-NAME',
  positionals: { min: 1, max: 1 },
  flags: {
    ...commonFlags,
    ...sideFlags(''),
    ...sharedFlag(''),
    config: toggle('Output the configuration'),
    format: single('string', asIs, 'Print by a Go template', { short: 'f' }),
    'no-tags': toggle('Do not list the tags of the repository', { short: 'n' }),
    raw: toggle('Output the manifest or the configuration as its bytes are'),
  },
  refused: refused(refusedOfSide('')),
  async run({ flags, args: [address = ''], context }) {
    const engine = await context.engine();
    const source = sideOptions(flags, '', context);
    const platform = flags.platform === undefined ? {} : { platform: flags.platform };
    const print = flags.format === undefined ? undefined : compileRecord(flags.format);
    await interruptible(context, 'inspect', (signal) =>
      retried(flags['retry-times'], async () => {
        const manifestOnly = flags.raw && !flags.config;
        const seen = await engine.transfers.see(address, { ...platform, source, signal, manifestOnly });
        if (flags.raw) {
          await context.stdout.write(flags.config ? seen.image.config : seen.manifest);
          return;
        }
        const tags =
          seen.repository === null || flags['no-tags'] || flags.config
            ? []
            : (await engine.transfers.tags(address, { source, signal })).tags;
        const record = flags.config ? parse(seen.image.config) : recordOf(seen, tags);
        context.stdout.print(`${print === undefined ? JSON.stringify(record, null, 4) : print(record)}\n`);
      }),
    );
    return 0;
  },
});

type Config = {
  readonly created?: unknown;
  readonly docker_version?: unknown;
  readonly architecture?: unknown;
  readonly os?: unknown;
  readonly config?: { readonly Labels?: unknown; readonly Env?: unknown };
};

function parse(bytes: Uint8Array): Config {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch (cause) {
    throw new OnggiError('corrupt', 'config: not JSON', { cause });
  }
}

/** The fields of Skopeo, in its order. */
function recordOf({ digest, image, repository }: SeenImage, tags: readonly string[]): object {
  const config = parse(image.config);
  return {
    ...(repository !== null && { Name: repository }),
    Digest: digest,
    RepoTags: tags,
    Created: config.created ?? null,
    DockerVersion: config.docker_version ?? '',
    Labels: config.config?.Labels ?? null,
    Architecture: config.architecture ?? '',
    Os: config.os ?? '',
    Layers: image.layers.map((layer) => layer.digest),
    LayersData: image.layers.map((layer) => ({
      MIMEType: layer.mediaType,
      Digest: layer.digest,
      Size: layer.size,
      Annotations: null,
    })),
    Env: config.config?.Env ?? null,
  };
}
