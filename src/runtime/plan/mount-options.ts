/**
 * Option words of mounts as config.json has them: those of mount(8), the propagation words, the recursive words of
 * the OCI runtime specification (config.md, "Linux mount options"), and the rest as data of the file system. Pure.
 */
import { OnggiError, unsupported } from '../../errors.ts';
import type { MountAttributes, MountFlags } from './steps.ts';

/** <linux/mount.h>, MS_*. */
export const mountBits = {
  rdonly: 1,
  nosuid: 2,
  nodev: 4,
  noexec: 8,
  synchronous: 16,
  mandlock: 64,
  dirsync: 128,
  nosymfollow: 256,
  noatime: 1024,
  nodiratime: 2048,
  rec: 16384,
  silent: 32768,
  unbindable: 1 << 17,
  private: 1 << 18,
  slave: 1 << 19,
  shared: 1 << 20,
  relatime: 1 << 21,
  iVersion: 1 << 23,
  strictatime: 1 << 24,
  lazytime: 1 << 25,
} as const;

/** <linux/mount.h>, MOUNT_ATTR_*. */
export const attributeBits = {
  rdonly: 0x1,
  nosuid: 0x2,
  nodev: 0x4,
  noexec: 0x8,
  /** Mask of the access time setting; has to be cleared as a whole whenever one of its values is set. */
  atime: 0x70,
  noatime: 0x10,
  strictatime: 0x20,
  nodiratime: 0x80,
  nosymfollow: 0x20_0000,
} as const;

/**
 * What a word sets or clears: `flags` for a new mount (mount(2)), `attributes` for a bind (mount_setattr(2)).
 * A word without `attributes` is a property of the file system, which a bind can't change.
 */
type Word = {
  readonly clear: boolean;
  readonly flags: number;
  readonly attributes?: number;
  /** Bits of `attributes` to clear before setting. */
  readonly mask?: number;
};

const set = (flags: number, attributes?: number, mask?: number): Word => ({
  clear: false,
  flags,
  ...(attributes !== undefined && { attributes }),
  ...(mask !== undefined && { mask }),
});
const clear = (flags: number, attributes?: number): Word => ({
  clear: true,
  flags,
  ...(attributes !== undefined && { attributes }),
});

/** mount(8), "FILESYSTEM-INDEPENDENT MOUNT OPTIONS". */
const words: ReadonlyMap<string, Word> = new Map<string, Word>([
  ['defaults', set(0, 0)],
  ['ro', set(mountBits.rdonly, attributeBits.rdonly)],
  ['rw', clear(mountBits.rdonly, attributeBits.rdonly)],
  ['nosuid', set(mountBits.nosuid, attributeBits.nosuid)],
  ['suid', clear(mountBits.nosuid, attributeBits.nosuid)],
  ['nodev', set(mountBits.nodev, attributeBits.nodev)],
  ['dev', clear(mountBits.nodev, attributeBits.nodev)],
  ['noexec', set(mountBits.noexec, attributeBits.noexec)],
  ['exec', clear(mountBits.noexec, attributeBits.noexec)],
  ['nosymfollow', set(mountBits.nosymfollow, attributeBits.nosymfollow)],
  ['symfollow', clear(mountBits.nosymfollow, attributeBits.nosymfollow)],
  ['noatime', set(mountBits.noatime, attributeBits.noatime, attributeBits.atime)],
  ['atime', clear(mountBits.noatime, attributeBits.atime)],
  ['relatime', set(mountBits.relatime, 0, attributeBits.atime)],
  ['norelatime', clear(mountBits.relatime, attributeBits.atime)],
  ['strictatime', set(mountBits.strictatime, attributeBits.strictatime, attributeBits.atime)],
  ['nostrictatime', clear(mountBits.strictatime, attributeBits.atime)],
  ['nodiratime', set(mountBits.nodiratime, attributeBits.nodiratime)],
  ['diratime', clear(mountBits.nodiratime, attributeBits.nodiratime)],
  ['sync', set(mountBits.synchronous)],
  ['async', clear(mountBits.synchronous)],
  ['dirsync', set(mountBits.dirsync)],
  ['mand', set(mountBits.mandlock)],
  ['nomand', clear(mountBits.mandlock)],
  ['iversion', set(mountBits.iVersion)],
  ['noiversion', clear(mountBits.iVersion)],
  ['lazytime', set(mountBits.lazytime)],
  ['nolazytime', clear(mountBits.lazytime)],
  ['silent', set(mountBits.silent)],
  ['loud', clear(mountBits.silent)],
]);

/** Words that also exist with an "r" before them, for the whole tree of a bind. */
const recursiveBases = new Set([
  'ro',
  'rw',
  'nosuid',
  'suid',
  'nodev',
  'dev',
  'noexec',
  'exec',
  'nosymfollow',
  'symfollow',
  'noatime',
  'atime',
  'relatime',
  'norelatime',
  'strictatime',
  'nostrictatime',
  'nodiratime',
  'diratime',
]);

const propagations: ReadonlyMap<string, number> = new Map([
  ['private', mountBits.private],
  ['rprivate', mountBits.private | mountBits.rec],
  ['slave', mountBits.slave],
  ['rslave', mountBits.slave | mountBits.rec],
  ['shared', mountBits.shared],
  ['rshared', mountBits.shared | mountBits.rec],
  ['unbindable', mountBits.unbindable],
  ['runbindable', mountBits.unbindable | mountBits.rec],
]);

/** "move" would take a mount away from where the host has it. */
const refused: ReadonlySet<string> = new Set(['move']);

