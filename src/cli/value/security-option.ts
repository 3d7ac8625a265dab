/** `--security-opt`. Pure: the caller reads the profile that a path names. */
import type { LabelOptions } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';

export type SecurityOption =
  | { readonly kind: 'no-new-privileges'; readonly on: boolean }
  /** "unconfined", "builtin" or a path. */
  | { readonly kind: 'seccomp'; readonly profile: string }
  | { readonly kind: 'apparmor'; readonly profile: string }
  | { readonly kind: 'system-paths' }
  | { readonly kind: 'mask' | 'unmask'; readonly paths: readonly string[] }
  /** Of SELinux. */
  | { readonly kind: 'label'; readonly words: LabelOptions };

/** @throws OnggiError `invalid` */
export function parseSecurityOption(text: string): SecurityOption {
  const separator = /[=:]/.exec(text)?.index ?? -1;
  const name = separator < 0 ? text : text.slice(0, separator);
  const value = separator < 0 ? undefined : text.slice(separator + 1);
  if (name === 'no-new-privileges') return { kind: name, on: switched(value ?? 'true', text) };
  if (value === undefined || value === '') throw new OnggiError('invalid', `invalid --security-opt: "${text}"`);
  switch (name) {
    case 'seccomp':
      return { kind: 'seccomp', profile: value };
    case 'apparmor':
      return { kind: 'apparmor', profile: value };
    case 'systempaths':
      if (value !== 'unconfined') throw new OnggiError('invalid', `invalid --security-opt: "${text}"`);
      return { kind: 'system-paths' };
    case 'mask':
    case 'unmask':
      return { kind: name, paths: pathsOf(value, name === 'unmask') };
    case 'label':
      return { kind: 'label', words: labelOf(value) };
    default:
      throw new OnggiError('invalid', `invalid --security-opt: "${text}"`, {
        hint: 'There are no-new-privileges, seccomp, apparmor, systempaths, mask, unmask and label.',
      });
  }
}

const labelWords = ['user', 'role', 'type', 'level', 'filetype'] as const;

/** "disable" or WORD:VALUE (go-selinux, go-selinux/label). */
function labelOf(text: string): LabelOptions {
  if (text === 'disable') return { disable: true };
  const colon = text.indexOf(':');
  const [word, value] = [text.slice(0, Math.max(colon, 0)), text.slice(colon + 1)];
  const found = labelWords.find((each) => each === word);
  if (found === undefined || value === '') {
    throw new OnggiError('invalid', `bad label option '${text}'`, {
      hint: `Write label=disable, or label=WORD:VALUE with one of ${labelWords.join(', ')}.`,
    });
  }
  // It becomes an option of mounts, in quotes, where other characters would end it.
  const isLevel = word === 'level';
  if (!(isLevel ? /^[\w.:,-]+$/ : /^[\w.-]+$/).test(value)) {
    throw new OnggiError('invalid', `bad label option '${text}': it has a character that no label has`);
  }
  return { [found]: value };
}

function switched(value: string, text: string): boolean {
  if (value === 'true') return true;
  if (value === 'false') return false;
  throw new OnggiError('invalid', `invalid --security-opt: "${text}"`, { hint: 'Write true or false.' });
}

function pathsOf(value: string, all: boolean): readonly string[] {
  if (all && value.toUpperCase() === 'ALL') return ['ALL'];
  const paths = value.split(':');
  const wrong = paths.find((path) => !path.startsWith('/'));
  if (wrong !== undefined) throw new OnggiError('invalid', `'${wrong}' is not an absolute path`);
  return paths;
}
