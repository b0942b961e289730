/**
 * An `HttpClient` for Fly's APIs, over any `HttpClient` of Effect. Nothing here depends on Node.
 *
 * @since 0.1.0
 */
export type { FlyHttpClientOptions, FlyHttpError } from "./layers/http/Exchange.ts"
export { FlyHttpClient } from "./layers/http/FlyHttpClient.ts"
export { UntrustedOrigin } from "./layers/http/UntrustedOrigin.ts"
