/**
 * Versions and ranges of them, as `images-by-semver` of skopeo-sync(1) has them: semantic versions (semver.org 2.0.0), also
 * short and with a "v"; "," or a space for and, "||" for or; =, !=, <, <=, >, >=, ~, ^, wildcards, "1.2 - 1.4". Pure.
 */
import { OnggiError } from '../errors.ts';

type Version = { readonly numbers: readonly [number, number, number]; readonly before: readonly string[] };
type Test = (version: Version) => boolean;

const shape = /^v?(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/;

function parseVersion(text: string): Version | undefined {
  const [whole, major, minor = '0', patch = '0', before] = shape.exec(text) ?? [];
  if (whole === undefined) return undefined;
  return { numbers: [Number(major), Number(minor), Number(patch)], before: before?.split('.') ?? [] };
}

/**
 * Whether a tag is a version in the range; a tag that is no version is in none, a pre-release ("1.2.0-rc1") only where the
 * range speaks of one.
 * @throws OnggiError `invalid`
 */
export function versionRange(text: string): (tag: string) => boolean {
  const ways = text.split('||').map((way) => allOf(way.trim(), text));
  return (tag) => {
    const version = parseVersion(tag);
    return version !== undefined && ways.some((way) => way(version));
  };
}

function allOf(way: string, text: string): Test {
  const [, from, to] = /^(\S+)\s+-\s+(\S+)$/.exec(way) ?? [];
  const words = from !== undefined && to !== undefined ? [`>=${from}`, `<=${to}`] : wordsOf(way);
  const tests = words.map((word) => one(word, text));
  if (tests.length === 0) throw invalid(text, way);
  const pre = words.some((word) => word.includes('-'));
  return (version) => (version.before.length === 0 || pre) && tests.every((test) => test(version));
}

/** ">= 1.2, < 2" -> [">=1.2", "<2"] */
function wordsOf(way: string): string[] {
  return way
    .replace(/([=<>!~^]+)\s+/g, '$1')
    .split(/[\s,]+/)
    .filter((word) => word !== '');
}

function one(word: string, text: string): Test {
  const [, sign = '', rest = ''] = /^([=<>!~^]*)(.*)$/.exec(word) ?? [];
  const wild = /^v?(?:(\d+)(?:\.(\d+))?\.)?[xX*]/.exec(rest);
  const given =
    wild === null ? (rest.split('-')[0]?.split('.').length ?? 0) : [wild[1], wild[2]].filter(Boolean).length;
  const low = parseVersion(wild === null ? rest : [wild[1] ?? '0', wild[2] ?? '0'].join('.'));
  if (low === undefined) throw invalid(text, word);
  const within =
    (upper: Version): Test =>
    (version) =>
      order(version, low) >= 0 && order(version, upper) < 0;
  const same: Test = given === 3 ? (version) => order(version, low) === 0 : within(raised(low, given - 1));
  switch (sign) {
    case '':
    case '=':
      return same;
    case '!=':
      return (version) => !same(version);
    case '>':
      return given === 3
        ? (version) => order(version, low) > 0
        : (version) => order(version, raised(low, given - 1)) >= 0;
    case '>=':
    case '=>':
      return (version) => order(version, low) >= 0;
    case '<':
      return (version) => order(version, low) < 0;
    case '<=':
    case '=<':
      return given === 3
        ? (version) => order(version, low) <= 0
        : (version) => order(version, raised(low, given - 1)) < 0;
    case '~':
    case '~>':
      return within(raised(low, Math.min(1, given - 1)));
    case '^': {
      const first = low.numbers.findIndex((number) => number > 0);
      return within(raised(low, Math.min(first === -1 ? 2 : first, given - 1)));
    }
    default:
      throw invalid(text, word);
  }
}

/** The next version that differs at the place; place -1: beyond all. */
function raised({ numbers }: Version, place: number): Version {
  if (place < 0) return { numbers: [Number.POSITIVE_INFINITY, 0, 0], before: [] };
  const [major, minor, patch] = numbers;
  const next = [[major + 1, 0, 0] as const, [major, minor + 1, 0] as const, [major, minor, patch + 1] as const][place];
  return { numbers: next ?? numbers, before: [] };
}

function order(a: Version, b: Version): number {
  for (const [index, number] of a.numbers.entries()) {
    const difference = number - (b.numbers[index] ?? 0);
    if (difference !== 0) return difference;
  }
  if (a.before.length === 0 || b.before.length === 0) return b.before.length - a.before.length;
  for (const [index, word] of a.before.entries()) {
    const other = b.before[index];
    if (other === undefined) return 1;
    if (word === other) continue;
    const numeric = [/^\d+$/.test(word), /^\d+$/.test(other)];
    if (numeric[0] && numeric[1]) return Number(word) - Number(other);
    if (numeric[0] !== numeric[1]) return numeric[0] ? -1 : 1;
    return word < other ? -1 : 1;
  }
  return a.before.length - b.before.length;
}

function invalid(text: string, found: string): OnggiError {
  return new OnggiError('invalid', `range of versions "${text.slice(0, 200)}": "${found.slice(0, 100)}" is none`);
}
