/** `-v [SOURCE:]TARGET[:OPTIONS]`. Pure: a relative source is resolved by whoever knows the directory. */
import type { BindMount, VolumeMount } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';

export type Propagation = BindMount['propagation'];

export type BindSpec = {
  readonly type: 'bind';
  /** Host path as written: absolute, or relative and starting with a dot. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  readonly propagation: Propagation;
  readonly submounts?: BindMount['submounts'];
  /** `z` or `Z`: to be relabelled where SELinux is on. */
  readonly relabel?: 'shared' | 'private';
  /** `U`: to be given to the container's user. */
  readonly chown?: true;
  /** `--mount` refuses a source that is missing, `-v` makes a directory. */
  readonly mustExist: boolean;
  readonly byMount?: BindMount['byMount'];
};

export const propagations: readonly Propagation[] = ['rprivate', 'private', 'rslave', 'slave', 'rshared', 'shared'];

/** A path of the host is bound; any other word is the name of a volume. @throws OnggiError `invalid` */
export function parseVolume(text: string): BindSpec | VolumeMount {
  if (text === '') throw new OnggiError('invalid', 'invalid empty volume spec');
  const sections = text.split(':');
  if (sections.includes('')) throw new OnggiError('invalid', `invalid spec: ${text}: empty section between colons`);
  if (sections.length > 3) throw new OnggiError('invalid', `invalid volume specification: '${text}'`);
  const [source = '', target = source, mode = ''] = sections;
  checkTarget(target);
  const words = parseMode(mode);
  const chown = words.has('owner') ? ({ chown: true } as const) : {};
  const label = words.get('label');
  const relabel = label === undefined ? {} : ({ relabel: label === 'z' ? 'shared' : 'private' } as const);
  if (sections.length > 1 && /^[/.]/.test(source)) {
    if (words.has('copy')) throw new OnggiError('invalid', `invalid mode: ${mode}`);
    const propagation = propagations.find((word) => word === words.get('propagation')) ?? 'rprivate';
    const { readOnly } = access(words);
    return { type: 'bind', source, target, mustExist: false, readOnly, propagation, ...relabel, ...chown };
  }
  if (words.has('propagation')) throw new OnggiError('invalid', `invalid mode: ${mode}`);
  const name = sections.length > 1 ? { name: source } : {};
  return { type: 'volume', ...name, target, ...access(words), copy: !words.has('copy'), ...relabel, ...chown };
}

/** @throws OnggiError `invalid` unless `target` is an absolute path other than the root */
export function checkTarget(target: string): void {
  if (!target.startsWith('/')) {
    throw new OnggiError('invalid', `invalid mount path: '${target}' mount path must be absolute`);
  }
  if (/^[/.]*$/.test(target)) throw new OnggiError('invalid', "invalid specification: destination can't be '/'");
}

type ModeKind = 'access' | 'label' | 'propagation' | 'consistency' | 'copy' | 'owner';

function access(words: ReadonlyMap<ModeKind, string>): { readonly readOnly: boolean } {
  return { readOnly: words.get('access') === 'ro' };
}

/** At most one word of each kind. @throws OnggiError `invalid` */
function parseMode(mode: string): ReadonlyMap<ModeKind, string> {
  const seen = new Map<ModeKind, string>();
  for (const word of mode === '' ? [] : mode.split(',')) {
    const kind = kindOf(word);
    if (kind === undefined || seen.has(kind)) throw new OnggiError('invalid', `invalid mode: ${mode}`);
    seen.set(kind, word);
  }
  return seen;
}

function kindOf(word: string): ModeKind | undefined {
  if (word === 'ro' || word === 'rw') return 'access';
  if (word === 'z' || word === 'Z') return 'label';
  if (word === 'nocopy') return 'copy';
  if (word === 'U') return 'owner';
  // Words of Docker Desktop: on Linux a bind mount is always consistent.
  if (word === 'consistent' || word === 'cached' || word === 'delegated' || word === 'default') return 'consistency';
  return propagations.some((p) => p === word) ? 'propagation' : undefined;
}
