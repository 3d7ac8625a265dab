import { copyFlags, copyOptions, registryFlags, registryOptions } from '../copy-flags.ts';
import { asIs, defineCommand, single, toggle } from '../definition.ts';
import { interruptible } from '../interrupt.ts';
import { signOptions } from '../sign-flags.ts';
import { transferProgress } from '../transfer-progress.ts';

export const command = defineCommand({
  usage: '[OPTIONS] SOURCE DESTINATION',
  positionals: { min: 2, max: 2 },
  flags: {
    ...copyFlags,
    ...registryFlags('src', 'source'),
    ...registryFlags('dest', 'destination'),
    authfile: single('path', asIs, 'File with credentials for both registries'),
    platform: single('string', asIs, 'Platform of an image that has several (linux/arm64)'),
    quiet: toggle('Print nothing but the digest', { short: 'q' }),
  },
  examples: [
    { line: 'image copy docker://alpine oci:layout:alpine', says: 'From a registry into an OCI layout' },
    {
      line: 'image copy --all docker://a.example/app docker://b.example/app',
      says: 'All platforms, to another registry',
    },
    { line: 'image copy onggi:app docker-archive:app.tar', says: 'Out of the store' },
  ],
  async run({ flags, args: [source = '', destination = ''], context }) {
    const engine = await context.engine();
    const progress = flags.quiet ? undefined : transferProgress(context.stderr, 'Copying blob', context.now);
    const signing = await signOptions(flags, context);
    const { digest } = await interruptible(context, 'copy', (signal) =>
      engine.transfers.copy(source, destination, {
        ...copyOptions(flags),
        ...signing,
        ...(flags.platform !== undefined && { platform: flags.platform }),
        source: registryOptions(flags, 'src', context),
        destination: registryOptions(flags, 'dest', context),
        ...(progress !== undefined && { onEvent: progress }),
        signal,
      }),
    );
    context.stdout.print(`${digest}\n`);
    return 0;
  },
});
