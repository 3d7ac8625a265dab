/**
 * Image configs (config.md of the OCI image specification; Docker's differ in nothing that is read here). They are
 * written by strangers: only the fields of `ImageProcess` and what names the layers come out of here, so no label,
 * annotation, history or extension of an image can become a setting of the engine (THREATS, class H).
 */
import * as v from 'valibot';
import { OnggiError } from '../errors.ts';
import { type DiffId, type Digest, isDigest } from '../oci/digest.ts';
import { type HealthConfig, parseHealthTest } from '../oci/health.ts';
import { type ImageConfig, maxLayers, maxManifestSize } from '../oci/image-spec.ts';
import { readBlob } from '../store/blob.ts';
import type { Store } from '../store/store.ts';

declare const brand: unique symbol;
/**
 * A value out of an image. It is a type of its own, so that it fits nowhere where the engine or a policy expects a
 * value of the user; the one who merges image and user options unwraps it by name.
 */
export type Untrusted<T> = { readonly [brand]: 'untrusted'; readonly value: T };

export function untrusted<T>(value: T): Untrusted<T> {
  return { value } as Untrusted<T>;
}

/** Lengths are those of the kernel: one argument or variable has 128 KiB (MAX_ARG_STRLEN), a path 4096. */
const argument = v.pipe(v.string(), v.maxLength(128 * 1024), v.regex(/^[^\0]*$/));
const path = v.pipe(v.string(), v.maxLength(4096), v.regex(/^[^\0\n]*$/));
const list = v.nullish(v.pipe(v.array(argument), v.maxLength(10_000)));
const keys = v.nullish(v.pipe(v.record(path, v.unknown()), v.maxEntries(10_000)));
const word = v.pipe(v.string(), v.maxLength(64), v.regex(/^[A-Za-z0-9._-]+$/));

/** Up to a hundred years. */
const nanoseconds = v.nullish(v.pipe(v.number(), v.minValue(0), v.maxValue(100 * 365 * 86400e9)));

const process = v.object({
  Env: list,
  /** Docker once wrote a string where the specification wants a list; such images are not made any more. */
  Entrypoint: list,
  Cmd: list,
  WorkingDir: v.nullish(path),
  User: v.nullish(v.pipe(v.string(), v.maxLength(256), v.regex(/^[^\0\n]*$/))),
  ExposedPorts: keys,
  Volumes: keys,
  Labels: v.nullish(v.pipe(v.record(v.pipe(v.string(), v.maxLength(4096)), argument), v.maxEntries(10_000))),
  Healthcheck: v.nullish(
    v.object({
      Test: list,
      Interval: nanoseconds,
      Timeout: nanoseconds,
      StartPeriod: nanoseconds,
      StartInterval: nanoseconds,
      Retries: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 31 - 1))),
    }),
  ),
  StopSignal: v.nullish(v.pipe(v.string(), v.maxLength(32), v.regex(/^[A-Za-z0-9+-]*$/))),
});

const schema = v.object({
  architecture: word,
  os: word,
  variant: v.nullish(v.pipe(v.string(), v.maxLength(64), v.regex(/^[A-Za-z0-9._-]*$/))),
  created: v.nullish(v.pipe(v.string(), v.maxLength(64))),
  config: v.nullish(process),
  rootfs: v.object({
    type: v.literal('layers'),
    diff_ids: v.pipe(
      v.array(v.custom<DiffId>((value) => typeof value === 'string' && isDigest(value), 'not a digest')),
      v.maxLength(maxLayers),
    ),
  }),
});

/**
 * The config of an image that is in the store, checked as if it had just come.
 * @throws OnggiError `not-found`, `corrupt`
 */
export function readImageConfig(store: Store, id: Digest): Untrusted<ImageConfig> {
  return parseImageConfig(readBlob(store.layout, id, maxManifestSize), `image config "${id}"`);
}

/**
 * Reads the bytes of a config; unknown fields are left alone.
 * @param what names it in errors: 'image config "sha256:..."'
 * @throws OnggiError `corrupt`
 */
export function parseImageConfig(bytes: Uint8Array, what: string): Untrusted<ImageConfig> {
  const parsed = v.safeParse(schema, parseJson(bytes, what));
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const where = v.getDotPath(issue) ?? 'the whole';
    throw new OnggiError('corrupt', `${what}: field "${where}": ${issue.message.slice(0, 300)}`);
  }
  const { architecture, os, variant, created, config, rootfs } = parsed.output;
  const time = created === undefined || created === null ? Number.NaN : Date.parse(created);
  return untrusted({
    platform: { os, architecture, variant: variant === undefined || variant === '' ? null : variant },
    created: Number.isNaN(time) ? 0 : time,
    diffIds: rootfs.diff_ids,
    process: {
      env: config?.Env ?? [],
      entrypoint: config?.Entrypoint ?? [],
      cmd: config?.Cmd ?? [],
      workingDir: config?.WorkingDir ?? '',
      user: config?.User ?? '',
      exposedPorts: Object.keys(config?.ExposedPorts ?? {}),
      volumes: Object.keys(config?.Volumes ?? {}),
      labels: config?.Labels ?? {},
      stopSignal: config?.StopSignal || null,
      ...healthOf(config?.Healthcheck),
    },
  });
}

/**
 * Milliseconds. To enter the container is work outside of its limits, so an image has no say in doing it all the time;
 * a user has.
 */
const leastInterval = 100;

/** A test that is none of Docker's is passed over: no image has to be refused for it. */
function healthOf(written: v.InferOutput<typeof process>['Healthcheck']): { readonly health?: HealthConfig } {
  if (written === undefined || written === null) return {};
  const test = parseHealthTest(written.Test ?? []);
  const { Interval, Timeout, StartPeriod, StartInterval, Retries } = written;
  const time = (name: string, value: number | null | undefined, least = 1) =>
    value ? { [name]: Math.max(least, value / 1e6) } : {};
  const health = {
    ...(test !== undefined && { test }),
    ...time('interval', Interval, leastInterval),
    ...time('timeout', Timeout),
    ...time('startPeriod', StartPeriod),
    ...time('startInterval', StartInterval, leastInterval),
    ...(Retries ? { retries: Retries } : {}),
  };
  return { health };
}

function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new OnggiError('corrupt', `${what}: not JSON`, { cause });
  }
}
