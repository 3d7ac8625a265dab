/** Containers by the options of others, and the question whether something is there. */
import assert from 'node:assert/strict';
import { systemTest } from '../harness/system-test.ts';

systemTest('a clone has the options of the original and none of its files', ['busybox'], async (world) => {
  const { image } = world;
  const flags = ['--network', 'none', '-e', 'FOO=bar', '-m', '64m', '--name', 'first'];
  const script = 'echo $FOO; ls /made 2>&1; touch /made';
  const first = await world.ok(['create', ...flags, image, 'sh', '-c', script]);
  assert.match(await world.ok(['start', '-a', first]), /^bar\nls: \/made: No such file/);
  const id = await world.ok(['container', 'clone', '--memory', '32m', 'first']);
  assert.equal(
    await world.ok(['inspect', '-f', '{{.Name}} {{.HostConfig.Memory}}', id]),
    `/first-clone ${32 * 1024 * 1024}`,
  );
  assert.match(await world.ok(['start', '-a', id]), /^bar\nls: \/made: No such file/);
  await world.ok(['container', 'clone', 'first', 'named', image]);
  assert.equal((await world.onggi(['container', 'clone', 'first', 'named'])).status, 1);
  const moved = await world.ok(['container', 'clone', '--destroy', '--run', 'first']);
  assert.notEqual(moved, first);
  assert.equal(await world.ok(['inspect', '-f', '{{.Name}}', moved]), '/first');
  const exists = async (...words: string[]): Promise<number | null> => {
    const { status, stdout, stderr } = await world.onggi(words);
    assert.equal(stdout + stderr, '');
    return status;
  };
  assert.deepEqual([await exists('container', 'exists', 'first'), await exists('container', 'exists', first)], [0, 1]);
  // Podman's status for what is no question: a name that a script has not filled in.
  for (const words of [[''], [], ['first', 'first']]) {
    assert.equal((await world.onggi(['container', 'exists', ...words])).status, 125);
  }
  assert.deepEqual([await exists('image', 'exists', image), await exists('image', 'exists', 'nothing')], [0, 1]);
  assert.deepEqual([await exists('volume', 'exists', 'nothing'), await exists('secret', 'exists', 'nothing')], [1, 1]);
  await world.ok(['wait', moved]);
});
