/** Platforms of images (image-index.md, "platform") and the choice among them. Pure. */
import { OnggiError } from '../errors.ts';

export type Platform = {
  /** GOOS word: "linux". */
  readonly os: string;
  /** GOARCH word: "amd64". */
  readonly architecture: string;
  /** CPU variant: "v7" of arm. */
  readonly variant: string | null;
};

/** process.arch of Node -> GOARCH and variant. */
const architectures: Readonly<Record<string, readonly [string, string | null]>> = {
  x64: ['amd64', null],
  arm64: ['arm64', 'v8'],
  arm: ['arm', 'v7'],
  ia32: ['386', null],
  ppc64: ['ppc64le', null],
  s390x: ['s390x', null],
  riscv64: ['riscv64', null],
  loong64: ['loong64', null],
};

/** Other spellings that people use and Docker accepts. */
const aliases: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  'x86-64': 'amd64',
  i386: '386',
  i686: '386',
  aarch64: 'arm64',
  armhf: 'arm',
};

/** The platform of this machine. */
export function hostPlatform(arch: string = process.arch): Platform {
  const [architecture, variant] = architectures[arch] ?? [arch, null];
  return { os: 'linux', architecture, variant };
}

/**
 * Reads "linux/arm64/v8", "linux/amd64", "amd64" or "linux", which goes with the processor of this machine.
 * @throws OnggiError `invalid`
 */
export function parsePlatform(text: string): Platform {
  const parts = text.toLowerCase().split('/');
  const [first = '', second, third] = parts;
  const valid = parts.length <= 3 && parts.every((part) => /^[a-z0-9._-]{1,32}$/.test(part));
  if (!valid) {
    throw new OnggiError('invalid', `platform "${text.slice(0, 100)}": not os/architecture or os/architecture/variant`);
  }
  if (second === undefined) return ofOneWord(first);
  return { os: first, architecture: aliases[second] ?? second, variant: third ?? null };
}

/** Words of containerd (platforms, database.go), by which one word is told to be the one or the other. */
const systems =
  'aix android darwin dragonfly freebsd illumos ios js linux netbsd openbsd plan9 solaris windows zos'.split(' ');
const processors =
  '386 amd64 arm arm64 loong64 mips mipsle mips64 mips64le ppc64 ppc64le riscv64 s390x sparc64 wasm'.split(' ');

function ofOneWord(word: string): Platform {
  if (systems.includes(word)) return { ...hostPlatform(), os: word };
  const architecture = aliases[word] ?? word;
  if (processors.includes(architecture)) return { os: 'linux', architecture, variant: null };
  throw new OnggiError('invalid', `platform "${word}": unknown operating system or architecture`);
}

export function formatPlatform(platform: Platform): string {
  const variant = platform.variant === null ? '' : `/${platform.variant}`;
  return `${platform.os}/${platform.architecture}${variant}`;
}

/**
 * How well an image runs where `wanted` is asked for: 0 not at all, more is better. A 32-bit arm machine runs images
 * of older variants, an unnamed variant is the oldest common one (arm v7, arm64 v8, amd64 v1).
 */
export function platformMatch(wanted: Platform, offered: Platform): number {
  if (wanted.os !== offered.os || wanted.architecture !== offered.architecture) return 0;
  const has = variantNumber(wanted);
  const needs = variantNumber(offered);
  if (has === null || needs === null) return wanted.variant === offered.variant ? 1 : 0;
  return needs > has ? 0 : 1 + needs;
}

const defaultVariants: Readonly<Record<string, number>> = { arm: 7, arm64: 8, amd64: 1 };

function variantNumber(platform: Platform): number | null {
  if (platform.variant === null) return defaultVariants[platform.architecture] ?? 0;
  const match = /^v(\d{1,2})$/.exec(platform.variant);
  return match === null ? null : Number(match[1]);
}

/** The best match, the first of equals; undefined when none runs. */
export function choosePlatform<T extends { readonly platform: Platform | null }>(
  wanted: Platform,
  offers: readonly T[],
): T | undefined {
  let best: T | undefined;
  let bestMatch = 0;
  for (const offer of offers) {
    const match = offer.platform === null ? 0 : platformMatch(wanted, offer.platform);
    if (match > bestMatch) {
      best = offer;
      bestMatch = match;
    }
  }
  return best;
}
