/** `--device-read-bps PATH:RATE` and its kind, `--device-cgroup-rule`. Pure; the words are those of docker/cli, opts. */
import type { DeviceCgroupRule, DeviceRate, DeviceWeight } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';
import { parseByteSize } from './byte-size.ts';

/** @throws OnggiError `invalid` */
export function parseWeightDevice(text: string): DeviceWeight {
  const [path, value] = split(text);
  const weight = /^\d{1,4}$/.test(value) ? Number(value) : Number.NaN;
  if (!(weight === 0 || (weight >= 10 && weight <= 1000))) {
    throw new OnggiError('invalid', `invalid weight for device: ${text}`, { hint: 'A weight is from 10 to 1000.' });
  }
  return { path, weight };
}

/** Bytes a second. @throws OnggiError `invalid` */
export function parseBitRate(text: string): DeviceRate {
  const [path, value] = split(text);
  try {
    return { path, rate: parseByteSize(value) };
  } catch {
    throw badRate(text, '<device-path>:<number>[<unit>]', ' Unit is optional and can be kb, mb, or gb');
  }
}

/** Operations a second. @throws OnggiError `invalid` */
export function parseOperationRate(text: string): DeviceRate {
  const [path, value] = split(text);
  if (!/^\d{1,15}$/.test(value)) throw badRate(text, '<device-path>:<number>', '');
  return { path, rate: Number(value) };
}

/** "c 13:* rwm". @throws OnggiError `invalid` */
export function parseDeviceRule(text: string): DeviceCgroupRule {
  const match = /^([acb]) (\d{1,10}|\*):(\d{1,10}|\*) ([rwm]{1,3})$/.exec(text);
  const [, type = '', major = '', minor = '', access = ''] = match ?? [];
  if (match === null) throw new OnggiError('invalid', `invalid device cgroup format '${text}'`);
  const number = (digits: string): number => (digits === '*' ? -1 : Number(digits));
  return { type: type as DeviceCgroupRule['type'], major: number(major), minor: number(minor), access };
}

function split(text: string): [string, string] {
  const colon = text.indexOf(':');
  if (colon < 0) throw new OnggiError('invalid', `bad format: ${text}`);
  const path = text.slice(0, colon);
  if (!path.startsWith('/dev/')) throw new OnggiError('invalid', `bad format for device path: ${text}`);
  return [path, text.slice(colon + 1)];
}

function badRate(text: string, format: string, unit: string): OnggiError {
  const message = `invalid rate for device: ${text}. The correct format is ${format}.`;
  return new OnggiError('invalid', `${message} Number must be a positive integer.${unit}`);
}
