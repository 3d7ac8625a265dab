import { OnggiError } from '../../errors.ts';
import { canonicalName, parseReference } from '../../oci/reference.ts';
import { asIs, defineCommand, single, toggle } from '../definition.ts';
import { pushProgress } from '../progress.ts';

export const command = defineCommand({
  usage: '[OPTIONS] NAME[:TAG]',
  positionals: { min: 1, max: 1 },
  completes: 'images',
  flags: {
    'all-tags': toggle('Push every image of the repository', { short: 'a' }),
    platform: single('string', asIs, 'Push only if the image is for this platform (linux/arm64)'),
    quiet: toggle('Print nothing but the name of the image', { short: 'q' }),
  },
  refused: { switches: ['disable-content-trust'], harmless: { 'disable-content-trust': ['true', '1'] } },
  async run({ flags, args: [name = ''], context }) {
    const allTags = flags['all-tags'];
    const reference = parseReference(name);
    const says = /:[^/]+$/.test(name);
    if (allTags && says) throw new OnggiError('invalid', "tag can't be used with --all-tags/-a");
    if (!flags.quiet && !allTags && !says && reference.digest === null) {
      context.stdout.print('Using default tag: latest\n');
    }
    const engine = await context.engine();
    const abort = new AbortController();
    using _ = context.signals.on(['SIGINT', 'SIGTERM'], () =>
      abort.abort(new OnggiError('cancelled', 'push interrupted')),
    );
    const show = flags.quiet ? undefined : pushProgress(context.stdout, context.now);
    const platform = flags.platform === undefined ? {} : { platform: flags.platform };
    const options = { allTags, ...platform, signal: abort.signal };
    for await (const event of engine.images.push(name, options)) show?.(event);
    if (flags.quiet) {
      const { registry, repository } = reference;
      context.stdout.print(`${allTags ? `${registry}/${repository}` : canonicalName(reference)}\n`);
    }
    return 0;
  },
});