/** Words that say what kind of mount it is. */
const kinds: ReadonlySet<string> = new Set(['bind', 'rbind', 'remount', 'tmpcopyup', 'idmap', 'ridmap']);

/** Every word that is not left to the file system, for `features` (features.md, "Mount Options"). */
export function mountOptionWords(): string[] {
  const recursive = [...recursiveBases].map((word) => `r${word}`);
  return [...kinds, ...words.keys(), ...recursive, ...propagations.keys()].sort();
}

export type MountOptions = {
  /** "bind" or "rbind" is among the words. */
  readonly bind: boolean;
  readonly recursive: boolean;
  /** Change what is mounted there already. */
  readonly remount: boolean;
  /** Of a tmpfs: begin with a copy of what it covers. */
  readonly copyUp: boolean;
  readonly idMap: 'no' | 'plain' | 'recursive';
  /** What stands behind "idmap=" or "ridmap="; "" without. */
  readonly idRanges: string;
  /** For a new mount. */
  readonly flags: MountFlags;
  /** For a bind: of the mount itself, then, by the words with an "r" before them, of the whole tree. */
  readonly attributes: MountAttributes;
  readonly treeAttributes: MountAttributes;
  /** Words for a new file system, which a bind can't change. */
  readonly ofFileSystem: readonly string[];
  readonly propagation: MountFlags;
  /** What is left, for the file system. */
  readonly data: readonly string[];
};

const noFlags: MountFlags = { bits: 0, words: [] };

/** Propagation flags of one word ("rslave"), undefined when it is none. */
export function propagationOf(word: string): MountFlags | undefined {
  const bits = propagations.get(word);
  return bits === undefined ? undefined : { bits, words: [word] };
}

/**
 * Sorts the options of one mount. Later words win over earlier ones, as in mount(8).
 *
 * @throws OnggiError `unsupported` for a known word that can't be done, `invalid` for data that would be several options
 */
export function parseMountOptions(destination: string, options: readonly string[]): MountOptions {
  let propagation = noFlags;
  const given = new Set<string>();
  const [data, ofFileSystem]: [string[], string[]] = [[], []];
  const [plain, deep] = [nothingChosen(), nothingChosen()];
  let idRanges = '';
  for (const option of options) {
    const word = words.get(option);
    if (word !== undefined) {
      choose(plain, option, word);
      if (word.attributes === undefined) addWord(ofFileSystem, option);
    } else if (kinds.has(option)) given.add(option);
    else if (propagations.has(option)) propagation = propagationOf(option) ?? noFlags;
    else if (recursiveBases.has(option.slice(1)) && option.startsWith('r')) chooseDeep(deep, option);
    else if (option.startsWith('idmap=') || option.startsWith('ridmap=')) {
      given.add(option.slice(0, option.indexOf('=')));
      idRanges = option.slice(option.indexOf('=') + 1);
    } else if (refused.has(option)) throw unsupported(`mount option "${option}" of "${destination}"`);
    else data.push(checkData(destination, option));
  }
  return {
    bind: given.has('bind') || given.has('rbind'),
    recursive: given.has('rbind'),
    remount: given.has('remount'),
    copyUp: given.has('tmpcopyup'),
    idMap: given.has('ridmap') ? 'recursive' : given.has('idmap') ? 'plain' : 'no',
    idRanges,
    flags: { bits: ((plain.flags & ~deep.clearFlags) | deep.flags) >>> 0, words: [...plain.words, ...deep.words] },
    attributes: attributes(plain, ofFileSystem),
    treeAttributes: attributes(deep, []),
    ofFileSystem,
    propagation,
    data,
  };
}

/** What words have set and cleared, each overruling the earlier ones, and which said something, each once. */
type Chosen = { flags: number; clearFlags: number; set: number; clear: number; readonly words: string[] };

function nothingChosen(): Chosen {
  return { flags: 0, clearFlags: 0, set: 0, clear: 0, words: [] };
}

function choose(chosen: Chosen, name: string, { clear: clears, flags, attributes: bits = 0, mask = 0 }: Word): void {
  if (clears) {
    chosen.flags &= ~flags;
    chosen.clearFlags |= flags;
    chosen.set &= ~bits;
    chosen.clear |= bits;
  } else {
    chosen.flags |= flags;
    chosen.clearFlags &= ~flags;
    chosen.set = (chosen.set & ~mask) | bits;
    chosen.clear = (chosen.clear & ~bits) | mask;
  }
  if (name !== 'defaults') addWord(chosen.words, name);
}

function chooseDeep(chosen: Chosen, name: string): void {
  const word = words.get(name.slice(1));
  if (word !== undefined) choose(chosen, name, word);
}

function addWord(names: string[], name: string): void {
  if (!names.includes(name)) names.push(name);
}

function attributes({ set: setBits, clear: clearBits, words: names }: Chosen, others: string[]): MountAttributes {
  const own = others.length === 0 ? names : names.filter((name) => !others.includes(name));
  return { set: setBits, clear: clearBits, words: own };
}

/** What no usual option has, so that the expressions are made for few. */
const suspicious = [',', '\\', '\n', '\0'];

/**
 * A comma would end the option and start another one (THREATS N), unless a backslash stands before it, by which
 * overlayfs and native/step/mount.c know that it belongs to a path.
 */
function checkData(destination: string, option: string): string {
  if (!suspicious.some((character) => option.includes(character))) return option;
  if (/[\n\0]/.test(option) || /[,\\]/.test(option.replace(/\\./gs, ''))) {
    throw new OnggiError(
      'invalid',
      `mount option "${option}" of "${destination}": holds a comma, a line feed or a bare backslash`,
      {
        hint: 'Give each option as an item of its own.',
      },
    );
  }
  return option;
}
