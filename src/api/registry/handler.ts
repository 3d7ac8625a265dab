/** Which function answers which request. */
import type { IncomingMessage } from 'node:http';
import type { Content, WritableContent } from '../../engine/content/content.ts';
import { type Answer, failure, json, refuse } from './answer.ts';
import { deleteBlob, getBlob } from './blob-handler.ts';
import { type BodyLimits, bodyRefusal } from './body.ts';
import { catalog, referrers, tagList } from './list-handler.ts';
import { deleteManifest, getManifest, putManifest } from './manifest-handler.ts';
import { parseRoute, parseTarget, type Route } from './route.ts';
import { startUpload, uploadRequest } from './upload-handler.ts';
import type { Uploads } from './uploads.ts';

/** What the handlers work with. */
export type Registry = {
  readonly content: Content;
  /** The same, if it may be written to. */
  readonly writable: WritableContent | null;
  readonly uploads: Uploads;
  readonly body: BodyLimits;
  /** Bytes of one blob. */
  readonly largestBlob: number;
  /** For what the client need not know. */
  readonly report: (error: unknown) => void;
};

export type Call = {
  readonly method: string;
  readonly request: IncomingMessage;
  readonly path: string;
  readonly query: URLSearchParams;
};

/** Never rejects. */
export async function handle(registry: Registry, request: IncomingMessage): Promise<Answer> {
  try {
    const target = parseTarget(request.url ?? '');
    if (target === undefined) return refuse('NAME_INVALID', 'not a path of this registry');
    const route = parseRoute(target.path);
    if ('status' in route) return route;
    return await dispatch(registry, route, { method: request.method ?? '', request, ...target });
  } catch (error) {
    const refusal = bodyRefusal(error);
    if (refusal !== undefined) return refusal;
    registry.report(error);
    return failure(error);
  }
}

async function dispatch(registry: Registry, route: Route, call: Call): Promise<Answer> {
  const reads = call.method === 'GET' || call.method === 'HEAD';
  const { content, writable } = registry;
  switch (route.kind) {
    case 'base':
      return reads ? json({}) : notAllowed(call, 'GET, HEAD');
    case 'catalog':
      return reads ? await catalog(content, call) : notAllowed(call, 'GET, HEAD');
    case 'tags':
      return reads ? await tagList(content, route, call) : notAllowed(call, 'GET, HEAD');
    case 'referrers':
      return reads ? await referrers(content, route, call) : notAllowed(call, 'GET, HEAD');
    case 'manifest':
      if (reads) return await getManifest(content, route, call);
      if (call.method !== 'PUT' && call.method !== 'DELETE') return notAllowed(call, 'GET, HEAD, PUT, DELETE');
      if (writable === null) return readOnly;
      return call.method === 'PUT'
        ? await putManifest(writable, route, call, registry.body)
        : await deleteManifest(writable, route);
    case 'blob':
      if (reads) return await getBlob(content, route, call);
      if (call.method !== 'DELETE') return notAllowed(call, 'GET, HEAD, DELETE');
      return writable === null ? readOnly : await deleteBlob(writable, route);
    case 'uploads':
      if (call.method !== 'POST') return notAllowed(call, 'POST');
      return writable === null ? readOnly : await startUpload(registry, writable, route.repository, call);
    case 'upload':
      if (!['GET', 'PATCH', 'PUT', 'DELETE'].includes(call.method)) return notAllowed(call, 'GET, PATCH, PUT, DELETE');
      return writable === null ? readOnly : await uploadRequest(registry, route, call);
  }
}

const readOnly: Answer = refuse('UNSUPPORTED', 'nothing can be changed in this registry');

function notAllowed({ method }: Call, allow: string): Answer {
  return refuse('UNSUPPORTED', `${method.slice(0, 20)} has no meaning here`, { headers: { allow } });
}
