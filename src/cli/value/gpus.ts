/** `--gpus all`, `--gpus 2`, `--gpus '"device=0,1",driver=nvidia'`: devices of the Container Device Interface. Pure. */
import { OnggiError, unsupported } from '../../errors.ts';

/** Docker's driver "nvidia"; `nvidia-ctk cdi generate` writes specifications of this kind. */
const kinds: Readonly<Record<string, string>> = {
  nvidia: 'nvidia.com/gpu',
  amd: 'amd.com/gpu',
  intel: 'intel.com/gpu',
};

/** @returns names of CDI devices. @throws OnggiError `invalid` */
export function parseGpus(text: string): string[] {
  let [count, driver, ids]: [string | undefined, string, readonly string[]] = [undefined, 'nvidia', []];
  for (const field of fields(text)) {
    const equals = field.indexOf('=');
    const [name, value] = equals < 0 ? ['count', field] : [field.slice(0, equals), field.slice(equals + 1)];
    if (name === 'count') count = value;
    else if (name === 'driver') driver = value;
    else if (name === 'device') ids = value.split(',').filter(Boolean);
    else if (name === 'capabilities' || name === 'options') {
      // Specifications are made for all of what a driver can do.
      if (name === 'options' || !value.split(',').every((word) => word === 'gpu' || word === 'all')) {
        throw unsupported(`gpu request ${name}=${value}`);
      }
    } else throw new OnggiError('invalid', `unexpected key '${name}' in '${field}'`);
  }
  const kind = Object.hasOwn(kinds, driver) ? kinds[driver] : undefined;
  if (kind === undefined)
    throw new OnggiError('invalid', `gpu driver '${driver}': there are ${Object.keys(kinds).join(', ')}`);
  if (ids.length > 0 && count !== undefined)
    throw new OnggiError('invalid', 'cannot set both count and device IDs on device request');
  if (ids.length > 0) return ids.map((id) => `${kind}=${id}`);
  if (count === 'all' || count === '-1' || count === undefined) return [`${kind}=all`];
  if (!/^\d{1,3}$/.test(count))
    throw new OnggiError('invalid', `invalid count (${count}): value must be either "all" or an integer`);
  return Array.from({ length: Number(count) }, (_, index) => `${kind}=${index}`);
}

/** Fields of a line of CSV, in which quotes hold commas together. */
function fields(text: string): string[] {
  return [...text.matchAll(/\s*(?:"([^"]*)"|([^,]*))(?:,|$)/g)]
    .map(([, quoted, plain = '']) => quoted ?? plain)
    .filter(Boolean);
}
