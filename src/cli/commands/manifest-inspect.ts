import type { SeenImage } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';
import { canonicalName, parseReference, pinned } from '../../oci/reference.ts';
import type { EngineFace } from '../context.ts';
import { defineCommand, toggle } from '../definition.ts';

export const command = defineCommand({
  usage: '[OPTIONS] [MANIFEST_LIST] MANIFEST',
  positionals: { min: 1, max: 2 },
  flags: {
    insecure: toggle('Allow communication with an insecure registry'),
    verbose: toggle('Output additional info including layers and platform', { short: 'v' }),
  },
  async run({ flags, args, context }) {
    const [name = '', image] = args;
    const engine = await context.engine();
    // Docker prints lists by three spaces and all else by tabs.
    const show = (document: unknown): void => {
      const isList = typeof document === 'object' && document !== null && 'manifests' in document;
      context.stdout.print(`${JSON.stringify(document, null, isList ? 3 : '\t')}\n`);
    };
    const remote: Remote = { engine, insecure: flags.insecure };
    if (image !== undefined) {
      const source = canonicalName(parseReference(image));
      const listed = (await engine.manifestLists.entries(name)).find((each) => each.source === source);
      if (listed === undefined) {
        throw new OnggiError('not-found', `manifest for image ${image} does not exist in ${name}`);
      }
      const { manifest } = await see(remote, `${source}@${listed.descriptor.digest}`);
      show(flags.verbose ? await described(remote, source, listed.descriptor) : parse(manifest));
      return 0;
    }
    const local = await engine.manifestLists.inspect(name).catch((error: unknown) => {
      if (error instanceof OnggiError && error.code === 'not-found') return undefined;
      throw error;
    });
    if (local !== undefined && !flags.verbose) show(local);
    else if (local !== undefined) {
      const entries = await engine.manifestLists.entries(name);
      show(await Promise.all(entries.map(({ source, descriptor }) => described(remote, source, descriptor))));
    } else show(await inRegistry(remote, canonicalName(parseReference(name)), flags.verbose));
    return 0;
  },
});

type Remote = { readonly engine: EngineFace; readonly insecure: boolean };
type Descriptor = { readonly digest: SeenImage['digest']; readonly platform?: unknown };

async function inRegistry(remote: Remote, name: string, verbose: boolean): Promise<unknown> {
  const top = await see(remote, name);
  const document = parse(top.manifest);
  if (!verbose) return document;
  const manifests: unknown = Reflect.get(Object(document), 'manifests');
  if (Array.isArray(manifests)) {
    const entries: readonly Descriptor[] = manifests;
    return await Promise.all(entries.map((entry) => described(remote, `${name}@${entry.digest}`, entry)));
  }
  const { image } = await remote.engine.transfers.see(`docker://${name}`, { source: remote });
  const { architecture, os, variant } = parse(image.config) as Readonly<Record<string, unknown>>;
  const platform = { architecture, os, ...(variant !== undefined && { variant }) };
  return record(name, { mediaType: top.mediaType, digest: top.digest, size: top.manifest.length, platform }, top);
}

/** @param ref of the record; with a tag and a digest, the digest counts */
async function described(remote: Remote, ref: string, descriptor: Descriptor): Promise<object> {
  return record(ref, descriptor, await see(remote, `${ref.replace(/@.*/, '')}@${descriptor.digest}`));
}

async function see({ engine, insecure }: Remote, name: string): Promise<SeenImage> {
  const reference = parseReference(name);
  const wanted = reference.digest === null ? reference : pinned(reference, reference.digest);
  return await engine.transfers.see(`docker://${canonicalName(wanted)}`, { source: { insecure }, manifestOnly: true });
}

/** Fields of Docker's, in its order. */
function record(ref: string, { mediaType, digest, size, platform }: object & Record<string, unknown>, seen: SeenImage) {
  const oci = seen.mediaType.startsWith('application/vnd.oci.');
  return {
    Ref: ref,
    Descriptor: { mediaType, digest, size, ...(platform !== undefined && { platform }) },
    Raw: Buffer.from(seen.manifest).toString('base64'),
    [oci ? 'OCIManifest' : 'SchemaV2Manifest']: parse(seen.manifest),
  };
}

function parse(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes).toString());
}
