/**
 * Dockerfile instructions that set the configuration of an image: `--change` of `import` and `commit`.
 * Pure. What the instruction means for a build only is refused by name.
 */
import { posix } from 'node:path';
import { OnggiError, unsupported } from '../errors.ts';
import { splitWords, words } from './dockerfile-word.ts';
import { healthcheck } from './healthcheck.ts';

/** The `config` field of an image config (config.md), as it is written. */
export type ConfigFields = {
  Env?: string[];
  Cmd?: string[];
  Entrypoint?: string[];
  WorkingDir?: string;
  User?: string;
  ExposedPorts?: Record<string, object>;
  Labels?: Record<string, string>;
  Volumes?: Record<string, object>;
  StopSignal?: string;
  Healthcheck?: Record<string, unknown>;
  OnBuild?: string[];
};

/** Those that a container decides; OnBuild is for builds on top of the image. */
export const configFields = [
  'Env',
  'Cmd',
  'Entrypoint',
  'WorkingDir',
  'User',
  'ExposedPorts',
  'Labels',
  'Volumes',
  'StopSignal',
  'Healthcheck',
] as const satisfies readonly (keyof ConfigFields)[];

/**
 * @param before what they change; stays as it is
 * @throws OnggiError `invalid`, `unsupported`
 */
export function applyChanges(changes: readonly string[], before: ConfigFields = {}): ConfigFields {
  const config: ConfigFields = { ...before };
  let commandSet = false;
  for (const change of changes) {
    const match = /^\s*([A-Za-z]+)(?:\s+([\s\S]*?))?\s*$/.exec(change);
    const name = match?.[1]?.toUpperCase() ?? '';
    const instruction = Object.hasOwn(instructions, name) ? instructions[name] : undefined;
    if (instruction === undefined) {
      if (known.has(name)) throw unsupported(`${name} in --change`);
      throw new OnggiError('invalid', `change "${change.slice(0, 200)}": not a Dockerfile instruction`, {
        hint: `Use one of ${Object.keys(instructions).join(', ')}.`,
      });
    }
    const rest = match?.[2] ?? '';
    if (rest === '') throw new OnggiError('invalid', `change "${change.slice(0, 200)}": ${name} requires an argument`);
    // As in a Dockerfile: a new entrypoint drops the command that was meant for the old one.
    if (name === 'ENTRYPOINT' && !commandSet) delete config.Cmd;
    if (name === 'CMD') commandSet = true;
    instruction(config, rest);
  }
  return config;
}

/** Instructions of builds; they make no sense without one. */
const known = new Set(['FROM', 'RUN', 'COPY', 'ADD', 'ARG', 'SHELL', 'MAINTAINER']);

type Instruction = (config: ConfigFields, rest: string) => void;

