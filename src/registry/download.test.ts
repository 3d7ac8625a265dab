import assert from 'node:assert/strict';
import { test } from 'node:test';
import { download } from './download.ts';
import { directRoutes } from './route.ts';
import { serve } from './testing.ts';

async function fetched(address: string): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of download(directRoutes, address, undefined)) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

test('a file comes by redirects; the password goes to its own server alone, and is in no error', async () => {
  await using other = await serve(({ headers }, response) => response.end(`other ${headers.authorization}`));
  await using server = await serve(({ path, headers }, response) => {
    if (path === '/away') response.writeHead(302, { location: `http://${other.host}/x` }).end();
    else if (path === '/on') response.writeHead(307, { location: '/here?secret=1' }).end();
    else if (path === '/round') response.writeHead(301, { location: '/round' }).end();
    else if (path === '/file') response.writeHead(302, { location: 'file:///etc/passwd' }).end();
    else if (path.startsWith('/here')) response.end(`here ${headers.authorization}`);
    else response.writeHead(404).end();
  });
  const at = (path: string) => `http://me:pass@${server.host}${path}`;
  const basic = `Basic ${Buffer.from('me:pass').toString('base64')}`;
  assert.equal(await fetched(at('/on')), `here ${basic}`);
  assert.equal(await fetched(at('/away')), 'other undefined');
  assert.equal(await fetched(`http://${server.host}/here`), 'here undefined');
  const fails = (path: string, code: string, pattern: RegExp) =>
    assert.rejects(fetched(at(path)), (error: Error & { code?: string }) => {
      assert.match(error.message, pattern);
      assert.doesNotMatch(error.message, /pass@|secret/);
      return error.code === code;
    });
  await fails('/none?secret=1', 'not-found', /^download "http:\/\/[\d.:]+\/none": ".*" answered 404$/);
  await fails('/round', 'unsupported', /over 5 redirects/);
  await fails('/file', 'denied', /redirects to "null"|which is not https/);
  await assert.rejects(fetched('http://'), { code: 'invalid' });
});
