/** `-v SOURCE:TARGET[:OPTIONS]`. Pure: a relative source is resolved by whoever knows the directory. */
import type { BindMount } from '../../engine/types.ts';
import { OnggiError, unsupported } from '../../errors.ts';

export type Propagation = BindMount['propagation'];

export type BindSpec = {
  readonly type: 'bind';
  /** Host path as written: absolute, or relative and starting with a dot. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  readonly propagation: Propagation;
  /** `z` or `Z`: to be relabelled where SELinux is on. */
  readonly relabel: boolean;
  /** `--mount` refuses a source that is missing, `-v` makes a directory. */
  readonly mustExist: boolean;
};

export const propagations: readonly Propagation[] = ['rprivate', 'private', 'rslave', 'slave', 'rshared', 'shared'];

/** @throws OnggiError `invalid`, or `unsupported` for named and anonymous volumes */
export function parseVolume(text: string): BindSpec {
  if (text === '') throw new OnggiError('invalid', 'invalid empty volume spec');
  const sections = text.split(':');
  if (sections.includes('')) throw new OnggiError('invalid', `invalid spec: ${text}: empty section between colons`);
  const [source = '', target, mode = ''] = sections;
  if (sections.length > 3) throw new OnggiError('invalid', `invalid volume specification: '${text}'`);
  if (target === undefined) {
    throw unsupported(`anonymous volume '${text}'`, `Bind a directory of the host: -v /host/path:${text}`);
  }
  if (!/^[/.]/.test(source)) {
    throw unsupported(`named volume '${source}'`, `Bind a directory of the host: -v /host/path:${target}`);
  }
  checkTarget(target);
  return { type: 'bind', source, target, mustExist: false, ...parseMode(mode) };
}

/** @throws OnggiError `invalid` unless `target` is an absolute path other than the root */
export function checkTarget(target: string): void {
  if (!target.startsWith('/')) {
    throw new OnggiError('invalid', `invalid mount path: '${target}' mount path must be absolute`);
  }
  if (/^[/.]*$/.test(target)) throw new OnggiError('invalid', "invalid specification: destination can't be '/'");
}

function parseMode(mode: string): Pick<BindSpec, 'readOnly' | 'propagation' | 'relabel'> {
  const seen = new Map<string, string>();
  for (const word of mode === '' ? [] : mode.split(',')) {
    const kind = kindOf(word);
    if (kind === undefined || seen.has(kind)) throw new OnggiError('invalid', `invalid mode: ${mode}`);
    seen.set(kind, word);
  }
  const propagation = seen.get('propagation');
  return {
    readOnly: seen.get('access') === 'ro',
    propagation: propagations.find((p) => p === propagation) ?? 'rprivate',
    relabel: seen.has('label'),
  };
}

function kindOf(word: string): 'access' | 'label' | 'propagation' | 'consistency' | undefined {
  if (word === 'ro' || word === 'rw') return 'access';
  if (word === 'z' || word === 'Z') return 'label';
  // Words of Docker Desktop: on Linux a bind mount is always consistent.
  if (word === 'consistent' || word === 'cached' || word === 'delegated' || word === 'default') return 'consistency';
  return propagations.some((p) => p === word) ? 'propagation' : undefined;
}
