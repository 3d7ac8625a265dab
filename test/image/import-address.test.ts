/** `onggi import` of an address, and below a policy. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tarOf } from '../../src/image/testing.ts';
import { serve } from '../../src/registry/testing.ts';
import { imageTest } from '../harness/system-test.ts';

imageTest('import takes an address; what is cut off or refused by the policy leaves nothing', [], async (world) => {
  const tar = tarOf({ name: 'file', content: 'x' });
  await using server = await serve(({ path }, response) => {
    if (path === '/root.tar') response.end(tar);
    else if (path === '/short.tar') response.end(tar.subarray(0, 600));
    else response.writeHead(404).end();
  });
  const address = (name: string) => `http://${server.host}/${name}`;
  const id = await world.ok(['import', '-q', '-c', 'CMD ["/x"]', '-m', 'from the web', address('root.tar'), 'web']);
  assert.equal(await world.ok(['image', 'inspect', '-f', '{{.Id}} {{.Config.Cmd}}', 'web']), `${id} [/x]`);
  for (const [name, wanted] of [
    ['none.tar', /download "http:.*none.tar".*answered 404/],
    ['short.tar', /ends inside entry 2/],
  ] as const) {
    const { status, stderr } = await world.onggi(['import', address(name), 'other']);
    assert.equal(status, 1);
    assert.match(stderr, wanted);
  }
  const policy = join(world.scratch, 'policy.json');
  const env = { ONGGI_SIGNATURE_POLICY: policy };
  const rules = (tarball: string) =>
    writeFileSync(
      policy,
      JSON.stringify({ default: [{ type: 'reject' }], transports: { tarball: { '': [{ type: tarball }] } } }),
    );
  rules('reject');
  const refused = await world.onggi(['import', address('root.tar'), 'other'], { env });
  assert.match(refused.stderr, /image of a "tarball": policy ".*" rejects it/);
  assert.equal(await world.ok(['images', '-q', 'other']), '');
  rules('insecureAcceptAnything');
  await world.ok(['import', address('root.tar'), 'other'], { env });
});
