/** SCMP_ACT_NOTIFY: the listener and the state of the container get to an agent, who answers from then on. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import type { Process, Seccomp } from '../../src/oci/runtime-spec.ts';
import { abiOf } from '../../src/runtime/seccomp/abi.ts';
import { architectureNames, architectureOf } from '../../src/runtime/seccomp/architecture.ts';
import { layOut, repository } from '../harness/busybox-image.ts';
import { lockMachine } from '../harness/machine-lock.ts';
import { requires } from '../harness/requires.ts';
import { makeScratch } from '../harness/scratch.ts';
import { runSpec, specOf } from './spec-container.ts';

const own = abiOf(architectureNames[architectureOf(process.arch)][0] ?? '');
const numberOf = (name: string): number => own.numbers().get(name) ?? assert.fail(name);

type Said = { readonly fds: number; readonly state: Readonly<Record<string, unknown>> };

/** @param rules "NUMBER=ERRNO,..." */
async function startAgent(socket: string, rules: string) {
  const agent = spawn('python3', [join(repository, 'test/harness/seccomp-agent.py'), socket, rules], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: agent.stdout })[Symbol.asyncIterator]();
  assert.equal((await lines.next()).value, 'ready');
  return { agent, lines };
}

/** Runs `args` while an agent answers, who fails the calls `denied`. Tells what the agent was told and has denied. */
async function withAgent(
  seccomp: Omit<Seccomp, 'listenerPath'>,
  args: string[],
  denied: ReadonlyMap<string, number>,
  process: Partial<Process> = {},
) {
  await using scratch = makeScratch();
  const directory = join(scratch.path, 'a-path-that-is-longer-than-an-address-of-a-socket-has-room-for'.repeat(3));
  mkdirSync(directory);
  const socket = join(directory, 'agent.sock');
  const rules = [...denied].map(([name, errno]) => `${numberOf(name)}=${errno}`).join();
  const { agent, lines } = await startAgent(socket, rules);
  try {
    let pid = 0;
    const told = await runSpec(
      {
        args,
        process,
        linux: { seccomp: { ...seccomp, listenerPath: socket } },
        spec: { annotations: { 'org.example.key': 'a "quoted" value' } },
      },
      (event) => {
        if (event.type === 'status' && event.state === 'created') pid = event.pid;
      },
    );
    const said: Said = JSON.parse(String((await lines.next()).value));
    const calls: number[] = [];
    for await (const line of lines) calls.push(JSON.parse(line).denied);
    return { told, said, calls, pid };
  } finally {
    if (agent.exitCode === null) {
      agent.kill('SIGKILL');
      await once(agent, 'exit');
    }
  }
}

test(
  'the agent gets the state with the process id and one descriptor, and answers',
  requires('root', 'python3'),
  async () => {
    const seccomp: Seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      listenerMetadata: 'what the agent\nwants to know',
      syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_NOTIFY' }],
    };
    const denied = new Map(
      [
        ['mkdir', 76],
        ['mkdirat', 76],
      ].filter(([name]) => own.numbers().has(String(name))) as [string, number][],
    );
    const { told, said, calls, pid } = await withAgent(seccomp, ['mkdir', '/x'], denied);
    assert.equal(said.fds, 1);
    const { state, ...outer } = said.state;
    assert.deepEqual(outer, {
      ociVersion: '1.2.0',
      fds: ['seccompFd'],
      pid,
      metadata: 'what the agent\nwants to know',
    });
    const { id, bundle, ...inner } = state as Record<string, unknown>;
    assert.ok(typeof id === 'string' && id !== '' && typeof bundle === 'string' && existsSync(bundle) === false);
    assert.deepEqual(inner, {
      ociVersion: '1.2.0',
      status: 'creating',
      pid,
      annotations: { 'org.example.key': 'a "quoted" value' },
    });
    assert.equal(calls.length, 1);
    assert.notEqual(told.exit.exitCode, 0);
    assert.match(told.stderr, /not unique/i);
  },
);

for (const noNewPrivileges of [false, true]) {
  const title = `every call is the agent's business, from the first one on; no_new_privs: ${noNewPrivileges}`;
  test(title, requires('root', 'python3'), async () => {
    const seccomp: Seccomp = { defaultAction: 'SCMP_ACT_NOTIFY', flags: ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'] };
    const call = `native:${numberOf('getsid')}`;
    const denied = new Map([['getsid', 42]]);
    const { told, calls } = await withAgent(seccomp, ['onggi-probe', 'syscall', call], denied, { noNewPrivileges });
    assert.equal(told.stdout, `${call} -42\n`, told.stderr);
    assert.deepEqual(calls, [numberOf('getsid')]);
  });
}

test('no agent, one that is none, or none at the path: the container does not start', requires('root'), async () => {
  await using scratch = makeScratch();
  const seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }] };
  const failure = async (listenerPath: string) => {
    const told = await runSpec({ args: ['true'], linux: { seccomp: { ...seccomp, listenerPath } } });
    return told.fail();
  };
  const missing = await failure(join(scratch.path, 'nothing'));
  assert.equal(missing.errno, 2);
  assert.match(missing.text, /send the container's state to the seccomp agent at ".*nothing"/);
  assert.equal((await failure('/bin/sh')).errno, 111);
});

test(
  'onggi-runtime: the agent is told at create, and of each exec by itself',
  requires('root', 'python3'),
  async () => {
    await lockMachine();
    await using scratch = makeScratch();
    const socket = join(scratch.path, 'agent');
    layOut(join(scratch.path, 'root'));
    const id = `onggi-agent-${process.pid}`;
    const runtime = (...args: string[]): string => {
      const argv = ['--root', join(scratch.path, 'state'), ...args];
      // Files: the container keeps them open, so a pipe would not end.
      const files = ['out', 'err'].map((name) => join(scratch.path, name));
      const descriptors = files.map((path) => openSync(path, 'w'));
      const result = spawnSync(join(repository, 'dist/onggi-runtime'), argv, { stdio: ['ignore', ...descriptors] });
      for (const fd of descriptors) closeSync(fd);
      const [out = '', complaint = ''] = files.map((path) => readFileSync(path, 'utf8'));
      assert.equal(result.status, 0, complaint);
      return out;
    };
    const spec = specOf({ args: ['sleep', '60'] });
    const seccomp: Seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['getsid'], action: 'SCMP_ACT_NOTIFY' }],
      listenerPath: socket,
    };
    writeFileSync(join(scratch.path, 'config.json'), JSON.stringify({ ...spec, linux: { ...spec.linux, seccomp } }));
    const rule = `${numberOf('getsid')}=42`;
    const first = await startAgent(socket, rule);
    const agents = [first.agent];
    try {
      runtime('create', '--bundle', scratch.path, id);
      const told: Said = JSON.parse(String((await first.lines.next()).value));
      const state = JSON.parse(runtime('state', id)) as { pid: number };
      assert.equal(told.state['pid'], state.pid);
      runtime('start', id);
      const second = await startAgent(socket, rule);
      agents.push(second.agent);
      const call = `native:${numberOf('getsid')}`;
      assert.equal(runtime('exec', id, 'onggi-probe', 'syscall', call), `${call} -42\n`);
      const again: Said = JSON.parse(String((await second.lines.next()).value));
      assert.notEqual(again.state['pid'], state.pid);
      const inner = again.state['state'] as Record<string, unknown>;
      assert.deepEqual([inner['pid'], inner['status'], inner['id']], [state.pid, 'running', id]);
    } finally {
      runtime('delete', '--force', id);
      for (const agent of agents) agent.kill('SIGKILL');
    }
  },
);
