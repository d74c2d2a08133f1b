import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { NextFunction, Request, Response } from 'express';
import { consolePolicy, isApiPath } from './security-headers.js';

/** What the console's build leaves in index.html where a nonce belongs. */
export const NONCE_PLACEHOLDER = '__CSP_NONCE__';

/**
 * Express middleware: the console is one page whatever its path (its router reads the path), made anew for each
 * request with a nonce of its own, and so never stored. Paths with an extension are files and not the page.
 */
export function consolePages(directory: string) {
  const index = join(directory, 'index.html');
  return async (request: Request, response: Response, next: NextFunction): Promise<void> => {
    const page = (request.method === 'GET' || request.method === 'HEAD') && extname(request.path) === '';
    if (!page || isApiPath(request.path)) return next();
    const html = await readIndex(index);
    if (html === undefined) return next();
    const nonce = randomBytes(NONCE_OCTETS).toString('base64url');
    response.set({ 'Content-Security-Policy': consolePolicy(nonce), 'Cache-Control': 'no-store' });
    response.type('html').send(html.replaceAll(NONCE_PLACEHOLDER, nonce));
  };
}

/** Undefined when the console has not been built: then its paths are not found. */
async function readIndex(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

const NONCE_OCTETS = 16;