const instructions: Readonly<Record<string, Instruction>> = {
  CMD: (config, rest) => {
    config.Cmd = command(rest);
  },
  ENTRYPOINT: (config, rest) => {
    config.Entrypoint = command(rest);
  },
  ENV: (config, rest) => {
    for (const [name, value] of pairs('ENV', rest, config)) setEnv(config, name, value);
  },
  LABEL: (config, rest) => {
    config.Labels = { ...config.Labels, ...Object.fromEntries(pairs('LABEL', rest, config)) };
  },
  WORKDIR: (config, rest) => {
    config.WorkingDir = posix.resolve(config.WorkingDir ?? '/', single('WORKDIR', rest, config));
  },
  USER: (config, rest) => {
    config.User = single('USER', rest, config);
  },
  EXPOSE: (config, rest) => {
    const ports = words(rest, config.Env ?? []).flatMap(portsOf);
    config.ExposedPorts = { ...config.ExposedPorts, ...Object.fromEntries(ports.map((port) => [port, {}])) };
  },
  VOLUME: (config, rest) => {
    const paths = jsonList(rest) ?? words(rest, config.Env ?? []);
    for (const path of paths) {
      if (!path.startsWith('/')) throw new OnggiError('invalid', `VOLUME "${path}": not an absolute path`);
    }
    config.Volumes = { ...config.Volumes, ...Object.fromEntries(paths.map((path) => [path, {}])) };
  },
  STOPSIGNAL: (config, rest) => {
    const signal = single('STOPSIGNAL', rest, config);
    if (!/^(?:(?:SIG)?[A-Z0-9+-]{2,16}|\d{1,2})$/i.test(signal)) {
      throw new OnggiError('invalid', `STOPSIGNAL "${signal}": not a signal`);
    }
    config.StopSignal = signal;
  },
  HEALTHCHECK: (config, rest) => {
    config.Healthcheck = healthcheck(rest, jsonList);
  },
  ONBUILD: (config, rest) => {
    const [, trigger = ''] = /^([A-Za-z]+)\s+\S/.exec(rest) ?? [];
    const name = trigger.toUpperCase();
    if (!known.has(name) && (!Object.hasOwn(instructions, name) || name === 'ONBUILD')) {
      throw new OnggiError('invalid', `ONBUILD "${rest.slice(0, 200)}": not an instruction with an argument`);
    }
    if (name === 'FROM' || name === 'MAINTAINER') throw new OnggiError('invalid', `ONBUILD ${name}: not allowed`);
    config.OnBuild = [...(config.OnBuild ?? []), rest];
  },
};

/** A JSON list is the command itself, anything else a line for the shell. */
function command(rest: string): string[] {
  return jsonList(rest) ?? ['/bin/sh', '-c', rest];
}

function jsonList(rest: string): string[] | undefined {
  if (!rest.startsWith('[')) return undefined;
  try {
    const value: unknown = JSON.parse(rest);
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  } catch {
    // As in Docker, what only looks like JSON is a line for the shell.
  }
  return undefined;
}

/** `A=1 B="two words"`, or the old `A the rest of the line`. */
function pairs(name: string, rest: string, config: ConfigFields): [string, string][] {
  const env = config.Env ?? [];
  const raw = splitWords(rest);
  const [first = ''] = raw;
  if (!first.includes('=')) {
    const value = rest.slice(first.length).trim();
    if (value === '') throw new OnggiError('invalid', `${name} "${rest.slice(0, 200)}": must have two arguments`);
    return [[words(first, env).join(''), words(`"${value.replace(/(["\\])/g, '\\$1')}"`, env).join(' ')]];
  }
  return raw.map((word) => {
    const equals = word.indexOf('=');
    if (equals < 1) throw new OnggiError('invalid', `${name} "${word.slice(0, 200)}": not NAME=value`);
    const value = words(word.slice(equals + 1), env).join(' ');
    return [words(word.slice(0, equals), env).join(''), value];
  });
}

function setEnv(config: ConfigFields, name: string, value: string): void {
  const others = (config.Env ?? []).filter((entry) => !entry.startsWith(`${name}=`));
  const at = (config.Env ?? []).findIndex((entry) => entry.startsWith(`${name}=`));
  config.Env = others.toSpliced(at === -1 ? others.length : at, 0, `${name}=${value}`);
}

function single(name: string, rest: string, config: ConfigFields): string {
  const [only, ...more] = words(rest, config.Env ?? []);
  if (only === undefined || only === '' || more.length > 0) {
    throw new OnggiError('invalid', `${name} "${rest.slice(0, 200)}": requires exactly one argument`);
  }
  return only;
}

/** "80", "80/udp", "8000-8003/tcp" */
function portsOf(text: string): string[] {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(text);
  const from = Number(match?.[1]);
  const to = match?.[2] === undefined ? from : Number(match[2]);
  if (match === null || from < 1 || to > 65_535 || to < from) {
    throw new OnggiError('invalid', `EXPOSE "${text.slice(0, 100)}": not a port, or FROM-TO, with /tcp or /udp`);
  }
  const protocol = (match[3] ?? 'tcp').toLowerCase();
  return Array.from({ length: to - from + 1 }, (_, index) => `${from + index}/${protocol}`);
}
