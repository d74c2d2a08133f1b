import type { NextFunction, Request, Response } from 'express';

/** Express middleware: headers for every answer. Whoever serves a page replaces the policy by one that the page can live with. */
export function securityHeaders(request: Request, response: Response, next: NextFunction): void {
  response.set({
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
  });
  if (request.secure) response.set('Strict-Transport-Security', 'max-age=31536000');
  if (isApiPath(request.path)) response.set('Cache-Control', 'no-store');
  next();
}

/** True for what the REST API answers; false for what the console does. */
export function isApiPath(path: string): boolean {
  return path === '/healthz' || path === '/readyz' || path === '/api' || path.startsWith('/api/');
}

/**
 * Policy of the console: everything from here, styles and scripts in the page by nonce only (Mantine makes style
 * elements at run time), no frame around it, no form that leads elsewhere.
 */
export function consolePolicy(nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'self' 'nonce-${nonce}'`,
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ');
}
