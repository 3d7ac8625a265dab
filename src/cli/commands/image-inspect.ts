import { asIs, defineCommand, single, toggle } from '../definition.ts';
import { formatFlag, inspectObjects } from '../inspect.ts';

/** "docker://alpine", "dir:/srv/app": a place and not a name; a name that begins so has nothing but a tag behind ":". */
const address = /^(docker:\/\/|onggi:|(oci|oci-archive|docker-archive|dir):.*\/)/;

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  positionals: { min: 1, max: null },
  completes: 'images',
  flags: {
    format: formatFlag,
    config: toggle('Of an image elsewhere (docker://NAME, oci:PATH, ...): print its configuration'),
    platform: single('string', asIs, 'Inspect the image for this platform (linux/arm64)'),
    raw: toggle('Of an image elsewhere: print its manifest, or with --config its configuration, as it is'),
  },
  examples: [{ line: 'image inspect --raw docker://alpine', says: 'The index in the registry; nothing is pulled' }],
  async run({ flags, args, context }) {
    const { config, raw, platform, ...own } = flags;
    if (!args.some((arg) => address.test(arg)) && !config && !raw) {
      return await inspectObjects(args, 'image', own.format, { size: false, platform }, context);
    }
    const { command: remote } = await import('../skopeo/commands/inspect.ts');
    for (const arg of args) {
      // What has no transport is a name of the store.
      const place = address.test(arg) ? arg : `onggi:${arg}`;
      const rest = { format: undefined, 'retry-times': undefined, 'no-tags': false, 'tls-verify': true };
      await remote.run({ flags: { ...rest, ...own, config, raw, platform }, args: [place], context });
    }
    return 0;
  },
});
