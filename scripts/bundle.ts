/**
 * Bundles the program for the executable:
 *
 *   node scripts/bundle.ts DIRECTORY      makes DIRECTORY/main.js, with what it loads beside it
 *
 * A command reads only what it uses, in few pieces: to load a module takes Bun some 40 µs beside what its text costs,
 * and split by what uses what alone, `run` would load 130 of them.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { rolldown } from 'rolldown';
import { groupsOf } from './bundle-groups.ts';
import { hotCommands } from './hot-commands.ts';

const source = resolve(import.meta.dirname, '../src');
const [target] = process.argv.slice(2);
if (target === undefined) throw new Error('usage: bundle.ts DIRECTORY');

const paths = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));
const files = new Map(paths.map((path) => [path, readFileSync(join(source, path), 'utf8')]));
const groups = groupsOf(files, hotCommands);
// `--version` answers by the entry alone.
for (const path of ['cli/main.ts', 'version.ts']) groups.delete(path);

rmSync(target, { recursive: true, force: true });
await using bundle = await rolldown({
  input: { main: join(source, 'cli/main.ts') },
  platform: 'node',
  preserveEntrySignatures: false,
  // Modules that one command needs at once and another one later.
  checks: { ineffectiveDynamicImport: false },
  onLog(_level, log) {
    throw new Error(log.message);
  },
  plugins: [{ name: 'plain-namespaces', renderChunk: withPlainNamespaces }],
});
await bundle.write({
  dir: target,
  format: 'esm',
  minify: true,
  comments: false,
  codeSplitting: {
    // They are in groups of their own.
    includeDependenciesRecursively: false,
    groups: [{ debugName: 'hot commands', name: (id) => groups.get(relative(source, id)) ?? null }],
  },
});

/**
 * What a module exports, where a dynamic import finds it in the middle of a group: Rolldown makes such an object by a
 * function and a property at a time, before anybody asks for it; as a literal it costs a start half a millisecond less.
 */
function withPlainNamespaces(code: string): string {
  const plain = code.replace(/__exportAll\(\{([^{}]*)\}\)/g, (_call, getters: string) => {
    const literal = getters.replace(/([\w$]+|"[^"]*"): \(\) => ([\w$]+)/g, 'get $1() { return $2; }');
    return `({${literal}})`;
  });
  if (plain.includes('__exportAll({')) throw new Error('an export of a kind that is not known');
  return plain;
}
