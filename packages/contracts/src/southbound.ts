/** The southbound gRPC contract (`proto/weft/southbound/v1`), generated; this file only gathers it. */
export * from './gen/southbound/weft/southbound/v1/bundle.js';
export * from './gen/southbound/weft/southbound/v1/enrollment.js';
export * from './gen/southbound/weft/southbound/v1/events.js';
export * from './gen/southbound/weft/southbound/v1/security_association.js';
export * from './gen/southbound/weft/southbound/v1/session.js';
export * from './gen/southbound/weft/southbound/v1/status.js';
