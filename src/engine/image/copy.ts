/** `image copy`: the addresses opened, then the one copy. */
import { OnggiError, unsupported } from '../../errors.ts';
import type { Digest } from '../../oci/digest.ts';
import { hostPlatform, parsePlatform } from '../../oci/platform.ts';
import { canonicalName, parseReference, type Reference } from '../../oci/reference.ts';
import { type Address, parseAddress } from '../../transport/address.ts';
import { copyImage } from '../../transport/copy.ts';
import { openDestination, openSource, type Surroundings } from '../../transport/open.ts';
import type { Context } from '../context.ts';
import type { RegistryOptions } from '../registry/registry-access.ts';
import type { CopiedImage, CopyImageOptions } from './transfer.ts';

export async function copyBetween(
  context: Context,
  from: string,
  to: string,
  options: CopyImageOptions,
): Promise<CopiedImage> {
  const directory = process.cwd();
  const addresses = [parseAddress(from, directory), parseAddress(to, directory)] as const;
  const [sourceAddress, destinationAddress] = addresses;
  if (options.sign !== undefined && destinationAddress.transport !== 'docker') {
    throw unsupported(`signing into "${destinationAddress.transport}:"`, 'Sign it in a registry.');
  }
  checkSigner(destinationAddress, options);
  if (destinationAddress.transport === 'onggi') {
    const { checkIds } = await import('../user-namespace.ts');
    checkIds('copy an image into the store');
  }
  const temporary = options.temporary ?? temporaryOf(context, addresses);
  const whole = options.platform !== undefined || (options.instances ?? 'system') !== 'system';
  const surroundings = around(context, temporary, options.source, options.signal);
  await using source = await openSource(sourceAddress, { ...surroundings, whole });
  await using destination = await openDestination(
    destinationAddress,
    around(context, temporary, options.destination, options.signal),
    (options.additionalTags ?? []).map(parseReference),
  );
  const {
    instances = 'system',
    format,
    manifests,
    preserveDigests = false,
    referrers = true,
    onEvent,
    signal,
  } = options;
  const copied = await copyImage(source, destination, {
    instances,
    platform: options.platform === undefined ? hostPlatform() : parsePlatform(options.platform),
    format,
    plainOnly: options.plainOnly === true,
    family: manifests,
    preserveDigests,
    referrers,
    temporary,
    approve: (digests) => approve(sourceAddress, digests, options),
    ...(onEvent !== undefined && { onEvent }),
    signal,
  });
  if (destinationAddress.transport === 'docker') {
    await sign(context, destinationAddress.reference, copied.manifests, options);
  }
  await signByGpg(destinationAddress, copied, options);
  return copied;
}

/** Before anything is copied. @throws OnggiError `unsupported`, `invalid` */
function checkSigner(to: Address, { signBy }: CopyImageOptions): void {
  if (signBy === undefined) return;
  if (to.transport !== 'docker' && to.transport !== 'dir') {
    throw unsupported(`--sign-by into "${to.transport}:"`, 'GPG signatures are kept beside a registry and in a dir:.');
  }
  if (to.transport === 'dir' && signBy.identity === undefined) {
    throw new OnggiError('invalid', '--sign-by into "dir:": which name is to be signed?', {
      hint: 'Say --sign-identity NAME.',
    });
  }
}

async function signByGpg(to: Address, copied: CopiedImage, options: CopyImageOptions): Promise<void> {
  const { signBy, registriesDirectory } = options;
  if (signBy === undefined || (to.transport !== 'docker' && to.transport !== 'dir')) return;
  const { signDigest } = await import('../signature/simple-signing.ts');
  const { addSignature, addSignatureFile } = await import('../signature/lookaside.ts');
  const own = to.transport === 'docker' ? canonicalName(to.reference) : '';
  const identity = signBy.identity === undefined ? own : canonicalName(parseReference(signBy.identity));
  for (const digest of copied.manifests) {
    const signature = await signDigest(digest, { ...signBy, identity });
    if (to.transport === 'dir') addSignatureFile(to.path, signature, digest === copied.digest ? null : digest);
    else addSignature({ environment: process.env, registriesDirectory }, to.reference, digest, signature);
  }
}

async function sign(
  context: Context,
  reference: Reference,
  digests: readonly Digest[],
  { sign: keys = [], destination, signal }: CopyImageOptions,
): Promise<void> {
  for (const wanted of keys) {
    const { signManifests } = await import('./signature.ts');
    await signManifests(context, reference, digests, {
      ...destination,
      ...wanted,
      ...(signal !== undefined && { signal }),
    });
  }
}

/** By the policy of this machine; what is in the store has been let in. @throws OnggiError `denied`, `invalid` */
async function approve(from: Address, digests: readonly Digest[], options: CopyImageOptions): Promise<void> {
  const { policy } = options;
  if (from.transport === 'onggi' || policy === null) return;
  const { enforcePathPolicy, enforcePolicy } = await import('../signature/policy.ts');
  const environment = process.env;
  if (from.transport !== 'docker') return enforcePathPolicy(from.transport, from.path, { environment, policy });
  const { reference } = from;
  const { repositoryOf } = await import('../registry/registry-access.ts');
  const repository = await repositoryOf(reference, 'pull', options.source ?? {});
  const { registriesDirectory, signal } = options;
  await enforcePolicy({ reference, repository, digests, environment, policy, registriesDirectory, signal });
}

/** What ends need of the world. Registries are asked with the options of their side. */
export function around(
  context: Context,
  temporary: string,
  options: RegistryOptions | undefined,
  signal: AbortSignal | undefined,
): Surroundings {
  return {
    store: () => context.store,
    async repository(reference, access) {
      const { repositoryOf } = await import('../registry/registry-access.ts');
      return await repositoryOf(reference, access, options ?? {});
    },
    sharedBlobs: options?.sharedBlobs,
    temporary,
    signal,
  };
}

/** The store's own disk where the store is opened anyway; layers may be larger than a /tmp in memory. */
export function temporaryOf(context: Context, addresses: readonly Address[]): string {
  if (addresses.some(({ transport }) => transport === 'onggi')) return context.store.layout.temporary;
  return process.env['TMPDIR'] ?? '/var/tmp';
}
