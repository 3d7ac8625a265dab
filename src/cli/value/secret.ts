/** `--secret NAME[,type=mount|env,target=...,uid=...,gid=...,mode=...]`. Pure. */
import type { SecretUse } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';

const keys: Readonly<Record<string, string>> = {
  source: 'source',
  src: 'source',
  type: 'type',
  target: 'target',
  uid: 'uid',
  gid: 'gid',
  mode: 'mode',
};

/** @throws OnggiError `invalid` */
export function parseSecret(text: string): SecretUse {
  const fields = new Map<string, string>();
  for (const [index, field] of text.split(',').entries()) {
    const equals = field.indexOf('=');
    if (equals < 0 && index === 0) {
      fields.set('source', field);
      continue;
    }
    const key = keys[field.slice(0, Math.max(equals, 0))];
    if (key === undefined)
      throw new OnggiError('invalid', `secret option '${field}': it is none of ${Object.keys(keys).join(', ')}`);
    fields.set(key, field.slice(equals + 1));
  }
  const secret = fields.get('source') ?? '';
  if (secret === '') throw new OnggiError('invalid', `no source found in secret '${text}'`);
  const type = fields.get('type') ?? 'mount';
  const target = fields.get('target');
  const own = { secret, ...(target !== undefined && target !== '' && { target }) };
  if (type === 'env') {
    const wrong = ['uid', 'gid', 'mode'].find((key) => fields.has(key));
    if (wrong !== undefined) throw new OnggiError('invalid', `secret option '${wrong}': only for type=mount`);
    return { type, ...own };
  }
  if (type !== 'mount') throw new OnggiError('invalid', `secret type '${type}': there are mount and env`);
  return {
    type,
    ...own,
    uid: idOf(fields, 'uid'),
    gid: idOf(fields, 'gid'),
    mode: modeOf(fields.get('mode') ?? '444'),
  };
}

function idOf(fields: ReadonlyMap<string, string>, key: string): number {
  const text = fields.get(key) ?? '0';
  if (/^\d{1,10}$/.test(text) && Number(text) < 0xffff_ffff) return Number(text);
  throw new OnggiError('invalid', `secret option '${key}=${text}': not an id`);
}

function modeOf(text: string): number {
  if (/^[0-7]{1,5}$/.test(text) && Number.parseInt(text, 8) <= 0o777) return Number.parseInt(text, 8);
  throw new OnggiError('invalid', `secret option 'mode=${text}': not an octal mode up to 0777`);
}
